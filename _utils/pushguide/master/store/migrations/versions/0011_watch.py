"""What engines watch: whose duty it is, which hosts are connected, and when they came and went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pushguide.master.store.tables import LongText, UtcDateTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the tables."""
    with op.batch_alter_table("engine") as batch:
        batch.add_column(sa.Column("ahead_seconds", sa.Double(), nullable=True))
    op.create_table(
        "duty",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=255), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_duty")),
    )
    op.create_table(
        "host_health",
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("data_centre", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("pushguide", sa.String(length=64), nullable=True),
        sa.Column("problem", LongText(), nullable=True),
        sa.Column("seen_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("host", "data_centre", name=op.f("pk_host_health")),
    )
    op.create_table(
        "host_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("data_centre", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("seen_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_change")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_host_change_host", "host_change", ["host", "id"])
    op.create_index("ix_host_change_changed", "host_change", ["changed_at"])
