"""What a deployment costs beside the floor that Salt itself sets.

Ours: a four-stage deployment of a 10 KB artifact, fetched over HTTP from a server that is counted
too, presence check and database included. The
floor, in the same run: ``state.orchestrate`` of four no-op ``salt.function`` steps on the same
minions. Both in CPU seconds of everything that runs (client, master, minions, salt-api) and in
wall seconds, through salt-run and through salt-api.

The template says ``prepare: with_release``, so the four stages travel as one job. What it costs
to prepare every host before the first goes live (``all_first``, the default) is told too.

    python -m bench.overhead --minions 1 5 20 --repeat 5
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any

from bench import cpu
from bench.figures import Figure, Samples, main
from demo.daemons import LabError, free_port
from demo.lab import Lab

#: At 1 minion and at 20: the most that a deployment may cost, in floors.
GOALS = {1: 1.0, 20: 0.7}


class Way:
    """One way in: salt-run, or salt-api."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self.name = name
        self.token = self._login() if name == "salt-api" else ""

    def run(self, function: str, **arguments: Any) -> Any:
        """Run a runner function, and answer with what it returned."""
        if self.name == "salt-run":
            words = [f"{key}={json.dumps(value)}" for key, value in arguments.items()]
            return self.lab.run(function, *words)
        low = {"client": "runner", "fun": function, "kwarg": arguments}
        return self._post("/", [low], {"X-Auth-Token": self.token})["return"][0]

    def _login(self) -> str:
        credentials = {
            "username": self.lab.api_user,
            "password": self.lab.api_secret,
            "eauth": "sharedsecret",
        }
        return str(self._post("/login", credentials, {})["return"][0]["token"])

    def _post(self, path: str, data: Any, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(
            self.lab.api_url + path,
            data=json.dumps(data).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=300) as response:
            return json.load(response)


def templates(artifacts: str, url: str, root: str) -> dict[str, Any]:
    """Two templates: the stages as one job, and with every host prepared before the first."""
    common = {
        "type": "static_site",
        "source": {"directory": artifacts, "url": url},
        "environments": {"production": {"hosts": "*"}},
    }
    return {
        "quick": {**common, "root": f"{root}/quick", "strategy": {"prepare": "with_release"}},
        "careful": {**common, "root": f"{root}/careful"},
    }


def measure_at(minions: int, repeat: int) -> tuple[list[Samples], list[Figure]]:
    """Measure everything with one number of minions."""
    modules: dict[str, Any] = {}
    lab = Lab([f"m{number}" for number in range(1, minions + 1)], modules, with_api=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    modules.update(templates(str(lab.artifacts), url, str(lab.top / "site" / "{id}")))
    with lab:
        lab.serve(lab.artifacts, port)
        for module in modules:
            for version in range(repeat * 2 + 2):
                lab.publish(module, f"1.{version}.0", {"noise.txt": os.urandom(7500).hex()[:13000]})
        write_floor(lab)
        samples, figures = [], []
        for name in ("salt-run", "salt-api"):
            way = Way(lab, name)
            kinds = {
                "floor": lambda _, way=way: way.run("state.orchestrate", mods="floor"),
                "quick": lambda version, way=way: deploy(way, "quick", version),
                "careful": lambda version, way=way: deploy(way, "careful", version),
            }
            offset = 0 if name == "salt-run" else repeat + 1
            cost = interleave(kinds, repeat, offset)
            label = f"{minions} minion{'s' * (minions != 1)}, {name}"
            for kind, (cpu_seconds, wall_seconds) in cost.items():
                samples.append(Samples(f"{label}: {kind}, CPU", cpu_seconds))
                samples.append(Samples(f"{label}: {kind}, wall", wall_seconds))
            figures += compare(label, minions, cost)
        return samples, figures


def deploy(way: Way, module: str, version: int) -> None:
    """Deploy a version, and prove that it succeeded."""
    answer = way.run("pushguide.deploy", module=module, version=f"1.{version}.0")
    if not isinstance(answer, dict) or answer.get("state") != "succeeded":
        raise LabError(f"the deployment that was to be measured answered {answer}")


def write_floor(lab: Lab) -> None:
    """Four steps that do nothing, as an orchestration file."""
    steps = {
        f"step {number}": {
            "salt.function": [{"name": "test.true"}, {"tgt": lab.minions}, {"tgt_type": "list"}]
        }
        for number in range(1, 5)
    }
    (lab.top / "files" / "floor.sls").write_text(json.dumps(steps))


def interleave(
    kinds: dict[str, Callable[[int], Any]], repeat: int, offset: int
) -> dict[str, tuple[list[float], list[float]]]:
    """Run the kinds in turn, after one round to warm up; answer with CPU and wall seconds."""
    cost: dict[str, tuple[list[float], list[float]]] = {kind: ([], []) for kind in kinds}
    for turn in range(repeat + 1):
        for kind, run in kinds.items():
            before = cpu.settle()
            started = time.perf_counter()
            run(turn + offset)
            wall = time.perf_counter() - started
            if turn:
                cost[kind][0].append(cpu.settle() - before)
                cost[kind][1].append(wall)
    return cost


def compare(
    label: str, minions: int, cost: dict[str, tuple[list[float], list[float]]]
) -> list[Figure]:
    """Ours in floors."""
    figures = []
    for position, unit in enumerate(("CPU", "wall")):
        floor = Samples("", cost["floor"][position]).median
        for kind, goal in (("quick", GOALS.get(minions)), ("careful", None)):
            ours = Samples("", cost[kind][position]).median
            figures.append(Figure(f"overhead, {label}: {kind}, {unit}", ours / floor, goal, "x"))
    return figures


def measure(arguments: argparse.Namespace) -> tuple[Sequence[Samples], Sequence[Figure]]:
    """Measure with each number of minions."""
    cpu.adopt_orphans()
    samples: list[Samples] = []
    figures: list[Figure] = []
    for minions in arguments.minions:
        more_samples, more_figures = measure_at(minions, arguments.repeat)
        samples += more_samples
        figures += more_figures
    return samples, figures


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minions", type=int, nargs="+", default=[1, 5, 20])
    options.add_argument("--repeat", type=int, default=5)
    sys.exit(main(measure, options))
