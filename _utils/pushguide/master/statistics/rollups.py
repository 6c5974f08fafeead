"""Rollups: numbers by whom and by when, changed in the transaction of what they count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.statistics.numbers import COUNTERS, Numbers
from pushguide.master.store import bulk
from pushguide.master.store import tables as db

#: What numbers are kept of: everything, each environment and type, module, person and host.
ALL, ENVIRONMENT, MODULE, PERSON, HOST = "all", "environment", "module", "person", "host"
DAY, MONTH, YEAR = GRAINS = ("day", "month", "year")

#: What is read where neither durations of stages nor hours of the day are asked for.
BRIEFLY = (*COUNTERS, "times")
#: The tables, by grain, and which columns of numbers they hold.
PARTS = (
    (db.statistics_rollup, BRIEFLY),
    (db.statistics_detail, ("slots", "stages", "failing")),
)

#: How many rows are asked for at once, databases have bounds; and how many are written.
_AT_ONCE = 400
_ROWS_AT_ONCE = 5000

T = TypeVar("T")


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
#: A row: the number of its cell, and its start.
Key = tuple[int, date]


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


def start_of(grain: str, day: date) -> date:
    """The first day of the month or year of a day, or the day itself."""
    if grain == DAY:
        return day
    return day.replace(day=1) if grain == MONTH else day.replace(month=1, day=1)


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

    def add(self, cells: Iterable[Cell], day: date, numbers: Numbers, sign: int = 1) -> None:
        """Count what began on a day, by UTC, or take it away again."""
        if numbers.is_nothing:
            return
        for cell in cells:
            for grain in GRAINS:
                place = (cell, grain, start_of(grain, day))
                self._changes.setdefault(place, Numbers()).add(numbers, sign)

    def write(self) -> None:
        """Write down what was gathered."""
        changes = {place: one for place, one in self._changes.items() if not one.is_nothing}
        self._changes = {}
        if not changes:
            return
        ids = ids_of(self.connection, sorted({cell for cell, _, _ in changes}))
        for grain in GRAINS:
            keyed = {
                (ids[cell], start): one for (cell, of, start), one in changes.items() if of == grain
            }
            for tables, columns in PARTS:
                self._change(tables[grain], columns, keyed)

    def _change(
        self, table: sa.Table, columns: Sequence[str], changes: Mapping[Key, Numbers]
    ) -> None:
        """Change one table: of its columns only those in which something changes.

        A result of a host changes durations of stages and nothing else: that must not cost more
        where the rest of a row has become long.
        """
        touched = [name for name in columns if any(one.has([name]) for one in changes.values())]
        mine = {key: one for key, one in changes.items() if one.has(touched)}
        if not mine:
            return
        known = self._known(table, touched, [*mine])
        new: dict[Key, Numbers] = {}
        changed: list[dict[str, Any]] = []
        for key in sorted(mine):
            if key not in known:
                new[key] = mine[key]
                continue
            known[key].add(mine[key])
            row = known[key].to_row(touched)
            changed.append({"key_cell": key[0], "key_start": key[1], **row})
        if changed:
            same = (
                table.c.cell_id == sa.bindparam("key_cell"),
                table.c.start == sa.bindparam("key_start"),
            )
            self.connection.execute(sa.update(table).where(*same), changed)
        insert(self.connection, table, columns, new)

    def _known(
        self, table: sa.Table, columns: Sequence[str], keys: Sequence[Key]
    ) -> dict[Key, Numbers]:
        """Columns of the rows that there are, kept from being changed by others until the end."""
        by_start: dict[date, list[int]] = {}
        for cell_id, start in sorted(keys):
            by_start.setdefault(start, []).append(cell_id)
        found = {}
        for start, ids in sorted(by_start.items()):
            for some in _parts(ids):
                query = (
                    sa.select(table.c.cell_id, *(table.c[name] for name in columns))
                    .where(table.c.cell_id.in_(some), table.c.start == start)
                    .order_by(table.c.cell_id)
                    .with_for_update()
                )
                for row in self.connection.execute(query).mappings():
                    found[row["cell_id"], start] = Numbers.of_row(dict(row))
        return found


def insert(
    connection: Connection,
    table: sa.Table,
    columns: Sequence[str],
    many: Mapping[Key, Numbers],
) -> None:
    """Write numbers of which there are no rows yet."""
    rows = [
        {"cell_id": cell_id, "start": start, **one.to_row(columns)}
        for (cell_id, start), one in many.items()
        if one.has(columns)
    ]
    for some in _parts(rows, _ROWS_AT_ONCE):
        bulk.insert(connection, table, some)


def ids_of(connection: Connection, cells: Sequence[Cell]) -> dict[Cell, int]:
    """The numbers of cells; those that are new are made."""
    found = cell_ids(connection, cells)
    new = [cell for cell in cells if cell not in found]
    if new:
        connection.execute(sa.insert(db.statistics_cell), [one._asdict() for one in new])
        found.update(cell_ids(connection, new))
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


def _parts(many: Sequence[T], at_once: int = _AT_ONCE) -> Iterable[Sequence[T]]:
    return (many[first : first + at_once] for first in range(0, len(many), at_once))
