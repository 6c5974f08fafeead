"""Run stages of a deployment on this host: the one way in for all project types."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

from pushguide.errors import Inconclusive, PushguideError, Refused, Stopped
from pushguide.host import journal as journals
from pushguide.host.base import ProjectType
from pushguide.host.expand import expand
from pushguide.host.orders import Orders
from pushguide.host.report import Reporter
from pushguide.host.steps import Recorder, StageResult, StepNames
from pushguide.share import Share
from pushguide.words import (
    FAILED,
    GOOD_OUTCOMES,
    INCONCLUSIVE,
    LIVE_STAGES,
    RESTORE,
    RESTORED,
    STAGES,
    STOPPED_SHORT,
    SUCCEEDED,
    UNCHANGED,
)

log = logging.getLogger(__name__)

#: Noted in the journal with what was saved, while a host is on its way back to it.
_GOING_BACK = "going_back"


def run_stages(
    project_type: type[ProjectType],
    share: Mapping[str, Any],
    stages: str | Sequence[str],
    salt: Mapping[str, Any],
    grains: Mapping[str, Any],
    opts: Mapping[str, Any],
    context: MutableMapping[str, Any],
) -> dict[str, Any]:
    """Run consecutive stages of a deployment on this host.

    Args:
        project_type: the class of the module's type.
        share: this host's share of the plan, as plain data.
        stages: one stage, or some, in any order; they run in the order of the stages. Or
            ``restore`` alone: go back to what ran before the deployment, if it stopped half-way.
        salt: Salt's execution modules.
        grains: the minion's grains.
        opts: the minion's configuration.
        context: the loader's ``__context__``; its ``retcode`` becomes 1 on failure.

    Returns:
        The host's outcome (``succeeded``, ``unchanged``, ``failed``, ``restored``,
        ``inconclusive`` or ``stopped_short``), the version that is live now, the error if there
        was one, and each stage with its steps. Of a share with ``test`` the names of the steps.

    Raises:
        Refused: the share or the stages do not read, or another job is at work here.
        Fenced: a newer deployment has been on this host.
    """
    told = Share.from_dict(share)
    here = told.here(grains.get("kernel"))
    if here.type != told.type:
        # Its own loader module knows the class; it may be one that a team has added.
        answer: dict[str, Any] = salt[f"pushguide_{here.type}.run"](here.to_dict(), stages)
        return answer
    mine = expand(here, opts["id"], grains)
    wanted = [RESTORE] if stages in (RESTORE, [RESTORE]) else in_order(stages)

    def make(journal: journals.Journal, recorder: Recorder) -> ProjectType:
        return project_type(mine, journal, recorder, salt, grains, opts)

    if mine.test:
        return {"deployment": mine.deployment, "steps": _step_names(make, wanted)}
    with journals.opened(opts, mine.module, mine.environment, mine.busy_timeout_seconds) as journal:
        if wanted == [RESTORE] and (journal.deployment, journal.uid) != (mine.deployment, mine.uid):
            return _never_here(mine, journal)
        journal.admit(mine.deployment, mine.token, mine.kind, mine.version, mine.uid)
        journal.type = mine.type
        reporter = Reporter(
            lambda tag, data: salt["event.fire_master"](data, tag),
            f"pushguide/report/{mine.deployment}",
            {"module": mine.module, "token": mine.token},
        )
        orders = Orders(journal, mine.stage_timeout_seconds)
        try:
            with orders.at_work():
                recorder = Recorder(journal, reporter, orders)
                run = _Run(make(journal, recorder), journal, recorder)
                result = run.put_back(mine.reason) if wanted == [RESTORE] else run.go(wanted)
        finally:
            reporter.close()
    if result["outcome"] not in GOOD_OUTCOMES:
        context["retcode"] = 1
    return result


def _step_names(
    make: Callable[[journals.Journal, Recorder], ProjectType], stages: Sequence[str]
) -> dict[str, list[str]]:
    """The steps of each stage, as a host that has nothing yet would go through them."""
    names = {}
    for stage in stages:
        journal = journals.Journal("", "", "")
        told = StepNames(journal, Reporter(lambda _tag, _data: None, "", {}))
        project = make(journal, told)
        project.go_through(stage, getattr(project, stage))
        names[stage] = told.names
    return names


def _never_here(share: Share, journal: journals.Journal) -> dict[str, Any]:
    """The answer of a host that is to go back from a deployment that has not reached it."""
    return {
        **journal.answer(),
        "deployment": share.deployment,
        "uid": share.uid,
        "outcome": STOPPED_SHORT,
        "error": share.reason,
        "stages": [],
    }


def in_order(stages: str | Sequence[str]) -> list[str]:
    """The named stages in the order of the stages, without doubles.

    Raises:
        Refused: one of them is none.
    """
    named = stages.replace(",", " ").split() if isinstance(stages, str) else list(stages)
    unknown = [one for one in named if one not in STAGES]
    if unknown or not named:
        raise Refused(f"No such stages: {unknown}; there are {', '.join(STAGES)}.")
    return [one for one in STAGES if one in named]


class _Run:
    """One job: some stages, and the way back if one of them fails."""

    def __init__(self, project: ProjectType, journal: journals.Journal, recorder: Recorder) -> None:
        self.project = project
        self.journal = journal
        self.recorder = recorder
        self.results: list[dict[str, Any]] = []

    def go(self, stages: Sequence[str]) -> dict[str, Any]:
        """Run the stages until one fails."""
        if stages[-1] in LIVE_STAGES:
            self.forget_undone()
        self.refuse_gaps(stages)
        for stage in stages:
            done = self.journal.stages.get(stage)
            if done and done["outcome"] in GOOD_OUTCOMES:
                self.results.append({**done, "again": True})
                continue
            try:
                self.run(stage, getattr(self.project, stage))
            except Stopped as err:
                return self.answer(*self.halt(stage, str(err)))
            except Inconclusive as err:
                # Nothing is known to be wrong: the release stays, and so does the way back.
                return self.answer(INCONCLUSIVE, str(err))
            except PushguideError as err:
                return self.answer(*self.fail(stage, str(err)))
        return self.answer(self.overall())

    def put_back(self, reason: str) -> dict[str, Any]:
        """Go back to what ran before, if the deployment stopped half-way here."""
        last = self.journal.stages.get(STAGES[-1])
        if self.journal.saved is None and last and last["outcome"] in GOOD_OUTCOMES:
            return self.answer(SUCCEEDED)
        return self.answer(*self.halt(LIVE_STAGES[0], reason))

    def halt(self, stage: str, reason: str) -> tuple[str, str]:
        """Go back to what ran before, if live traffic was touched: nothing is wrong with the
        release, somebody wants the deployment to end.

        Returns:
            The outcome, and the reason in words.
        """
        if stage not in LIVE_STAGES or self.journal.saved is None:
            return STOPPED_SHORT, reason
        return self.back(reason)

    def forget_undone(self) -> None:
        """Take the live stages for not done where the host was put back, or on its way there when
        its job died: they were undone, and nobody knows how far.
        """
        was_going_back = (self.journal.saved or {}).pop(_GOING_BACK, False)
        if RESTORE in self.journal.stages or was_going_back:
            for stage in (*LIVE_STAGES, RESTORE):
                self.journal.stages.pop(stage, None)

    def refuse_gaps(self, stages: Sequence[str]) -> None:
        """Refuse to run a stage whose predecessors have not succeeded in this deployment."""
        for earlier in STAGES[: STAGES.index(stages[-1])]:
            done = self.journal.stages.get(earlier, {}).get("outcome") in GOOD_OUTCOMES
            if earlier not in stages and not done:
                raise Refused(
                    f"{stages[-1]} of #{self.journal.deployment} was refused: {earlier} has not "
                    "succeeded on this host. Run the stages in their order."
                )

    def run(self, stage: str, method: Any) -> None:
        """Run one stage, and put its result into the journal."""
        result = self.recorder.begin(stage)
        outcome: str | None = FAILED
        try:
            self.project.go_through(stage, method)
            outcome = None
        except Inconclusive:
            outcome = INCONCLUSIVE
            raise
        finally:
            self.recorder.end(outcome)
            self.keep(result)

    def keep(self, result: StageResult) -> None:
        """Put a stage's result into the answer and into the journal."""
        self.results.append(result.to_dict())
        self.journal.stages[result.stage] = result.to_dict()
        self.journal.doing = None
        self.journal.write()

    def fail(self, stage: str, reason: str) -> tuple[str, str]:
        """Go back to what ran before, if live traffic was touched.

        Returns:
            The outcome, and the error in words.
        """
        if stage not in LIVE_STAGES or self.journal.saved is None:
            return FAILED, reason
        is_bad = not self.journal.saved.get("untouched", False)
        if self.project.share.restore_on_failure:
            return self.back(reason, is_bad)
        if is_bad:
            self.project.mark_bad(reason)
        return FAILED, reason

    def back(self, reason: str, is_bad: bool = False) -> tuple[str, str]:
        """Go back to what ran before; whatever the master says meanwhile waits.

        Args:
            reason: why.
            is_bad: whether the release has shown itself to be bad.

        Returns:
            The outcome, and the reason in words.
        """
        saved = self.journal.saved or {}
        is_untouched = saved.get("untouched", False)
        project = self.project
        try:
            saved[_GOING_BACK] = True
            self.journal.write()
            if is_bad:
                project.mark_bad(reason)
            with self.recorder.orders.deaf():
                self.run(RESTORE, project.restore_untouched if is_untouched else project.restore)
            self.journal.saved = self.journal.unconfirmed = None
        except PushguideError as err:
            log.exception("%s was not put back to what ran before", self.journal.module)
            failed = f"{reason} And this host was not put back to what ran before: {err}"
            return FAILED, f"{failed} {self.state()}".rstrip()
        return RESTORED, reason

    def state(self) -> str:
        """In which state a host is that could not be put back."""
        try:
            return self.project.state_in_words()
        except PushguideError as err:
            return f"Nor could its state be told: {err}"

    def overall(self) -> str:
        """Succeeded, or unchanged where no stage changed anything."""
        outcomes = {one["outcome"] for one in self.results if not one.get("again")}
        return SUCCEEDED if SUCCEEDED in outcomes else UNCHANGED

    def answer(self, outcome: str, error: str | None = None) -> dict[str, Any]:
        """What the job returns; kept in the journal, in case the return is lost."""
        if error and (self.journal.saved or {}).get("drained"):
            error += " This host stays out of its load balancer."
        self.journal.outcome, self.journal.error = outcome, error
        self.journal.write()
        return {**self.journal.answer(), "stages": self.results}
