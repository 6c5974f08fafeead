"""What a template says about its inventory: which values differ from host to host, of which kind
they are, and who may say them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from pushguide import inventory
from pushguide.master.fields import Bounded, Strict, help_of, texts
from pushguide.master.suggest import did_you_mean

#: Where a template may hold ``{inventory.<name>}``.
PLACES = ("root", "source", "settings", "probe", "warm_up", "drain", "transfer")
#: What may be found on a host, by the names of inventory.
DISCOVERED = tuple(dict.fromkeys(name for some in inventory.FOUND.values() for name in some))
_PLACE = re.compile(r"\{inventory\.([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
_MEANT = {
    "word": "one plain word: letters, digits and _ . @ : + -, 255 at the most",
    "port": "a number from 1 to 65535",
    "path": "an absolute path without '..' and odd characters",
    "name": "a name: letters, digits, spaces and . _ -, 64 at the most",
}


def fitting(kind: str, value: object) -> str | int:
    """A value, as its kind has it.

    Raises:
        ValueError: it is none of that kind; the message says what would be one.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if kind == "port":
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0
        if 1 <= number <= 65535:
            return number
    elif {"word": inventory.is_word, "path": inventory.is_path, "name": inventory.is_name}[kind](
        text
    ):
        return text
    raise ValueError(f"give {_MEANT[kind]}")


def _name(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError("give a name of letters, digits, '_' and '-', 64 at the most")
    return name


class Fact(Strict):
    """A value that differs from host to host."""

    kind: Literal["word", "port", "path", "name"] = help_of(
        "What it is: word, port, path or name.", "port", default="word"
    )
    value: Annotated[
        str | int | None,
        Bounded("directories", when=("kind", "path")),
        Bounded("services", when=("kind", "name")),
    ] = help_of(
        "The value itself, the same on all hosts: nobody else is asked then.", 8080, default=None
    )
    grain: Annotated[str, Field(pattern=r"^[\w:.-]+$")] | None = help_of(
        "The grain of the host that says it; a deeper one as a:b.", "shop:port", default=None
    )
    discover: Literal[DISCOVERED] | None = help_of(  # type: ignore[valid-type]
        "What it is called on a host that is looked at, to find it there where nobody says it.",
        "catalina_base",
        default=None,
    )

    @model_validator(mode="after")
    def _value_fits(self) -> Fact:
        if self.value is not None:
            fitting(self.kind, self.value)
        return self


Facts = dict[Annotated[str, AfterValidator(_name)], Fact]


def values_in(written: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the inventory that stand in a template, or in an environment of one."""
    facts = written.get("inventory") or {}
    return {name: one["value"] for name, one in facts.items() if one.get("value") is not None}


def names_in(value: object) -> set[str]:
    """The names of the inventory that something holds, as ``{inventory.<name>}``."""
    return {name for _, text in texts(value) for name in _PLACE.findall(text)}


def problems_of_places(merged: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """What is wrong with the places of a template that the inventory is to fill in.

    Args:
        merged: the template as it was written, with what its environment says.

    Returns:
        Of each problem its location in the template, and what it is.
    """
    facts = merged.get("inventory")
    facts = facts if isinstance(facts, Mapping) else {}
    for location, text in texts({key: merged.get(key) for key in PLACES}):
        for found in _PLACE.finditer(text):
            name = found.group(1)
            fact = facts.get(name)
            kind = fact.get("kind") if isinstance(fact, Mapping) else None
            if name not in facts:
                known = [str(one) for one in facts]
                told = did_you_mean(name, known) if known else "it has no inventory."
                yield location, f"there is no {name!r} in the inventory of the template; {told}"
            elif kind == "path" and found.start():
                yield location, f"{found.group()} is a path: nothing may stand before it."
            elif kind == "name" and found.group() != text:
                yield location, f"{found.group()} is a name: nothing may stand beside it."
