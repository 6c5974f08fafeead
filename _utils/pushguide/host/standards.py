"""Code standards on this host: what has become of a live release since it was unpacked."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pushguide.host import journal as journals
from pushguide.host.journal import Release
from pushguide.host.links import leads_elsewhere
from pushguide.host.windows.paths import extended, plain
from pushguide.standards.checking import check
from pushguide.standards.kinds import Facts
from pushguide.standards.listing import DIRECTORY, FILE, LINK, OTHER, Entry, Listing
from pushguide.standards.rules import Rule

#: How much of a release is listed at the most: entries, and bytes of their paths.
MOST_ENTRIES = 100_000
MOST_PATH_BYTES = 16 * 2**20
#: How many findings a host answers with, and how many a step names.
_MOST_ANSWERED = 200
_MOST_NAMED = 5


def live_findings(
    opts: Mapping[str, Any], module: str, environment: str, rules: Iterable[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Look at the live release of a module with the rules of the code standards.

    Args:
        opts: the minion's configuration.
        module: the module.
        environment: its environment.
        rules: the rules, as plain data.

    Returns:
        What :func:`findings_in` answers, None where nothing is live.

    Raises:
        Refused: the rules do not read.
    """
    for one in journals.read_all(opts, module):
        live = one.releases.get(one.live or "")
        if one.environment == environment and live and os.path.isdir(live.path):
            return findings_in(live, rules)
    return None


def findings_in(release: Release, rules: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What rules find in a release that is unpacked here.

    Args:
        release: the release.
        rules: the rules, as plain data.

    Returns:
        ``version``, ``release``, ``entries`` (how many were listed), ``complete`` (whether that
        is all), ``count`` (of the findings) and ``findings``: of each rule, level, path and what
        it is; 200 at the most.

    Raises:
        Refused: the rules do not read.
        OSError: the release does not read.
    """
    wanted = [Rule.from_dict(one) for one in rules]
    entries, is_complete = listed(extended(release.path), release.made)
    found = check(wanted, Listing(entries), Facts())
    return {
        "version": release.version,
        "release": release.name,
        "entries": len(entries),
        "complete": is_complete,
        "count": len(found),
        "findings": [[one.rule, one.level, one.path, one.what] for one in found[:_MOST_ANSWERED]],
    }


def in_words(answer: Mapping[str, Any]) -> str | None:
    """What was found in a release as one text; None where nothing was."""
    found: Sequence[Sequence[str]] = answer["findings"]
    if not found:
        return None
    named = "; ".join(
        f"{rule}: {path or 'the release'} {what}" for rule, _, path, what in found[:_MOST_NAMED]
    )
    more = answer["count"] - _MOST_NAMED
    rest = f"; and {more} more" if more > 0 else ""
    return (
        f"{answer['release']}, which is live, is against the code standards: {named}{rest} "
        "(salt-run pushguide.check hosts=True tells all)"
    )


def listed(top: str, made: float) -> tuple[list[Entry], bool]:
    """What lies in a directory.

    Args:
        top: the directory.
        made: when it was unpacked.

    Returns:
        The entries, and whether they are all; it ends at MOST_ENTRIES and MOST_PATH_BYTES.

    Raises:
        OSError: the directory itself does not read; what vanishes meanwhile is passed over.
    """
    entries: list[Entry] = []
    length = 0
    for one in _walk(top, made):
        length += len(one.path)
        if len(entries) >= MOST_ENTRIES or length > MOST_PATH_BYTES:
            return entries, False
        entries.append(one)
    return entries, True


def _walk(top: str, made: float) -> Iterator[Entry]:
    waiting = [("", top)]
    while waiting:
        above, directory = waiting.pop()
        try:
            with os.scandir(directory) as found:
                inside = list(found)
        except OSError:
            if directory == top:
                raise
            continue
        for one in inside:
            path = above + _told(one.name)
            try:
                entry = _entry(one, path, made)
            except FileNotFoundError:
                continue
            yield entry
            if entry.kind == DIRECTORY:
                waiting.append((f"{path}/", one.path))


def _entry(one: os.DirEntry[str], path: str, made: float) -> Entry:
    info = one.stat(follow_symlinks=False)
    if leads_elsewhere(info):
        target = plain(_told(os.readlink(one.path)))
        return Entry(path, LINK, target=target, touched=_touched(info, made))
    if stat.S_ISDIR(info.st_mode):
        return Entry(path, DIRECTORY)
    kind = FILE if stat.S_ISREG(info.st_mode) else OTHER
    return Entry(path, kind, info.st_size, touched=_touched(info, made))


def _touched(info: os.stat_result, made: float) -> bool:
    """Whether something was written after the release was unpacked.

    Its time of writing may come from the archive, and lie in the future; its time of change comes
    from this host, but for Windows, where it is the time of making.
    """
    return info.st_mtime > made and (os.name == "nt" or info.st_ctime > made)


def _told(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")
