"""The tables of the pages are what the code says, row by row."""

from __future__ import annotations

import importlib
import json
import re
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, get_args

import pytest
import yaml
from pydantic import TypeAdapter
from pydantic_core import PydanticUndefined

from pushguide import words
from pushguide.inventory import FOUND
from pushguide.inventory import KINDS as KINDS_OF_VALUES
from pushguide.master import bounds, signing, states, stocktaking, summary, tokens
from pushguide.master.cmdb import Cmdb
from pushguide.master.config import Config
from pushguide.master.events import EVENTS
from pushguide.master.fields import Strict
from pushguide.master.inventory import reconciling
from pushguide.master.inventory.discovered import Runtime
from pushguide.master.inventory.precedence import SOURCES as SAYING
from pushguide.master.inventory.precedence import Claim, Known
from pushguide.master.notifications import reading
from pushguide.master.people.permissions import NEEDS
from pushguide.master.plan import HostFacts, Leg, Plan
from pushguide.master.rollout.batches import batches, rollout
from pushguide.master.rollout.driver import Driver
from pushguide.master.rollout.gates import FAILURES
from pushguide.master.rollout.progress import Progress
from pushguide.master.store.builds import Build
from pushguide.master.store.record import Deployment
from pushguide.master.store.requests import ABORT, Request
from pushguide.master.store.tables import now
from pushguide.master.templates import (
    configuration,
    drain,
    freezes,
    health,
    hooks,
    inventory,
    people,
    sentences,
    signature,
    sources,
    standards,
    strategy,
    template,
    transfer,
    unpacking,
)
from pushguide.master.templates.types import dotnet_iis, windows_service, windows_task
from pushguide.standards.builtin import BUILT_IN
from pushguide.standards.rules import KINDS
from tests.docs.pages import (
    DOCS,
    ENGINE,
    PROJECT,
    RUNNER,
    STATE,
    blocks,
    code_in,
    rows,
    section,
    table,
)
from tests.docs.products_own import OPTS, parameters, public
from tests.docs.test_yaml import ORDER
from tests.support.host import Host

CONFIGURATION = DOCS / "configuration.md"
TOKENS = DOCS / "tokens.md"
NOTIFICATIONS = DOCS / "notifications.md"
SELF_SERVICE = DOCS / "templates-in-the-database.md"
(
    TEMPLATES,
    TYPES,
    DEPLOYMENTS,
    HEALTH,
    ROLLOUT,
    CONTROL,
    TRANSFER,
    SOURCES,
    STANDARDS,
    PEOPLE,
    INVENTORY,
) = (
    DOCS / f"{name}.md"
    for name in (
        "templates",
        "types",
        "deployments",
        "health",
        "rollout",
        "control",
        "transfer",
        "sources",
        "standards",
        "people",
        "inventory",
    )
)
HEADINGS = {
    "Template": "Keys of a module",
    "Target": "Hosts",
    "OnWindows": "Linux and Windows together",
    "Orchestration": "Orchestration",
}
#: Where docs/sources.md tells the keys of each kind.
SOURCE_HEADINGS = {
    "A directory": sources.DirectoryModel,
    "Object stores, SFTP and other files": sources.FilesModel,
    "An index on a web server": sources.HttpModel,
    "Jenkins": sources.JenkinsModel,
    "Nexus": sources.NexusModel,
    "Artifactory": sources.ArtifactoryModel,
    "GitLab": sources.GitlabModel,
    "Gitea": sources.GiteaModel,
}
#: Where docs/rollout.md tells the keys of each model.
ROLLOUT_HEADINGS = {strategy.Strategy: "Strategy", strategy.Approval: "Approval"}
#: Where docs/standards.md tells the keys of each model.
STANDARDS_HEADINGS = {
    standards.CompanyStandards: "Levels and layers",
    standards.RuleChange: "A rule of your own",
    signature.Signature: "Signatures",
}
#: Where docs/health.md tells the keys of each model; what all kinds have in common stands once.
HEALTH_HEADINGS = {
    health.Probe: "Probes",
    health.HttpProbe: "By HTTP",
    health.TcpProbe: "By TCP",
    health.ProcessProbe: "By process",
    health.CommandProbe: "By command",
    health.LogProbe: "By log",
    health.WarmUp: "Warm-up",
    drain.Drain: "Drain",
    drain.FileDrain: "Out by file",
    drain.HaproxyDrain: "Out of HAProxy",
    drain.HttpDrain: "Out by HTTP",
    drain.Call: "A request",
    drain.FunctionDrain: "Out by a Salt function",
}
#: Where docs/configuration.md tells the keys of each model.
CONFIGURATION_HEADINGS = {
    configuration.Change: "A file",
    configuration.TransformChange: "By a transform",
    configuration.JsonChange: "Keys of a JSON file",
    configuration.XmlChange: "Entries of web.config",
    configuration.TemplateChange: "By Jinja",
    configuration.HookChange: "By a hook",
}
#: Where docs/hooks.md tells the keys of each model.
HOOKS_HEADINGS = {
    hooks.Hooks: "In the stages",
    hooks.HookUse: "One hook",
    hooks.StageHook: "Undo and rollback",
}
OWN_TYPES = ("static_site", "service", "java_web", "windows_service", "dotnet_iis", "windows_task")
#: What may become of a host in a deployment.
OUTCOMES = {
    words.NOT_STARTED,
    words.UNDER_WAY,
    words.SUCCEEDED,
    words.FAILED,
    words.RESTORED,
    words.INCONCLUSIVE,
    words.STOPPED_SHORT,
    words.UNKNOWN,
    words.LEFT_OUT,
}


def documented_models() -> list[Any]:
    """Each model that operations fill in, and where its keys are told."""
    found = [
        pytest.param(TEMPLATES, heading, getattr(template, name), id=name)
        for name, heading in HEADINGS.items()
    ]
    found += [
        pytest.param(HEALTH, heading, model, id=model.__name__)
        for model, heading in HEALTH_HEADINGS.items()
    ]
    found += [
        pytest.param(CONFIGURATION, heading, model, id=model.__name__)
        for model, heading in CONFIGURATION_HEADINGS.items()
    ]
    found += [
        pytest.param(DOCS / "hooks.md", heading, model, id=model.__name__)
        for model, heading in HOOKS_HEADINGS.items()
    ]
    found += [
        pytest.param(ROLLOUT, heading, model, id=model.__name__)
        for model, heading in ROLLOUT_HEADINGS.items()
    ]
    found += [
        pytest.param(SOURCES, heading, model, id=model.__name__)
        for heading, model in SOURCE_HEADINGS.items()
    ]
    found.append(pytest.param(TRANSFER, "Keys", transfer.Transfer, id="Transfer"))
    found.append(pytest.param(TRANSFER, "Indexes", template.IndexPlace, id="IndexPlace"))
    found.append(pytest.param(INVENTORY, "Keys of a value", inventory.Fact, id="Fact"))
    found.append(pytest.param(INVENTORY, "The CMDB", Cmdb, id="Cmdb"))
    for model, heading in (
        (reading.Notifications, "Keys"),
        (reading.Channel, "A channel"),
        (reading.QuietHours, "Quiet hours"),
        (reading.Rule, "Rules"),
    ):
        found.append(pytest.param(NOTIFICATIONS, heading, model, id=model.__name__))
    artifacts = DOCS / "artifacts.md"
    found.append(pytest.param(artifacts, "Unpacking", unpacking.Unpacking, id="Unpacking"))
    access = "Access rights on Windows"
    found.append(pytest.param(artifacts, access, unpacking.Access, id="Access"))
    found += [
        pytest.param(PEOPLE, "Roles", people.People, id="People"),
        pytest.param(PEOPLE, "Teams", people.Team, id="Team"),
        pytest.param(PEOPLE, "Freezes", freezes.Freeze, id="Freeze"),
        pytest.param(SELF_SERVICE, "The bounds", bounds.SelfService, id="SelfService"),
    ]
    found += [
        pytest.param(STANDARDS, heading, model, id=model.__name__)
        for model, heading in STANDARDS_HEADINGS.items()
    ]
    for heading, made in (
        ("A service that is created", windows_service.Create),
        ("What IIS is given", dotnet_iis.Create),
        ("Bindings of a site", dotnet_iis.Binding),
        ("Application pools", dotnet_iis.Pool),
        ("A task that is created", windows_task.Create),
        ("Triggers", windows_task.Trigger),
    ):
        found.append(pytest.param(TYPES, heading, made, id=heading))
    for name in OWN_TYPES:
        settings = importlib.import_module(f"pushguide.master.templates.types.{name}").Settings
        found.append(pytest.param(TYPES, name, settings, id=name))
    return found


def default_as_told(default: object) -> str:
    """A default, as the tables have it."""
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, Strict):
        return "its own"
    if default is None:
        return "none"
    return f"`{json.dumps(default)}`" if default != "" else "empty"


def own_fields(model: type[Strict]) -> dict[str, Any]:
    """The fields of a model that are not told with what it has in common with others."""
    common = {
        name
        for parent in (health.Probe, drain.Drain, configuration.Change, hooks.HookUse)
        if parent in model.__mro__[1:]
        for name in parent.model_fields
    }
    return {
        one.alias or name: one for name, one in model.model_fields.items() if name not in common
    }


@pytest.mark.parametrize(("page", "heading", "model"), documented_models())
def test_the_keys_of_a_model_are_told(page: Path, heading: str, model: type[Strict]) -> None:
    told = [row for row in table(page, heading) if len(row) == 4]
    fields = own_fields(model)
    assert [row[0] for row in told] == [f"`{name}`" for name in fields]
    for (name, default, example, meaning), field in zip(told, fields.values(), strict=True):
        assert default == default_as_told(field.default), name
        assert meaning.replace("\\<", "<").startswith(field.description or ""), name
        assert len(meaning) > 10, name
        (value,) = code_in(example)
        kind = Annotated[(field.annotation, *field.metadata, name)]
        TypeAdapter(kind).validate_python(yaml.safe_load(value))


def test_every_event_that_people_are_told_of_is_told() -> None:
    found = {code_in(row[0])[0]: row[1] for row in table(NOTIFICATIONS, "Events")}
    assert found == EVENTS


def test_every_kind_of_probe_and_drain_is_told_and_known_to_hosts() -> None:
    import pushguide.host.drain
    import pushguide.host.health

    for models, kinds in (
        (health.Probe, pushguide.host.health.KINDS),
        (drain.Drain, pushguide.host.drain.KINDS),
    ):
        told = [one for one in HEALTH_HEADINGS if issubclass(one, models) and one is not models]
        assert {sentences._kind_of(one) for one in told} == {*kinds}
        assert {*models.__subclasses__()} == {*told}


def test_every_kind_of_change_is_told_and_known_to_hosts() -> None:
    from pushguide.host.configuration import KINDS

    kinds = {sentences._kind_of(one) for one in get_args(get_args(configuration.AnyChange)[0])}
    assert kinds == {*KINDS}
    assert kinds == {sentences._kind_of(one) for one in CONFIGURATION_HEADINGS} - {None}


def test_what_transforms_and_templates_may_do_is_told() -> None:
    from pushguide.host.configuration import rendering, tree, xdt, xdt_order, xpath

    tables = table(CONFIGURATION, "By a transform")
    told = {code_in(row[0])[0]: row[1] for row in tables if len(row) == 3}
    assert {name: arguments != "none" for name, arguments in told.items()} == {
        name: one.takes_argument for name, one in xdt.TRANSFORMS.items()
    }
    assert [code_in(row[0])[0] for row in tables if len(row) == 2] == [*xdt_order.LOCATORS]
    prose = " ".join(CONFIGURATION.read_text(encoding="utf-8").split())
    for names, before in ((xpath.FUNCTIONS, "the functions"), (rendering.FILTERS, "the filters")):
        *some, last = (f"`{name}`" for name in names)
        assert f"{before} {', '.join(some)} and {last}" in prose
    assert f"A file may be {tree.MOST_BYTES >> 20} MiB long" in prose
    assert (
        f"{rendering.MOST_CHARACTERS:,} characters long, go round {rendering.MOST_ROUNDS:,} times, "
        f"take {rendering.MOST_SECONDS:g} seconds and render to {rendering.MOST_RENDERED:,} char"
    ) in prose


def test_every_kind_of_source_is_told() -> None:
    kinds = get_args(get_args(sources.AnySource)[0])
    assert {get_args(one)[0] for one in kinds} == {*SOURCE_HEADINGS.values()}


def test_every_type_has_its_page() -> None:
    from pushguide.master.templates import project_types

    assert sorted(OWN_TYPES) == project_types.names(OPTS)


def test_every_built_in_rule_is_told() -> None:
    told = table(STANDARDS, "Built-in rules")
    assert [row[0] for row in told] == [f"`{one.name}`" for one in BUILT_IN]
    for row, rule in zip(told, BUILT_IN, strict=True):
        _, kind, level, types, on_hosts, meant, why = row
        assert (kind, level) == (f"`{rule.kind}`", rule.level), rule.name
        assert code_in(types) == [*rule.types], rule.name
        assert on_hosts == ("yes" if rule.on_hosts else "no"), rule.name
        bounds = [str(one) for one in (rule.at_most, rule.at_most_mb) if one is not None]
        wanted = [*rule.patterns, *rule.look_into, *rule.unless, *bounds]
        assert code_in(meant) == wanted, rule.name
        assert why.replace("\\<", "<") == rule.reason, rule.name


def test_every_kind_of_rule_is_told() -> None:
    told = [row for row in table(STANDARDS, "A rule of your own") if len(row) == 6]
    assert {
        code_in(name)[0]: (code_in(needs), code_in(one_of), code_in(takes), on_hosts)
        for name, needs, one_of, takes, on_hosts, _ in told
    } == {
        name: ([*one.needs], [*one.one_of], [*one.takes], "yes" if one.on_hosts else "no")
        for name, one in KINDS.items()
    }


def test_the_bounds_of_reading_are_told() -> None:
    from pushguide.host.standards import _MOST_ANSWERED, MOST_ENTRIES
    from pushguide.master.standards import reading, tars
    from pushguide.standards import globs, listing

    told = " ".join(STANDARDS.read_text(encoding="utf-8").split())
    for sentence in (
        f"at most {listing.MOST_OF_ONE_FILE // 1024} KiB of each",
        f"and {listing.MOST_OF_ALL_FILES // 2**20} MiB of all together",
        f"more than {reading.MOST_ENTRIES:,} entries",
        f"more than {tars.MOST_RATIO} times its length",
        f"{_MOST_ANSWERED} at the most, and looks at {MOST_ENTRIES:,} entries",
        f"{globs.MOST_LENGTH} characters long at the most, with {globs.MOST_WILDCARDS} wildcards",
    ):
        assert sentence in told


class _Names:
    """A recorder that runs no step, and keeps its name."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def run(self, name: str, *_: Any) -> None:
        """Keep the name."""
        self.names.append(name)


def steps_of(top: Path, name: str, stage: str) -> list[str]:
    """The steps that a type's stage calls, in their order."""
    folder = importlib.import_module(f"pushguide.host.types.{name}")
    project_type = getattr(folder, "".join(part.title() for part in name.split("_")))
    settings = {
        "command": "true",
        "catalina_base": "/srv/tomcat",
        "service": "Shop",
        "executable": "shop.exe",
        "site": "shop",
        "task": "Shop",
    }
    host = Host(top, project_type, settings=settings)
    journal = host.journal
    journal.target = {"how": "new", "name": "1"}
    journal.saved = {"pointer": None, "version": "0", "settings": settings, "probe": 0, "ran": True}
    recorder = _Names()
    share = importlib.import_module("pushguide.share").Share.from_dict(host.share("1"))
    project = project_type(share, journal, recorder, host.salt, {}, host.opts)
    getattr(project, stage)()
    return recorder.names


@pytest.mark.parametrize("name", OWN_TYPES)
def test_the_steps_of_a_type_are_told(tmp_path: Path, name: str) -> None:
    told = {row[0]: code_in(row[1]) for row in table(TYPES, name) if len(row) == 2}
    assert told == {
        stage: steps_of(tmp_path / stage, name, stage) for stage in (*words.STAGES, words.RESTORE)
    }


def test_the_steps_that_all_types_have_are_told(tmp_path: Path) -> None:
    told = [(row[0], *code_in(row[1])) for row in table(TYPES, "What all of them do")]
    assert told == [
        (stage, step)
        for stage in (*words.STAGES, words.RESTORE)
        for step in steps_of(tmp_path / stage, "static_site", stage)
    ]


def test_the_masters_configuration_is_told() -> None:
    config = vars(Config.from_opts({"cachedir": "/var/cache/salt/master"}))
    told = {row[0]: row[1] for row in table(DOCS / "install.md", "The master")}
    assert told == {
        f"`{name}`": "SQLite" if name == "database" else str(value)
        for name, value in config.items()
    }
    path = str(config["database"]).removeprefix("sqlite:///")
    assert f"`{path}`" in section(DOCS / "install.md", "The database")


def test_every_command_is_told_with_its_arguments() -> None:
    told = {code_in(row[0])[0]: code_in(row[1]) for row in table(DEPLOYMENTS, "Commands")}
    assert told == {
        f"pushguide.{name}": [one.name for one in parameters(function)]
        for name, function in public(RUNNER).items()
    }


def test_every_command_but_setup_may_be_allowed_to_users_of_salt_api() -> None:
    (block,) = [one for one in blocks("yaml") if "    release:\n" in one.text]
    (allowed,) = yaml.safe_load(block.text)["external_auth"]["pam"]["release"]
    assert {*allowed["@pushguide"]} == {f"{name}$" for name in {*public(RUNNER)} - {"setup"}}


def test_what_each_command_needs_is_told() -> None:
    told = {
        name.removeprefix("pushguide."): row[1]
        for row in table(PEOPLE, "What each command needs")
        for name in code_in(row[0])
    }
    assert told == {name: need.role for name, need in NEEDS.items()}
    assert {*NEEDS} == {*public(RUNNER)}


def test_what_people_ask_of_a_deployment_is_told() -> None:
    """All that takes a deployment's number, and changes something."""
    told = {name for row in table(CONTROL, "Control") for name in code_in(row[0])}
    assert told == {
        f"pushguide.{name}"
        for name, function in public(RUNNER).items()
        if NEEDS[name].acts and "deployment" in {one.name for one in parameters(function)}
    }


def test_the_engine_is_told_with_its_arguments() -> None:
    told = {code_in(row[0])[0]: row[1] for row in table(CONTROL, "The engine")}
    assert told == {one.name: f"`{one.default}`" for one in parameters(ENGINE.start)}


def test_the_state_stage_is_told_with_its_arguments() -> None:
    told = {
        code_in(row[0])[0]: row[1]
        for row in table(DOCS / "orchestration.md", "The state pushguide.stage")
    }
    assert told == {
        one.name: "required" if one.default is one.empty else f"`{one.default}`"
        for one in parameters(STATE.stage)
        if one.name != "name"
    }


def test_every_state_is_told() -> None:
    told = {code_in(row[0])[0] for row in table(DEPLOYMENTS, "States")}
    unused = {*code_in(section(DEPLOYMENTS, "States"))} - told
    assert told | unused >= {*states.TRANSITIONS}
    assert told <= {*states.TRANSITIONS}
    # A state that something sets now has to move up into the table.
    code = "".join(
        one.read_text(encoding="utf-8")
        for one in Path(states.__file__).parent.rglob("*.py")
        if one.name != "states.py"
    )
    for name, value in vars(states).items():
        if name.isupper() and isinstance(value, str):
            assert (f"states.{name}" in code) == (value in told), name


def test_every_outcome_is_told() -> None:
    found = rows(section(DEPLOYMENTS, "Outcomes of a host"))
    of_hosts = {code_in(row[0])[0] for row in found if len(row) == 2}
    assert of_hosts == OUTCOMES
    of_steps = {code_in(row[0])[0]: code_in(row[1])[0] for row in found if len(row) == 3}
    assert of_steps == summary._SIGNS


def test_what_counts_as_a_failure_is_told() -> None:
    told = {name: row[1] for row in table(ROLLOUT, "Failures") for name in code_in(row[0])}
    assert {*told} == OUTCOMES - {words.SUCCEEDED}
    assert {name for name, text in told.items() if text.startswith("yes")} == {*FAILURES}


def test_the_outcomes_after_an_abort_are_outcomes() -> None:
    assert {name for row in table(CONTROL, "Abort") for name in code_in(row[2])} <= OUTCOMES


# The rollout.


def test_the_rounding_of_shares_is_told() -> None:
    for told, *numbers in table(ROLLOUT, "Batches"):
        given = yaml.safe_load(code_in(told)[0])
        (key,) = given
        wanted = strategy.Strategy(**given)
        for total, number in zip((3, 7, 20), numbers, strict=True):
            hosts = {f"web{place}": HostFacts("0.1.0", None, []) for place in range(total)}
            divided, has_canary = batches(wanted, hosts, with_canary=True)
            settled = rollout(wanted, strategy.Approval(), hosts, has_canary)
            found = settled.max_failures if key == "max_failures" else len(divided[0])
            assert str(found) == number, (told, total)


def test_every_way_to_name_a_canary_is_one() -> None:
    told = [yaml.safe_load(code_in(row[0])[0]) for row in table(ROLLOUT, "Canary")]
    found = [strategy.Strategy(canary=one).canary for one in told]
    assert {type(one) for one in found} == {int, str, list, strategy.OnePer}


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("What goes back by itself", "auto_rollback"),
        ("At a time, and one after the other", "when_busy"),
    ],
)
def test_every_value_of_a_choice_is_told(heading: str, key: str) -> None:
    told = [code_in(row[0])[0] for row in table(ROLLOUT, heading)]
    assert told == [*get_args(strategy.Strategy.model_fields[key].annotation)]


def test_every_mark_is_told() -> None:
    told = [code_in(row[0])[0] for row in table(ROLLOUT, "Good and bad versions")]
    assert told == [words.GOOD, words.BAD]


# The inventory.


def test_who_is_believed_is_told_in_this_order() -> None:
    assert [code_in(row[0])[0] for row in table(INVENTORY, "Who is believed")] == [*SAYING]


def test_every_kind_of_value_is_told() -> None:
    assert [code_in(row[0])[0] for row in table(INVENTORY, "Kinds")] == [*KINDS_OF_VALUES]


def test_everything_that_is_discovered_is_told() -> None:
    told = {code_in(row[0])[0]: code_in(row[2]) for row in table(INVENTORY, "Discovery")}
    assert told == {sort: [*names] for sort, names in FOUND.items()}


def test_every_outcome_of_reconciling_is_told() -> None:
    told = {
        code_in(row[0])[0]: row[2] for row in table(INVENTORY, "What is claimed, and what is so")
    }
    assert told == {one: str(int(one in reconciling.WRONG)) for one in reconciling.OUTCOMES}
    assert [*told] == [*json_block("reconcile")["count"]]


def test_the_answer_of_the_inventory_is_told() -> None:
    known = Known(Claim(8081, "pillar"), (Claim(8080, "cmdb", now()),))
    answer = stocktaking.told(known, now())
    (shown_host,) = json_block("inventory")["hosts"].values()
    (shown_value,) = shown_host["values"].values()
    assert [*shown_value] == [*answer]
    assert [*shown_value["overruled"][0]] == [*answer["overruled"][0]]


def test_the_answer_of_reconciling_is_told() -> None:
    claimed = {"http_port": Known(Claim(8081, "cmdb"))}
    answer = reconciling.compare({"http_port": "port"}, claimed, Runtime({"port": 8080}))
    told = json_block("reconcile")
    assert told["hosts"]["portal1"] == answer
    assert reconciling.counted(told["hosts"].values()) == told["count"]


# Plans and events.

PLAN = Plan(
    module="shop-web",
    environment="production",
    kind="deploy",
    version="1.4.2",
    type="static_site",
    root="/srv/shop-web",
    artifact=None,
    target={"target": "web*", "type": "glob"},
    hosts={"web1": HostFacts("0.1.0", "1.4.1", ["1.4.1"])},
    batches=[["web1"]],
    left_out=[],
    prepare="all_first",
    stage_timeout_seconds=1800,
    orchestration="orch.deploy",
    share={},
)


def test_every_key_of_a_plan_is_told() -> None:
    told = [
        name for row in table(DEPLOYMENTS, "Before anything changes") for name in code_in(row[0])
    ]
    foretold = ["steps", "moved_bytes", "files", "drift", "expected", "frozen"]
    assert sorted(told) == sorted([*PLAN.to_dict(), *foretold])
    (settled,) = [
        row[1]
        for row in table(DEPLOYMENTS, "Before anything changes")
        if code_in(row[0]) == ["rollout"]
    ]
    assert code_in(settled) == [*PLAN.to_dict()["rollout"]]


def test_the_events_are_told() -> None:
    sent: list[tuple[str, list[str]]] = []
    progress = Progress(lambda data, tag: sent.append((tag, [*data])))
    progress.begin(42, PLAN)
    progress.waits(42, "queued behind #41")
    progress.leg(Leg(["prepare"], 0), ["web1"])
    progress.reports("web1", [])
    progress.host("web1", "succeeded", None, [])
    progress.end(42, "succeeded", None)
    told = [
        (tag.replace("<number>", "42").replace("<id>", "web1"), code_in(row[1]))
        for row in table(DOCS / "orchestration.md", "Events")
        for tag in code_in(row[0])
    ]
    assert [one for at, one in enumerate(sent) if one not in sent[:at]] == told


def test_what_an_orchestration_file_is_given_is_told() -> None:
    given: dict[str, Any] = {}

    def orchestrate(name: str, pillar: dict[str, Any]) -> Any:
        given.update(pillar["pushguide"]["order"])
        return {"data": {}}

    driver = SimpleNamespace(number=42, plan=PLAN, is_new=True, told=set())
    Driver._orchestrate(driver, orchestrate)  # type: ignore[arg-type]
    (sentence,) = re.findall(
        r"The pillar `pushguide:order` holds\s+(.*?)\.\n",
        section(DOCS / "orchestration.md", "Steps of your own between the stages"),
        re.DOTALL,
    )
    assert {*code_in(sentence)} == {*given} | {*given["legs"][0]}
    assert {*given} == {*ORDER}


# Announced builds.


def test_what_ci_may_say_of_a_build_is_told() -> None:
    told = [code_in(row[0])[0] for row in table(DOCS / "builds.md", "What is said")]
    taken = [one.name for one in parameters(RUNNER.announce)]
    reactor = runpy.run_path(str(PROJECT / "orch" / "announce.sls"))
    assert told == taken
    assert {*reactor["SAID"]} == {*taken}


def test_the_event_of_a_build_is_told() -> None:
    told = json_block("build")
    build = summary.of_build(Build("shop-web", "1.4.2", "Reactor", now()))
    assert [*told] == [*build, "new", "problems", "state", "environment"]


# Deployment tokens.


def test_what_a_request_may_say_is_told() -> None:
    told = [code_in(row[0])[0] for row in table(TOKENS, "A request")]
    assert sorted(told) == sorted(signing.KEYS)
    shown = json_block("request")
    assert {*shown} < {*told}
    assert told[:6] == [one for one in told if one in shown and one != "reason"]
    (bytes_at_most,) = re.findall(r"may be (\d+)\s+bytes", section(TOKENS, "A request"))
    assert int(bytes_at_most) == signing.BYTES_AT_MOST


def test_what_a_token_is_made_of_is_told() -> None:
    told = [code_in(row[0])[0] for row in table(TOKENS, "Register a key")]
    assert told == [one.name for one in parameters(RUNNER.token_create)]
    assert f"{tokens.DAYS_AT_MOST} days" in section(TOKENS, "Register a key")


def test_the_reactor_of_signed_requests_hands_over_what_they_are_made_of() -> None:
    reactor = runpy.run_path(str(PROJECT / "orch" / "deploy_signed.sls"))
    assert [*reactor["SAID"], "wait"] == [one.name for one in parameters(RUNNER.deploy_signed)]


# Answers.


def shown(deployment: Deployment) -> dict[str, Any]:
    """What pushguide.show answers."""
    host = {
        "host": "web1",
        "outcome": "succeeded",
        "error": None,
        "batch": 1,
        "version_before": "1.4.1",
        "version_after": "1.4.2",
    }
    stage = {
        "host": "web1",
        "stage": "prepare",
        "outcome": "succeeded",
        "started_at": now(),
        "seconds": 0.1,
        "steps": [],
    }
    moment = now()
    asked = [Request(1, 42, ABORT, "root", None, {}, moment, moment)]
    return summary.in_full(deployment, [host], [stage], None, asked)


def json_block(kind: str) -> Any:
    """The only block of JSON of a kind."""
    (block,) = [one for one in blocks("json") if one.kind == f"json: {kind}"]
    return json.loads(block.text)


def test_the_answer_of_a_deployment_is_told() -> None:
    moment = now()
    deployment = Deployment(
        id=42,
        module="shop-web",
        environment="production",
        kind="deploy",
        version="1.4.2",
        state="succeeded",
        reason=None,
        requested_by="root",
        token=1,
        plan={},
        created_at=moment,
        started_at=moment,
        finished_at=moment,
    )
    full = shown(deployment)
    answer = {**summary.in_brief(full), "retcode": 0}
    told = json_block("deployment")
    assert [*told] == [*answer]
    assert [*told["hosts"]["web1"]] == [*answer["hosts"]["web1"]]
    stage = full["hosts"]["web1"]["stages"]["prepare"]
    text = section(DEPLOYMENTS, "Answers")
    for key in {*stage, *full["requests"][0]}:
        assert f"`{key}`" in text
    assert told["summary"].startswith("#42 deploy shop-web 1.4.2 to production: succeeded in 1.7 s")


def test_a_refusal_is_told() -> None:
    from pushguide.master import door

    def refuse(kind: str, function: Any, unwrap: bool) -> None:
        answer = door.answer(function, {"verison": "1"}, lambda desk: desk, {}, {}, {}, "root", {})
        told = json_block(kind)
        assert (told["return"][0] if unwrap else told) == answer

    refuse("refusal", RUNNER.deploy, False)
    refuse("refused", RUNNER.plan, True)


def test_the_answer_without_waiting_is_told() -> None:
    (told,) = json_block("queued")["return"]
    assert told["state"] == states.QUEUED
    assert {*told} == {"deployment", "state", "module", "environment", "version", "kind"}
