"""The desk: every function of the runner, in one place, for all who come in.

The command line, orchestration files and salt-api all end up here, and are equals.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pushguide.errors import Refused
from pushguide.master import states, summary
from pushguide.master.arguments import demand_flag, demand_name, demand_number
from pushguide.master.config import Config
from pushguide.master.rollout.driver import Driver
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.rollout.progress import Progress, TerminalProgress
from pushguide.master.rollout.submit import Submitter, Wish
from pushguide.master.source import DirectorySource
from pushguide.master.store import lock, record
from pushguide.master.store.database import Database
from pushguide.master.templates.library import Library


class Desk:
    """What the runner can do, for one caller.

    Args:
        opts: the master's opts.
        salt: the runner's ``__salt__``.
        user: who calls, as Salt has authenticated them.
    """

    def __init__(self, opts: Mapping[str, Any], salt: Mapping[str, Any], user: str) -> None:
        self.opts = opts
        self.salt = salt
        self.user = user
        self.config = Config.from_opts(opts)
        self.database = Database.at(self.config.database)

    # Deployments.

    def start(
        self,
        kind: str,
        module: object,
        version: object,
        environment: object,
        allow_offline: object,
        wait: object,
    ) -> dict[str, Any]:
        """Submit a deployment, and drive it to its end, here or in the background.

        Returns:
            The deployment in full, with ``retcode`` 1 unless it succeeded; with ``wait=False``
            its number and state.
        """
        wish = self._wish(kind, module, version, environment, allow_offline)
        waits = demand_flag(wait, "wait")
        hosts = self._hosts()
        try:
            submitter = self._submitter(hosts)
            plan = submitter.plan(wish)
            number = submitter.submit(plan, self.user, self.config.lease_seconds)
            if waits:
                return self._drive(number, hosts)
        finally:
            hosts.close()
        self._in_background(number)
        return {
            "deployment": number,
            "state": states.QUEUED,
            "module": plan.module,
            "environment": plan.environment,
            "version": plan.version,
            "kind": plan.kind,
        }

    def resume(self, deployment: object) -> dict[str, Any]:
        """Drive a deployment on to its end, from wherever it stands."""
        number = demand_number(deployment, "deployment")
        hosts = self._hosts()
        try:
            return self._drive(number, hosts)
        finally:
            hosts.close()

    def plan(
        self,
        kind: str,
        module: object,
        version: object,
        environment: object,
        allow_offline: object,
    ) -> dict[str, Any]:
        """What a deployment would do."""
        wish = self._wish(kind, module, version, environment, allow_offline)
        hosts = self._hosts()
        try:
            return self._submitter(hosts).plan(wish).to_dict()
        finally:
            hosts.close()

    # Questions.

    def show(self, deployment: object) -> dict[str, Any]:
        """One deployment with its hosts, stages and steps."""
        number = demand_number(deployment, "deployment")

        def work(connection: Any) -> dict[str, Any]:
            one = record.get(connection, number)
            held = lock.look(connection, one.module, one.environment)
            drives = held is not None and held.is_alive and held.deployment_id == number
            return summary.in_full(
                one,
                record.hosts(connection, number),
                record.stages(connection, number),
                held.holder if held and drives else None,
            )

        return self.database.read(work)

    def status(self, module: object, environment: object) -> dict[str, Any]:
        """What is live where, and the last deployment, of each module.

        A module that the record does not know has to be one of the templates.
        """
        wanted = _optional(module, "module")
        place = _optional(environment, "environment")

        def work(connection: Any) -> dict[str, Any]:
            answer: dict[str, Any] = {}
            for row in record.live(connection, wanted):
                if place in (None, row["environment"]):
                    here = _place(answer, row["module"], row["environment"])
                    here["hosts"][row["host"]] = {
                        "version": row["version"],
                        "since": row["since"].isoformat(timespec="seconds"),
                        "deployment": row["deployment_id"],
                    }
            for last in record.latest(connection, wanted):
                if place in (None, last.environment):
                    here = _place(answer, last.module, last.environment)
                    here["last"] = summary.of_deployment(last)
            return answer

        found = self.database.read(work)
        if wanted and not found:
            self._library().get(wanted, place)
        return found

    def history(self, module: object, environment: object, limit: object) -> list[dict[str, Any]]:
        """Deployments, the newest first."""
        wanted = _optional(module, "module")
        place = _optional(environment, "environment")
        at_most = demand_number(limit, "limit")
        found = self.database.read(lambda one: record.find(one, wanted, place, limit=at_most))
        if wanted and not found:
            self._library().get(wanted, place)
        return [summary.of_deployment(one) for one in found]

    def versions(self, module: object, environment: object, limit: object) -> list[dict[str, Any]]:
        """The versions that the source of a module has, the newest first."""
        chosen = self._library().get(
            demand_name(module, "module"), _optional(environment, "environment")
        )
        source = DirectorySource(chosen.template.source, chosen.module)
        at_most = demand_number(limit, "limit")
        lives = {
            row["version"]
            for row in self.database.read(lambda one: record.live(one, chosen.module))
            if row["environment"] == chosen.environment
        }
        return [
            {
                "version": one.version,
                "built": one.built.isoformat(timespec="seconds"),
                "live": one.version in lives,
            }
            for one in source.versions()[:at_most]
        ]

    def modules(self) -> dict[str, Any]:
        """Every module of the master's pillar, or what is wrong with its template."""
        return self._library().overview()

    def setup(self, files: object) -> dict[str, Any]:
        """Create or migrate the database, and say what is missing on this master."""
        from pushguide.master import installation  # Alembic: nothing else needs it.

        return installation.setup(self.opts, self.salt, _optional(files, "files"))

    # The parts.

    def _wish(
        self, kind: str, module: object, version: object, environment: object, offline: object
    ) -> Wish:
        if kind not in ("deploy", "rollback", "redeploy"):
            raise Refused(f"kind is {kind!r}: give deploy, rollback or redeploy.")
        return Wish(
            kind=kind,
            module=demand_name(module, "module"),
            version=version,
            environment=_optional(environment, "environment"),
            allow_offline=demand_flag(offline, "allow_offline"),
        )

    def _hosts(self) -> Hosts:
        return Hosts(self.opts, self.config.silence_seconds)

    def _library(self) -> Library:
        return Library(self.opts)

    def _submitter(self, hosts: Hosts) -> Submitter:
        timeout = self.config.presence_timeout_seconds
        return Submitter(self.opts, self.database, self._library(), hosts, timeout)

    def _drive(self, number: int, hosts: Hosts) -> dict[str, Any]:
        driver = Driver(
            self.database,
            hosts,
            self._returner(),
            self._progress(hosts),
            number,
            self.config.lease_seconds,
        )
        state = driver.drive(self._orchestrate)
        answer = summary.in_brief(self.show(number))
        return {**answer, "retcode": 0 if state == states.SUCCEEDED else 1}

    def _orchestrate(self, name: str, pillar: dict[str, Any]) -> Any:
        return self.salt["state.orchestrate"](name, pillar=pillar)

    def _returner(self) -> Callable[[dict[str, Any]], None]:
        import salt.loader

        found: Callable[[dict[str, Any]], None] = salt.loader.returners(dict(self.opts), {})[
            "pushguide.record"
        ]
        return found

    def _progress(self, hosts: Hosts) -> Progress:
        fire = hosts.client.event.fire_event
        on_terminal = str(self.opts.get("fun") or "").startswith("pushguide.")
        return TerminalProgress(fire) if on_terminal else Progress(fire)

    def _in_background(self, number: int) -> None:
        """Let the deployment be driven by a process that outlives this call.

        A new interpreter, not a fork as Salt's own ``--async`` makes: a fork of a process that has
        talked over ZeroMQ dies now and then, without a word.
        """
        subprocess.Popen(  # noqa: S603 - no shell, and a number
            [
                sys.executable,
                *("-c", "import salt.scripts; salt.scripts.salt_run()"),
                *("--config-dir", os.path.dirname(os.path.abspath(self.opts["conf_file"]))),
                *("pushguide.resume", str(number)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )


def _optional(name: object, what: str) -> str | None:
    return None if name is None else demand_name(name, what)


def _place(answer: dict[str, Any], module: str, environment: str) -> dict[str, Any]:
    place: dict[str, Any] = answer.setdefault(module, {}).setdefault(
        environment, {"hosts": {}, "last": None}
    )
    return place
