"""The master's own configuration of pushguide: the key ``pushguide`` in the master's config."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pushguide.errors import Refused
from pushguide.master import allowed, cmdb, credentials, metrics
from pushguide.master.bounds import SelfService
from pushguide.master.hooks import Hook
from pushguide.master.notifications import reading
from pushguide.master.notifications.reading import Notifications
from pushguide.master.suggest import did_you_mean


@dataclass(frozen=True)
class Config:
    """What the master's configuration says about pushguide.

    Attributes:
        database: the URL of the database, as SQLAlchemy takes it; SQLite beside the master's
            cache by default.
        lease_seconds: how long a deployment stays reserved for a master that says nothing.
        presence_timeout_seconds: how long hosts may take to answer before a deployment.
        silence_seconds: how long a host may be silent in a stage before it is asked whether
            it still works.
        patience_seconds: how long a deployment waits for a database or a master that went
            away, before it stands still and has to be resumed.
        commands: the commands that the probes of templates may name, as lists of words.
        functions: the Salt functions that the drains of templates may name.
        hooks: the Salt functions and commands that templates may name as hooks.
        credentials: what servers ask for, by the names that templates give.
        groups_from: the kinds of eauth that are asked for the groups of people, such as pam.
        cmdb: how the company's CMDB is asked; nobody asks one without.
        reports: the directory that reports may be written to; None where none may.
        self_service: what templates in the database may name; None where there are none.
        data_centre: the data centre that this master stands in.
        monitor_seconds: how long a host may give no sign of life before the engine asks it.
        keep_days: how long the steps of deployments are kept, in days; None for ever.
        metrics: where the engine tells metrics; None for nowhere.
        notifications: who is told of what; nobody of anything for None.
    """

    database: str = field(repr=False)
    lease_seconds: int = 60
    presence_timeout_seconds: int = 10
    silence_seconds: int = 15
    patience_seconds: int = 300
    commands: dict[str, list[str]] = field(default_factory=dict)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    credentials: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    groups_from: list[str] = field(default_factory=list)
    cmdb: cmdb.Cmdb | None = None
    reports: str | None = None
    self_service: SelfService | None = None
    data_centre: str = "main"
    monitor_seconds: int = 60
    keep_days: int | None = None
    metrics: metrics.Place | None = None
    notifications: Notifications | None = None

    @classmethod
    def from_opts(cls, opts: Mapping[str, Any]) -> Config:
        """Read the configuration out of the master's opts.

        Raises:
            Refused: a key is unknown or of the wrong kind; every problem is named.
        """
        given = opts.get("pushguide") or {}
        if not isinstance(given, Mapping):
            raise Refused("pushguide in the master's configuration is not a mapping.")
        known = {one.name for one in fields(cls)}
        problems = [
            f"pushguide:{key} in the master's configuration is unknown: {did_you_mean(key, known)}"
            for key in given
            if key not in known
        ]
        for one in fields(cls):
            value = given.get(one.name)
            if one.type == "int" and value is not None and not _is_positive(value):
                problems.append(
                    f"pushguide:{one.name} in the master's configuration is {value!r}: "
                    "give a whole number of seconds above 0."
                )
        days = given.get("keep_days")
        if days is not None and not _is_positive(days):
            problems.append(
                f"pushguide:keep_days in the master's configuration is {days!r}: give a whole "
                "number of days above 0."
            )
        eauths = given.get("groups_from") or []
        if not isinstance(eauths, list) or not all(isinstance(one, str) for one in eauths):
            problems.append(
                f"pushguide:groups_from in the master's configuration is {eauths!r}: give a list "
                "of kinds of eauth, such as [pam]."
            )
        reports = given.get("reports")
        if reports is not None and not (isinstance(reports, str) and os.path.isabs(reports)):
            problems.append(
                f"pushguide:reports in the master's configuration is {reports!r}: give an "
                "absolute path."
            )
        place = given.get("data_centre", "main")
        if not (isinstance(place, str) and _NAME.fullmatch(place)):
            problems.append(
                f"pushguide:data_centre in the master's configuration is {place!r}: give a name of "
                "letters, digits, '.', '_' and '-', such as shanghai."
            )
        named, wrong = allowed.read(given)
        secrets, more = credentials.read(given)
        asked, odd = cmdb.read(given, secrets)
        told, strange = metrics.read(given)
        rules, bad = reading.read(given)
        if problems or wrong or more or odd or strange or bad:
            raise Refused([*problems, *wrong, *more, *odd, *strange, *bad])
        names = {key: getattr(named, key) for key in (*allowed.KEYS, "self_service")}
        others = {
            "credentials": secrets,
            "groups_from": list(eauths),
            "cmdb": asked,
            "metrics": told,
            "notifications": rules,
        }
        values = {**given, **names, **others}
        return cls(**{"database": default_database(opts), **values})


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def default_database(opts: Mapping[str, Any]) -> str:
    """SQLite, beside the master's cache and not in it: people delete caches."""
    beside = os.path.dirname(os.path.abspath(opts["cachedir"]))
    return f"sqlite:///{os.path.join(beside, 'pushguide', 'pushguide.db')}"
