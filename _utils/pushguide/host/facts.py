"""What this host says about itself: read-only, and cheap enough to ask before everything."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pushguide import __version__
from pushguide.host import journal as journals
from pushguide.host.links import is_link, target_of, walk
from pushguide.host.orders import is_busy
from pushguide.host.windows.paths import extended
from pushguide.measure import measured


def inspect(
    opts: Mapping[str, Any],
    module: str | None,
    environment: str,
    grains: Mapping[str, Any],
    wanted_grains: Sequence[str] = (),
) -> dict[str, Any]:
    """What the master asks before a deployment: pushguide's version here, and the module's state.

    Args:
        opts: the minion's configuration.
        module: the module that is to be deployed.
        environment: its environment.
        grains: the minion's grains.
        wanted_grains: those that the master wants to know; deeper ones as ``a:b``.

    Returns:
        ``pushguide`` (the version of its code here), ``module`` (the journal's summary, None where
        the module has never been here) and ``grains`` (as text, empty where there is none).
    """
    found = journals.read_all(opts, module) if module else []
    mine = [
        {**one.summary(), **_at_pointer(one)} for one in found if one.environment == environment
    ]
    return {
        "pushguide": __version__,
        "module": mine[0] if mine else None,
        "grains": {name: _text_of(grains, name) for name in wanted_grains},
    }


def _at_pointer(journal: journals.Journal) -> dict[str, Any]:
    """What is live by the live link itself, which somebody may have changed by hand."""
    target = target_of(journal.pointer) if journal.pointer else None
    if target is None:
        return {}
    release = journal.release_at(target)
    return {"live": release.version if release else f"({target})"}


def _text_of(grains: Mapping[str, Any], path: str) -> str:
    value: Any = grains
    for part in path.split(":"):
        value = value.get(part) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)


def files(
    opts: Mapping[str, Any], module: str, environment: str, full: bool = False
) -> dict[str, Any] | None:
    """What lies in the live release of a module, by content.

    Args:
        opts: the minion's configuration.
        module: the module.
        environment: its environment.
        full: whether to tell every file, and not their digest alone.

    Returns:
        ``digest`` (the same on hosts with the same files), ``count``, ``bytes``, ``configured``
        (the files that configuration has changed, which are not counted: they may differ from
        host to host, and hold secrets), and with ``full`` ``files``: of each path its size and
        sha256. None where nothing is live.
    """
    for one in journals.read_all(opts, module):
        live = one.releases.get(one.live or "")
        if one.environment == environment and live and os.path.isdir(live.path):
            found = {
                name: _measured(path)
                for name, path in _walk(live.path)
                if name not in live.configured
            }
            told = json.dumps(sorted(found.items()))
            answer: dict[str, Any] = {
                "digest": hashlib.sha256(told.encode()).hexdigest(),
                "count": len(found),
                "bytes": sum(size for size, _ in found.values()),
                "configured": live.configured,
            }
            return {**answer, "files": found} if full else answer
    return None


def _walk(top: str) -> Iterator[tuple[str, str]]:
    """The plain files below a directory, each with its path from there."""
    top = extended(top)
    for directory, names in walk(top):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and not is_link(path):
                yield os.path.relpath(path, top).replace(os.sep, "/"), path


def _measured(path: str) -> tuple[int, str]:
    with open(path, "rb") as handle:
        return measured(handle)


def releases(opts: Mapping[str, Any], module: str | None = None) -> list[dict[str, Any]]:
    """Every release that is kept on this host, with its mark and whether it is live."""
    return [
        {
            "module": one.module,
            "environment": one.environment,
            **vars(release),
            "live": release.name == one.live,
            "present": os.path.isdir(release.path),
        }
        for one in journals.read_all(opts, module)
        for release in sorted(one.releases.values(), key=lambda release: release.made)
    ]


def current(opts: Mapping[str, Any], module: str | None = None) -> dict[str, Any]:
    """The live version of each module on this host, by ``module@environment``."""
    return {
        f"{one.module}@{one.environment}": one.summary()["live"]
        for one in journals.read_all(opts, module)
    }


def journal(opts: Mapping[str, Any], module: str, environment: str) -> dict[str, Any] | None:
    """The whole journal of one module, None where it has never been here."""
    for one in journals.read_all(opts, module):
        if one.environment == environment:
            return one.to_dict()
    return None


def result(
    opts: Mapping[str, Any], module: str, environment: str, deployment: int
) -> dict[str, Any] | None:
    """What a deployment's job would have returned, read from the journal.

    Returns:
        The answer, with ``busy``: whether a job works on the module now. None if the journal
        knows nothing of the deployment and no job is at work.
    """
    busy = is_busy(opts, module, environment)
    for one in journals.read_all(opts, module):
        if one.environment == environment and one.deployment == deployment:
            return {**one.answer(), "busy": busy}
    return {"busy": True} if busy else None
