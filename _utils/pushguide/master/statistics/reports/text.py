"""Reports as text: for a terminal, or a mail without pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pushguide.master.statistics.reports.figures import (
    headlines,
    measures,
    shown_quantiles,
    shown_rate,
    title_of,
)

_BAR = 30


def text(data: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """A report as text."""
    return "\n".join([*_lines(data, words), ""])


def _lines(data: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[str]:
    period = data["period"]
    yield f"{words['report']}: {_plain(title_of(data))}"
    yield f"{words['period']}: {period['from']} - {period['to']} ({period['timezone']})"
    yield from _section(words["outcomes"], headlines(data, words))
    yield from _section(words["dora"], measures(data, words))
    over_time = [(one["group"], one["count"], one["success_rate"]) for one in data["groups"]]
    yield from _bars(words["over_time"], over_time)
    by_hour = [(f"{one['hour']:02}", one["count"], one["success_rate"]) for one in data["by_hour"]]
    yield from _bars(words["by_hour"], by_hour)
    days = [
        (words[one["weekday"]], one["count"], one["success_rate"]) for one in data["by_weekday"]
    ]
    yield from _bars(words["by_weekday"], days)
    stages = [(name, shown_quantiles(one, words)) for name, one in data["stages"].items()]
    yield from _section(words["stages"], stages)
    for what, key in (("hosts", "host"), ("stages", "stage"), ("reasons", "reason")):
        found = [(one[key], str(one["failures"])) for one in data["failing"][what]]
        yield from _section(f"{words['failing']}: {words[key + 's']}", found)


def _section(title: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    rows = [(_plain(name), value) for name, value in rows]
    if rows:
        width = max(len(name) for name, _ in rows)
        yield from ("", title)
        yield from (f"  {name:<{width}}  {value}" for name, value in rows)


def _bars(title: str, rows: list[tuple[str, int, float | None]]) -> Iterator[str]:
    most = max((count for _, count, _ in rows), default=0)
    if most:
        yield from ("", title)
        for name, count, share in rows:
            bar = "#" * round(count / most * _BAR)
            yield f"  {_plain(name):<10}  {bar:<{_BAR}}  {count}  {shown_rate(share)}"


def _plain(text_of_others: str) -> str:
    """What people or hosts said, without what a terminal would take for orders."""
    return "".join(one if one.isprintable() else " " for one in text_of_others)
