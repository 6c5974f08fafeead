"""The commands around the code standards: check, waive, and what is waived."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master.arguments import (
    collected,
    demand_flag,
    demand_name,
    demand_number,
    demand_reason,
    optional_name,
)
from pushguide.master.parts import Parts
from pushguide.master.roles import VIEWER
from pushguide.master.rollout import targets
from pushguide.master.standards import check
from pushguide.master.standards import hosts as on_hosts
from pushguide.master.store import standards as store
from pushguide.master.store.tables import now
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates.library import ModuleTemplate
from pushguide.standards.globs import problem_of

#: How long hosts may take to look at what is live there, in seconds.
_LOOK_SECONDS = 60.0
_LONGEST_WAIVER = timedelta(days=366)
_PATH_AT_MOST = 255


class CodeStandards:
    """What can be asked of the code standards, and waived.

    Args:
        parts: what the commands are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database

    def check(
        self, module: object, version: object, environment: object, hosts: object
    ) -> dict[str, Any]:
        """Hold a version, or what is live on the hosts, against the rules.

        Returns:
            ``errors``, ``warnings``, ``waived`` and ``not_looked_into`` of the artifact, with
            ``hosts`` what was found on each; ``retcode`` is 1 if errors are left.
        """
        chosen = self.parts.library().get(
            demand_name(module, "module"), optional_name(environment, "environment")
        )
        asks_hosts = demand_flag(hosts, "hosts")
        if version is None and not asks_hosts:
            raise Refused(
                f"Which version of {chosen.module}? See salt-run pushguide.versions "
                f"{chosen.module}; hosts=True looks at what is live."
            )
        answer: dict[str, Any] = {"module": chosen.module, "environment": chosen.environment}
        if version is not None:
            answer |= self._of_artifact(chosen, version)
        if asks_hosts:
            answer["hosts"] = self._on_hosts(chosen)
        parts = [answer, *answer.get("hosts", {}).values()]
        return {**answer, "retcode": int(any(one.get("errors") for one in parts))}

    def _of_artifact(self, chosen: ModuleTemplate, version: object) -> dict[str, Any]:
        source = self.parts.source(chosen)
        artifact = source.resolve(source.label_of(version))
        verdict = check.of_artifact(self.database, chosen, artifact, source.open)
        checked_at = verdict.checked_at
        return {
            "version": artifact.version,
            "sha256": artifact.sha256,
            "checked_at": checked_at.isoformat(timespec="seconds") if checked_at else None,
            **verdict.to_dict(),
        }

    def _on_hosts(self, chosen: ModuleTemplate) -> dict[str, Any]:
        names = targets.hosts_of(chosen.template.target, self.parts.opts)
        asked = {
            "module": chosen.module,
            "environment": chosen.environment,
            "rules": on_hosts.rules_for_hosts(chosen.rules),
        }
        with self.parts.hosts() as hosts:
            returns = hosts.ask(names, on_hosts.FUNCTION, asked, _LOOK_SECONDS)
        waivers = self.database.read(lambda one: store.waivers(one, chosen.module, now()))
        values = {name: one.value for name, one in returns.items()}
        return on_hosts.judged(values, names, chosen.rules, waivers)

    def waive(
        self, module: object, rule: object, until: object, reason: object, path: object
    ) -> dict[str, Any]:
        """Let findings of a rule pass for a while."""
        name = demand_name(module, "module")
        known = self.parts.library().rules_of(name)
        problems: list[str] = []
        why = collected(problems, lambda: demand_reason(reason))
        wanted = collected(problems, lambda: _rule(name, known, rule))
        moment = collected(problems, lambda: _until(until))
        where = collected(problems, lambda: _path(path))
        if problems:
            raise Refused(problems)
        assert wanted and moment and why
        one = self.database.write(
            lambda connection: store.waive(
                connection, name, wanted, where, moment, self.parts.user, why
            )
        )
        return _told(one)

    def waivers(self, module: object) -> list[dict[str, Any]]:
        """What is and was waived, the newest first."""
        name = optional_name(module, "module")
        sight = self.parts.gate.sight(VIEWER)
        found = self.database.read(lambda one: store.waivers(one, name))
        return [_told(one) for one in found if sight.sees(one.module)]

    def unwaive(self, number: object, reason: object) -> dict[str, Any]:
        """End a waiver before its time."""
        wanted, why = demand_number(number, "id"), demand_reason(reason)
        user = self.parts.user

        def work(connection: Connection) -> store.Waiver:
            self.parts.trail.note_before(**_told(store.waiver(connection, wanted)))
            return store.revoke(connection, wanted, user, why)

        return _told(self.database.write(work))


def _rule(module: str, known: set[str], rule: object) -> str:
    """A rule that holds in one of the module's environments."""
    wanted = demand_name(rule, "rule")
    if wanted not in known:
        raise Refused(
            f"There is no rule {wanted!r} that holds for {module}: {did_you_mean(wanted, known)}"
        )
    return wanted


def _until(value: object) -> datetime:
    """The end of a waiver: a day is meant with its last moment, in UTC."""
    try:
        moment = _moment(value)
    except ValueError:
        moment = None
    if moment is None:
        raise Refused(f"until is {value!r}: give a date, such as until=2027-01-31.")
    left = moment - datetime.now(timezone.utc)
    if left <= timedelta(0):
        raise Refused(f"until is {value}, which has passed: give a date to come.")
    if left > _LONGEST_WAIVER:
        raise Refused(f"until is {value}: a waiver lasts for a year at the most. Renew it then.")
    return moment


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, date):
        text = str(value)
        value = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    if not isinstance(value, datetime):
        return datetime.combine(value + timedelta(days=1), time(), timezone.utc)
    return value if value.tzinfo else None


def _path(value: object) -> str | None:
    if value is None:
        return None
    text = demand_name(value, "path")
    why = problem_of(text) or (len(text) > _PATH_AT_MOST and "it is too long") or None
    if why:
        raise Refused(f"path is {text[:80]!r}: {why}.")
    return text


def _told(one: store.Waiver) -> dict[str, Any]:
    """A waiver as plain data."""
    revoked = one.revoked_at
    return {
        "id": one.id,
        "module": one.module,
        "rule": one.rule,
        "path": one.path,
        "reason": one.reason,
        "waived_by": one.waived_by,
        "waived_at": one.waived_at.isoformat(timespec="seconds"),
        "until": one.until.isoformat(timespec="seconds"),
        "has_effect": one.has_effect(now()),
        "revoked_by": one.revoked_by,
        "revoked_at": revoked.isoformat(timespec="seconds") if revoked else None,
        "revoked_reason": one.revoked_reason,
    }
