"""Health: the kinds of probes that a template may have, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.errors import Refused
from pushguide.host.health.check import Check, Scene
from pushguide.host.health.command import CommandCheck
from pushguide.host.health.http import HttpCheck
from pushguide.host.health.log import LogCheck, written_so_far
from pushguide.host.health.process import ProcessCheck
from pushguide.host.health.prove import prove, prove_all
from pushguide.host.health.tcp import TcpCheck

__all__ = ["KINDS", "Check", "Scene", "checks_of", "logs_of", "prove", "prove_all"]

KINDS: dict[str, type[Check]] = {
    one.kind: one for one in (HttpCheck, TcpCheck, ProcessCheck, CommandCheck, LogCheck)
}


def checks_of(probe: object, version: str) -> list[Check]:
    """The checks of a share or of a journal.

    Args:
        probe: one mapping, a list of them, or nothing. One without a kind asks by HTTP.
        version: what ``{version}`` becomes.

    Raises:
        Refused: a probe does not read.
    """
    checks = []
    for one in _listed(probe):
        kind = one.get("kind", HttpCheck.kind)
        if kind not in KINDS:
            raise Refused(f"There is no kind {kind!r} of probe: there are {', '.join(KINDS)}.")
        checks.append(KINDS[kind].from_dict(one, version))
    return checks


def logs_of(probe: object, version: str) -> Mapping[str, Any]:
    """How far the log files that the probes read have been written by now."""
    checks = checks_of(probe, version)
    return written_so_far([one.path for one in checks if isinstance(one, LogCheck)])


def _listed(probe: object) -> list[Mapping[str, Any]]:
    if not probe:
        return []
    return [probe] if isinstance(probe, Mapping) else list(probe)  # type: ignore[call-overload]
