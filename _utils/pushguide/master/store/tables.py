"""The tables of the record, and the kinds of column that every database takes alike."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa

#: The newest schema revision: a test keeps it equal to the newest migration.
SCHEMA = "0014"


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware datetimes in UTC, with microseconds, on every database."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        """Ask MariaDB for microseconds: it keeps whole seconds otherwise."""
        if dialect.name in ("mysql", "mariadb"):
            from sqlalchemy.dialects.mysql import DATETIME

            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Store naive UTC."""
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:
        """Give aware UTC back."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


class LongText(sa.types.TypeDecorator[str]):
    """Text of any length on every database: MariaDB's own TEXT ends at 64 KiB."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        """Ask MariaDB for its long text."""
        if dialect.name in ("mysql", "mariadb"):
            from sqlalchemy.dialects.mysql import LONGTEXT

            return dialect.type_descriptor(LONGTEXT())
        return dialect.type_descriptor(sa.Text())


def now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(timezone.utc)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

_NAME = sa.String(64)
_HOST = sa.String(255)
_VERSION = sa.String(128)
_STATE = sa.String(20)
deployment = sa.Table(
    "deployment",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("module", _NAME, nullable=False),
    sa.Column("environment", _NAME, nullable=False),
    sa.Column("kind", _STATE, nullable=False),
    sa.Column("version", _VERSION, nullable=False),
    sa.Column("state", _STATE, nullable=False),
    sa.Column("reason", LongText),
    sa.Column("requested_by", sa.String(128), nullable=False),
    sa.Column("token", sa.BigInteger),
    sa.Column("plan", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("start_at", UtcDateTime),
    sa.Column("waiting_until", UtcDateTime),
    sa.Column("left_for", _NAME),
    sa.Column("cause", _STATE),
    sa.Column("cause_id", sa.Integer),
    sa.Index("ix_deployment_module", "module", "environment", "id"),
    sa.Index("ix_deployment_module_id", "module", "id"),
    sa.Index("ix_deployment_environment_id", "environment", "id"),
    sa.Index("ix_deployment_state_id", "state", "id"),
    sqlite_autoincrement=True,
)

deployment_host = sa.Table(
    "deployment_host",
    metadata,
    sa.Column("deployment_id", sa.ForeignKey("deployment.id"), primary_key=True),
    sa.Column("host", _HOST, primary_key=True),
    sa.Column("batch", sa.Integer, nullable=False),
    sa.Column("outcome", _STATE, nullable=False),
    sa.Column("error", LongText),
    sa.Column("version_before", _VERSION),
    sa.Column("version_after", _VERSION),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("counted_as", _STATE),
    sa.Index("ix_deployment_host_host", "host", "deployment_id"),
)

request = sa.Table(
    "request",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("deployment_id", sa.ForeignKey("deployment.id"), nullable=False, index=True),
    sa.Column("what", _STATE, nullable=False),
    sa.Column("requested_by", sa.String(128), nullable=False),
    sa.Column("reason", LongText),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("requested_at", UtcDateTime, nullable=False),
    sa.Column("done_at", UtcDateTime),
    sqlite_autoincrement=True,
)

stage_result = sa.Table(
    "stage_result",
    metadata,
    sa.Column("deployment_id", sa.ForeignKey("deployment.id"), primary_key=True),
    sa.Column("host", _HOST, primary_key=True),
    sa.Column("stage", _STATE, primary_key=True),
    sa.Column("outcome", _STATE, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
)

step = sa.Table(
    "step",
    metadata,
    sa.Column("deployment_id", sa.ForeignKey("deployment.id"), primary_key=True),
    sa.Column("host", _HOST, primary_key=True),
    sa.Column("stage", _STATE, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", _NAME, nullable=False),
    sa.Column("outcome", _STATE, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("detail", LongText),
)

release = sa.Table(
    "release",
    metadata,
    sa.Column("module", _NAME, primary_key=True),
    sa.Column("environment", _NAME, primary_key=True),
    sa.Column("host", _HOST, primary_key=True),
    sa.Column("version", _VERSION),
    sa.Column("deployment_id", sa.ForeignKey("deployment.id"), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)

version_mark = sa.Table(
    "version_mark",
    metadata,
    sa.Column("module", _NAME, primary_key=True),
    sa.Column("environment", _NAME, primary_key=True),
    sa.Column("version", _VERSION, primary_key=True),
    sa.Column("mark", _STATE, nullable=False),
    sa.Column("marked_by", sa.String(128), nullable=False),
    sa.Column("marked_at", UtcDateTime, nullable=False),
    sa.Column("reason", LongText),
    sa.Column("deployment_id", sa.ForeignKey("deployment.id")),
)

artifact_pin = sa.Table(
    "artifact_pin",
    metadata,
    sa.Column("module", _NAME, primary_key=True),
    sa.Column("environment", _NAME, primary_key=True),
    sa.Column("version", _VERSION, primary_key=True),
    sa.Column("url", LongText, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("etag", sa.String(255)),
    sa.Column("pinned_at", UtcDateTime, nullable=False),
)

build = sa.Table(
    "build",
    metadata,
    sa.Column("module", _NAME, primary_key=True),
    sa.Column("version", _VERSION, primary_key=True),
    sa.Column("announced_by", sa.String(128), nullable=False),
    sa.Column("announced_at", UtcDateTime, nullable=False),
    sa.Column("built_at", UtcDateTime),
    sa.Column("author", sa.String(255)),
    sa.Column("commit", sa.String(64)),
    sa.Column("notes", LongText),
    sa.Column("sha256", sa.String(64)),
    sa.Column("deployment_id", sa.ForeignKey("deployment.id")),
)

standards_check = sa.Table(
    "standards_check",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("module", _NAME, nullable=False),
    sa.Column("environment", _NAME, nullable=False),
    sa.Column("version", _VERSION, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("rules", sa.String(64), nullable=False),
    sa.Column("findings", sa.JSON, nullable=False),
    sa.Column("checked_at", UtcDateTime, nullable=False),
    sa.Index("ix_standards_check_artifact", "sha256", "rules"),
    sa.Index("ix_standards_check_module", "module", "environment", "version"),
    sqlite_autoincrement=True,
)

waiver = sa.Table(
    "waiver",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("module", _NAME, nullable=False, index=True),
    sa.Column("rule", _NAME, nullable=False),
    sa.Column("path", sa.String(255)),
    sa.Column("reason", LongText, nullable=False),
    sa.Column("waived_by", sa.String(128), nullable=False),
    sa.Column("waived_at", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("revoked_by", sa.String(128)),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("revoked_reason", LongText),
    sqlite_autoincrement=True,
)

role_grant = sa.Table(
    "role_grant",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("scope", _STATE, nullable=False),
    sa.Column("name", _NAME, nullable=False),
    sa.Column("role", _STATE, nullable=False),
    sa.Column("person", sa.String(128), nullable=False, index=True),
    sa.Column("granted_by", sa.String(128), nullable=False),
    sa.Column("granted_at", UtcDateTime, nullable=False),
    sa.Column("reason", LongText, nullable=False),
    sa.Column("revoked_by", sa.String(128)),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("revoked_reason", LongText),
    sqlite_autoincrement=True,
)

freeze = sa.Table(
    "freeze",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("scope", _STATE, nullable=False),
    sa.Column("name", _NAME, nullable=False),
    sa.Column("rule", sa.JSON, nullable=False),
    sa.Column("declared_by", sa.String(128), nullable=False),
    sa.Column("declared_at", UtcDateTime, nullable=False),
    sa.Column("ended_by", sa.String(128)),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_reason", LongText),
    sqlite_autoincrement=True,
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("host", _HOST, nullable=False),
    sa.Column("module", _NAME),
    sa.Column("reason", LongText, nullable=False),
    sa.Column("declared_by", sa.String(128), nullable=False),
    sa.Column("declared_at", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime),
    sa.Column("ended_by", sa.String(128)),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_reason", LongText),
    sqlite_autoincrement=True,
)

deployment_token = sa.Table(
    "deployment_token",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", _NAME, nullable=False, unique=True),
    sa.Column("public_key", sa.String(255), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
    sa.Column("modules", sa.JSON, nullable=False),
    sa.Column("environments", sa.JSON, nullable=False),
    sa.Column("created_by", sa.String(128), nullable=False),
    sa.Column("by_owner", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("reason", LongText),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
    sa.Column("revoked_by", sa.String(128)),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("revoked_reason", LongText),
    sqlite_autoincrement=True,
)

token_nonce = sa.Table(
    "token_nonce",
    metadata,
    sa.Column("token_id", sa.ForeignKey("deployment_token.id"), primary_key=True),
    sa.Column("nonce", sa.String(64), primary_key=True),
    sa.Column("until", UtcDateTime, nullable=False, index=True),
)

template_revision = sa.Table(
    "template_revision",
    metadata,
    sa.Column("module", _NAME, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("data", sa.JSON(none_as_null=True)),
    sa.Column("text", LongText),
    sa.Column("saved_by", sa.String(128), nullable=False),
    sa.Column("saved_at", UtcDateTime, nullable=False),
    sa.Column("reason", LongText, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("person", sa.String(128), nullable=False),
    sa.Column("via", _STATE, nullable=False),
    sa.Column("role", _STATE),
    sa.Column("what", _NAME, nullable=False),
    sa.Column("module", _NAME),
    sa.Column("environment", _NAME),
    sa.Column("outcome", _STATE, nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON(none_as_null=True)),
    sa.Column("reason", LongText),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index("ix_audit_person", "person", "id"),
    sa.Index("ix_audit_module", "module", "id"),
)

audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

inventory_cache = sa.Table(
    "inventory_cache",
    metadata,
    sa.Column("module", _NAME, primary_key=True),
    sa.Column("environment", _NAME, primary_key=True),
    sa.Column("asked", sa.String(64), nullable=False),
    sa.Column("hosts", sa.JSON, nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
)

statistics_deployment = sa.Table(
    "statistics_deployment",
    metadata,
    sa.Column("deployment_id", sa.ForeignKey("deployment.id"), primary_key=True),
    sa.Column("module", _NAME, nullable=False),
    sa.Column("environment", _NAME, nullable=False),
    sa.Column("type", _NAME, nullable=False),
    sa.Column("person", sa.String(128), nullable=False),
    sa.Column("version", _VERSION, nullable=False),
    sa.Column("kind", _STATE, nullable=False),
    sa.Column("cause", _STATE),
    sa.Column("state", _STATE, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("seconds", sa.Double),
    sa.Column("lead_seconds", sa.Double),
    sa.Column("restore_seconds", sa.Double),
    sa.Column("is_undone", sa.Boolean, nullable=False),
    sa.Index("ix_statistics_deployment_started", "started_at"),
    sa.Index("ix_statistics_deployment_module", "module", "started_at"),
    sa.Index("ix_statistics_deployment_finished", "module", "environment", "finished_at"),
    sa.Index("ix_statistics_deployment_version", "module", "version"),
    sa.Index("ix_statistics_deployment_person", "person", "started_at"),
)

statistics_failure = sa.Table(
    "statistics_failure",
    metadata,
    sa.Column("deployment_id", sa.ForeignKey("deployment.id"), primary_key=True),
    sa.Column("host", _HOST, primary_key=True),
    sa.Column("module", _NAME, nullable=False),
    sa.Column("environment", _NAME, nullable=False),
    sa.Column("type", _NAME, nullable=False),
    sa.Column("person", sa.String(128), nullable=False),
    sa.Column("stage", _STATE, nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Index("ix_statistics_failure_started", "started_at"),
    sa.Index("ix_statistics_failure_module", "module", "started_at"),
    sa.Index("ix_statistics_failure_host", "host", "started_at"),
    sa.Index("ix_statistics_failure_person", "person", "started_at"),
)

statistics_cell = sa.Table(
    "statistics_cell",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("scope", _STATE, nullable=False),
    sa.Column("name", _HOST, nullable=False),
    sa.Column("environment", _NAME, nullable=False),
    sa.Column("type", _NAME, nullable=False),
    sa.Index("ix_statistics_cell_name", "scope", "name", "environment", "type", unique=True),
    sqlite_autoincrement=True,
)


def _of_cells(name: str, *columns: sa.Column[Any], **options: Any) -> sa.Table:
    """A table of what is kept of a cell of a day, month or year."""
    return sa.Table(
        name,
        metadata,
        sa.Column("cell_id", sa.ForeignKey("statistics_cell.id"), primary_key=True),
        sa.Column("start", sa.Date, primary_key=True),
        *columns,
        **options,
    )


def _rollup(name: str) -> sa.Table:
    """The numbers that every question needs: short rows, one beside the other."""
    return _of_cells(
        name,
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("succeeded", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("aborted", sa.Integer, nullable=False),
        sa.Column("rollbacks", sa.Integer, nullable=False),
        sa.Column("automatic_rollbacks", sa.Integer, nullable=False),
        sa.Column("retries", sa.Integer, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("failed_changes", sa.Integer, nullable=False),
        sa.Column("deliveries", sa.Integer, nullable=False),
        sa.Column("times", sa.JSON, nullable=False),
        sqlite_with_rowid=False,
    )


def _detail(name: str) -> sa.Table:
    """What only some questions need, and what is long."""
    return _of_cells(
        name,
        sa.Column("slots", sa.JSON, nullable=False),
        sa.Column("stages", sa.JSON, nullable=False),
        sa.Column("failing", sa.JSON, nullable=False),
    )


#: Days, months and years in tables of their own: the long ones are few rows in few pages.
statistics_rollup = {
    "day": _rollup("statistics_day"),
    "month": _rollup("statistics_month"),
    "year": _rollup("statistics_year"),
}
statistics_detail = {
    "day": _detail("statistics_day_detail"),
    "month": _detail("statistics_month_detail"),
    "year": _detail("statistics_year_detail"),
}

statistics_gate = sa.Table(
    "statistics_gate",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rebuilt_at", UtcDateTime, nullable=False),
)

engine = sa.Table(
    "engine",
    metadata,
    sa.Column("master", sa.String(255), primary_key=True),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("ahead_seconds", sa.Double),
    sa.Column("data_centre", _NAME),
)

drive = sa.Table(
    "drive",
    metadata,
    sa.Column("deployment_id", sa.ForeignKey("deployment.id"), primary_key=True),
    sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("master", sa.String(255), nullable=False),
    sa.Column("holder", sa.String(255), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)

duty = sa.Table(
    "duty",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("holder", sa.String(255), nullable=False),
    sa.Column("lease_until", UtcDateTime, nullable=False),
)

host_health = sa.Table(
    "host_health",
    metadata,
    sa.Column("host", _HOST, primary_key=True),
    sa.Column("data_centre", _NAME, primary_key=True),
    sa.Column("state", _STATE, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("pushguide", sa.String(64)),
    sa.Column("problem", LongText),
    sa.Column("seen_by", sa.String(255), nullable=False),
)

host_change = sa.Table(
    "host_change",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("host", _HOST, nullable=False),
    sa.Column("data_centre", _NAME, nullable=False),
    sa.Column("state", _STATE, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("seen_by", sa.String(255), nullable=False),
    sa.Index("ix_host_change_host", "host", "id"),
    sa.Index("ix_host_change_changed", "changed_at"),
    sqlite_autoincrement=True,
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("idempotency_key", sa.String(128), nullable=False, unique=True),
    sa.Column("event", _STATE, nullable=False),
    sa.Column("module", _NAME),
    sa.Column("environment", _NAME),
    sa.Column("deployment_id", sa.ForeignKey("deployment.id")),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expanded_at", UtcDateTime),
    sa.Index("ix_outbox_expanded", "expanded_at", "id"),
    sa.Index("ix_outbox_created", "created_at"),
    sqlite_autoincrement=True,
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("outbox_id", sa.ForeignKey("outbox.id"), nullable=False),
    sa.Column("channel", _NAME, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", _STATE, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("is_collected", sa.Boolean, nullable=False),
    sa.Column("message", sa.Integer),
    sa.Column("error", sa.String(500)),
    sa.Column("delivered_at", UtcDateTime),
    sa.Index("ix_delivery_place", "outbox_id", "channel", "position", unique=True),
    sa.Index("ix_delivery_due", "state", "due_at"),
    sa.Index("ix_delivery_channel", "channel", "position", "state"),
    sqlite_autoincrement=True,
)

channel_count = sa.Table(
    "channel_count",
    metadata,
    sa.Column("channel", _NAME, primary_key=True),
    sa.Column("delivered", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("given_up", sa.BigInteger, nullable=False),
)

lock = sa.Table(
    "lock",
    metadata,
    sa.Column("module", _NAME, primary_key=True),
    sa.Column("environment", _NAME, primary_key=True),
    sa.Column("deployment_id", sa.ForeignKey("deployment.id")),
    sa.Column("holder", sa.String(255), nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("lease_until", UtcDateTime, nullable=False),
)

job = sa.Table(
    "job",
    metadata,
    sa.Column("jid", sa.String(64), primary_key=True),
    sa.Column("load", sa.JSON, nullable=False),
    sa.Column("minions", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
)

job_return = sa.Table(
    "job_return",
    metadata,
    sa.Column("jid", sa.String(64), primary_key=True),
    sa.Column("host", _HOST, primary_key=True),
    sa.Column("fun", sa.String(128), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("tag", sa.String(255), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
    sqlite_autoincrement=True,
)
