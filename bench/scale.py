"""What the engine costs with thousands of hosts.

The hosts are simulated: what the engine would publish goes to a process beside it, which puts a
return of each host onto the bus of a real master, in the form that minions' returns have. Driven is
by the product's own driver, with the database, the returner and the events that it always has; each
measurement in a new process, whose CPU seconds and greatest memory are told. The floor, in the same
run: a process that takes the same returns from the same bus and does nothing with them.

    python -m bench.scale --hosts 100 1000 5000
    python -m bench.scale --hosts 5000 --database postgresql+psycopg://postgres@127.0.0.1/x
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import Figure, Samples, main
from bench.overhead import templates
from demo.daemons import LabError
from demo.lab import Lab
from pushguide import __version__

#: At 5,000 hosts: CPU seconds beyond the floor, and megabytes.
CPU_GOAL, MEMORY_GOAL = 20.0, 500.0
GOALS_AT = 5000
#: The most that a host may cost with many, in what it costs with few.
FLAT_GOAL = 1.5
_MODULE = "simulated"
STEPS = {
    "prepare": (
        "check_runtime",
        "choose_release",
        "make_room",
        "check_space",
        "check_standards",
        "fetch",
        "unpack",
        "configure",
    ),
    "pre_release": ("save", "drain"),
    "release": ("switch",),
    "post_release": ("warm_up", "probe", "put_back", "mark_good", "retire"),
}
#: How many returns a second the simulated hosts send, at the most.
_RETURNS_PER_SECOND = 2000


def measure(arguments: argparse.Namespace) -> tuple[Sequence[Samples], Sequence[Figure]]:
    """Measure with each number of hosts, in one batch."""
    figures: list[Figure] = []
    per_host: dict[str, dict[int, float]] = {"with_release": {}, "all_first": {}}
    modules = templates("/srv/artifacts", "salt://artifacts", "/srv/simulated")
    with Lab(["m1"], modules) as lab:
        config = lab.top / "master" / "master"
        for count in arguments.hosts:
            for prepare, jobs in (("with_release", 1), ("all_first", 2)):
                floor = in_a_process("floor", config, count * jobs, prepare, arguments.database)
                ours = in_a_process("drive", config, count, prepare, arguments.database)
                beyond = ours["cpu"] - floor["cpu"]
                per_host[prepare][count] = beyond / count * 1000
                label = f"scale, {count} hosts, {prepare}"
                is_goal = count == GOALS_AT and prepare == "with_release"
                cpu_goal, memory_goal = (CPU_GOAL, MEMORY_GOAL) if is_goal else (None, None)
                figures += [
                    Figure(f"{label}: CPU beyond the floor", beyond, cpu_goal, " s"),
                    Figure(f"{label}: CPU of the floor", floor["cpu"], None, " s"),
                    Figure(f"{label}: CPU a host", per_host[prepare][count], None, " ms"),
                    Figure(f"{label}: memory", ours["memory"], memory_goal, " MB"),
                    Figure(f"{label}: wall", ours["wall"], None, " s"),
                ]
    for prepare, found in per_host.items():
        few, many = min(found), max(found)
        if few < many:
            name = f"scale, {prepare}: a host of {many}, in hosts of {few}"
            figures.append(Figure(name, found[many] / found[few], FLAT_GOAL, "x"))
    return [], figures


def in_a_process(
    what: str,
    config: Path,
    count: int,
    prepare: str,
    database: str,
    module: str = "scale",
    more: Sequence[str] = (),
) -> dict[str, float]:
    """Drive, or take returns, in a process of its own; answer with what that cost."""
    words = [sys.executable, "-m", f"bench.{module}", "--role", what, "--config", str(config)]
    words += ["--hosts", str(count), "--prepare", prepare, "--database", database, *more]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{what} with {count} hosts ended with {done.returncode}: {done.stderr}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


# The processes.


def opts_of(config: str, database: str) -> dict[str, Any]:
    """The master's opts, with bounds in which nobody has to be asked, and the database."""
    import salt.config

    opts: dict[str, Any] = salt.config.master_config(config)
    ours = {**(opts.get("pushguide") or {}), "silence_seconds": 3600}
    if database:
        ours["database"] = database
    return {**opts, "pushguide": ours}


def simulate(config: str) -> None:
    """Be all hosts: for each job on standard input put a return of each host onto the bus."""
    import salt.utils.event

    opts = opts_of(config, "")
    event = salt.utils.event.get_master_event(opts, opts["sock_dir"], listen=False)
    for line in sys.stdin:
        job = json.loads(line)
        for number, host in enumerate(job["hosts"]):
            data = {
                "cmd": "_return",
                "id": host,
                "jid": job["jid"],
                "fun": job["fun"],
                "fun_args": [job["kwarg"]],
                "retcode": 0,
                "success": True,
                "return": result_of(job["kwarg"]),
            }
            event.fire_event(data, f"salt/job/{job['jid']}/ret/{host}")
            if number % 100 == 99:
                time.sleep(100 / _RETURNS_PER_SECOND)


def result_of(kwarg: dict[str, Any]) -> dict[str, Any]:
    """What a host returns for its job."""
    share, stages = kwarg.get("share"), kwarg.get("stages", [*STEPS])
    if share is None:  # it is only asked which pushguide it runs
        return {"pushguide": __version__, "module": None, "grains": {}}
    return {
        "deployment": share["deployment"],
        "uid": share["uid"],
        "module": share["module"],
        "environment": share["environment"],
        "token": share["token"],
        "outcome": "succeeded",
        "error": None,
        "live": share["version"] if "release" in stages else "1.0.0",
        "clock": time.time(),
        "stages": [
            {
                "stage": stage,
                "outcome": "succeeded",
                "started": time.time(),
                "seconds": 0.25,
                "steps": [
                    {"name": name, "outcome": "succeeded", "seconds": 0.05, "detail": "all is well"}
                    for name in STEPS[stage]
                ],
            }
            for stage in stages
        ],
    }


class Simulator:
    """The process that is all hosts.

    Attributes:
        jobs: how many jobs it was given.
        asked: how many hosts those went to.
    """

    def __init__(self, config: str) -> None:
        words = [sys.executable, "-m", "bench.scale", "--role", "simulate", "--config", config]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, text=True)
        self.jobs = self.asked = 0

    def publish(self, hosts: Sequence[str], function: str, kwarg: dict[str, Any]) -> str:
        """Let hosts return; answer with the job's id."""
        self.jobs += 1
        self.asked += len(hosts)
        jid = f"{time.strftime('%Y%m%d%H%M%S')}{os.getpid() % 1000:03}{self.jobs:03}"
        job = {"jid": jid, "hosts": list(hosts), "fun": function, "kwarg": kwarg}
        assert self.process.stdin
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return jid

    def close(self) -> None:
        """End it."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def simulated_hosts(simulator: Simulator, opts: dict[str, Any]) -> Any:
    """The product's own way to hosts, whose jobs go to the simulator and nowhere else."""
    from pushguide.master.rollout.jobs import Hosts

    class SimulatedHosts(Hosts):
        """Hosts that a process is."""

        def _publish(self, hosts: Any, function: str, arguments: Any) -> str:
            return simulator.publish(hosts, function, dict(arguments))

    hosts = SimulatedHosts(opts, 3600)
    assert hosts.client.event.connect_pub(timeout=10)
    return hosts


def cost(started: float, cpu_before: float) -> str:
    """What this process has cost, as one line of JSON."""
    return json.dumps(
        {
            "cpu": time.process_time() - cpu_before,
            "wall": time.perf_counter() - started,
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )


def take_returns(config: str, count: int) -> str:
    """The floor: take as many returns from the bus as there are hosts, and do nothing else."""
    import salt.client

    opts = opts_of(config, "")
    client = salt.client.get_local_client(mopts=opts, skip_perm_errors=True)
    assert client.event.connect_pub(timeout=10)
    simulator = Simulator(config)
    started, before = time.perf_counter(), time.process_time()
    simulator.publish(names_of(count), "test.ping", {})
    left = count
    while left:
        found = client.event.get_event(wait=60, full=True)
        if found is None:
            raise LabError(f"{left} of {count} returns did not come")
        left -= found["tag"].startswith("salt/job/") and "/ret/" in found["tag"]
    told = cost(started, before)
    client.destroy()
    simulator.close()
    return told


def drive(config: str, count: int, prepare: str, database: str) -> str:
    """Submit a deployment to as many hosts, and drive it to its end."""
    from pushguide.master.desk import Desk
    from pushguide.master.plan import Rollout
    from pushguide.master.rollout.driver import driver_of
    from pushguide.master.rollout.submit import submit

    simulator = Simulator(config)

    def orchestrate(_name: str, pillar: dict[str, Any]) -> Any:
        order = pillar["pushguide"]["order"]
        for leg in order["legs"]:
            driver_of(order["deployment"]).run_stages(leg["stages"], leg["batch"])
        return {"data": {"m": {"x": {"__id__": "x", "result": True, "comment": ""}}}}

    opts = opts_of(config, database)
    desk = Desk(opts, {}, "bench")
    if database:
        from pushguide.master.store.schema import migrate

        migrate(desk.database)
    hosts = simulated_hosts(simulator, opts)
    started, before = time.perf_counter(), time.process_time()
    plan = plan_for(names_of(count), prepare, Rollout())
    number, _ = submit(desk.database, plan, "bench", 60)
    state = desk.driver(number, hosts).drive(orchestrate)
    told = cost(started, before)
    hosts.close()
    simulator.close()
    if state != "succeeded":
        raise LabError(f"the deployment to {count} simulated hosts ended as {state}")
    return told


def names_of(count: int) -> list[str]:
    """The ids of the simulated hosts."""
    return [f"web{number:05}.fra.example.com" for number in range(count)]


def plan_for(names: list[str], prepare: str, rollout: Any) -> Any:
    """A plan for simulated hosts, all in one batch."""
    from pushguide.master.plan import HostFacts, Plan
    from pushguide.share import Artifact

    return Plan(
        module=f"{_MODULE}-{os.getpid()}",
        environment="production",
        kind="deploy",
        version="1.1.0",
        type="static_site",
        root="/srv/simulated",
        artifact=Artifact("1.1.0", "https://a/x.tgz", "x.tgz", "a" * 64, 10_000),
        target={"target": "web*", "type": "glob"},
        hosts={name: HostFacts("0.0.0", "1.0.0", ["1.0.0"]) for name in names},
        batches=[names],
        left_out=[],
        prepare=prepare,
        stage_timeout_seconds=600,
        orchestration="orch.deploy",
        share={"settings": {}, "uid": "bench"},
        rollout=rollout,
    )


def role_of(arguments: argparse.Namespace) -> int:
    """Be one of the processes of a measurement."""
    count = arguments.hosts[0] if arguments.hosts else 0
    if arguments.role == "simulate":
        simulate(arguments.config)
    elif arguments.role == "floor":
        print(take_returns(arguments.config, count))
    else:
        print(drive(arguments.config, count, arguments.prepare, arguments.database))
    return 0


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hosts", type=int, nargs="+", default=[100, 1000, 5000])
    options.add_argument("--database", default="", help="its URL; SQLite if not given")
    options.add_argument("--role", choices=["drive", "floor", "simulate"], help=argparse.SUPPRESS)
    options.add_argument("--config", default="", help=argparse.SUPPRESS)
    options.add_argument("--prepare", default="with_release", help=argparse.SUPPRESS)
    given, _ = options.parse_known_args()
    sys.exit(role_of(given) if given.role else main(measure, options))
