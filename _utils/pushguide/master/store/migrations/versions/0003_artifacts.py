"""What artifacts need: pins of their checksums, announced builds, checks against standards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pushguide.master.store.tables import LongText, UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "artifact_pin",
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("url", LongText(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.String(length=255), nullable=True),
        sa.Column("pinned_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("module", "environment", "version", name=op.f("pk_artifact_pin")),
    )
    op.create_table(
        "build",
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("announced_by", sa.String(length=128), nullable=False),
        sa.Column("announced_at", UtcDateTime(), nullable=False),
        sa.Column("built_at", UtcDateTime(), nullable=True),
        sa.Column("author", sa.String(length=255), nullable=True),
        sa.Column("commit", sa.String(length=64), nullable=True),
        sa.Column("notes", LongText(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("deployment_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_build_deployment_id")
        ),
        sa.PrimaryKeyConstraint("module", "version", name=op.f("pk_build")),
    )
    op.create_table(
        "standards_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rules", sa.String(length=64), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standards_check")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("standards_check", schema=None) as batch_op:
        batch_op.create_index("ix_standards_check_artifact", ["sha256", "rules"], unique=False)
        batch_op.create_index(
            "ix_standards_check_module", ["module", "environment", "version"], unique=False
        )
    op.create_table(
        "waiver",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=True),
        sa.Column("reason", LongText(), nullable=False),
        sa.Column("waived_by", sa.String(length=128), nullable=False),
        sa.Column("waived_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("revoked_by", sa.String(length=128), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_reason", LongText(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("waiver", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_waiver_module"), ["module"], unique=False)
