"""What it costs to bring a large artifact to hosts, beside the bare commands that do it.

A 60 MB war of 200 jars and a 60 MB tar.gz of 5,000 files go to 20 minions, from nginx on the
loopback address; then the next version, 5 % of which are new. The floor, in the same run: for each
host ``curl``, ``sha256sum`` and ``unzip`` or ``tar -xzf``, one after the other, and two waves of
test.ping on the same minions. Both in CPU seconds of everything that runs, nginx included, and in
wall seconds.

Told beside that, because both weigh in the ratios: the floor with as many hosts side by side as
there are cores, as minions work (creating files costs more CPU then), and what a deployment costs
that has nothing to carry.

    python -m bench.transfer --minions 20 --repeat 3 --mb 60
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from bench import artifacts, cpu
from bench.figures import Figure, Samples, main
from demo.daemons import LabError
from demo.lab import Lab

#: The most that the first deployment may cost, in floors.
FIRST_GOAL = 1.15
#: The most that the next version may cost, and move: of a war in first deployments, of a tar.gz in
#: bare full unpackings.
NEXT_GOAL = 0.6
INDEXED_GOAL = 0.35
MOVED_GOAL = 0.10

_EMPTY = "empty"
_UNPACK = {"war": "unzip -q {file} -d {place}", "tar": "tar -xzf {file} -C {place}"}


class Bench:
    """A lab with nginx, and one kind of artifact."""

    def __init__(self, lab: Lab, kind: str, megabytes: int) -> None:
        self.lab = lab
        self.kind = kind
        self.megabytes = megabytes
        self.url, self.log = artifacts.serve_by_nginx(lab, lab.artifacts)
        self.cost: dict[str, tuple[list[float], list[float]]] = {}
        self.moved: list[float] = []

    def publish_empty(self, edition: int) -> None:
        """Publish a version that weighs nothing."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("edition", str(edition))
        name = "app.zip"
        artifacts.publish(self.lab, _EMPTY, f"1.{edition}", name, content.getvalue())

    def publish(self, module: str, seed: int, edition: int) -> Path:
        """Publish an edition, as version ``1.<edition>``."""
        make = artifacts.war if self.kind == "war" else artifacts.tar_gz
        name = "app.war" if self.kind == "war" else "app.tar.gz"
        content = make(seed, edition, self.megabytes)
        return artifacts.publish(self.lab, module, f"1.{edition}", name, content)

    def measure(self, what: str, run: Callable[[], Any]) -> None:
        """Measure one run."""
        before, started = cpu.settle(), time.perf_counter()
        run()
        wall = time.perf_counter() - started
        seconds = self.cost.setdefault(what, ([], []))
        seconds[0].append(cpu.settle() - before)
        seconds[1].append(wall)

    def turn(self, number: int, modules: Sequence[str]) -> None:
        """One round: the floor, then a first and a next version of each module."""
        self.publish_empty(number)
        for module in modules:
            first = self.publish(module, number, 2 * number)
            self.publish(module, number, 2 * number + 1)
            if module.endswith("indexed"):
                self.lab.run("pushguide.index", f"module={module}", f"version='1.{2 * number + 1}'")
            if module == modules[0]:
                url = f"{self.url}/{first.relative_to(self.lab.artifacts)}"
                self.measure("bare", partial(self.bare, url))
                self.measure("bare, side by side", partial(self.bare, url, os.cpu_count() or 1))
                self.measure("waves", self.waves)
                self.measure("empty", partial(self.deploy, _EMPTY, number))
            self.measure(f"{module}, first", partial(self.deploy, module, 2 * number))
            before = artifacts.sent(self.log)
            self.measure(f"{module}, next", partial(self.deploy, module, 2 * number + 1))
            whole = first.stat().st_size * len(self.lab.minions)
            if module == modules[0]:
                self.moved.append((artifacts.sent(self.log) - before) / whole)
            for minion in self.lab.minions:
                shutil.rmtree(self.lab.top / minion / "site", ignore_errors=True)
                shutil.rmtree(self.lab.top / minion / "var/lib/pushguide", ignore_errors=True)
                cache = self.lab.top / minion / "var/cache/salt/minion/pushguide"
                shutil.rmtree(cache, ignore_errors=True)

    def bare(self, url: str, at_once: int = 1) -> None:
        """Fetch, sum and unpack with the bare commands, once for each host."""

        def one(minion: str) -> None:
            place = self.lab.top / minion / "bare"
            place.mkdir()
            file = place / "artifact"
            unpack = _UNPACK[self.kind].format(file=file, place=place)
            script = f"curl -sf -o {file} {url} && sha256sum {file} > /dev/null && {unpack}"
            subprocess.run(["sh", "-c", script], check=True)

        with ThreadPoolExecutor(at_once) as pool:
            for _ in pool.map(one, self.lab.minions):
                pass
        for minion in self.lab.minions:
            shutil.rmtree(self.lab.top / minion / "bare")

    def waves(self) -> None:
        """Two waves of test.ping on all minions."""
        for _ in range(2):
            self.lab.call("salt", "-L", ",".join(self.lab.minions), "test.ping", "--out=quiet")

    def deploy(self, module: str, edition: int) -> None:
        """Deploy an edition, and prove that it succeeded everywhere."""
        answer = self.lab.run(
            "pushguide.deploy", f"module={module}", f"version='1.{edition}'", check=False
        )
        if not isinstance(answer, dict) or answer.get("state") != "succeeded":
            raise LabError(f"the deployment that was to be measured answered {answer}")

    def median(self, what: str, position: int) -> float:
        """The middle of what was measured."""
        return Samples(what, self.cost[what][position]).median


def measure(arguments: argparse.Namespace) -> tuple[Sequence[Samples], Sequence[Figure]]:
    """Measure both kinds of artifact."""
    cpu.adopt_orphans()
    samples: list[Samples] = []
    figures: list[Figure] = []
    for kind in arguments.kinds:
        names = [f"m{number}" for number in range(1, arguments.minions + 1)]
        templates: dict[str, Any] = {}
        lab = Lab(names, templates)
        modules = [kind, f"{kind}-indexed"] if kind == "tar" and arguments.index else [kind]
        with_url: dict[str, Any] = {}
        indexes = {"directory": str(lab.artifacts / ".indexes")}
        for module in (*modules, _EMPTY):
            templates[module] = template(lab, with_url, "empty" if module == _EMPTY else "site")
            if module.endswith("indexed"):
                templates[module]["index"] = indexes
        # The address is known once nginx has its port; the templates are written after it.
        bench = Bench(lab, kind, arguments.mb)
        with_url["url"] = bench.url
        indexes["url"] = f"{bench.url}/.indexes"
        with lab:
            for number in range(arguments.repeat + 1):
                bench.turn(number, modules)
        samples += told(bench, kind)
        figures += compare(bench, kind, modules, arguments.minions)
    return samples, figures


def template(lab: Lab, source: dict[str, Any], root: str) -> dict[str, Any]:
    """One site of plain files on every minion."""
    source["directory"] = str(lab.artifacts)
    return {
        "type": "static_site",
        "root": f"{lab.top}/{{id}}/{root}",
        "source": source,
        "unpacking": {"unchanged": "hard_link"},
        "min_free_mb": 1,
        "keep_releases": 1,
        "strategy": {"prepare": "with_release"},
        "environments": {"production": {"hosts": "*"}},
    }


def told(bench: Bench, kind: str) -> list[Samples]:
    """What was measured; the first round warms up."""
    for seconds in bench.cost.values():
        del seconds[0][:1], seconds[1][:1]
    return [
        Samples(f"{kind}: {what}, {unit}", seconds[position])
        for what, seconds in bench.cost.items()
        for position, unit in enumerate(("CPU", "wall"))
    ]


def compare(bench: Bench, kind: str, modules: Sequence[str], minions: int) -> list[Figure]:
    """Ours in floors."""
    figures = []
    label = f"transfer, {kind} of {bench.megabytes} MB, {minions} minions"
    for position, unit in enumerate(("CPU", "wall")):
        bare = bench.median("bare", position)
        floor = bare + bench.median("waves", position)
        for module in modules:
            first = bench.median(f"{module}, first", position)
            later = bench.median(f"{module}, next", position)
            if module == modules[0]:
                name = f"{label}: first, {unit}, in floors"
                figures.append(Figure(name, first / floor, FIRST_GOAL, "x"))
                beside = bench.median("bare, side by side", position)
                waves = bench.median("waves", position)
                name = f"{label}: first, {unit}, in floors side by side"
                figures.append(Figure(name, first / (beside + waves), None, "x"))
            if kind == "war":
                name = f"{label}: next, {unit}, in first ones"
                figures.append(Figure(name, later / first, NEXT_GOAL, "x"))
                empty = bench.median("empty", position)
                name = f"{label}: next, {unit}, in first ones, each without an empty one"
                figures.append(Figure(name, (later - empty) / (first - empty), None, "x"))
            else:
                goal = INDEXED_GOAL if module.endswith("indexed") else NEXT_GOAL
                name = f"{label}: {module}, next, {unit}, in bare unpackings"
                figures.append(Figure(name, later / bare, goal, "x"))
    goal = MOVED_GOAL if kind == "war" else None
    figures.append(Figure(f"{label}: bytes moved for the next", max(bench.moved), goal, "x"))
    return figures


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minions", type=int, default=20)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--mb", type=int, default=60)
    options.add_argument("--kinds", nargs="+", default=["war", "tar"], choices=["war", "tar"])
    options.add_argument("--index", action="store_true", help="measure with an index as well")
    os.environ.setdefault("LC_ALL", "C")
    sys.exit(main(measure, options))
