"""Figures: what a measurement prints, for people and as data."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Figure:
    """One measured value beside its goal; a smaller value is better.

    ``goal`` is None for a figure that is told for its own sake.
    """

    name: str
    value: float
    goal: float | None
    unit: str = ""

    @property
    def verdict(self) -> str:
        """ok, short of the goal, or no goal at all."""
        if self.goal is None:
            return "told"
        return "ok" if self.value <= self.goal else "short"

    def __str__(self) -> str:
        goal = "-" if self.goal is None else f"{self.goal:g}"
        return f"{self.name}: {self.value:.2f}{self.unit} (goal {goal}) {self.verdict}"


@dataclass
class Samples:
    """Repeated measurements of one thing."""

    name: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        spread = f"{min(self.values):.2f} to {max(self.values):.2f}"
        return f"  {self.name:<44} median {self.median:6.2f} s  ({spread}, {len(self.values)} runs)"


def main(
    measure: Callable[[argparse.Namespace], tuple[Sequence[Samples], Sequence[Figure]]],
    parser: argparse.ArgumentParser,
) -> int:
    """Run a measurement and print it; a figure that is short of its goal is no error."""
    parser.add_argument("--json", action="store_true", help="print the figures as data")
    arguments = parser.parse_args()
    samples, figures = measure(arguments)
    if arguments.json:
        told = [{**asdict(one), "verdict": one.verdict} for one in figures]
        raw = {one.name: one.values for one in samples}
        print(json.dumps({"figures": told, "samples": raw}, indent=2))
    else:
        print("\n".join([*map(str, samples), *map(str, figures)]), flush=True)
    return 0
