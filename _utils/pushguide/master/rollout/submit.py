"""Submit: decide what a deployment would do, and write it down. No host is changed here."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pushguide import __version__
from pushguide.errors import BadVersion, Locked, Refused
from pushguide.master import states, versions
from pushguide.master.plan import HostFacts, Plan
from pushguide.master.rollout import targets
from pushguide.master.rollout.jobs import Hosts, Return
from pushguide.master.source import DirectorySource
from pushguide.master.store import lock, record
from pushguide.master.store.database import Database
from pushguide.master.templates.for_hosts import for_hosts
from pushguide.master.templates.library import Library, ModuleTemplate
from pushguide.share import Artifact


@dataclass(frozen=True)
class Wish:
    """What somebody asked for."""

    kind: str
    module: str
    version: object = None
    environment: str | None = None
    allow_offline: bool = False


class Submitter:
    """Turns a wish into a plan, and a plan into a deployment.

    Args:
        opts: the master's opts.
        database: the record.
        library: the templates.
        hosts: the way to the hosts.
        presence_timeout: how long hosts may take to answer, in seconds.
    """

    def __init__(
        self,
        opts: Mapping[str, Any],
        database: Database,
        library: Library,
        hosts: Hosts,
        presence_timeout: float,
    ) -> None:
        self.opts = opts
        self.database = database
        self.library = library
        self.hosts = hosts
        self.presence_timeout = presence_timeout

    def plan(self, wish: Wish) -> Plan:
        """What the wish would do.

        Raises:
            Refused: it cannot be done; nothing was changed.
        """
        chosen = self.library.get(wish.module, wish.environment)
        source = DirectorySource(chosen.template.source, chosen.module)
        names = targets.hosts_of(chosen.template.target, self.opts)
        version = self._version(wish, chosen, source)
        returns = self.hosts.ask(
            names,
            "pushguide.inspect",
            {"module": chosen.module, "environment": chosen.environment},
            self.presence_timeout,
        )
        facts, left_out = self._present(names, returns, wish.allow_offline)
        artifact = self._artifact(wish, source, version, facts)
        return self._assemble(wish, chosen, version, artifact, facts, left_out)

    def submit(self, plan: Plan, requested_by: str, lease_seconds: int) -> int:
        """Write the deployment down and lock its module; answer with its number.

        Raises:
            Locked: another deployment has the module's environment.
        """

        def work(connection: Any) -> int:
            self._settle_abandoned(connection, plan)
            number = record.create(connection, plan, requested_by, states.QUEUED)
            lock.take(connection, plan.module, plan.environment, number, lease_seconds)
            return number

        return self.database.write(work)

    def _settle_abandoned(self, connection: Any, plan: Plan) -> None:
        """Deal with a deployment whose master went away before it ended.

        One that never began changed nothing: it is aborted. One that began left hosts in states
        that only it can settle: it has to be resumed first.
        """
        held = lock.look(connection, plan.module, plan.environment, update=True)
        if held is None or held.deployment_id is None or held.is_alive:
            return
        old = record.get(connection, held.deployment_id)
        if old.state == states.QUEUED:
            record.change_state(connection, old.id, states.ABORTED, "it was never started")
        elif old.state not in states.TERMINAL:
            raise Locked(
                f"Deployment #{old.id} of {plan.module} ({plan.environment}) is {old.state}, but "
                f"nobody drives it: {held.holder} went away. Finish it first: salt-run "
                f"pushguide.resume {old.id}"
            )

    def _version(self, wish: Wish, chosen: ModuleTemplate, source: DirectorySource) -> str:
        if wish.version is not None:
            if isinstance(wish.version, str):
                return versions.demand_label(wish.version)
            return versions.recover_label(wish.version, [one.version for one in source.versions()])
        if wish.kind == "deploy":
            raise BadVersion(
                f"Which version of {chosen.module}? See salt-run pushguide.versions "
                f"{chosen.module}."
            )
        return self._version_from_record(wish.kind, chosen)

    def _version_from_record(self, kind: str, chosen: ModuleTemplate) -> str:
        """The version to go back to, or to deploy again, where none was named."""

        def work(connection: Any) -> str | None:
            rows = [
                row["version"]
                for row in record.live(connection, chosen.module)
                if row["environment"] == chosen.environment
            ]
            one = rows[0] if rows and len(set(rows)) == 1 else None
            if kind == "redeploy":
                return one
            found = record.before(connection, chosen.module, chosen.environment, one)
            return found.version if found else None

        version = self.database.read(work)
        if version is None:
            what = "one version that is live" if kind == "redeploy" else "an earlier success"
            raise BadVersion(
                f"The record has not {what} of {chosen.module} ({chosen.environment}): name the "
                f"version. See salt-run pushguide.history {chosen.module}."
            )
        return version

    def _present(
        self, names: list[str], returns: Mapping[str, Return], allow_offline: bool
    ) -> tuple[dict[str, HostFacts], list[str]]:
        """What the hosts said, and those that said nothing; refuse what cannot be deployed to."""
        silent = [name for name in names if name not in returns]
        facts, problems = {}, []
        for name in names:
            if name in returns:
                try:
                    facts[name] = _facts(name, returns[name].value)
                except Refused as err:
                    problems.extend(err.problems)
        if silent and not allow_offline:
            problems.append(
                f"{len(silent)} of {len(names)} hosts do not answer: {', '.join(silent)}. Mend "
                "them (salt-run manage.down), or leave them out with allow_offline=True."
            )
        elif not facts and not problems:
            problems.append(f"None of the hosts answers: {', '.join(silent)}.")
        if problems:
            raise Refused(problems)
        return facts, silent

    def _artifact(
        self, wish: Wish, source: DirectorySource, version: str, facts: Mapping[str, HostFacts]
    ) -> Artifact | None:
        """The artifact; for a rollback only where a host has not kept the release."""
        if wish.kind != "rollback":
            return source.resolve(version)
        missing = [name for name, one in facts.items() if version not in one.kept]
        if not missing:
            return None
        try:
            return source.resolve(version)
        except BadVersion as err:
            raise BadVersion(
                f"Going back to {version} is not possible: {', '.join(missing)} have no good "
                f"release of it any more, and its artifact cannot be had either. {err}"
            ) from err

    def _assemble(
        self,
        wish: Wish,
        chosen: ModuleTemplate,
        version: str,
        artifact: Artifact | None,
        facts: dict[str, HostFacts],
        left_out: list[str],
    ) -> Plan:
        template = chosen.template
        driven_by = template.orchestration
        return Plan(
            module=chosen.module,
            environment=chosen.environment,
            kind=wish.kind,
            version=version,
            type=template.type,
            root=template.root,
            artifact=artifact,
            target=template.target.model_dump(mode="json"),
            hosts=facts,
            batches=[sorted(facts)],
            left_out=left_out,
            prepare=template.strategy.prepare,
            stage_timeout_seconds=template.strategy.stage_timeout_seconds,
            orchestration=driven_by.rollback if wish.kind == "rollback" else driven_by.deploy,
            share={
                "settings": chosen.settings,
                **for_hosts(template, self.library.allowed),
                "uid": uuid.uuid4().hex,
                "keep_releases": template.keep_releases,
                "min_free_mb": template.min_free_mb,
                "restore_on_failure": template.restore_on_failure,
                "busy_timeout_seconds": template.strategy.stage_timeout_seconds,
            },
            risks=_risks(wish, version, artifact, facts, left_out),
        )


def _facts(host: str, answer: object) -> HostFacts:
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
    return HostFacts(answer["pushguide"], module.get("live"), list(module.get("good") or []))


def _risks(
    wish: Wish,
    version: str,
    artifact: Artifact | None,
    facts: Mapping[str, HostFacts],
    left_out: list[str],
) -> list[str]:
    """What somebody should know before they press the button."""
    found = []
    if left_out:
        found.append(f"{len(left_out)} hosts are offline and keep what they run.")
    lives = {one.live for one in facts.values()}
    if len(lives) > 1:
        named = ", ".join(sorted(str(one or "nothing") for one in lives))
        found.append(f"The hosts do not all run the same version now: {named}.")
    if lives == {version} and wish.kind == "deploy":
        found.append(f"{version} is live on every host already: nothing will change.")
    fresh = [name for name, one in facts.items() if one.live is None]
    if fresh and len(fresh) < len(facts):
        found.append(f"These hosts get the module for the first time: {', '.join(fresh)}.")
    if wish.kind == "rollback" and artifact:
        found.append("Some hosts have not kept that release: it is fetched again.")
    return found
