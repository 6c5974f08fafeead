"""Arguments of the public functions: unknown ones are refused, never ignored.

Salt drops keyword arguments that a runner does not take when it is called through salt-api. A
misspelled option would do the opposite of what was asked. So each public function takes the
rest as well, and hands it over to be refused here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from pushguide.errors import Refused, UnknownArgument
from pushguide.master.suggest import did_you_mean

_T = TypeVar("_T")


def refuse_unknown(function: Callable[..., Any], unknown: Mapping[str, Any]) -> None:
    """Refuse arguments that a function does not take.

    Args:
        function: the public function.
        unknown: what came in beside its own arguments. Salt's own ``__*`` are passed over, and
            never read: whoever calls may have made them up.

    Raises:
        UnknownArgument: naming each, with the nearest known one.
    """
    known = [
        name
        for name, one in inspect.signature(function).parameters.items()
        if one.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    problems = problems_of_unknown(known, unknown)
    if problems:
        raise UnknownArgument(problems)


def problems_of_unknown(known: Sequence[str], unknown: Iterable[str]) -> list[str]:
    """What to say of each argument that a function does not take; Salt's own are passed over."""
    return [
        f"unknown argument {name!r}: {did_you_mean(name, known)}"
        for name in unknown
        if not name.startswith("__")
    ]


def collected(problems: list[str], work: Callable[[], _T]) -> _T | None:
    """What some work answers; where it refuses None, and its problems are added to the others."""
    try:
        return work()
    except Refused as err:
        problems.extend(err.problems)
        return None


def demand_name(value: object, what: str) -> str:
    """Refuse a missing or odd name."""
    if not isinstance(value, str) or not value:
        raise Refused(f"{what} is missing: give it, such as {what}=shop-web.")
    return value


def demand_one_of(value: object, what: str, known: Iterable[str]) -> str:
    """Refuse what is none of the known words."""
    known = [*known]
    if not isinstance(value, str) or value not in known:
        raise Refused(f"{what} is {value!r}: {did_you_mean(str(value), known)}")
    return value


def demand_flag(value: object, what: str) -> bool:
    """Refuse what is neither True nor False: the word 'no' must not mean yes."""
    if not isinstance(value, bool):
        raise Refused(f"{what} is {value!r}: give True or False.")
    return value


def demand_number(value: object, what: str, at_least: int = 1) -> int:
    """Refuse what is no whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise Refused(f"{what} is {value!r}: give a whole number from {at_least} on.")
    return value


def optional_name(value: object, what: str) -> str | None:
    """A name, or None where none was given."""
    return None if value is None else demand_name(value, what)


def optional_text(value: object, what: str) -> str | None:
    """Words of a person, such as a reason; None where none were given."""
    if value is None:
        return None
    text = str(value).strip()
    if not text or len(text) > _TEXT_AT_MOST or any(ord(one) < 32 and one != "\n" for one in text):
        raise Refused(
            f"{what} is {text[:80]!r}: give up to {_TEXT_AT_MOST} characters of plain text."
        )
    return text


def demand_reason(value: object) -> str:
    """Why somebody does something, in their words; without that they are refused."""
    text = optional_text(value, "reason")
    if text is None:
        raise Refused("reason is missing: say why, so that others know.")
    return text


def demand_moment(value: object, what: str) -> datetime:
    """A moment, aware of its zone; a missing or odd one is refused."""
    return _moment(value, what)


def optional_moment(value: object, what: str) -> datetime | None:
    """A moment in the future, aware of its zone; None where none was given."""
    if value is None:
        return None
    moment = _moment(value, what)
    if moment <= datetime.now(timezone.utc):
        raise Refused(f"{what} is {moment.isoformat()}, which has passed: give a time to come.")
    return moment


def optional_past(value: object, what: str) -> datetime | None:
    """A moment that has passed, aware of its zone; None where none was given."""
    if value is None:
        return None
    moment = _moment(value, what)
    if moment > datetime.now(timezone.utc) + _CLOCKS_DIFFER:
        raise Refused(f"{what} is {moment.isoformat()}, which is to come: give a time that was.")
    return moment


def _moment(value: object, what: str) -> datetime:
    try:
        text = str(value).replace("Z", "+00:00")
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refused(
            f"{what} is {str(value)[:80]!r}: give date, time and zone, such as "
            f"{what}=2026-11-24T03:00+08:00."
        )
    return moment


_TEXT_AT_MOST = 1000
#: How far the clock of somebody else may be ahead.
_CLOCKS_DIFFER = timedelta(minutes=5)
