"""What going back costs beside going there.

Twenty hosts are deployed to with a 10 KB artifact, and go back to the release that they have kept,
in turn. A rollback fetches and unpacks nothing, so it should cost no more; both in CPU seconds of
everything that runs, and in wall seconds.

    python -m bench.rollback --minions 20 --repeat 5
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench import cpu
from bench.figures import Figure, Samples, main
from bench.overhead import templates
from demo.daemons import LabError, free_port
from demo.lab import Lab

#: The most that a rollback may cost, in deployments.
GOAL = 1.1
_MODULE = "quick"


def measure(arguments: argparse.Namespace) -> tuple[Sequence[Samples], Sequence[Figure]]:
    """Measure deployments and rollbacks in turn."""
    cpu.adopt_orphans()
    modules: dict[str, Any] = {}
    names = [f"m{number}" for number in range(1, arguments.minions + 1)]
    lab = Lab(names, modules)
    port = free_port()
    common = templates(str(lab.artifacts), f"http://127.0.0.1:{port}", str(lab.top / "site/{id}"))
    modules[_MODULE] = common[_MODULE]
    cost: dict[str, tuple[list[float], list[float]]] = {"deploy": ([], []), "rollback": ([], [])}
    with lab:
        lab.serve(lab.artifacts, port)
        for version in range(arguments.repeat + 2):
            lab.publish(_MODULE, f"1.{version}.0", {"noise.txt": os.urandom(7500).hex()[:13000]})
        run(lab, "deploy", "1.0.0")
        for turn in range(arguments.repeat + 1):
            for kind, version in (("deploy", f"1.{turn + 1}.0"), ("rollback", "1.0.0")):
                before, started = cpu.settle(), time.perf_counter()
                run(lab, kind, version)
                wall = time.perf_counter() - started
                if turn:  # the first one warms up
                    cost[kind][0].append(cpu.settle() - before)
                    cost[kind][1].append(wall)
    samples, figures = [], []
    for position, unit in enumerate(("CPU", "wall")):
        found = {kind: Samples(f"{kind}, {unit}", cost[kind][position]) for kind in cost}
        samples += found.values()
        ratio = found["rollback"].median / found["deploy"].median
        name = f"rollback, {arguments.minions} minions: {unit}, in deployments"
        figures.append(Figure(name, ratio, GOAL, "x"))
    return samples, figures


def run(lab: Lab, kind: str, version: str) -> None:
    """Run a deployment, and prove that it succeeded."""
    answer = lab.run(f"pushguide.{kind}", f"module={_MODULE}", f"version={version}")
    if answer.get("state") != "succeeded":
        raise LabError(f"the {kind} that was to be measured answered {answer}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minions", type=int, default=20)
    options.add_argument("--repeat", type=int, default=5)
    sys.exit(main(measure, options))
