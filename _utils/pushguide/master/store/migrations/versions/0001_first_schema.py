"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pushguide.master.store.tables import LongText, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of 0.1.0."""
    op.create_table(
        "deployment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", LongText(), nullable=True),
        sa.Column("requested_by", sa.String(length=128), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=True),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.create_index("ix_deployment_module", ["module", "environment", "id"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_created_at"), ["created_at"], unique=False)

    op.create_table(
        "job",
        sa.Column("jid", sa.String(length=64), nullable=False),
        sa.Column("load", sa.JSON(), nullable=False),
        sa.Column("minions", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("jid", name=op.f("pk_job")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_created_at"), ["created_at"], unique=False)

    op.create_table(
        "job_return",
        sa.Column("jid", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("fun", sa.String(length=128), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("jid", "host", name=op.f("pk_job_return")),
    )
    with op.batch_alter_table("job_return", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_return_created_at"), ["created_at"], unique=False)

    op.create_table(
        "deployment_host",
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("error", LongText(), nullable=True),
        sa.Column("version_before", sa.String(length=128), nullable=True),
        sa.Column("version_after", sa.String(length=128), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_deployment_host_deployment_id")
        ),
        sa.PrimaryKeyConstraint("deployment_id", "host", name=op.f("pk_deployment_host")),
    )
    op.create_table(
        "lock",
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=True),
        sa.Column("holder", sa.String(length=255), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_lock_deployment_id")
        ),
        sa.PrimaryKeyConstraint("module", "environment", name=op.f("pk_lock")),
    )
    op.create_table(
        "release",
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=True),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_release_deployment_id")
        ),
        sa.PrimaryKeyConstraint("module", "environment", "host", name=op.f("pk_release")),
    )
    op.create_table(
        "stage_result",
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_stage_result_deployment_id")
        ),
        sa.PrimaryKeyConstraint("deployment_id", "host", "stage", name=op.f("pk_stage_result")),
    )
    op.create_table(
        "step",
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("detail", LongText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_step_deployment_id")
        ),
        sa.PrimaryKeyConstraint("deployment_id", "host", "stage", "position", name=op.f("pk_step")),
    )
