"""What each kind of rule finds in a listing: pure functions over what was listed."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from pushguide.standards.globs import Globs
from pushguide.standards.listing import DIRECTORY, FILE, LINK, Entry, Listing
from pushguide.standards.rules import Rule

#: Of each thing that was found its path and what it is.
Found = Iterator[tuple[str, str]]

_BOM = codecs.BOM_UTF8
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")


class Facts(NamedTuple):
    """What rules may ask beside the listing.

    Attributes:
        has_probe: whether the template has a probe.
    """

    has_probe: bool = True


def readable(_rule: Rule, listing: Listing, _facts: Facts) -> Found:
    """The archive reads to its end."""
    if listing.unreadable:
        yield "", listing.unreadable


def forbidden(rule: Rule, listing: Listing, _facts: Facts) -> Found:
    """Nothing is there by such a name, and nothing with such content."""
    unless = Globs(rule.unless)
    named = Counter(meant(Globs(rule.patterns), listing))
    for path, entries in named.items():
        if not unless.covers(path):
            yield path, "is there" if entries == 1 else f"is there, with {entries} entries"
    for one, text in _holding(rule, listing):
        if one.path not in named and not unless.covers(one.path):
            yield one.path, f"holds '{text}'"


def meant(globs: Globs, listing: Listing) -> Iterator[str]:
    """For each entry that is meant its path, or that of the directory above that is meant."""
    above: dict[str, int] = {"": 0}

    def depth_of(directory: str) -> int:
        """How many parts the meant directory has that a directory is, or lies in; 0 for none."""
        if directory not in above:
            upper, _, name = directory.rpartition("/")
            found = depth_of(upper)
            if not found and globs.match(upper, name, is_directory=True):
                found = directory.count("/") + 1
            above[directory] = found
        return above[directory]

    for directory, name, entry in listing.placed:
        depth = depth_of(directory)
        if depth:
            yield "/".join(entry.path.split("/")[:depth])
        elif globs.match(directory, name, entry.kind == DIRECTORY):
            yield entry.path


def _holding(rule: Rule, listing: Listing) -> Iterator[tuple[Entry, str]]:
    """The files that hold one of the texts that a rule looks for, with that text."""
    if not rule.contains:
        return
    texts = [(text, text.encode()) for text in rule.contains]
    for one in looked_into(rule, listing):
        beginning = listing.beginnings.get(one.path, b"")
        for text, wanted in texts:
            if wanted in beginning:
                yield one, text
                break


def looked_into(rule: Rule, listing: Listing) -> Iterator[Entry]:
    """The files that a rule looks into, in the order of its patterns."""
    if not rule.look_into:
        return
    globs = Globs(rule.look_into)
    some = [
        one
        for one in listing.placed
        if one.entry.kind == FILE and one.entry.size and globs.match(one.directory, one.name)
    ]
    for pattern in rule.look_into if some else ():
        alone = Globs((pattern,))
        yield from (one.entry for one in some if alone.match(one.directory, one.name))


def required(rule: Rule, listing: Listing, _facts: Facts) -> Found:
    """One of these is there, by name or by content."""
    if is_there(rule, listing) or next(_holding(rule, listing), None):
        return
    unseen = [one.path for one in looked_into(rule, listing) if one.path in listing.unseen]
    if unseen:
        yield "", f"may lack it: {len(unseen)} files were not looked into, such as {unseen[0]}"
        return
    inside = ", and no file that would stand for it" if rule.look_into else ""
    yield "", f"has no {' or '.join(one.lstrip('/') for one in rule.patterns)}{inside}"


def is_there(rule: Rule, listing: Listing) -> bool:
    """Whether one of the paths of a rule is there."""
    return next(meant(Globs(rule.patterns), listing), None) is not None


def max_total_size(rule: Rule, listing: Listing, _facts: Facts) -> Found:
    """All files together are no larger."""
    total = sum(one.size for one in listing.files)
    if total > rule.bound:
        yield "", f"holds {_mib(total)}, and {_mib(rule.bound)} are the bound"


def max_file_size(rule: Rule, listing: Listing, _facts: Facts) -> Found:
    """No file is larger."""
    globs, unless = Globs(rule.patterns or ("*",)), Globs(rule.unless)
    for directory, name, one in listing.placed:
        is_large = one.size > rule.bound and globs.match(directory, name)
        if is_large and not unless.covers(one.path):
            yield one.path, f"has {_mib(one.size)}, and {_mib(rule.bound)} are the bound"


def max_files(rule: Rule, listing: Listing, _facts: Facts) -> Found:
    """There are no more files."""
    if len(listing.files) > rule.bound:
        yield "", f"has {len(listing.files)} files, and {rule.bound} are the bound"


def relative_links(rule: Rule, listing: Listing, _facts: Facts) -> Found:
    """No link has an absolute target."""
    unless = Globs(rule.unless)
    for one in listing.entries:
        if one.kind == LINK and _ABSOLUTE.match(one.target) and not unless.covers(one.path):
            yield one.path, f"is a link to {one.target[:200]}"


def text(rule: Rule, listing: Listing, _facts: Facts) -> Found:
    """Scripts are written as their interpreters read them."""
    unless, wrong = Globs(rule.unless), _TEXTS[rule.wanted or ""]
    told = set()
    for one in looked_into(rule, listing):
        beginning = listing.beginnings.get(one.path)
        if beginning is None or one.path in told or unless.covers(one.path):
            continue
        told.add(one.path)
        why = wrong(beginning, len(beginning) == one.size)
        if why:
            yield one.path, why


def _is_no_utf8(content: bytes, is_whole: bool) -> str | None:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=is_whole)
    except UnicodeDecodeError as err:
        return f"is not UTF-8 at byte {err.start}"
    return None


def _has_mark_before_shebang(content: bytes, _is_whole: bool) -> str | None:
    return "has a byte order mark before its '#!'" if content.startswith(_BOM + b"#!") else None


def _has_crlf_after_shebang(content: bytes, _is_whole: bool) -> str | None:
    is_script = content.removeprefix(_BOM).startswith(b"#!")
    return "has the line endings of Windows" if is_script and b"\r\n" in content else None


def _has_bare_lf(content: bytes, _is_whole: bool) -> str | None:
    return "has line feeds alone" if b"\n" in content.replace(b"\r\n", b"") else None


_TEXTS: Mapping[str, Callable[[bytes, bool], str | None]] = {
    "utf-8": _is_no_utf8,
    "no_bom_before_shebang": _has_mark_before_shebang,
    "lf_after_shebang": _has_crlf_after_shebang,
    "crlf": _has_bare_lf,
}


def probe(_rule: Rule, _listing: Listing, facts: Facts) -> Found:
    """The template says how health is asked for."""
    if not facts.has_probe:
        yield "", "comes with a template that has no probe"


def untouched(rule: Rule, listing: Listing, _facts: Facts) -> Found:
    """Nothing was written since the release was unpacked."""
    globs, unless = Globs(rule.patterns or ("*",)), Globs(rule.unless)
    for directory, name, one in listing.placed:
        if one.touched and globs.match(directory, name) and not unless.covers(one.path):
            yield one.path, "was written after the release was unpacked"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


CHECKS: Mapping[str, Callable[[Rule, Listing, Facts], Iterable[tuple[str, str]]]] = {
    "readable": readable,
    "forbidden": forbidden,
    "required": required,
    "max_total_size": max_total_size,
    "max_file_size": max_file_size,
    "max_files": max_files,
    "relative_links": relative_links,
    "text": text,
    "probe": probe,
    "untouched": untouched,
}
