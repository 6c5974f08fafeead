"""Which releases stay on a host, and the removal of the others."""

from __future__ import annotations

import os
import shutil

from pushguide.host.journal import Journal
from pushguide.words import BAD


def names_to_keep(journal: Journal, keep: int) -> set[str]:
    """The releases that stay: the live one, good ones to go back to, and the evidence.

    Args:
        journal: the module's journal.
        keep: how many good releases stay beside the live one; the last good one always does.

    Returns:
        The names of the live release, of the ``keep`` good ones proved last (one at least),
        and of the newest bad one. Bad releases never use up the places of good ones.
    """
    good = [one.name for one in journal.good_releases() if one.name != journal.live]
    bad = sorted(
        (one for one in journal.releases.values() if one.mark == BAD),
        key=lambda one: one.made,
    )
    kept = {*good[: max(keep, 1)], *(one.name for one in bad[-1:])}
    for name in (journal.live, journal.target["name"] if journal.target else None):
        if name:
            kept.add(name)
    return kept


def retire(journal: Journal, releases_dir: str, keep: int) -> tuple[list[str], list[str]]:
    """Remove what need not stay.

    Returns:
        The names that were removed, and those that could not be: they are tried next time.
    """
    kept = names_to_keep(journal, keep)
    removed, left = [], []
    for name in sorted(os.listdir(releases_dir)):
        if name in kept:
            continue
        path = os.path.join(releases_dir, name)
        shutil.rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            left.append(name)
        else:
            removed.append(name)
            journal.releases.pop(name, None)
    return removed, left
