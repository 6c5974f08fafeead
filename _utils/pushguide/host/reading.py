"""Reading what a share says into the dataclass of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from pushguide.errors import Refused

T = TypeVar("T")


def made_of(cls: type[T], data: Mapping[str, Any], what: str, **more: Any) -> T:
    """Make an object of a kind.

    Args:
        cls: its class, a dataclass.
        data: its fields, and ``kind``.
        what: what it is, for messages.
        more: fields that only the host itself can fill.

    Raises:
        Refused: a field is unknown or missing.
    """
    given = {name: value for name, value in data.items() if name != "kind"}
    known = {one.name for one in fields(cls)} - {*more}  # type: ignore[arg-type]
    unknown = sorted({*given} - known)
    if unknown:
        raise Refused(f"The {what} has unknown fields: {', '.join(unknown)}.")
    try:
        return cls(**given, **more)
    except TypeError as err:
        raise Refused(f"The {what} does not read: {err}.") from err
