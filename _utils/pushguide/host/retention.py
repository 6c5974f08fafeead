"""Which releases stay on a host, and the removal of the others."""

from __future__ import annotations

import logging
import os

from pushguide.host.journal import Journal
from pushguide.host.links import is_directory
from pushguide.host.removal import remove_tree
from pushguide.words import BAD

log = logging.getLogger(__name__)

_DOOMED = ".removed"


def names_to_keep(journal: Journal, keep: int, live: str | None = None) -> set[str]:
    """The releases that stay: the live one, good ones to go back to, and the evidence.

    Args:
        journal: the module's journal.
        keep: how many good releases stay beside the live one; the last good one always does.
        live: the release that the pointer names, should the journal be behind it.

    Returns:
        The names of the live release, of the ``keep`` good ones proved last (one at least),
        and of the newest bad one. Bad releases never use up the places of good ones.
    """
    good = [one.name for one in journal.good_releases() if one.name not in (live, journal.live)]
    bad = sorted(
        (one for one in journal.releases.values() if one.mark == BAD),
        key=lambda one: one.made,
    )
    kept = {*good[: max(keep, 1)], *(one.name for one in bad[-1:])}
    for name in (live, journal.live, journal.target["name"] if journal.target else None):
        if name:
            kept.add(name)
    return kept


def has_old(journal: Journal, releases_dir: str, keep: int, live: str | None = None) -> bool:
    """Whether there is anything that need not stay, on disk or in the journal."""
    kept = names_to_keep(journal, keep, live)
    return bool({*os.listdir(releases_dir), *journal.releases} - kept)


def retire(
    journal: Journal, releases_dir: str, keep: int, live: str | None = None
) -> tuple[list[str], list[str]]:
    """Remove what need not stay.

    Args:
        journal: the module's journal.
        releases_dir: where its releases are.
        keep: as for :func:`names_to_keep`.
        live: as for :func:`names_to_keep`.

    Returns:
        The names that were removed, and those that could not be: they are tried next time.
    """
    kept = names_to_keep(journal, keep, live)
    removed: list[str] = []
    left: list[str] = []
    for name in sorted(os.listdir(releases_dir)):
        if name not in kept:
            (removed if _remove(os.path.join(releases_dir, name)) else left).append(name)
    for name in {*journal.releases} - kept:
        if not os.path.lexists(journal.releases[name].path):
            del journal.releases[name]
    return removed, left


def _remove(path: str) -> bool:
    """Remove a release; its name goes first, so that half of one never counts as a whole."""
    doomed = path if path.endswith(_DOOMED) else f"{path}{_DOOMED}"
    try:
        os.rename(path, doomed)
        if is_directory(doomed):
            remove_tree(doomed)
        else:
            os.remove(doomed)
    except OSError as err:
        log.warning("Removing %s: %s", path, err)
        return False
    return True
