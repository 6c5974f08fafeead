"""Freezes that people declare."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pushguide.master.store.tables import LongText, UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "freeze",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("declared_by", sa.String(length=128), nullable=False),
        sa.Column("declared_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.String(length=128), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_reason", LongText(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freeze")),
        sqlite_autoincrement=True,
    )
