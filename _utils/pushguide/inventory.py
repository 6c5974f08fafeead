"""The inventory: what master and hosts both know of values that differ from host to host."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

#: What a value may be.
KINDS = ("word", "port", "path", "name")

#: What hosts find out by themselves of each sort of runtime, by the names of the settings; the
#: first of each is what it is known by.
FOUND = {
    "tomcats": (
        "catalina_base",
        "catalina_home",
        "port",
        "java_home",
        "java_version",
        "max_heap",
        "user",
        "systemd_unit",
    ),
    "services": ("systemd_unit", "service", "port", "user", "state"),
    "sites": ("site", "pool", "port", "state"),
    "tasks": ("task", "folder", "state"),
}

_WORD = re.compile(r"\w[\w.@:+-]*\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}\Z")
_ROOT = re.compile(r"([A-Za-z]:)?[\\/]")
_PART = re.compile(r"[\w@+-][\w.@+-]*\Z")
_PART_WITH_SPACES = re.compile(r"[\w@+-][\w.@+() -]*\Z")
_LONGEST = 255


def is_word(text: str) -> bool:
    """Whether this is one plain word, which may stand anywhere."""
    return len(text) <= _LONGEST and _WORD.match(text) is not None


def is_path(text: str, with_spaces: bool = True) -> bool:
    """Whether this is an absolute path of plain words below a root, of Linux or of Windows."""
    root = _ROOT.match(text)
    if root is None or len(text) > _LONGEST:
        return False
    part = _PART_WITH_SPACES if with_spaces else _PART
    return all(part.match(one) for one in re.split(r"[\\/]", text[root.end() :]))


def is_name(text: str) -> bool:
    """Whether this is a name, as services, sites and tasks have them: with spaces, no more."""
    return _NAME.match(text) is not None


def may_stand(text: str, begins: bool, is_all: bool) -> bool:
    """Whether a value may stand in a place of a template: none of it becomes anything else there.

    Args:
        text: the value.
        begins: whether the place is the beginning of what stands there.
        is_all: whether it is all that stands there.
    """
    if is_word(text) or (is_all and (is_path(text) or is_name(text))):
        return True
    return begins and is_path(text, with_spaces=False)


def in_short(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the inventory says of the hosts of a job, in the form in which it travels.

    One job goes to all its hosts with one share, and most hosts are alike: what most of them have
    is said once.

    Args:
        values: of each host its values by name.

    Returns:
        ``usual``, and by host in ``hosts`` what differs from that; None if there is nothing.
    """
    names = sorted({name for one in values.values() for name in one})
    usual = {}
    for name in names:
        told = [one.get(name) for one in values.values()]
        if None not in told:
            usual[name] = Counter(told).most_common(1)[0][0]
    differing = {
        host: {name: value for name, value in one.items() if usual.get(name) != value}
        for host, one in values.items()
    }
    if not names:
        return None
    return {"usual": usual, "hosts": {key: one for key, one in differing.items() if one}}


def of_host(told: Mapping[str, Any] | None, host: str) -> dict[str, Any]:
    """What the inventory says of one host, out of the form in which it travels."""
    told = told or {}
    return {**told.get("usual", {}), **told.get("hosts", {}).get(host, {})}
