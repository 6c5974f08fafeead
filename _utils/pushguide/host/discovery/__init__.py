"""What runs on this host: Tomcats, services, sites of IIS and scheduled tasks, and where.

Only what is named in ``pushguide.inventory`` is told. Command lines are looked into and never told:
they hold passwords.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from pushguide.host.discovery import on_linux, on_windows
from pushguide.host.discovery.roots import Roots
from pushguide.host.expand import expand_path

#: The most that is told of each sort.
_MOST = 200


def discover(
    opts: Mapping[str, Any],
    salt: Mapping[str, Any],
    grains: Mapping[str, Any],
    roots: Sequence[str] = (),
    named: Sequence[str] = (),
) -> dict[str, Any]:
    """What runs on this host.

    Args:
        opts: the minion's configuration.
        salt: Salt's execution modules.
        grains: the minion's grains.
        roots: directories of a module's releases, as its template has them: what serves something
            below one of them is told as ``is_ours``.
        named: services, sites and tasks to tell of even if they stand still.

    Returns:
        ``tomcats``, ``services``, ``sites`` and ``tasks``: lists of mappings; and ``not_told``:
        what could not be looked at, in words.
    """
    known = [expand_path(str(one), opts["id"], grains) for one in roots]
    ours = Roots([one for one in known if one])
    here = on_windows if os.name == "nt" or grains.get("kernel") == "Windows" else on_linux
    found, not_told = here.look(salt, ours, [str(one) for one in named])
    answer: dict[str, Any] = {}
    for sort in ("tomcats", "services", "sites", "tasks"):
        # What is ours comes first, and is never left out.
        items = sorted(found.get(sort, []), key=lambda one: not one["is_ours"])
        answer[sort] = items[:_MOST]
        if len(items) > _MOST:
            not_told.append(f"{len(items) - _MOST} more {sort}")
    return {**answer, "not_told": not_told}
