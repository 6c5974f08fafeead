"""What it costs to watch thousands of hosts.

The hosts are simulated as in :mod:`.scale`: each question that the monitor would publish is
answered on the bus of a real master by a process beside it. Told is the part of a core that the
monitor takes once it has seen every host, and beside it the floor: a process that takes as many
returns from the same bus and does nothing with them.

    python -m bench.monitor --hosts 5000
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from bench.figures import Figure, Samples, main
from bench.overhead import templates
from bench.scale import Simulator, cost, in_a_process, names_of, opts_of, simulated_hosts
from demo.lab import Lab

#: Of a core, with 5,000 hosts.
GOAL, GOAL_AT = 5.0, 5000


def measure(arguments: argparse.Namespace) -> tuple[Sequence[Samples], Sequence[Figure]]:
    """Watch each number of hosts for some intervals."""
    figures: list[Figure] = []
    modules = templates("/srv/artifacts", "salt://artifacts", "/srv/simulated")
    with Lab(["m1"], modules) as lab:
        config = lab.top / "master" / "master"
        for count in arguments.hosts:
            words = ["--interval", str(arguments.interval), "--intervals", str(arguments.intervals)]
            ours = in_a_process("watch", config, count, "", "", module="monitor", more=words)
            floor = in_a_process("floor", config, count, "", "")
            share = 100 * ours["cpu"] / ours["wall"]
            least = 100 * floor["cpu"] / arguments.interval
            label = f"monitor, {count} hosts every {arguments.interval} s"
            goal = GOAL if count == GOAL_AT else None
            figures += [
                Figure(f"{label}: of a core", share, goal, " %"),
                Figure(f"{label}: of a core, floor", least, None, " %"),
                Figure(f"{label}: asked an interval", ours["asked"], None, ""),
                Figure(f"{label}: memory", ours["memory"], None, " MB"),
            ]
    return [], figures


def watch(config: str, count: int, interval: float, intervals: int) -> str:
    """Watch as many hosts; answer with what that cost, as JSON."""
    from pushguide.master.desk import Desk
    from pushguide.master.store.host_health import UP, Seer, states
    from pushguide.master.watch.monitor import Monitor

    simulator = Simulator(config)
    opts = opts_of(config, "")
    database = Desk(opts, {}, "bench").database
    hosts = simulated_hosts(simulator, opts)
    names = names_of(count)
    monitor = Monitor(database, hosts, lambda: names, Seer("main", "m1"), interval)

    def up() -> int:
        return sum(one == UP for one in database.read(lambda it: states(it, "main")).values())

    while up() < count:
        monitor.turn()
    began, before, asked = time.perf_counter(), time.process_time(), simulator.asked
    while time.perf_counter() - began < interval * intervals:
        monitor.turn()
    told = {**json.loads(cost(began, before)), "asked": (simulator.asked - asked) / intervals}
    assert up() == count
    hosts.close()
    simulator.close()
    return json.dumps(told)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hosts", type=int, nargs="+", default=[500, 5000])
    options.add_argument("--interval", type=float, default=60.0, help="in seconds")
    options.add_argument("--intervals", type=int, default=2, help="how many are measured")
    options.add_argument("--role", choices=["watch"], help=argparse.SUPPRESS)
    options.add_argument("--config", default="", help=argparse.SUPPRESS)
    options.add_argument("--prepare", default="", help=argparse.SUPPRESS)
    options.add_argument("--database", default="", help=argparse.SUPPRESS)
    given, _ = options.parse_known_args()
    if given.role:
        print(watch(given.config, given.hosts[0], given.interval, given.intervals))
        sys.exit(0)
    sys.exit(main(measure, options))
