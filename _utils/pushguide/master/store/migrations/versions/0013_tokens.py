"""Deployment tokens: the public half of each, and which signed requests were taken already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pushguide.master.store.tables import LongText, UtcDateTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "deployment_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("modules", sa.JSON(), nullable=False),
        sa.Column("environments", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("by_owner", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("reason", LongText(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_by", sa.String(length=128), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_reason", LongText(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment_token")),
        sa.UniqueConstraint("name", name=op.f("uq_deployment_token_name")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_deployment_token_fingerprint")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "token_nonce",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["deployment_token.id"],
            name=op.f("fk_token_nonce_token_id"),
        ),
        sa.PrimaryKeyConstraint("token_id", "nonce", name=op.f("pk_token_nonce")),
    )
    op.create_index(op.f("ix_token_nonce_until"), "token_nonce", ["until"])
