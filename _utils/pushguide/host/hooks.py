"""Hooks: functions and commands that only the master's configuration can name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host import commands
from pushguide.host.pillar import Secrets
from pushguide.host.waiting import BetweenTries

_PLACE = re.compile(r"\{(?:pillar\.([^{}\s]+)|(\w+))\}")


@dataclass(kw_only=True)
class Hook:
    """One use of a hook.

    ``hook`` is its name, ``call`` what the master's configuration says is run, ``variables`` what
    the template gives it: the master has held each against its pattern.
    """

    hook: str
    call: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 60

    def run(
        self,
        given: Mapping[str, str],
        secrets: Secrets,
        between_tries: BetweenTries = lambda: None,
    ) -> str:
        """Run it.

        Args:
            given: what every hook is told: module, version, environment and path.
            secrets: fills in what the configuration takes from this host's pillar.
            between_tries: called about each second while a command runs; may raise to end it.

        Returns:
            What was run. What it answered is not told, it may hold a secret.

        Raises:
            StepFailed: it failed.
        """
        if "command" in self.call:
            return self._run_command(given, secrets, between_tries)
        return self._call_function(given, secrets)

    def _call_function(self, given: Mapping[str, str], secrets: Secrets) -> str:
        name: str = self.call["function"]
        if name not in secrets.salt:
            raise StepFailed(f"this minion has no function {name}: sync it, or correct the name")
        fixed = secrets.filled(self.call.get("kwarg") or {})
        arguments = secrets.filled(self.call.get("arg") or [])
        try:
            answer = secrets.salt[name](*arguments, **{**self.variables, **fixed, **given})
        except Exception as err:  # noqa: BLE001 - its cause is not logged: it may hold a secret
            raise StepFailed(f"{name}: {type(err).__name__}: {err}") from None
        retcode = answer.get("retcode") if isinstance(answer, Mapping) else None
        if answer is False or retcode:
            raise StepFailed(f"{name} answered {'False' if answer is False else f'{retcode=}'}")
        return name

    def _run_command(
        self, given: Mapping[str, str], secrets: Secrets, between_tries: BetweenTries
    ) -> str:
        program = self.call["command"][0]
        words = [self._filled(word, given, secrets) for word in self.call["command"]]
        environment = {f"PUSHGUIDE_{name.upper()}": value for name, value in given.items()}
        try:
            ended = commands.run(words, self.timeout_seconds, between_tries, environment)
        except (OSError, ValueError) as err:
            raise StepFailed(f"{program} could not be started: {err}") from None
        if ended.code is None:
            said = f": {ended.said}" if ended.said else ""
            raise StepFailed(
                f"{program} was not done in {self.timeout_seconds:g} s, and was ended{said}"
            )
        if ended.code:
            raise StepFailed(f"{program}: {ended}")
        return f"{program}: {ended}"

    def _filled(self, word: str, given: Mapping[str, str], secrets: Secrets) -> str:
        """Fill in one word, in one go: what is filled in is never looked at again."""
        known = {**self.variables, **given}

        def value(place: re.Match[str]) -> str:
            path, name = place.groups()
            return str(secrets.value(path)) if path else known.get(name, place.group())

        return _PLACE.sub(value, word)


def calls_in(hooks: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What the master's configuration says of each hook of a share, and of those that undo it."""
    for uses in hooks.values():
        for one in uses:
            yield one["call"]
            if one.get("undo"):
                yield one["undo"]["call"]
