"""Steps: the finest things that a deployment reports."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from pushguide.errors import Inconclusive, PushguideError, StepFailed
from pushguide.host.journal import Journal
from pushguide.host.orders import Orders
from pushguide.host.pillar import Secrets
from pushguide.host.report import Reporter
from pushguide.words import FAILED, INCONCLUSIVE, SKIPPED, SUCCEEDED, UNCHANGED, WARNING

log = logging.getLogger(__name__)

RUNNING = "running"


class Note(NamedTuple):
    """How a step ended, where that is something else than plain success."""

    outcome: str
    detail: str


def unchanged(detail: str) -> Note:
    """The step found everything as it should be, and changed nothing."""
    return Note(UNCHANGED, detail)


def skipped(detail: str) -> Note:
    """The step does not apply here, and says why."""
    return Note(SKIPPED, detail)


def warning(detail: str) -> Note:
    """The step did not do all it should, and the deployment goes on all the same."""
    return Note(WARNING, detail)


class StepResult(NamedTuple):
    """What became of one step."""

    name: str
    outcome: str
    seconds: float
    detail: str = ""


@dataclass
class StageResult:
    """What became of one stage on this host."""

    stage: str
    started: float
    outcome: str = RUNNING
    seconds: float = 0.0
    steps: list[StepResult] = field(default_factory=list)
    #: The clock may be set while the stage runs: its duration comes from this one.
    began: float = field(default_factory=time.monotonic)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data."""
        data = {**vars(self), "steps": [one._asdict() for one in self.steps]}
        del data["began"]
        return data

    def close(self, outcome: str) -> None:
        """Set the duration and the outcome."""
        self.seconds = round(time.monotonic() - self.began, 4)
        self.outcome = outcome


class Recorder:
    """Runs the steps of the current stage, times them, journals and reports them.

    Args:
        journal: the module's journal.
        reporter: where progress is told.
        orders: what the master says meanwhile; obeyed before each step.
    """

    def __init__(self, journal: Journal, reporter: Reporter, orders: Orders | None = None) -> None:
        self.journal = journal
        self.reporter = reporter
        self.orders = orders or Orders(journal)
        self.stage = StageResult("", 0.0)
        self.changed = False
        #: What nobody is told of, whatever a step says.
        self.secrets = Secrets({})

    def begin(self, stage: str) -> StageResult:
        """Start a stage; the steps that follow belong to it."""
        self.stage = StageResult(stage, time.time())
        self.changed = False
        self.reporter.add({"stage": stage, "outcome": RUNNING})
        return self.stage

    def end(self, outcome: str | None = None) -> None:
        """Close the stage and report it: with the given outcome, or whether it changed anything."""
        self.stage.close(outcome or (SUCCEEDED if self.changed else UNCHANGED))
        self.reporter.add(
            {
                "stage": self.stage.stage,
                "outcome": self.stage.outcome,
                "seconds": self.stage.seconds,
            }
        )

    def run(
        self,
        name: str,
        action: Callable[[], Note | str | None],
        changes: bool,
        looks: bool = False,
    ) -> None:
        """Run one step.

        Args:
            name: the step's name.
            action: what to do; answers with a detail, or a :class:`Note`.
            changes: whether it changes the host, so that the journal must know beforehand.
            looks: whether it only looks, so that its success is no change.

        Raises:
            StepFailed: the step failed; the message says what was attempted and what came back.
            Stopped: the master told the job to stop.
        """
        self.demand_go_on()
        started = time.monotonic()
        self.reporter.add({"stage": self.stage.stage, "step": name, "outcome": RUNNING})
        journal = (
            self.journal.intent(self.stage.stage, name) if changes else contextlib.nullcontext()
        )
        try:
            with journal or contextlib.nullcontext():
                answer = action()
        except PushguideError as err:
            outcome = INCONCLUSIVE if isinstance(err, Inconclusive) else FAILED
            told = self.secrets.hidden(str(err))
            self._record(name, outcome, started, told)
            if self.secrets.are_known:
                raise type(err)(told) from None  # what it came from may tell them too
            raise
        except Exception as err:
            message = f"Step {name} failed: {type(err).__name__}: {self.secrets.hidden(str(err))}"
            self._record(name, FAILED, started, message)
            if self.secrets.are_known:
                log.error("Step %s of %s: %s", name, self.journal.module, message)
                raise StepFailed(message) from None
            log.exception("Step %s of %s", name, self.journal.module)
            raise StepFailed(message) from err
        note = answer if isinstance(answer, Note) else Note(SUCCEEDED, answer or "")
        self.changed = self.changed or (not looks and note.outcome in (SUCCEEDED, WARNING))
        self._record(name, note.outcome, started, note.detail)

    def demand_go_on(self) -> None:
        """Stop the job if the master says so: a step that waits asks this while it does.

        Raises:
            Stopped: the master says so.
            StepFailed: the job has used up its time.
        """
        self.orders.demand_go_on()

    def _record(self, name: str, outcome: str, started: float, detail: str) -> None:
        told = self.secrets.hidden(detail)
        result = StepResult(name, outcome, round(time.monotonic() - started, 4), told)
        self.stage.steps.append(result)
        self.reporter.add({"stage": self.stage.stage, "step": name, **_without_name(result)})


def _without_name(result: StepResult) -> dict[str, Any]:
    return {"outcome": result.outcome, "seconds": result.seconds, "detail": result.detail}


class StepNames(Recorder):
    """Runs nothing, and tells which steps there are."""

    def __init__(self, journal: Journal, reporter: Reporter) -> None:
        super().__init__(journal, reporter)
        self.names: list[str] = []

    def run(
        self,
        name: str,
        action: Callable[[], Note | str | None],
        changes: bool,
        looks: bool = False,
    ) -> None:
        """Note the name of a step."""
        self.names.append(name)


class HasRecorder(Protocol):
    """What a class needs for its methods to be steps."""

    recorder: Recorder

    def before_step(self, name: str) -> None:
        """Called before each step, with its name."""


T = TypeVar("T", bound=HasRecorder)
Method = Callable[[T], "Note | str | None"]


def step(*, changes: bool, looks: bool = False) -> Callable[[Method[T]], Callable[[T], None]]:
    """Make a method a step, reported under the method's name.

    Args:
        changes: whether it changes anything on the host. The journal is flushed to disk
            before and after a step that does.
        looks: whether it only looks, so that its success is no change. A step that neither
            changes the host nor only looks has changed the journal alone.
    """

    def decorate(method: Method[T]) -> Callable[[T], None]:
        @functools.wraps(method)
        def run(self: T) -> None:
            self.before_step(method.__name__)
            self.recorder.run(method.__name__, functools.partial(method, self), changes, looks)

        return run

    return decorate


@contextlib.contextmanager
def also_on_failure(part: Callable[[], None]) -> Iterator[None]:
    """Run a part after the block, even if that fails.

    Raises:
        StepFailed: either failed; if both did, the message is that of both.
    """
    try:
        yield
    except PushguideError as err:
        try:
            part()
        except PushguideError as more:
            raise StepFailed(f"{err} {more}") from more
        raise
    part()
