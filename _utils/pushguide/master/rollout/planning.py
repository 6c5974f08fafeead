"""Planning: decide what a deployment would do. No host is changed here."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import BadVersion, Refused
from pushguide.master import indexing
from pushguide.master.inventory import for_plan
from pushguide.master.inventory.resolving import Inventory
from pushguide.master.plan import HostFacts, Plan
from pushguide.master.rollout import batches, forecast, targets
from pushguide.master.rollout.frozen import demand_thawed, told_of
from pushguide.master.rollout.preflight import Preflight
from pushguide.master.rollout.risks import risks
from pushguide.master.rollout.wish import Wish
from pushguide.master.sources import Source, source_of
from pushguide.master.standards import check
from pushguide.master.standards.hosts import rules_for_hosts
from pushguide.master.standards.signatures import demand_signature
from pushguide.master.standards.verdict import Verdict
from pushguide.master.statistics import advice
from pushguide.master.store import history, host_results, marks, quarantines
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now
from pushguide.master.templates.for_hosts import for_hosts
from pushguide.master.templates.library import Library, ModuleTemplate
from pushguide.master.templates.strategy import Strategy
from pushguide.master.templates.template import strategy_of
from pushguide.share import Artifact


class Planner:
    """Turns a wish into a plan.

    Args:
        opts: the master's opts.
        database: the record.
        library: the templates.
        preflight: looks at the hosts.
        inventory: knows what differs from host to host.
        credentials: what servers of artifacts ask for, by name.
    """

    def __init__(
        self,
        opts: Mapping[str, Any],
        database: Database,
        library: Library,
        preflight: Preflight,
        inventory: Inventory,
        credentials: Mapping[str, Any] | None = None,
    ) -> None:
        self.opts = opts
        self.database = database
        self.library = library
        self.preflight = preflight
        self.inventory = inventory
        self.credentials = credentials or {}

    def plan(self, wish: Wish) -> Plan:
        """What the wish would do.

        Raises:
            Refused: it cannot be done; nothing was changed.
        """
        chosen = self.library.get(wish.module, wish.environment)
        if wish.override_freeze is None:
            demand_thawed(self.frozen(wish, chosen.environment))
        strategy = strategy_of(chosen.template, wish.strategy)
        source = self._source(chosen)
        meant = self._hosts_of(wish, chosen)
        quarantined = self._quarantined(chosen, meant)
        names = [one for one in meant if one not in quarantined]
        version = self._version(wish, chosen, source)
        self._demand_not_bad(wish, chosen, version)
        grains = [*batches.grains_of(strategy), *for_plan.grains_of(chosen)]
        facts, silent = self.preflight.ask(chosen, names, grains, wish.allow_offline)
        facts = self._with_inventory(chosen, facts)
        artifact = self._artifact(wish, source, version, facts)
        demand_signature(chosen, artifact)
        verdict = self._check(wish, chosen, source, artifact)
        place = chosen.template.index
        if artifact and place:
            artifact = indexing.indexed(artifact, place.directory, place.url)
        left_out = sorted([*silent, *quarantined])
        plan = self._assemble(wish, chosen, strategy, version, artifact, facts, left_out)
        plan = replace(plan, quarantined=quarantined)
        plan = replace(plan, standards=verdict.to_dict()) if verdict else plan
        plan = replace(plan, risks=risks(plan), advice=self._advice(plan))
        self._demand_advised(wish, strategy, plan)
        return plan

    def _advice(self, plan: Plan) -> list[dict[str, Any]]:
        """What the record teaches about a plan."""

        def work(connection: Connection) -> list[dict[str, Any]]:
            foretold = forecast.expected(connection, plan)
            seconds = foretold["seconds"] if foretold else None
            return advice.advise(connection, plan, seconds, now())

        return self.database.read(work)

    def _demand_advised(self, wish: Wish, strategy: Strategy, plan: Plan) -> None:
        """Refuse what the record advises against, where the template lets that block."""
        against = [
            one["text"]
            for one in plan.advice
            if one["level"] == advice.WARNING and one["what"] in strategy.blocked_by_advice
        ]
        if against and wish.kind != "rollback" and not wish.force:
            raise Refused(
                f"The record advises against deploying {plan.module} {plan.version} now, and its "
                f"template lets that block (strategy: blocked_by_advice): {' '.join(against)} "
                "Wait, or give force=True if you mean it."
            )

    def frozen(self, wish: Wish, environment: str) -> list[str]:
        """The freezes that are in a wish's way, in words."""
        place = (wish.module, environment, wish.kind)
        return told_of(self.library, self.database, *place, wish.start_at or now())

    def _with_inventory(
        self, chosen: ModuleTemplate, facts: dict[str, HostFacts]
    ) -> dict[str, HostFacts]:
        """What the hosts said, with what the inventory says of them."""
        taken = for_plan.take(self.inventory, chosen, facts, self.library.settings_class)
        return {host: replace(one, inventory=taken.get(host, {})) for host, one in facts.items()}

    def _check(
        self,
        wish: Wish,
        chosen: ModuleTemplate,
        source: Source,
        artifact: Artifact | None,
    ) -> Verdict | None:
        """Hold an artifact against the code standards; what ran before is not judged again."""
        if artifact is None or wish.kind == "rollback":
            return None
        verdict = check.of_artifact(self.database, chosen, artifact, source.open)
        check.demand(verdict, chosen, artifact.version)
        return verdict

    def source_of(self, plan: Plan) -> Source:
        """Where the artifact of a plan is."""
        chosen = self.library.get(plan.module, plan.environment)
        return self._source(chosen)

    def _source(self, chosen: ModuleTemplate) -> Source:
        return source_of(chosen, self.database, self.credentials)

    def again(self, plan: Plan) -> Plan:
        """Plan a deployment anew that has waited: hosts, templates and versions may have changed.

        Raises:
            Refused: it cannot be done any more.
        """
        fresh = self.plan(Wish.of_plan(plan))
        same_rollout = replace(fresh.rollout, auto_rollback=plan.rollout.auto_rollback)
        return replace(fresh, rollout=same_rollout)

    def demand_thawed(self, plan: Plan) -> None:
        """Refuse a deployment that is frozen by now, unless it was to go on all the same.

        Raises:
            Frozen: it is frozen.
        """
        wish = Wish.of_plan(plan)
        if wish.override_freeze is None:
            demand_thawed(self.frozen(wish, plan.environment))

    def rollback(self, plan: Plan, hosts: list[str]) -> Plan | None:
        """Plan the automatic rollback of hosts; None where nothing good ran before.

        It needs no artifact: hosts that have not kept the release are left out. It never causes
        another rollback, and has no canary.

        Args:
            plan: the plan of the deployment that went wrong.
            hosts: the hosts to put back.

        Raises:
            Refused: none of them can be put back now.
        """
        version = self._version_before(plan, hosts)
        if version is None:
            return None
        chosen = self.library.get(plan.module, plan.environment)
        strategy = chosen.template.strategy
        wish = Wish(
            kind="rollback",
            module=plan.module,
            version=version,
            environment=plan.environment,
            allow_offline=True,
            hosts=hosts,
            force=True,
            override_freeze="it comes by itself",
        )
        quarantined = self._quarantined(chosen, hosts)
        names = [one for one in hosts if one not in quarantined]
        grains = batches.grains_of(strategy)
        facts, silent = self.preflight.ask(chosen, names, grains, wish.allow_offline)
        without = [host for host, one in facts.items() if version not in one.kept]
        # The inventory is not asked again: what goes back by itself waits for nobody.
        able = {
            host: replace(one, inventory=plan.hosts[host].inventory if host in plan.hosts else {})
            for host, one in facts.items()
            if host not in without
        }
        if not able:
            raise Refused(f"no host that answers has kept a good release of {version}")
        left_out = sorted([*silent, *without, *quarantined])
        back = self._assemble(wish, chosen, strategy, version, None, able, left_out)
        calm = replace(back.rollout, auto_rollback="never", max_failures=len(able) - 1)
        # Nobody may be there to confirm what goes back by itself.
        share = {**back.share, "confirm_within_seconds": None}
        return replace(back, rollout=calm, share=share, quarantined=quarantined)

    def _version_before(self, plan: Plan, hosts: list[str]) -> str | None:
        """The version that an automatic rollback goes to: the named one, or what most ran."""
        if plan.rollout.rollback_to:
            named = plan.rollout.rollback_to
            return named if named != plan.version else None

        def work(connection: Connection) -> str | None:
            bad = {
                version
                for version, one in marks.of(connection, plan.module, plan.environment).items()
                if one.is_bad
            }
            ran = Counter(
                plan.hosts[host].live
                for host in hosts
                if host in plan.hosts and plan.hosts[host].live not in (None, plan.version, *bad)
            )
            if ran:
                return ran.most_common(1)[0][0]
            found = history.before(connection, plan.module, plan.environment, plan.version)
            return found.version if found else None

        return self.database.read(work)

    def _hosts_of(self, wish: Wish, chosen: ModuleTemplate) -> list[str]:
        """The hosts that are meant: all of the template's, or some of them."""
        names = targets.hosts_of(chosen.template.target, self.opts)
        chosen.demand_hosts(names)
        if wish.hosts is None:
            return names
        strangers = [one for one in wish.hosts if one not in names]
        if strangers:
            raise Refused(
                f"These are no hosts of {chosen.module} ({chosen.environment}): "
                f"{', '.join(strangers)}."
            )
        return sorted({*wish.hosts})

    def _quarantined(self, chosen: ModuleTemplate, meant: list[str]) -> dict[str, str]:
        """Of the hosts that are in quarantine why they are.

        Raises:
            Refused: every one of them is.
        """
        found = self.database.read(lambda one: quarantines.find(one, meant, chosen.module))
        told = {one.host: str(one) for one in found}
        if told and len(told) == len(meant):
            all_of_them = (
                f"Every host of {chosen.module} ({chosen.environment}) that is meant is in "
                "quarantine. End one: salt-run pushguide.unquarantine."
            )
            raise Refused([all_of_them, *(f"{host}: {why}." for host, why in told.items())])
        return told

    def _demand_not_bad(self, wish: Wish, chosen: ModuleTemplate, version: str) -> None:
        """Refuse a version that is marked bad, unless force says that it is meant."""
        found = self.database.read(
            lambda one: marks.get(one, chosen.module, chosen.environment, version)
        )
        if found and found.is_bad and not wish.force:
            raise BadVersion(
                f"{chosen.module} {version} is {found}. Choose another version, or give "
                "force=True if you mean it."
            )

    def _version(self, wish: Wish, chosen: ModuleTemplate, source: Source) -> str:
        if wish.version is not None:
            return source.label_of(wish.version)
        if wish.kind == "deploy":
            raise BadVersion(
                f"Which version of {chosen.module}? See salt-run pushguide.versions "
                f"{chosen.module}."
            )
        return self._version_from_record(wish.kind, chosen)

    def _version_from_record(self, kind: str, chosen: ModuleTemplate) -> str:
        """The version to go back to, or to deploy again, where none was named."""

        def work(connection: Any) -> str | None:
            rows = host_results.live(connection, chosen.module, chosen.environment)
            versions = {row["version"] for row in rows}
            one = versions.pop() if len(versions) == 1 else None
            if kind == "redeploy":
                return one
            found = history.before(connection, chosen.module, chosen.environment, one)
            return found.version if found else None

        version = self.database.read(work)
        if version is None:
            what = "one version that is live" if kind == "redeploy" else "an earlier success"
            raise BadVersion(
                f"The record has not {what} of {chosen.module} ({chosen.environment}): name the "
                f"version. See salt-run pushguide.history {chosen.module}."
            )
        return version

    def _artifact(
        self, wish: Wish, source: Source, version: str, facts: Mapping[str, HostFacts]
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
        strategy: Strategy,
        version: str,
        artifact: Artifact | None,
        facts: dict[str, HostFacts],
        left_out: list[str],
    ) -> Plan:
        template = chosen.template
        driven_by = template.orchestration
        is_rollback = wish.kind == "rollback"
        divided, has_canary = batches.batches(
            strategy, facts, with_canary=not is_rollback, is_part=wish.hosts is not None
        )
        rollout = batches.rollout(
            strategy,
            template.approval,
            facts,
            has_canary,
            is_part=is_rollback or wish.hosts is not None,
        )
        if is_rollback:
            rollout = replace(rollout, auto_rollback="never")
        plan = Plan(
            module=chosen.module,
            environment=chosen.environment,
            kind=wish.kind,
            version=version,
            type=template.type,
            root=template.root,
            artifact=artifact,
            target=template.target.model_dump(mode="json"),
            hosts=facts,
            batches=divided,
            left_out=left_out,
            prepare=strategy.prepare,
            stage_timeout_seconds=strategy.stage_timeout_seconds,
            orchestration=driven_by.rollback if is_rollback else driven_by.deploy,
            share={
                **for_hosts(chosen, self.library.allowed),
                "transfer": template.transfer.model_dump(mode="json"),
                "standards": [] if is_rollback else rules_for_hosts(chosen.rules),
                "uid": uuid.uuid4().hex,
                "keep_releases": template.keep_releases,
                "min_free_mb": template.min_free_mb,
                "restore_on_failure": template.restore_on_failure,
                "busy_timeout_seconds": strategy.stage_timeout_seconds,
                "stage_timeout_seconds": strategy.stage_timeout_seconds,
                "confirm_within_seconds": strategy.confirm_within_seconds,
            },
            rollout=rollout,
            wish=wish.to_plan(),
            data_centre=template.data_centre,
        )
        return replace(plan, risks=risks(plan))
