"""Forecast: what a plan would do on each host, asked of the hosts without changing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.master import contents
from pushguide.master.plan import Plan
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.sources import Source
from pushguide.master.sources.directory import DirectorySource
from pushguide.master.store import history
from pushguide.master.store.database import Database
from pushguide.words import LIVE_STAGES, STAGES

#: How long hosts may take to look at what is live there, in seconds.
_LOOK_SECONDS = 60.0
#: How many names of files are told of each kind of difference.
_NAMED_AT_MOST = 50
#: What a job costs beside the work on the hosts, in seconds.
_JOB_SECONDS = 0.5


def told(plan: Plan, source: Source | None, database: Database, hosts: Hosts) -> dict[str, Any]:
    """A plan with what can be foretold of it.

    Args:
        plan: the plan.
        source: where the artifact is; None if none is needed.
        database: the record.
        hosts: the way to the hosts.

    Returns:
        The plan as plain data, and ``steps`` (of each stage), ``moved_bytes`` (over all hosts),
        ``files`` (of each host: added, removed, changed), ``drift`` (hosts that run something else
        than the record says, or other files than their peers) and ``expected``.
    """
    trees = _trees(plan, hosts)
    wanted = _wanted(plan, source)
    return {
        **plan.to_dict(),
        "steps": _steps(plan, hosts),
        "moved_bytes": _moved(plan),
        "files": {host: _difference(tree, wanted) for host, tree in trees.items()},
        "drift": _drift(plan, trees),
        "expected": database.read(lambda one: expected(one, plan)),
    }


def _moved(plan: Plan) -> int:
    """What has to be fetched by all hosts together, in bytes."""
    if plan.artifact is None:
        return 0
    fetching = [
        one
        for one in plan.hosts.values()
        if plan.kind == "redeploy" or not _has(plan, one.live, one.kept)
    ]
    return plan.artifact.size * len(fetching)


def _has(plan: Plan, live: str | None, kept: list[str]) -> bool:
    """Whether a host needs no artifact: the version is live, or kept and gone back to."""
    return live == plan.version or (plan.kind == "rollback" and plan.version in kept)


def _steps(plan: Plan, hosts: Hosts) -> dict[str, list[str]]:
    """The steps of each stage, as a host would go through them; nothing if none can tell."""
    one_host = next(iter(plan.hosts), None)
    if one_host is None:
        return {}
    share = {**plan.share_for(0, 0).to_dict(), "test": True}
    answers = hosts.ask(
        [one_host],
        f"pushguide_{plan.type}.run",
        {"share": share, "stages": [*STAGES]},
        _LOOK_SECONDS,
    )
    value = answers[one_host].value if one_host in answers else None
    found = value.get("steps") if isinstance(value, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def _trees(plan: Plan, hosts: Hosts) -> dict[str, dict[str, Any]]:
    """What lies in the live release of each host; asked in full of one of those that are alike."""
    asked = {"module": plan.module, "environment": plan.environment}
    short = _mappings(hosts.ask([*plan.hosts], "pushguide.files", asked, _LOOK_SECONDS))
    first: dict[str, str] = {}
    for host, tree in short.items():
        first.setdefault(str(tree.get("digest")), host)
    full = _mappings(
        hosts.ask([*first.values()], "pushguide.files", {**asked, "full": True}, _LOOK_SECONDS)
    )
    return {
        host: {**tree, "files": full.get(first[str(tree.get("digest"))], {}).get("files")}
        for host, tree in short.items()
    }


def _mappings(answers: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {host: one.value for host, one in answers.items() if isinstance(one.value, dict)}


def _wanted(plan: Plan, source: Source | None) -> contents.Files | None:
    """The files of the version that is to be deployed, None if they cannot be known."""
    if plan.artifact is None or source is None:
        return None
    if not isinstance(source, DirectorySource):
        return None  # to read all of it would take as long as to fetch it
    return contents.of_artifact(source.path_of(plan.artifact), plan.share.get("settings") or {})


def _difference(tree: Mapping[str, Any], wanted: contents.Files | None) -> dict[str, Any] | None:
    """What the version adds, removes and changes beside the live release of a host."""
    there = tree.get("files")
    if wanted is None or not isinstance(there, Mapping):
        return None
    here = {str(name): tuple(one) for name, one in there.items()}
    wanted = {name: one for name, one in wanted.items() if name not in tree.get("configured", ())}
    return {
        "added": _named([name for name in wanted if name not in here]),
        "removed": _named([name for name in here if name not in wanted]),
        "changed": _named([n for n, one in wanted.items() if n in here and here[n] != one]),
    }


def _named(files: list[str]) -> dict[str, Any]:
    return {"count": len(files), "names": sorted(files)[:_NAMED_AT_MOST]}


def _drift(plan: Plan, trees: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The hosts that are not as the record or their peers say, each with what is odd there."""
    odd = {
        host: f"runs {one.live or 'nothing'}, by the record {one.recorded or 'nothing'}"
        for host, one in plan.hosts.items()
        if one.recorded is not None and one.live != one.recorded
    }
    for live in {one.live for one in plan.hosts.values()} - {None}:
        alike = {
            host: tree["digest"] for host, tree in trees.items() if plan.hosts[host].live == live
        }
        usual = Counter(alike.values()).most_common(1)
        for host, digest in alike.items():
            if digest != usual[0][0]:
                odd.setdefault(host, f"has other files in {live} than most hosts that run it")
    return odd


def expected(connection: Connection, plan: Plan) -> dict[str, Any] | None:
    """How long the deployment should take, by those that succeeded before; None without any.

    Returns:
        ``seconds``, and ``measured_on``: the deployments that it is computed from.
    """
    times = history.stage_seconds(connection, plan.module, plan.environment, plan.kind)
    if not times:
        return None
    prepare = median(one.get("prepare", 0.0) for one in times.values())
    live = median(sum(one.get(stage, 0.0) for stage in LIVE_STAGES) for one in times.values())
    legs = plan.legs()
    batches = len(plan.batches)
    pauses = plan.rollout.interval_seconds * max(0, batches - 1 - plan.rollout.canary)
    if plan.rollout.canary and plan.rollout.after_canary:
        pauses += plan.rollout.after_canary
    prepares = sum("prepare" in leg.stages for leg in legs)
    seconds = prepare * prepares + live * batches + pauses + _JOB_SECONDS * len(legs)
    return {"seconds": round(seconds, 1), "measured_on": sorted(times)}
