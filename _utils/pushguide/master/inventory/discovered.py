"""What a host found out by itself, looked at from a module: which of it is the module's runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pushguide.inventory import FOUND
from pushguide.master.templates.library import ModuleTemplate

#: The function of the hosts.
FUNCTION = "pushguide.discover"
SILENT = "it does not answer (salt-run manage.down)"
#: What a runtime is known by.
_IDENTITIES = ("catalina_base", "systemd_unit", "service", "site", "task")


@dataclass(frozen=True)
class Runtime:
    """The runtime of a module on a host.

    Attributes:
        values: what was found, by the names of settings.
        problem: why nothing was, in words; None if something was.
        was_looked_at: whether the host answered at all.
    """

    values: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None
    was_looked_at: bool = True


def called_by(chosen: ModuleTemplate) -> dict[str, str]:
    """What the settings of a module say themselves of what its runtime is called."""
    platforms = [one for one in (chosen.windows, chosen) if one]
    return {
        key: value
        for one in platforms
        for key, value in one.settings.items()
        if key in _IDENTITIES and isinstance(value, str) and "{" not in value
    }


def question_of(chosen: ModuleTemplate) -> dict[str, list[str]]:
    """The arguments with which hosts are asked for the runtime of a module."""
    platforms = [one for one in (chosen, chosen.windows) if one]
    return {
        "roots": sorted({one.template.root for one in platforms}),
        "named": sorted({*called_by(chosen).values()}),
    }


def runtime_of(
    answer: object, identities: Mapping[str, object], is_tomcat: bool = False
) -> Runtime:
    """The runtime of a module, out of what its host answered.

    What serves something below the module's root is its own. Where nothing does, it is what is
    called as the inventory says; and else a Tomcat, if one is meant and there is one alone.

    Args:
        answer: the host's answer; None if there was none.
        identities: what the runtime is called, by the names of settings.
        is_tomcat: whether a Tomcat is meant.
    """
    if answer is None:
        return Runtime(problem=SILENT, was_looked_at=False)
    if not isinstance(answer, Mapping) or not {*FOUND} & {*answer}:
        return Runtime(
            problem=f"it answered {str(answer)[:200]!r}: sync it with saltutil.sync_all, and try "
            "again",
            was_looked_at=False,
        )
    items = [(sort, one) for sort in FOUND for one in _items(answer, sort)]
    ours = [one for one in items if one[1].get("is_ours") is True]
    named = [one for one in items if _is_called(*one, identities)]
    tomcats = [one for one in items if is_tomcat and one[0] == "tomcats"]
    for some in filter(None, (ours, named, tomcats)):
        exact = [one for one in some if one in named] or some
        if len(exact) == 1:
            return Runtime(_values(*exact[0]))
        told = ", ".join(_name(*one) for one in exact)
        return Runtime(problem=f"several of what runs there could be the module's: {told[:300]}")
    told = ", ".join(f"{len(_items(answer, sort))} {sort}" for sort in FOUND)
    return Runtime(problem=f"nothing that runs there is known to be the module's ({told})")


def _items(answer: Mapping[str, Any], sort: str) -> list[Mapping[str, Any]]:
    found = answer.get(sort)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _is_called(sort: str, item: Mapping[str, Any], identities: Mapping[str, object]) -> bool:
    return any(
        item.get(key) and key in identities and same(key, item[key], identities[key])
        for key in FOUND[sort]
        if key in _IDENTITIES
    )


def same(key: str, claimed: object, found: object) -> bool:
    """Whether what is claimed of a value is what was found.

    Args:
        key: what the value is, by the names of settings.
        claimed: what is claimed.
        found: what was found.
    """
    texts = [str(one).rstrip("/\\") for one in (claimed, found)]
    if key == "systemd_unit":
        texts = [text.removesuffix(".service") for text in texts]
    return texts[0] == texts[1]


def _values(sort: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an item that are what they should be: a host says what it likes."""
    return {
        key: item[key]
        for key in FOUND[sort]
        if isinstance(item.get(key), str | int) and not isinstance(item[key], bool) and item[key]
    }


def _name(sort: str, item: Mapping[str, Any]) -> str:
    return str(next((item[key] for key in FOUND[sort] if item.get(key)), sort))
