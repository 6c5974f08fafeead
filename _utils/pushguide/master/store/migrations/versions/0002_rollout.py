"""What the rollout engine needs: requests of people, marks of versions, causes, waiting."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pushguide.master.store.tables import LongText, UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and tables."""
    for column in (
        sa.Column("start_at", UtcDateTime(), nullable=True),
        sa.Column("waiting_until", UtcDateTime(), nullable=True),
        sa.Column("cause", sa.String(length=20), nullable=True),
        sa.Column("cause_id", sa.Integer(), nullable=True),
    ):
        op.add_column("deployment", column)

    op.create_table(
        "engine",
        sa.Column("master", sa.String(length=255), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("master", name=op.f("pk_engine")),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("requested_by", sa.String(length=128), nullable=False),
        sa.Column("reason", LongText(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_request_deployment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_request_deployment_id"), ["deployment_id"], unique=False
        )
    op.create_table(
        "version_mark",
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("mark", sa.String(length=20), nullable=False),
        sa.Column("marked_by", sa.String(length=128), nullable=False),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.Column("reason", LongText(), nullable=True),
        sa.Column("deployment_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_version_mark_deployment_id")
        ),
        sa.PrimaryKeyConstraint("module", "environment", "version", name=op.f("pk_version_mark")),
    )
