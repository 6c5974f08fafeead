"""Out of the load balancer, prove, back: with names of the master's configuration, for real."""

from __future__ import annotations

from typing import Any

from tests.support.salt_lab import Lab

HOSTS = ["w1", "w2"]


def step(shown: dict[str, Any], host: str, stage: str, name: str) -> tuple[str, str]:
    """How a step ended on a host."""
    [found] = [one for one in shown["hosts"][host]["stages"][stage]["steps"] if one["name"] == name]
    return found["outcome"], found["detail"]


def test_names_become_what_the_master_says_of_them(lab: Lab) -> None:
    url = f"{lab.health.url}/files/{{id}}/named/live/health"
    probes = [
        {"url": url, "text": "version {version}", "within_seconds": 20},
        {"kind": "command", "command": "well"},
        {"kind": "process", "name": "python", "at_least": 2},
    ]
    module = lab.define(
        "named",
        hosts=HOSTS,
        drain={"kind": "function", "function": "out-of-lb"},
        warm_up={"urls": [url]},
        probe=probes,
    )
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    assert answer.returncode == 0, answer.stderr
    shown = lab.show(answer.data["deployment"])
    for host in HOSTS:
        drained = step(shown, host, "pre_release", "drain")
        assert drained == ("succeeded", f"test.echo: {host} is out")
        back = step(shown, host, "post_release", "put_back")
        assert back == ("succeeded", f"test.echo: {host} is back")
        assert step(shown, host, "post_release", "warm_up")[0] == "succeeded"
        outcome, detail = step(shown, host, "post_release", "probe")
        assert (outcome, len(detail.splitlines())) == ("succeeded", 3)
        assert module.journal(host)["saved"] is None


def test_a_host_that_cannot_tell_is_inconclusive(lab: Lab) -> None:
    module = lab.define(
        "unsure",
        hosts=HOSTS,
        probe={"kind": "command", "command": "who-knows", "within_seconds": 0.2},
        drain={"kind": "function", "function": "out-of-lb"},
    )
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    number = answer.data["deployment"]
    assert (answer.returncode, answer.data["state"]) == (1, "paused")
    assert "could not tell whether w1, w2 works" in answer.data["reason"]
    shown = lab.show(number)
    for host in HOSTS:
        told = shown["hosts"][host]
        assert told["outcome"] == "inconclusive"
        assert told["stages"]["post_release"]["outcome"] == "inconclusive"
        assert "by the command who-knows proved nothing: exit status 75" in told["error"]
        assert told["error"].endswith("This host stays out of its load balancer.")
        assert module.live(host) == "version 1.0.0"
        assert "drained" in module.journal(host)["saved"]
    # Asked again it can tell no more, and somebody ends it: what ran before is put back.
    again = lab.run("pushguide.resume", None, str(number))
    assert again.data["state"] == "paused"
    ended = lab.run("pushguide.abort", None, str(number), reason="nobody knows")
    assert ended.data["state"] == "aborted"
    for host in HOSTS:
        assert ended.data["hosts"][host]["outcome"] == "restored"
        assert module.live(host) is None
        assert module.journal(host)["saved"] is None


def test_a_name_that_the_master_does_not_have_is_refused(lab: Lab) -> None:
    module = lab.define("misnamed", hosts=HOSTS, probe={"kind": "command", "command": "wel"})
    module.publish("1.0.0")
    try:
        answer = module.deploy("1.0.0")
    finally:
        lab.forget("misnamed")
    assert answer.returncode == 1
    assert (
        "pushguide:modules:misnamed:probe:command: there is no 'wel' in the master's configuration "
        "(pushguide:commands); did you mean well?"
    ) in answer.problems
