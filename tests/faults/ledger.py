"""The ledger: what was injected, how it went on, and what the checks found."""

from __future__ import annotations

from dataclasses import dataclass, field

NOTHING = "nothing"


@dataclass
class Entry:
    """One injection.

    Attributes:
        target: what was killed or cut.
        point: where the deployment was then.
        state: its state when everything had settled.
        recovered: what brought it to its end: itself, resume or retry.
        seconds: from the injection to the end.
        lost: what was lost: hosts that run neither version, deployments that have no end.
        wrong: where the record and a host differ, and locks that nobody alive has.
    """

    target: str
    point: str
    state: str = "?"
    recovered: str = NOTHING
    seconds: float = 0.0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Everything that the checks found."""
        unseen = [] if self.is_seen else ["it was not seen to its end"]
        return [
            *(f"lost: {one}" for one in (*self.lost, *unseen)),
            *(f"wrong: {one}" for one in self.wrong),
        ]

    @property
    def is_seen(self) -> bool:
        """Whether the deployment was brought to its end."""
        return self.recovered != NOTHING


@dataclass
class Ledger:
    """All injections of a run."""

    entries: list[Entry] = field(default_factory=list)

    def open(self, target: str, point: str) -> Entry:
        """Begin the entry of an injection."""
        self.entries.append(Entry(target, point))
        return self.entries[-1]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost and no record was wrong."""
        return not any(one.problems for one in self.entries)

    def lines(self) -> list[str]:
        """The table, and the totals."""
        head = ("target", "point", "settled as", "recovered by", "seconds")
        rows = [
            (one.target, one.point, one.state, one.recovered, f"{one.seconds:.1f}")
            for one in self.entries
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (head, *rows)
        ]
        lost = sum(bool(one.lost) or not one.is_seen for one in self.entries)
        wrong = sum(bool(one.wrong) for one in self.entries)
        return [*table, f"injections: {len(rows)}, lost: {lost}, wrong records: {wrong}"]
