"""Templates in the database: made through salt-api and at the command line, and deployed by."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.support.salt_lab import Api, Lab, Module

HOSTS = ["w1", "w2", "w3"]


@pytest.fixture(scope="module", autouse=True)
def whoever_has_a_role(lab: Lab) -> None:
    """The pillar says who has one, though no module stands there yet."""
    lab.write_pillar()


def template(lab: Lab, name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "static_site",
        "root": f"{lab.hosts}/{{id}}/{name}",
        "source": {"directory": str(lab.artifacts), "url": "salt://artifacts"},
        "min_free_mb": 1,
        "environments": {"production": {"hosts": HOSTS}},
        **more,
    }


def test_a_team_makes_a_module_and_deploys_it(lab: Lab, api: Api) -> None:
    name = "made-by-a-team"
    module = Module(lab, name)
    module.publish("1.0.0", "1.1.0")
    data = template(lab, name)
    done = api.call("runner", "pushguide.template_save", module=name, template=data, reason="new")
    assert (done["revision"], done["saved_by"]) == (1, "shop-team")
    told = api.call("runner", "pushguide.deploy", module=name, version="1.0.0")
    assert told["state"] == "succeeded", told
    assert module.lives() == dict.fromkeys(HOSTS, "version 1.0.0")

    # Somebody at the command line changes it; who began before that is refused.
    text = yaml.safe_dump(
        {**data, "keep_releases": 1, "environments": {"production": {"hosts": "w1"}}}
    )
    done = lab.run(
        "pushguide.template_save", None, name, text, revision="1", reason="fewer hosts"
    ).data
    assert (done["revision"], done["saved_by"]) == (2, "root")
    stale = api.call(
        "runner", "pushguide.template_save", module=name, template=data, revision=1, reason="mine"
    )
    assert stale["retcode"] == 1
    assert "+keep_releases: 1" in stale["problems"][0]
    told = api.call("runner", "pushguide.deploy", module=name, version="1.1.0")
    assert {*told["hosts"]} == {"w1"}

    # Who says what, and back to all hosts.
    shown = api.call(
        "runner", "pushguide.template_show", module=name, environment="production", explain=True
    )
    rows = {row["path"]: row["from"] for row in shown["values"]}
    assert rows["hosts"] == f"template of {name}:environments:production"
    lab.run("pushguide.template_restore", None, name, revision="1", reason="all of them")
    told = api.call("runner", "pushguide.deploy", module=name, version="1.1.0")
    assert {*told["hosts"]} == {*HOSTS}
    history = lab.run("pushguide.template_history", None, name).data
    assert [one["reason"] for one in history] == ["all of them", "fewer hosts", "new"]
    done = lab.run("pushguide.template_delete", None, name, revision="3", reason="closed").data
    assert done["deleted"] is True
    told = api.call("runner", "pushguide.deploy", module=name, version="1.0.0")
    assert told["refused"] == "deploy"
    assert module.lives() == dict.fromkeys(HOSTS, "version 1.1.0")


def test_a_template_cannot_mean_what_it_may_not(lab: Lab, api: Api) -> None:
    name = "made-too-big"
    Module(lab, name).publish("1.0.0")
    wrong = template(lab, name, root="/etc/pushguide")
    told = api.call("runner", "pushguide.template_save", module=name, template=wrong, reason="x")
    assert told["refused"] == "template_save"
    assert "'/etc/pushguide' is not allowed to templates in the database" in told["problems"][0]
    wide = template(lab, name, team="narrow", environments={"production": {"hosts": "w*"}})
    done = api.call("runner", "pushguide.template_save", module=name, template=wide, reason="x")
    assert done["revision"] == 1
    told = api.call("runner", "pushguide.plan", module=name, version="1.0.0")
    assert "hosts that such a template may not mean: w2, w3" in told["problems"][0]
    # What stands in the pillar is nobody's to save.
    lab.define("in-the-pillar")
    data = template(lab, "in-the-pillar")
    told = api.call(
        "runner", "pushguide.template_save", module="in-the-pillar", template=data, reason="x"
    )
    assert "one name has one owner" in told["problems"][0]
