"""Rollups: numbers by whom, by day and by month, changed in the transaction of what they count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.statistics.numbers import Numbers
from pushguide.master.store import tables as db

#: What numbers are kept of: everything, each environment and type, module, person and host.
ALL, ENVIRONMENT, MODULE, PERSON, HOST = "all", "environment", "module", "person", "host"
DAY, MONTH = "day", "month"

#: How many rows are asked for at once; databases have bounds.
_AT_ONCE = 400


class Cell(NamedTuple):
    """What numbers are kept of.

    Attributes:
        scope: one of the words above.
        name: the module, person or host.
        environment: its environment; empty for everything together.
        type: its project type; empty for everything together.
    """

    scope: str
    name: str = ""
    environment: str = ""
    type: str = ""


Place = tuple[Cell, str, date]


def cells_of(module: str, environment: str, project_type: str, person: str) -> list[Cell]:
    """The cells that a deployment belongs to."""
    cells = [
        Cell(ALL),
        Cell(ENVIRONMENT, "", environment, project_type),
        Cell(MODULE, module, environment, project_type),
    ]
    if person:
        cells.append(Cell(PERSON, person, environment, project_type))
    return cells


def places_of(cell: Cell, day: date) -> Iterable[Place]:
    """The day and its month."""
    return (cell, DAY, day), (cell, MONTH, day.replace(day=1))


def pass_gate(connection: Connection, alone: bool = False) -> None:
    """Wait until nobody rebuilds the rollups; ``alone`` until nobody changes them either."""
    query = sa.select(db.statistics_gate.c.id)
    connection.execute(query.with_for_update(read=not alone)).all()


class Rollups:
    """Gathers what changes, and writes it down at once.

    Args:
        connection: the transaction of what is counted.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._changes: dict[Place, Numbers] = {}

    def __len__(self) -> int:
        return len(self._changes)

    def add(self, cells: Iterable[Cell], day: date, numbers: Numbers, sign: int = 1) -> None:
        """Count what began on a day, by UTC, or take it away again."""
        if numbers.is_nothing:
            return
        for cell in cells:
            for place in places_of(cell, day):
                self._changes.setdefault(place, Numbers()).add(numbers, sign)

    def write(self) -> None:
        """Write down what was gathered."""
        changes = {place: one for place, one in self._changes.items() if not one.is_nothing}
        self._changes = {}
        if not changes:
            return
        ids = self._ids(sorted({cell for cell, _, _ in changes}))
        keyed = {(ids[cell], grain, start): one for (cell, grain, start), one in changes.items()}
        known = self._known([*keyed])
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for key in sorted(keyed):
            numbers = known.get(key, Numbers())
            numbers.add(keyed[key])
            cell_id, grain, start = key
            row = {"key_cell": cell_id, "key_grain": grain, "key_start": start, **numbers.to_row()}
            (changed if key in known else new).append(row)
        table = db.statistics_rollup
        if changed:
            self.connection.execute(
                sa.update(table).where(
                    table.c.cell_id == sa.bindparam("key_cell"),
                    table.c.grain == sa.bindparam("key_grain"),
                    table.c.start == sa.bindparam("key_start"),
                ),
                changed,
            )
        if new:
            self.connection.execute(sa.insert(table), [_as_columns(row) for row in new])

    def _ids(self, cells: Sequence[Cell]) -> dict[Cell, int]:
        """The numbers of cells; those that are new are made."""
        found = cell_ids(self.connection, cells)
        new = [cell for cell in cells if cell not in found]
        if new:
            rows = [one._asdict() for one in new]
            self.connection.execute(sa.insert(db.statistics_cell), rows)
            found.update(cell_ids(self.connection, new))
        return found

    def _known(self, keys: Sequence[tuple[int, str, date]]) -> dict[tuple[int, str, date], Numbers]:
        """The rows that there are, kept from being changed by others until the end."""
        table = db.statistics_rollup
        by_place: dict[tuple[str, date], list[int]] = {}
        for cell_id, grain, start in sorted(keys):
            by_place.setdefault((grain, start), []).append(cell_id)
        found = {}
        for (grain, start), ids in sorted(by_place.items()):
            for some in _parts(ids):
                query = (
                    sa.select(table)
                    .where(
                        table.c.cell_id.in_(some), table.c.grain == grain, table.c.start == start
                    )
                    .order_by(table.c.cell_id)
                    .with_for_update()
                )
                for row in self.connection.execute(query).mappings():
                    found[row["cell_id"], grain, start] = Numbers.of_row(dict(row))
        return found


def cell_ids(connection: Connection, cells: Sequence[Cell]) -> dict[Cell, int]:
    """The numbers of those cells that there are."""
    table = db.statistics_cell
    found: dict[Cell, int] = {}
    wanted = {*cells}
    for scope in sorted({cell.scope for cell in cells}):
        names = sorted({cell.name for cell in cells if cell.scope == scope})
        for some in _parts(names):
            query = sa.select(table).where(table.c.scope == scope, table.c.name.in_(some))
            for row in connection.execute(query):
                cell = Cell(row.scope, row.name, row.environment, row.type)
                if cell in wanted:
                    found[cell] = row.id
    return found


def _parts(many: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (many[first : first + _AT_ONCE] for first in range(0, len(many), _AT_ONCE))


def _as_columns(row: dict[str, Any]) -> dict[str, Any]:
    keys = {"key_cell": "cell_id", "key_grain": "grain", "key_start": "start"}
    return {keys.get(name, name): value for name, value in row.items()}
