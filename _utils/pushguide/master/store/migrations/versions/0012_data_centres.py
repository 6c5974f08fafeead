"""Data centres: where masters stand, whose a deployment is, and which masters drove it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pushguide.master.store.tables import UtcDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns and the table."""
    with op.batch_alter_table("deployment") as batch:
        batch.add_column(sa.Column("left_for", sa.String(length=64), nullable=True))
    with op.batch_alter_table("engine") as batch:
        batch.add_column(sa.Column("data_centre", sa.String(length=64), nullable=True))
    op.create_table(
        "drive",
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("master", sa.String(length=255), nullable=False),
        sa.Column("holder", sa.String(length=255), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_drive_deployment_id_deployment")
        ),
        sa.PrimaryKeyConstraint("deployment_id", "token", name=op.f("pk_drive")),
    )
