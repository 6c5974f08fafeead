"""One deployment at a time for a module, and what becomes of one that nobody drives any more."""

from __future__ import annotations

import subprocess
import sys

from tests.support.salt_lab import Answer, Lab, Module
from tests.support.waiting import wait_until


def gated(lab: Lab, name: str, **template: object) -> Module:
    """A module on w1 whose probe waits until its gate is opened; 1.0.0 and 1.1.0 are there."""
    module = lab.define(name, hosts=["w1"], probe={"url": lab.health.gate(name)}, **template)
    module.publish("1.0.0", "1.1.0")
    return module


def lease_is_over(lab: Lab, module: Module) -> bool:
    """Whether the module's lock has run out."""
    sql = "SELECT lease_until < strftime('%Y-%m-%d %H:%M:%f', 'now') FROM lock WHERE module = ?"
    return bool(lab.query(sql, module.name)[0][0])


def abandon(lab: Lab, module: Module) -> int:
    """Deploy 1.0.0, and kill the master's side while the probe waits; answer with its number."""
    short = lab.config_with("lease", pushguide={"lease_seconds": 2})
    with lab.running("pushguide.deploy", short, module=module.name, version="1.0.0") as process:
        wait_until(lambda: lab.health.is_asked(module.name), "the probe")
        process.kill()
    return lab.last_number(module)


def refused_for(lab: Lab, module: Module) -> Answer:
    """Deploy 1.1.0, which has to be refused without a new deployment."""
    rows = module.rows()
    answer = module.deploy("1.1.0")
    assert answer.returncode == 1
    assert answer.data["refused"] == "deploy"
    assert module.rows() == rows
    return answer


def test_a_second_deployment_of_the_module_is_refused(lab: Lab) -> None:
    module, other = gated(lab, "busy"), lab.define("idle", hosts=["w1"])
    other.publish("1.0.0")
    with lab.running("pushguide.deploy", module=module.name, version="1.0.0") as process:
        wait_until(lambda: lab.health.is_asked("busy"), "the probe")
        number = lab.last_number(module)
        answer = refused_for(lab, module)
        assert f"busy (production) is locked by deployment #{number} since" in answer.problems
        assert f"salt-run pushguide.show {number}" in answer.problems

        answer = lab.run("pushguide.resume", None, str(number))
        assert answer.returncode == 1
        assert f"#{number} is being driven already" in answer.problems

        assert other.deploy("1.0.0").returncode == 0
        assert other.live("w1") == "version 1.0.0"

        lab.health.open("busy")
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert module.live("w1") == "version 1.0.0"
    assert module.deploy("1.1.0").returncode == 0
    assert module.live("w1") == "version 1.1.0"


def test_a_deployment_whose_master_went_away_is_resumed(lab: Lab) -> None:
    module = gated(lab, "orphan")
    number = abandon(lab, module)
    wait_until(lambda: lease_is_over(lab, module), "the end of the lease")
    answer = refused_for(lab, module)
    assert f"Deployment #{number} of orphan (production) is running" in answer.problems
    assert f"salt-run pushguide.resume {number}" in answer.problems

    lab.health.open("orphan")
    wait_until(lambda: module.journal("w1")["outcome"], "the end of the host's job")
    answer = lab.run("pushguide.resume", None, str(number))
    assert answer.returncode == 0
    shown = lab.show(number)
    assert shown["state"] == "succeeded"
    assert list(shown["hosts"]["w1"]["stages"]) == [
        "prepare",
        "pre_release",
        "release",
        "post_release",
    ]
    assert module.live("w1") == "version 1.0.0"
    assert module.deploy("1.1.0").returncode == 0


def test_resuming_waits_for_a_job_that_is_still_at_work_on_a_host(lab: Lab) -> None:
    module = gated(lab, "overlap")
    number = abandon(lab, module)
    wait_until(lambda: lease_is_over(lab, module), "the end of the lease")
    with lab.running("pushguide.resume", deployment=number) as process:
        wait_until(lambda: lab.show(number)["driven_by"], "the takeover")
        assert lab.show(number)["state"] == "running"
        lab.health.open("overlap")
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert lab.state(number) == "succeeded"
    assert module.live("w1") == "version 1.0.0"


def test_resuming_what_has_ended_changes_nothing(lab: Lab) -> None:
    module = lab.define("ended", hosts=["w1"])
    module.publish("1.0.0")
    number = module.deploy("1.0.0").data["deployment"]
    before = module.files(), lab.show(number)
    answer = lab.run("pushguide.resume", None, str(number))
    assert (answer.returncode, answer.data["state"]) == (0, "succeeded")
    assert (module.files(), lab.show(number)) == before


SUBMIT = """
import sys
import salt.config
from pushguide.master.desk import Desk
from pushguide.master.rollout.wish import Wish
from pushguide.master.rollout.submit import submit

desk = Desk(salt.config.master_config(sys.argv[1]), {}, "somebody")
with desk.hosts() as hosts:
    plan = desk.planner(hosts).plan(Wish("deploy", sys.argv[2], "1.0.0"))
    print(submit(desk.database, plan, "somebody", 1)[0])
"""


def test_a_deployment_that_was_never_started_is_aborted_by_the_next(lab: Lab) -> None:
    module = lab.define("forgotten", hosts=["w1"])
    module.publish("1.0.0", "1.1.0")
    words = [sys.executable, "-c", SUBMIT, str(lab.config_dir / "master"), module.name]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    number = int(done.stdout)
    assert lab.state(number) == "queued"
    assert module.live("w1") is None
    wait_until(lambda: lease_is_over(lab, module), "the end of the lease")
    assert module.deploy("1.1.0").returncode == 0
    shown = lab.show(number)
    assert (shown["state"], shown["reason"]) == ("aborted", "it was never started")
    assert shown["hosts"]["w1"]["outcome"] == "not_started"
    assert module.live("w1") == "version 1.1.0"
