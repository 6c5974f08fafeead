"""Templates that people keep in the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pushguide.master.store.tables import LongText, UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "template_revision",
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("text", LongText(), nullable=True),
        sa.Column("saved_by", sa.String(length=128), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.Column("reason", LongText(), nullable=False),
        sa.PrimaryKeyConstraint("module", "revision", name=op.f("pk_template_revision")),
    )
