"""Every block of YAML, and every file of pillar_example, is right by the product's own code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pytest
import salt.config
import salt.states.saltmod
import salt.utils.jinja
import yaml

from pushguide.master.config import Config
from pushguide.master.templates import project_types
from pushguide.master.templates.company import people_of, standards_of, teams_of
from pushguide.master.templates.freezes import freezes_of
from pushguide.master.templates.inventory import fitting
from pushguide.master.templates.library import Library
from pushguide.words import LIVE_STAGES
from tests.docs.pages import EXAMPLES, MODULE, PROJECT, STATE, Block, blocks
from tests.docs.products_own import (
    OPTS,
    demand_call,
    demand_runner_or_salts,
    demand_salts_own,
    demand_templates,
    parameters,
)

#: What an orchestration file is given, as the driver makes it.
ORDER = {
    "deployment": 42,
    "module": "shop-web",
    "environment": "production",
    "version": "1.4.2",
    "kind": "deploy",
    "resumed": False,
    "legs": [{"stages": ["prepare"], "batch": 0}, {"stages": [*LIVE_STAGES], "batch": 1}],
}
#: What a state may say beside its own arguments.
REQUISITES = {"failhard", "require", "onfail", "onchanges"}
#: Master configuration that Salt leaves to others to check.
FOREIGN = {"rest_cherrypy", "pushguide"}


def pillar_modules(data: Any) -> None:
    """Templates, as the master's pillar has them."""
    assert set(data) == {"pushguide"}
    assert set(data["pushguide"]) == {"modules"}
    demand_templates(data["pushguide"]["modules"])


def pillar_standards(data: Any) -> None:
    """The company's code standards, as the master's pillar has them."""
    assert set(data) == {"pushguide"}
    assert set(data["pushguide"]) == {"standards"}
    standards_of(data["pushguide"]["standards"], project_types.names(OPTS))


def pillar_freezes(data: Any) -> None:
    """Freezes, as the master's pillar has them."""
    assert set(data) == {"pushguide"}
    assert set(data["pushguide"]) == {"freezes"}
    freezes_of(data["pushguide"]["freezes"])


def pillar_defaults(data: Any) -> None:
    """What operations say for all modules: laid under a template that says little itself."""
    assert set(data) == {"pushguide"}
    given = data["pushguide"]
    assert set(given) <= {"defaults", "types", "environments"}
    module = {
        "type": "java_web",
        "root": "/srv/shop",
        "settings": {"catalina_base": "/srv/tomcat"},
        "environments": {
            name: {"hosts": "*", "default": place == 0}
            for place, name in enumerate(given.get("environments") or ["production"])
        },
    }
    library = Library(OPTS, modules={"shop": module}, defaults=given)
    assert "problems" not in library.overview()["shop"], library.overview()


def pillar_whole(data: Any) -> None:
    """Modules with the people and teams that they belong to."""
    assert set(data) == {"pushguide"}
    given = data["pushguide"]
    assert set(given) <= {"modules", "people", "teams"}
    demand_templates(given["modules"])
    people_of(given.get("people"))
    teams_of(given.get("teams"))


def pillar_inventory(data: Any) -> None:
    """What the master's pillar says of hosts: as the templates want it that the pages show."""
    assert set(data) == {"pushguide"}
    assert set(data["pushguide"]) == {"inventory"}
    for module, hosts in data["pushguide"]["inventory"].items():
        facts = shown_inventories()[module]
        for values in hosts.values():
            for name, value in values.items():
                fitting(facts[name].get("kind", "word"), value)


def shown_inventories() -> dict[str, Any]:
    """The inventory of each module that a page or an example has one of."""
    shown = [yaml.safe_load(one.text) for one in blocks("yaml") if one.kind == "pillar: modules"]
    shown += [yaml.safe_load(one.read_text(encoding="utf-8")) for one in EXAMPLES]
    return {
        name: module["inventory"]
        for data in shown
        for name, module in data.get("pushguide", {}).get("modules", {}).items()
        if "inventory" in module
    }


def pillar_top(data: Any) -> None:
    """The top file of the pillar."""
    assert list(data) == ["base"]
    for target, names in data["base"].items():
        assert target == "*_master"
        for name in names:
            assert (PROJECT / "pillar_example" / f"{name}.sls").is_file()


def template(data: Any) -> None:
    """One template."""
    demand_templates({"shop-web": data})


def master_config(data: Any) -> None:
    """Configuration of the master: Salt's own keys, and ours."""
    profiles = {key for key in data if f"sdb://{key}/" in str(data) and "driver" in data[key]}
    unknown = {*data} - {*salt.config.VALID_OPTS} - FOREIGN - profiles
    assert not unknown
    for key, value in data.items():
        kinds = salt.config.VALID_OPTS.get(key)
        assert kinds is None or isinstance(value, kinds), key
    Config.from_opts({**OPTS, **data})


def minion_config(data: Any) -> None:
    """Configuration of a minion: the one key that is ours, or calls of our functions."""
    for job in data.pop("schedule", {}).values():
        module, _, name = job["function"].partition(".")
        assert module == "pushguide"
        demand_call(MODULE, name)
    assert set(data) <= {"pushguide_dir", "pushguide_artifacts_dir", "pushguide_artifacts_mb"}


def sls(data: Any) -> None:
    """States: of ours, and of Salt's for orchestrations."""
    for states in data.values():
        for name, arguments in states.items():
            state(name, {key: value for one in arguments for key, value in one.items()})


def state(called: str, given: dict[str, Any]) -> None:
    """Refuse a state that there is not, or with arguments that it does not take."""
    module, _, name = called.partition(".")
    given = {key: value for key, value in given.items() if key not in REQUISITES}
    if module == "pushguide":
        demand_call(STATE, name, given, ["its name"])
        needed = {one.name for one in parameters(getattr(STATE, name)) if one.default is one.empty}
        assert needed <= {*given, "name"}, f"{called} needs {needed}"
        return
    assert module == "salt"
    function = given.pop("name")
    if name == "runner":
        demand_runner_or_salts(function, given, [])
        assert isinstance(given["version"], str), "YAML takes it for a number: quote it"
        return
    demand_salts_own(function, "modules")
    taken = {one.name for one in parameters(getattr(salt.states.saltmod, name))}
    assert {*given} <= taken


KINDS = {
    "pillar: modules": pillar_modules,
    "pillar: standards": pillar_standards,
    "pillar: whole": pillar_whole,
    "pillar: defaults": pillar_defaults,
    "pillar: freezes": pillar_freezes,
    "pillar: inventory": pillar_inventory,
    "pillar: top": pillar_top,
    "template": template,
    "master config": master_config,
    "minion config": minion_config,
    "sls": sls,
}
#: Judged where the type that it is of is made.
ELSEWHERE = {"template: own type"}
#: What pillar_example has beside templates.
NO_TEMPLATES = ("top.sls", "standards.sls", "inventory.sls")


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_block_of_yaml_is_what_it_says(block: Block) -> None:
    text = block.text
    if block.kind == "sls":
        jinja = jinja2.Environment(
            undefined=jinja2.StrictUndefined,
            autoescape=False,
            extensions=[salt.utils.jinja.SerializerExtension],
        )
        text = jinja.from_string(text).render(pillar={"pushguide": {"order": ORDER}})
    data = yaml.safe_load(text)
    assert block.kind in {*KINDS} | ELSEWHERE, "say what it is, in a comment before the block"
    if block.kind not in ELSEWHERE:
        KINDS[block.kind](data)


def test_there_are_blocks_of_every_kind() -> None:
    assert {one.kind for one in blocks("yaml")} == {*KINDS} | ELSEWHERE


def modules_in(path: Path) -> dict[str, Any]:
    """The templates in a file of pillar_example."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(data) == ["pushguide"]
    modules: dict[str, Any] = data["pushguide"]["modules"]
    return modules


@pytest.mark.parametrize(
    "path", [one for one in EXAMPLES if one.name not in NO_TEMPLATES], ids=lambda one: one.name
)
def test_an_example_validates(path: Path) -> None:
    modules = modules_in(path)
    assert list(modules) == [path.stem]
    demand_templates(modules)


def test_the_example_of_the_companys_standards_validates() -> None:
    path = PROJECT / "pillar_example" / "standards.sls"
    pillar_standards(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_example_of_an_inventory_validates() -> None:
    path = PROJECT / "pillar_example" / "inventory.sls"
    pillar_inventory(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_examples_fit_together() -> None:
    top = yaml.safe_load((PROJECT / "pillar_example" / "top.sls").read_text(encoding="utf-8"))
    pillar_top(top)
    names = [name for some in top["base"].values() for name in some]
    assert sorted(names) == sorted(one.stem for one in EXAMPLES if one.name != "top.sls")
    modules = {
        name: one
        for path in EXAMPLES
        if path.name not in NO_TEMPLATES
        for name, one in modules_in(path).items()
    }
    demand_templates(modules)
    assert {one["type"] for one in modules.values()} == {*project_types.names(OPTS)}
    assert len({one["root"] for one in modules.values()}) == len(modules)
    readme = (PROJECT / "pillar_example" / "README.md").read_text(encoding="utf-8")
    for name, one in modules.items():
        assert f"| [{name}.sls]({name}.sls) | `{one['type']}` |" in readme
