"""What checks found and what is waived, on every database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from pushguide.errors import Refused
from pushguide.master.store import standards
from pushguide.master.store.database import Database
from pushguide.master.store.standards import Result, Waiver
from pushguide.master.store.tables import now

PLACE = ("shop-web", "production", "1.4.2")
FINDINGS = [["no-logs", "error", "a.log", "is there"], ["index-page", "warning", "", "ä" * 70_000]]


def keep(database: Database, sha256: str, rules: str, findings: list[list[str]]) -> Result:
    result = Result(findings, ["b.sh"], now())
    database.write(lambda one: standards.keep(one, PLACE, sha256, rules, result))
    return result


def waive(database: Database, module: str = "shop-web", days: float = 3) -> Waiver:
    until = now() + timedelta(days=days)
    return database.write(
        lambda one: standards.waive(one, module, "no-logs", "*.log", until, "amy", "a sample")
    )


def test_what_was_found_is_kept_for_the_artifact_and_the_rules(database: Database) -> None:
    kept = keep(database, "a" * 64, "r" * 64, FINDINGS)
    assert database.read(lambda one: standards.found(one, "a" * 64, "r" * 64)) == kept
    for sha256, rules in (("b" * 64, "r" * 64), ("a" * 64, "s" * 64)):
        assert database.read(lambda one, at=(sha256, rules): standards.found(one, *at)) is None
    newer = keep(database, "a" * 64, "r" * 64, [])
    assert database.read(lambda one: standards.found(one, "a" * 64, "r" * 64)) == newer


def test_a_waiver(database: Database) -> None:
    made = waive(database)
    assert (made.module, made.rule, made.path) == ("shop-web", "no-logs", "*.log")
    assert (made.waived_by, made.reason, made.revoked_at) == ("amy", "a sample", None)
    assert made.until.tzinfo is timezone.utc
    assert made.has_effect(now())
    assert not made.has_effect(made.until)
    assert f"waived by amy until {made.until:%Y-%m-%d}" in str(made)
    other = waive(database, "shop-api")
    assert database.read(standards.waivers) == [other, made]
    assert database.read(lambda one: standards.waivers(one, "shop-api")) == [other]


def test_a_waiver_that_has_ended_is_told_and_has_no_effect(database: Database) -> None:
    expired, revoked, counts = (waive(database, days=days) for days in (-1, 3, 3))
    ended = database.write(lambda one: standards.revoke(one, revoked.id, "bob", "not any more"))
    assert (ended.revoked_by, ended.revoked_reason) == ("bob", "not any more")
    assert not ended.has_effect(now())
    assert database.read(standards.waivers) == [counts, ended, expired]
    at: datetime = now()
    assert database.read(lambda one: standards.waivers(one, "shop-web", at)) == [counts]
    for number, told in ((revoked.id, "was revoked by bob"), (expired.id, "has expired")):
        with pytest.raises(Refused, match=told):
            database.write(lambda one, n=number: standards.revoke(one, n, "bob", "again"))
    with pytest.raises(Refused, match="There is no waiver 99"):
        database.write(lambda one: standards.revoke(one, 99, "bob", "again"))
