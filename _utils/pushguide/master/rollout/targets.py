"""Which hosts a template means, by what this master knows of its minions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import salt.utils.minions

from pushguide.errors import Refused
from pushguide.master.templates.library import Library
from pushguide.master.templates.template import Target


class Meant(NamedTuple):
    """A host that a template means, whether anything was ever deployed there or not."""

    host: str
    module: str
    environment: str


def meant(
    library: Library, opts: Mapping[str, Any], sees: Callable[[str, str], bool]
) -> Iterator[Meant]:
    """The hosts that the templates mean; one that means none now keeps no other from being told.

    Args:
        library: the templates.
        opts: the master's opts.
        sees: whether an environment of a module is asked for.
    """
    for module, about in library.overview().items():
        for environment in about.get("environments") or {}:
            if sees(module, environment):
                for host in _hosts_now(library, opts, module, environment):
                    yield Meant(host, module, environment)


def _hosts_now(
    library: Library, opts: Mapping[str, Any], module: str, environment: str
) -> list[str]:
    try:
        return hosts_of(library.get(module, environment).template.target, opts)
    except Refused:
        return []


def hosts_of(target: Target, opts: Mapping[str, Any]) -> list[str]:
    """The ids of the minions that a target means, sorted.

    Every accepted minion that matches is meant, whether it answers or not: one that is away must
    be seen to be away.

    Raises:
        Refused: nothing matches, or listed hosts are not known to this master.
    """
    if target.type == "list":
        return _listed(target, opts)
    found = salt.utils.minions.CkMinions(dict(opts)).check_minions(
        target.target, target.type, greedy=False
    )
    if not found["minions"]:
        raise Refused(
            f"No host matches {target.target!r} ({target.type}): check the hosts of the template "
            "against salt-key -L, and for grains or pillar refresh them."
        )
    return sorted(found["minions"])


def _listed(target: Target, opts: Mapping[str, Any]) -> list[str]:
    wanted = target.target if isinstance(target.target, list) else target.target.split(",")
    names = sorted({one.strip() for one in wanted if one.strip()})
    known = set(salt.utils.minions.CkMinions(dict(opts)).check_minions("*", "glob")["minions"])
    unknown = [one for one in names if one not in known]
    if unknown or not names:
        raise Refused(
            f"These hosts are not known to this master: {', '.join(unknown) or '(an empty list)'}. "
            "Check the hosts of the template, and accept their keys (salt-key -a)."
        )
    return names
