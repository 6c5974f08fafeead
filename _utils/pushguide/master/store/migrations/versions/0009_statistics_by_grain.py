"""Rollups of days, months and years in tables of their own, and what is long of them in others.

An index of facts finds a part of a day of a module without its environments.

They are computed anew by ``schema.migrate`` once all migrations are done: with the row of the gate
goes what says that they were.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_COUNTERS = (
    "counted",
    "succeeded",
    "failed",
    "aborted",
    "rollbacks",
    "automatic_rollbacks",
    "retries",
    "changes",
    "failed_changes",
    "deliveries",
)


def upgrade() -> None:
    """Put the new tables in the place of the old one."""
    index, facts = "ix_statistics_deployment_module", "statistics_deployment"
    op.drop_index(index, facts)
    op.create_index(index, facts, ["module", "started_at"])
    op.drop_table("statistics_rollup")
    for grain in ("day", "month", "year"):
        counters = [sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTERS]
        times = sa.Column("times", sa.JSON(), nullable=False)
        _of_cells(f"statistics_{grain}", *counters, times, sqlite_with_rowid=False)
        long = [
            sa.Column(name, sa.JSON(), nullable=False) for name in ("slots", "stages", "failing")
        ]
        _of_cells(f"statistics_{grain}_detail", *long)
    op.execute("DELETE FROM statistics_gate")


def _of_cells(name: str, *columns: sa.Column[Any], **options: Any) -> None:
    op.create_table(
        name,
        sa.Column("cell_id", sa.Integer(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["cell_id"], ["statistics_cell.id"], name=op.f(f"fk_{name}_cell_id")
        ),
        sa.PrimaryKeyConstraint("cell_id", "start", name=op.f(f"pk_{name}")),
        **options,
    )
