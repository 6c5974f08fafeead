"""Preflight: what the hosts say before a plan is made, and which of them cannot be deployed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.engine import Connection

from pushguide import __version__
from pushguide.errors import Refused
from pushguide.master.plan import HostFacts
from pushguide.master.rollout.jobs import Hosts, Return
from pushguide.master.store import host_health, host_results
from pushguide.master.store.database import Database
from pushguide.master.store.host_health import HostHealth
from pushguide.master.templates.library import ModuleTemplate


class Preflight:
    """Looks at hosts before anything is done to them.

    Args:
        database: the record.
        hosts: the way to the hosts.
        presence_timeout: how long hosts may take to answer, in seconds.
    """

    def __init__(self, database: Database, hosts: Hosts, presence_timeout: float) -> None:
        self.database = database
        self.hosts = hosts
        self.presence_timeout = presence_timeout

    def ask(
        self,
        chosen: ModuleTemplate,
        names: list[str],
        grains: list[str],
        allow_offline: bool = False,
    ) -> tuple[dict[str, HostFacts], list[str]]:
        """What hosts say, with what the record has of them; and those that say nothing.

        Args:
            chosen: the module.
            names: the hosts.
            grains: which grains they are asked for.
            allow_offline: whether those that do not answer are left out.

        Raises:
            Refused: one of them cannot be deployed to, or does not answer.
        """
        returns = self.hosts.ask(
            names,
            "pushguide.inspect",
            {"module": chosen.module, "environment": chosen.environment, "grains": grains},
            self.presence_timeout,
        )
        watched = self.database.read(lambda one: host_health.find(one, names))
        facts, left_out = _present(names, returns, allow_offline, watched)

        def work(connection: Connection) -> tuple[dict[str, str | None], set[str]]:
            rows = host_results.live(connection, chosen.module, chosen.environment)
            lives = {row["host"]: row["version"] for row in rows}
            failed = host_results.failed_last_time(connection, chosen.module, chosen.environment)
            return lives, {*failed}

        lives, failed = self.database.read(work)
        known = {
            host: replace(
                one,
                recorded=lives.get(host),
                failed_last=host in failed,
                changes=watched[host].changes if _is_flapping(watched.get(host)) else 0,
            )
            for host, one in facts.items()
        }
        return known, left_out


def _present(
    names: list[str],
    returns: Mapping[str, Return],
    allow_offline: bool,
    watched: Mapping[str, HostHealth],
) -> tuple[dict[str, HostFacts], list[str]]:
    """What the hosts said, and those that said nothing; refuse what cannot be deployed to."""
    silent = [name for name in names if name not in returns]
    facts, problems = {}, []
    for name in names:
        if name in returns:
            try:
                facts[name] = _facts_of(name, returns[name].value)
            except Refused as err:
                problems.extend(err.problems)
    told = ", ".join(_told_silent(one, watched.get(one)) for one in silent)
    if silent and not allow_offline:
        problems.append(
            f"{len(silent)} of {len(names)} hosts do not answer: {told}. Mend "
            "them (salt-run manage.down), or leave them out with allow_offline=True."
        )
    elif not facts and not problems:
        problems.append(f"None of the hosts answers: {told}.")
    if problems:
        raise Refused(problems)
    return facts, silent


def _is_flapping(health: HostHealth | None) -> bool:
    return health is not None and health.is_flapping


def _told_silent(host: str, health: HostHealth | None) -> str:
    """A host that does not answer, with what the monitor has seen of it."""
    if health is None or health.state == host_health.UP:
        return host
    return f"{host} (down since {health.since.isoformat(timespec='seconds')})"


def _facts_of(host: str, answer: object) -> HostFacts:
    """What a host said about itself.

    Raises:
        Refused: it has no pushguide, or another version of it.
    """
    sync = f"Sync it: salt {host} saltutil.sync_all"
    if not isinstance(answer, Mapping) or "pushguide" not in answer:
        raise Refused(f"{host} cannot be deployed to, it answered {str(answer)[:200]!r}. {sync}")
    if answer["pushguide"] != __version__:
        raise Refused(
            f"{host} runs pushguide {answer['pushguide']}, this master {__version__}. {sync} "
            "(and restart a minion that runs with multiprocessing: False)"
        )
    module = answer.get("module") or {}
    grains = {str(key): str(value) for key, value in (answer.get("grains") or {}).items()}
    return HostFacts(
        answer["pushguide"], module.get("live"), list(module.get("good") or []), grains
    )
