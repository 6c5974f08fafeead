"""What statistics need: what was counted, rollups of it, and indexes for long records.

The rollups of what is recorded already are computed by ``schema.migrate`` once all migrations are
done: its code knows the newest schema alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pushguide.master.store.tables import UtcDateTime

revision = "0004"
down_revision = "0003"

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
    """Add the column, the tables and the indexes."""
    op.add_column("deployment_host", sa.Column("counted_as", sa.String(length=20), nullable=True))
    op.create_index("ix_deployment_host_host", "deployment_host", ["host", "deployment_id"])
    op.create_index("ix_deployment_module_id", "deployment", ["module", "id"])
    op.create_index("ix_deployment_environment_id", "deployment", ["environment", "id"])
    op.create_index("ix_deployment_state_id", "deployment", ["state", "id"])
    _facts()
    _failures()
    _rollups()


def _facts() -> None:
    table = "statistics_deployment"
    op.create_table(
        table,
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("lead_seconds", sa.Double(), nullable=True),
        sa.Column("restore_seconds", sa.Double(), nullable=True),
        sa.Column("is_undone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployment.id"],
            name=op.f("fk_statistics_deployment_deployment_id"),
        ),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_statistics_deployment")),
    )
    for name, columns in (
        ("started", ["started_at"]),
        ("module", ["module", "environment", "started_at"]),
        ("finished", ["module", "environment", "finished_at"]),
        ("version", ["module", "version"]),
        ("person", ["person", "started_at"]),
    ):
        op.create_index(f"ix_{table}_{name}", table, columns)


def _failures() -> None:
    table = "statistics_failure"
    op.create_table(
        table,
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_statistics_failure_deployment_id")
        ),
        sa.PrimaryKeyConstraint("deployment_id", "host", name=op.f("pk_statistics_failure")),
    )
    for name, columns in (
        ("started", ["started_at"]),
        ("module", ["module", "started_at"]),
        ("host", ["host", "started_at"]),
        ("person", ["person", "started_at"]),
    ):
        op.create_index(f"ix_{table}_{name}", table, columns)


def _rollups() -> None:
    op.create_table(
        "statistics_cell",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statistics_cell")),
        sqlite_autoincrement=True,
    )
    columns = ["scope", "name", "environment", "type"]
    op.create_index("ix_statistics_cell_name", "statistics_cell", columns, unique=True)
    op.create_table(
        "statistics_rollup",
        sa.Column("cell_id", sa.Integer(), nullable=False),
        sa.Column("grain", sa.String(length=5), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTERS),
        sa.Column("times", sa.JSON(), nullable=False),
        sa.Column("slots", sa.JSON(), nullable=False),
        sa.Column("stages", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cell_id"], ["statistics_cell.id"], name=op.f("fk_statistics_rollup_cell_id")
        ),
        sa.PrimaryKeyConstraint("cell_id", "grain", "start", name=op.f("pk_statistics_rollup")),
    )
    op.create_table(
        "statistics_gate",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("rebuilt_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statistics_gate")),
    )
