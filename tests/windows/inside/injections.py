"""Deployments of which one call to Windows fails, each judged by what is then on the host."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import deployments
from faults import Faults, Place

from pushguide.words import FAILED, RESTORED, STAGES, SUCCEEDED

State = dict[str, Any]


class Host(Protocol):
    """What a project type's injections know of the host, without the product."""

    faults: Faults
    #: Functions in the place of Salt's, which count and fail.
    functions: Mapping[str, Any]

    def state(self) -> State:
        """What is so, by Windows's own account; with ``live``, the version that answers."""

    def put(self, state: State) -> None:
        """Make it so again."""

    def words(self, state: State) -> Sequence[str]:
        """What an error has to say where a host is in this state."""


class Injections:
    """A deployment that is made again and again, from the same beginning.

    Args:
        host: what is known of the host.
        project_type: the type's name.
        share: what the master says of the deployment.
        may_succeed: whether it is one that can.
    """

    def __init__(
        self, host: Host, project_type: str, share: Mapping[str, Any], may_succeed: bool = True
    ) -> None:
        self.host = host
        self.project_type = project_type
        self.share = share
        self.may_succeed = may_succeed
        self.root = Path(share["root"])
        self.home = Path(deployments.home_of(share["module"]))
        self.kept = self.home.with_name(f"{self.home.name}.kept")
        self.releases = {one.name for one in self._releases()}
        self.before = self.after = host.state()
        shutil.rmtree(self.kept, ignore_errors=True)
        if self.home.exists():
            shutil.copytree(self.home, self.kept)

    def run(self, how: str, within: str = "", every: int = 1) -> dict[str, Any]:
        """Let calls fail, one in each deployment; answer with how many, and what went wrong.

        Args:
            how: once, or from then on for good.
            within: a function; only calls that come through it fail.
            every: 1 for each call, 4 for each fourth.
        """
        try:
            with self.host.faults.armed():
                answer = self._deploy()
            found = self.host.faults.places()
            places = [one for one in found if not within or within in dict(one.way)][::every]
            self.after = self.host.state()
            wrong = self._judge(answer, self.after)
            lost = [f"without a fault: {wrong}: {answer}"] if wrong else []
            ended: dict[str, int] = {}
            for place in places:
                outcome, wrong = self._inject(place, how)
                ended[outcome] = ended.get(outcome, 0) + 1
                lost += [wrong] if wrong else []
        finally:
            self._begin_again()
        return {"calls": len(places), "lost": lost, "ended": ended}

    def _inject(self, place: Place, how: str) -> tuple[str, str]:
        self._begin_again()
        faults = self.host.faults
        with faults.armed(place, how):
            try:
                answer = self._deploy()
            except Exception:  # noqa: BLE001  # none may come out, whatever it is
                answer = {"outcome": "raised", "error": traceback.format_exc()}
        state = self.host.state()
        wrong = self._judge(answer, state)
        told = f"{how}, {faults.failed}: {wrong}; {answer['outcome']}: {answer['error']}; {state}"
        return str(answer["outcome"]), told if wrong else ""

    def _deploy(self) -> dict[str, Any]:
        return deployments.run(self.project_type, self.share, STAGES, laid_over=self.host.functions)

    def _judge(self, answer: Mapping[str, Any], state: State) -> str:
        """What is wrong with an answer, held against what is so; empty if nothing is."""
        outcome, error = answer["outcome"], answer["error"] or ""
        is_old = state == self.before
        if outcome == SUCCEEDED:
            is_new = state == self.after and state["live"] == self.share["version"]
            if not self.may_succeed or not is_new:
                return "it has succeeded, and the new version is not what is there"
        elif outcome == RESTORED:
            return "" if is_old and error else "it was restored, and is not as it was"
        elif outcome == FAILED:
            is_told = "cannot be told" not in error and "Nor could its state be told" not in error
            missing = [one for one in self.host.words(state) if one not in error]
            if not error or (not is_old and missing and is_told):
                return f"it has failed, and does not say in which state: {missing}"
        else:
            return "no such outcome can be"
        return ""

    def _begin_again(self) -> None:
        if self.host.state() != self.before:
            self.host.put(self.before)
        now = self.host.state()
        if now != self.before:
            raise AssertionError(f"not as it was: {now}, and not {self.before}")
        for one in self._releases():
            if one.name not in self.releases:
                shutil.rmtree(one)
        shutil.rmtree(self.home, ignore_errors=True)
        if self.kept.exists():
            shutil.copytree(self.kept, self.home)

    def _releases(self) -> list[Path]:
        place = self.root / "releases"
        return [*place.iterdir()] if place.exists() else []
