"""Orders: what the master says to a job while it works, through files beside the journal.

A job looks before each of its steps, and again and again where it waits.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pushguide.errors import StepFailed, Stopped
from pushguide.host import journal as journals
from pushguide.host import process
from pushguide.host.journal import Journal, replace_file

STOP, CONFIRM, JOB = "stop", "confirmed", "job"


class Orders:
    """What a running job has to obey.

    Args:
        journal: the journal of the module, taken up by the job.
        bound_seconds: how long the job may take from now on; 0 for no bound.
    """

    def __init__(self, journal: Journal, bound_seconds: float = 0) -> None:
        self.journal = journal
        self.directory = os.path.dirname(journal.path)
        self.bound_seconds = bound_seconds
        self.until = time.monotonic() + bound_seconds if bound_seconds else None
        self.hears = True

    def demand_go_on(self) -> None:
        """Stop the job if the master says so, or if it has used up its time.

        Raises:
            Stopped: the master says so.
            StepFailed: its time is used up.
        """
        if not self.hears:
            return
        order = self._read(STOP)
        if order:
            raise Stopped(str(order.get("reason") or "the master stopped it"))
        if self.until is not None and time.monotonic() > self.until:
            raise StepFailed(
                f"It was stopped after {self.bound_seconds:g} s (stage_timeout_seconds of the "
                "template's strategy)."
            )

    @property
    def confirmed_by(self) -> str | None:
        """Who has confirmed the release; None as long as nobody has."""
        order = self._read(CONFIRM)
        return str(order.get("by") or "its master") if order else None

    @contextlib.contextmanager
    def deaf(self) -> Iterator[None]:
        """Obey nothing while the block runs: a host that goes back has to get there."""
        before, self.hears = self.hears, False
        try:
            yield
        finally:
            self.hears = before

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Let others find the process of the job while the block runs."""
        path = os.path.join(self.directory, JOB)
        # Not flushed to disk: it means nothing once the machine has gone down.
        with open(path, "w", encoding="utf-8") as handle:
            json.dump({"pid": os.getpid()}, handle)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.remove(path)

    def _read(self, name: str) -> dict[str, Any] | None:
        """An order, if it is meant for this deployment."""
        try:
            with open(os.path.join(self.directory, name), encoding="utf-8") as handle:
                order = json.load(handle)
        except (OSError, ValueError):
            return None
        mine = (self.journal.deployment, self.journal.token)
        is_mine = isinstance(order, dict) and (order.get("deployment"), order.get("token")) == mine
        return order if is_mine else None


def give(
    opts: Mapping[str, Any],
    module: str,
    environment: str,
    name: str,
    deployment: int,
    token: int,
    **more: Any,
) -> bool:
    """Leave an order for the job of a deployment; False where that has never been here."""
    directory = journals.journal_dir(opts, module, environment)
    if not os.path.isdir(directory):
        return False
    replace_file(
        os.path.join(directory, name),
        json.dumps({"deployment": deployment, "token": token, **more}),
    )
    return True


def stop(
    opts: Mapping[str, Any],
    module: str,
    environment: str,
    deployment: int,
    token: int,
    reason: str,
    kill_after_seconds: float | None,
) -> bool:
    """Tell the job of a deployment to stop at its next step; kill it if it does not.

    Args:
        opts: the minion's configuration.
        module: the module.
        environment: its environment.
        deployment: the deployment.
        token: its fencing token.
        reason: why, in words.
        kill_after_seconds: how long the job may take to stop; None waits for nothing.

    Returns:
        Whether a job is still at work.
    """
    if not give(opts, module, environment, STOP, deployment, token, reason=reason):
        return False
    if kill_after_seconds is None:
        return is_busy(opts, module, environment)
    if process.wait_until(lambda: not is_busy(opts, module, environment), kill_after_seconds):
        return False
    kill(journals.journal_dir(opts, module, environment))
    return not process.wait_until(
        lambda: not is_busy(opts, module, environment), kill_after_seconds
    )


def kill(directory: str) -> None:
    """Kill the process of the job that works in a journal's directory, and that one alone.

    A minion that runs its jobs in threads is not killed for one of them.
    """
    try:
        with open(os.path.join(directory, JOB), encoding="utf-8") as handle:
            pid = int(json.load(handle)["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if pid not in (os.getpid(), os.getppid()):
        with contextlib.suppress(OSError):
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def is_busy(opts: Mapping[str, Any], module: str, environment: str) -> bool:
    """Whether a job works on a module on this host now."""
    directory = journals.journal_dir(opts, module, environment)
    return os.path.isdir(directory) and journals.is_locked(directory)
