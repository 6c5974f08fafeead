"""Deployments: what people do with them, from the first wish to the last word."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master import indexing, states, summary, traces
from pushguide.master.arguments import (
    demand_flag,
    demand_name,
    demand_number,
    demand_reason,
    optional_moment,
    optional_name,
    optional_text,
)
from pushguide.master.elsewhere import Elsewhere
from pushguide.master.freezing import Freezing
from pushguide.master.parts import Parts
from pushguide.master.plan import Plan
from pushguide.master.rollout import approval, forecast
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.rollout.progress import tell_state
from pushguide.master.rollout.submit import submit
from pushguide.master.rollout.wish import Wish
from pushguide.master.store import engines, history, host_results, lock, marks, record, requests
from pushguide.master.store.record import Deployment
from pushguide.words import BAD, GOOD, SUCCEEDED

_LOOK_SECONDS = 0.5

#: In the environment of a process that goes on with what somebody has asked for already.
_GOES_ON = "PUSHGUIDE_GOES_ON"


@dataclass(frozen=True)
class Options:
    """What may be said beside module, version and environment; as it came in."""

    allow_offline: object = False
    wait: object = True
    strategy: object = None
    force: object = False
    at: object = None
    test: object = False
    override_freeze: object = None


class Deployments:
    """What can be done.

    Args:
        parts: what they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database
        self.elsewhere = Elsewhere(parts)

    # New ones.

    def start(
        self, kind: str, module: object, version: object, environment: object, options: Options
    ) -> dict[str, Any]:
        """Submit a deployment, and drive it to its end, here or in the background.

        Returns:
            The deployment in full, with ``retcode`` 1 unless it succeeded; its number and state
            with ``wait=False``, or where it waits for an approval or its time; with ``test=True``
            its plan.
        """
        wish = self._wish(kind, module, version, environment, options)
        waits = demand_flag(options.wait, "wait")
        if demand_flag(options.test, "test"):
            return self._plan(wish)
        if wish.start_at is not None:
            self._demand_engine()
        with self.parts.hosts() as hosts:
            plan = self.parts.planner(hosts).plan(wish)
            return self._submit(plan, hosts, waits, wish.start_at)

    def plan(
        self, kind: str, module: object, version: object, environment: object, options: Options
    ) -> dict[str, Any]:
        """What a deployment would do."""
        return self._plan(self._wish(kind, module, version, environment, options))

    def index(self, module: object, version: object, environment: object) -> dict[str, Any]:
        """Write the index of a version, for hosts that have most of it already."""
        chosen = self.parts.library().get(
            demand_name(module, "module"), optional_name(environment, "environment")
        )
        place = chosen.template.index
        if place is None:
            raise Refused(
                f"The template of {chosen.module} ({chosen.environment}) does not say where its "
                "indexes lie: give it index, with directory and url."
            )
        source = self.parts.source(chosen)
        artifact = source.resolve(source.label_of(version))
        with source.open(artifact) as content:
            written = indexing.write(artifact, content, place.directory)
        return {"version": artifact.version, "artifact_bytes": artifact.size, **written._asdict()}

    def retry(self, deployment: object, options: Options) -> dict[str, Any]:
        """Deploy again to the hosts that did not succeed, those never started included."""
        number = demand_number(deployment, "deployment")
        waits = demand_flag(options.wait, "wait")
        old, hosts_left = self.database.read(lambda one: self._left_of(one, number))
        wish = Wish(
            kind=old.kind,
            module=old.module,
            version=old.version,
            environment=old.environment,
            allow_offline=demand_flag(options.allow_offline, "allow_offline"),
            strategy=_mapping(options.strategy, "strategy"),
            hosts=hosts_left,
            force=True,
            override_freeze=Freezing(self.parts).override(
                old.module, old.environment, options.override_freeze
            ),
        )
        with self.parts.hosts() as hosts:
            plan = self.parts.planner(hosts).plan(wish)
            return self._submit(plan, hosts, waits, cause=(record.RETRY, number))

    def _left_of(self, connection: Connection, number: int) -> tuple[Deployment, list[str]]:
        """A deployment that has ended, and the hosts on which it did not succeed.

        Raises:
            Refused: it has not ended, it has succeeded everywhere, or another came after it.
        """
        old = self._looked_at(connection, number)
        if old.state not in states.TERMINAL:
            raise Refused(
                f"Deployment #{number} is {old.state} and has not ended: salt-run "
                f"pushguide.resume {number} goes on with it."
            )
        later = history.begun_after(connection, old)
        if later:
            raise Refused(
                f"Deployment #{later.id} ({later.kind} of {later.version}, {later.state}) came "
                f"after #{number}: to repeat the older one could undo it. Retry #{later.id}, or "
                f"deploy {old.version}."
            )
        left = [
            row["host"]
            for row in host_results.hosts(connection, number)
            if row["outcome"] != SUCCEEDED
        ]
        if not left:
            raise Refused(
                f"Deployment #{number} succeeded on every host: nothing is left to retry."
            )
        return old, left

    # What people ask of one that is there.

    def resume(self, deployment: object, reason: object, wait: object) -> dict[str, Any]:
        """Drive a deployment on to its end, from wherever it stands."""
        number = demand_number(deployment, "deployment")
        why, waits = optional_text(reason, "reason"), demand_flag(wait, "wait")

        def work(connection: Connection) -> None:
            one = self._looked_at(connection, number)
            if not waits and (one.state in states.TERMINAL or self._is_driven(connection, one)):
                raise Refused(
                    f"Deployment #{number} is {one.state}: there is nothing to go on with."
                )
            if one.state == states.PAUSED and _GOES_ON not in os.environ:
                self._add(connection, number, requests.RESUME, why, done=True)

        self.database.write(work)
        return self._drive_here(number) if waits else self._drive_there(number)

    def abort(
        self, deployment: object, reason: object, rollback: object, wait: object
    ) -> dict[str, Any]:
        """Stop a deployment at the next step, and put back the hosts that are half-way."""
        number = demand_number(deployment, "deployment")
        why, back = optional_text(reason, "reason"), demand_flag(rollback, "rollback")
        waits = demand_flag(wait, "wait")

        def work(connection: Connection) -> bool:
            one = self._not_ended(connection, number)
            self._add(connection, number, requests.ABORT, why, rollback=back)
            return self._is_driven(connection, one)

        is_driven = self.database.write(work)
        if not waits:
            return self._as_it_stands(number) if is_driven else self._drive_there(number)
        if not is_driven:
            return self._drive_here(number, wanted=states.ABORTED)
        self._wait_until(number, lambda one: one.state in states.TERMINAL)
        return self._answer(number, wanted=states.ABORTED)

    def pause(self, deployment: object, reason: object, wait: object) -> dict[str, Any]:
        """Let the running batch end, and begin no other one until somebody resumes."""
        number = demand_number(deployment, "deployment")
        why, waits = optional_text(reason, "reason"), demand_flag(wait, "wait")

        def work(connection: Connection) -> None:
            one = self._not_ended(connection, number)
            if one.state != states.RUNNING or not self._is_driven(connection, one):
                raise Refused(
                    f"Deployment #{number} is {one.state} and nobody drives it: there is nothing "
                    "to pause."
                )
            self._add(connection, number, requests.PAUSE, why)

        self.database.write(work)
        if not waits:
            return self._as_it_stands(number)
        ended = (states.PAUSED, *states.TERMINAL)
        self._wait_until(number, lambda one: one.state in ended)
        return self._answer(number, wanted=states.PAUSED)

    def confirm(self, deployment: object, reason: object, wait: object) -> dict[str, Any]:
        """Say that what was deployed so far is right: a canary, or hosts that wait for it."""
        number = demand_number(deployment, "deployment")
        why, waits = optional_text(reason, "reason"), demand_flag(wait, "wait")

        def work(connection: Connection) -> bool:
            one = self._not_ended(connection, number)
            is_driven = self._is_driven(connection, one)
            if one.state not in (states.RUNNING, states.PAUSED):
                raise Refused(f"Deployment #{number} is {one.state}: there is nothing to confirm.")
            self._add(connection, number, requests.CONFIRM, why, done=not is_driven)
            return is_driven

        if not self.database.write(work):
            return self._drive_here(number) if waits else self._drive_there(number)
        return self._answer(number, wanted=states.RUNNING)

    def approve(self, deployment: object, reason: object, wait: object) -> dict[str, Any]:
        """Let a deployment start that waits for an approval."""
        number = demand_number(deployment, "deployment")
        why, waits = optional_text(reason, "reason"), demand_flag(wait, "wait")

        def work(connection: Connection) -> str | None:
            record.lock(connection, number)
            one = self._pending(connection, number)
            return approval.approve(connection, one, self.parts.user, self.parts.trail.role, why)

        refusal = self.database.write(work)
        self._tell_state(number)
        if refusal:
            raise Refused(refusal)
        state = self.database.read(lambda one: record.get(one, number)).state
        if state in (states.PENDING_APPROVAL, states.SCHEDULED):
            return self._answer(number, wanted=state)
        return self._drive_here(number) if waits else self._drive_there(number)

    def reject(self, deployment: object, reason: object) -> dict[str, Any]:
        """End a deployment that waits for an approval."""
        number = demand_number(deployment, "deployment")
        why = optional_text(reason, "reason")

        def work(connection: Connection) -> None:
            record.lock(connection, number)
            self._pending(connection, number)
            self._add(connection, number, requests.REJECT, why, done=True)
            told = f"rejected by {self.parts.user}{f': {why}' if why else ''}"
            record.change_state(connection, number, states.ABORTED, told)

        self.database.write(work)
        self._tell_state(number)
        return self._answer(number, wanted=states.ABORTED)

    def mark(
        self, module: object, version: object, value: object, environment: object, reason: object
    ) -> dict[str, Any]:
        """Mark a version good or bad in an environment."""
        chosen = self.parts.library().get(
            demand_name(module, "module"), optional_name(environment, "environment")
        )
        label, why = demand_name(version, "version"), demand_reason(reason)
        if value not in (GOOD, BAD):
            raise Refused(f"value is {value!r}: give {GOOD} or {BAD}.")
        place = (chosen.module, chosen.environment, label)
        before = self.database.read(lambda one: marks.get(one, *place))
        self.parts.trail.note_before(**(summary.of_mark(before) or {}))
        self.database.write(lambda one: marks.put(one, *place, str(value), self.parts.user, why))
        found = self.database.read(lambda one: marks.get(one, *place))
        told = summary.of_mark(found) or {}
        return {"module": place[0], "environment": place[1], "version": label, **told}

    # The parts.

    def _wish(
        self, kind: str, module: object, version: object, environment: object, options: Options
    ) -> Wish:
        if kind not in states.KINDS:
            raise Refused(f"kind is {kind!r}: give deploy, rollback or redeploy.")
        name, place = demand_name(module, "module"), optional_name(environment, "environment")
        return Wish(
            kind=kind,
            module=name,
            version=version,
            environment=place,
            allow_offline=demand_flag(options.allow_offline, "allow_offline"),
            strategy=_mapping(options.strategy, "strategy"),
            force=demand_flag(options.force, "force"),
            start_at=optional_moment(options.at, "at"),
            override_freeze=Freezing(self.parts).override(name, place, options.override_freeze),
        )

    def _plan(self, wish: Wish) -> dict[str, Any]:
        with self.parts.hosts() as hosts:
            planner = self.parts.planner(hosts)
            # A plan may be looked at at any time.
            plan = planner.plan(replace(wish, override_freeze=wish.override_freeze or "a plan"))
            told = forecast.told(plan, planner.source_of(plan), self.database, hosts)
            return {
                **told,
                "risks": [*told["risks"], *self.elsewhere.risks(plan.data_centre)],
                "frozen": planner.frozen(wish, plan.environment),
            }

    def _submit(
        self,
        plan: Plan,
        hosts: Hosts,
        waits: bool,
        start_at: datetime | None = None,
        cause: tuple[str, int] | None = None,
    ) -> dict[str, Any]:
        lives = sorted({one.live for one in plan.hosts.values() if one.live})
        self.parts.trail.note_before(live=lives)
        number, state = submit(
            self.database,
            plan,
            self.parts.user,
            self.parts.config.lease_seconds,
            start_at,
            cause,
            left_for=plan.data_centre if self.elsewhere.drives(plan.data_centre) else None,
        )
        tell_state(hosts.fire, self.database.read(lambda one: record.get(one, number)))
        if state == states.QUEUED and waits:
            return self._drive(number, hosts)
        if state == states.QUEUED:
            self._in_background(number)
        return {
            "deployment": number,
            "state": state,
            "module": plan.module,
            "environment": plan.environment,
            "version": plan.version,
            "kind": plan.kind,
        }

    def _drive_here(self, number: int, wanted: str = states.SUCCEEDED) -> dict[str, Any]:
        with self.parts.hosts() as hosts:
            return self._drive(number, hosts, wanted)

    def _drive_there(self, number: int) -> dict[str, Any]:
        """Let it be driven on in the background; answer with how it stands now."""
        self._in_background(number)
        return self._as_it_stands(number)

    def _as_it_stands(self, number: int) -> dict[str, Any]:
        """A deployment that was asked for something: that is done, whatever its state is yet."""
        return {**self._answer(number, wanted=""), "retcode": 0}

    def _drive(self, number: int, hosts: Hosts, wanted: str = states.SUCCEEDED) -> dict[str, Any]:
        """Drive a deployment, and the rollback that its end may cause."""
        data_centre = None if _GOES_ON in os.environ else self.elsewhere.leave(number)
        if data_centre is not None and self.elsewhere.has_stopped(number, hosts, data_centre):
            return self._answer(number, wanted)
        driver = self.parts.driver(number, hosts)
        driver.drive(self.parts.orchestrate)
        if driver.heir is not None:
            self.parts.driver(driver.heir, hosts).drive(self.parts.orchestrate)
        for ended in filter(None, (number, driver.heir)):
            traces.tell(self.parts.opts, ended, self.parts.in_full)
        return self._answer(number, wanted)

    def _answer(self, number: int, wanted: str) -> dict[str, Any]:
        """A deployment as it stands; ``retcode`` 0 if that is what was wanted."""
        full = self.parts.in_full(number)
        return {**summary.in_brief(full), "retcode": 0 if full["state"] == wanted else 1}

    def _add(
        self,
        connection: Connection,
        number: int,
        what: str,
        reason: str | None,
        done: bool = False,
        **options: Any,
    ) -> None:
        requests.add(connection, number, what, self.parts.user, reason, done, **options)

    def _tell_state(self, number: int) -> None:
        """Tell machines what a deployment has become that nobody drives."""
        with self.parts.hosts() as hosts:
            tell_state(hosts.fire, self.database.read(lambda one: record.get(one, number)))

    def _not_ended(self, connection: Connection, number: int) -> Deployment:
        one = self._looked_at(connection, number)
        if one.state in states.TERMINAL:
            raise Refused(f"Deployment #{number} has ended: it is {one.state}.")
        return one

    def _looked_at(self, connection: Connection, number: int) -> Deployment:
        """A deployment, as it is before anything is done to it."""
        one = record.get(connection, number)
        self.parts.trail.note_before(state=one.state)
        return one

    def _pending(self, connection: Connection, number: int) -> Deployment:
        one = self._looked_at(connection, number)
        if one.state != states.PENDING_APPROVAL:
            raise Refused(f"Deployment #{number} is {one.state}: it waits for no approval.")
        return one

    def _is_driven(self, connection: Connection, one: Deployment) -> bool:
        """Whether somebody drives a deployment that has begun."""
        held = lock.look(connection, one.module, one.environment)
        return one.state == states.RUNNING and held is not None and held.drives(one.id)

    def _wait_until(self, number: int, is_so: Callable[[Deployment], bool]) -> None:
        """Wait until a deployment has come to something, as long as somebody drives it."""

        def look(connection: Connection) -> bool:
            one = record.get(connection, number)
            return is_so(one) or not self._is_driven(connection, one)

        while not self.database.read(look):
            time.sleep(_LOOK_SECONDS)

    def _demand_engine(self) -> None:
        """Refuse what nobody would start."""
        if not self.database.read(engines.seen):
            raise Refused(
                "at needs the engine that starts deployments when their time has come, and none "
                "has been seen: add 'engines: [pushguide: {}]' to the configuration of a master "
                "with this database, and restart it."
            )

    def _in_background(self, number: int) -> None:
        """Let the deployment be driven by a process that outlives this call."""
        if self.elsewhere.leave(number) is None:
            drive_in_background(self.parts.opts, number)


def drive_in_background(opts: Mapping[str, Any], number: int) -> None:
    """Let a deployment be driven by a process of its own.

    A new interpreter, not a fork as Salt's own ``--async`` makes: a fork of a process that has
    talked over ZeroMQ dies now and then, without a word.
    """
    subprocess.Popen(  # noqa: S603 - no shell, and a number
        [
            sys.executable,
            *("-c", "import salt.scripts; salt.scripts.salt_run()"),
            *("--config-dir", os.path.dirname(os.path.abspath(opts["conf_file"]))),
            *("pushguide.resume", str(number)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, _GOES_ON: "1"},
        start_new_session=True,
        cwd="/",
    )


def _mapping(value: object, what: str) -> Mapping[str, Any] | None:
    if value is None or isinstance(value, Mapping):
        return value
    raise Refused(f"{what} is {value!r}: give a mapping, such as {what}='{{batch: 10%}}'.")
