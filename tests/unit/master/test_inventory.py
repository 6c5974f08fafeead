"""The inventory: what templates leave out, who says it, who is believed, what hosts are told."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock

import pytest

from pushguide import inventory as shared
from pushguide.errors import BadTemplate, Refused
from pushguide.host.expand import expand
from pushguide.master.cmdb import Cmdb
from pushguide.master.inventory import for_plan, reconciling
from pushguide.master.inventory.cmdb_client import CmdbClient, Told
from pushguide.master.inventory.discovered import Runtime, question_of, runtime_of
from pushguide.master.inventory.precedence import SOURCES, Claim, Known, decide
from pushguide.master.inventory.resolving import Inventory, Question
from pushguide.master.plan import HostFacts, Plan
from pushguide.master.rollout.risks import risks
from pushguide.master.templates.for_hosts import for_hosts
from pushguide.master.templates.inventory import fitting
from pushguide.master.templates.library import Library
from pushguide.share import Share
from tests.unit.master.conftest import make_plan

MOMENT = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
MODULE: dict[str, Any] = {
    "type": "java_web",
    "root": "/srv/shop",
    "source": {"directory": "/srv/artifacts", "url": "https://artifacts.example.com"},
    "inventory": {
        "base": {"kind": "path", "discover": "catalina_base"},
        "port": {"kind": "port", "grain": "shop:port", "discover": "port"},
    },
    "settings": {"catalina_base": "{inventory.base}", "port": "{inventory.port}"},
    "probe": {"url": "http://127.0.0.1:{inventory.port}/"},
    "environments": {"production": {"hosts": "*"}},
}
TOMCAT = {"catalina_base": "/srv/found", "port": 9000, "is_ours": True}


def library(module: dict[str, Any], pillar: Any = None) -> Library:
    opts = {"extension_modules": "", "id": "m_master"}
    return Library(opts, modules={"shop": module}, inventory=pillar)


def with_module(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(MODULE), **changes}


def nobody(_hosts: list[str], _chosen: Any) -> dict[str, Any]:
    raise AssertionError("no host should have been looked at")


def cmdb(hosts: Mapping[str, Any], failure: str | None = None) -> Any:
    """A way to a CMDB that says this."""
    one = mock.create_autospec(CmdbClient, instance=True)
    one.cmdb = Cmdb(url="https://cmdb", mapping={"base": "x", "port": "y"})
    one.hosts_of.return_value = Told(hosts, MOMENT, failure)
    return one


# Kinds.


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("word", "fra1.example", "fra1.example"),
        ("word", "lb1:9999", "lb1:9999"),
        ("word", 7, "7"),
        ("port", 8080, 8080),
        ("port", "8080", 8080),
        ("path", "/srv/tomcat/shop", "/srv/tomcat/shop"),
        ("path", r"C:\Program Files\Java\jdk-17", r"C:\Program Files\Java\jdk-17"),
        ("name", "Shop Worker", "Shop Worker"),
    ],
)
def test_a_value_of_its_kind(kind: str, value: object, wanted: object) -> None:
    assert fitting(kind, value) == wanted


HOSTILE = [
    "",
    "$(reboot)",
    "`id`",
    "a;b",
    "a|b",
    "a&b",
    "a b\n",
    "a\nb",
    "x'y",
    'x"y',
    "{id}",
    "{grain.x}",
    "--option",
    "-rf",
    "../../etc",
    "/srv/../etc",
    "/srv/./x",
    "//srv",
    "/",
    "/srv/$HOME",
    "/srv/a;b",
    "/srv/.ssh",
    r"C:\srv\..\Windows",
    r"\\share\x",
    "%SystemRoot%",
    "a" * 256,
    "/" + "a" * 255,
    None,
    True,
    1.5,
    [1],
    {"a": 1},
]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize("kind", shared.KINDS)
def test_a_hostile_value_is_of_no_kind(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match="give "):
        fitting(kind, value)


@pytest.mark.parametrize("value", [0, 65536, -1, "08a", "８０８０", 10**9])  # noqa: RUF001
def test_a_port_is_a_number_of_a_port(value: object) -> None:
    with pytest.raises(ValueError, match="a number from 1 to 65535"):
        fitting("port", value)


def test_odd_values_take_no_time() -> None:
    began = datetime.now(timezone.utc)
    for text in ("/" + "a" * 250 + "!", "/a" * 120 + "!", "a " * 120 + "!"):
        assert not shared.may_stand(text, begins=True, is_all=True)
    assert datetime.now(timezone.utc) - began < timedelta(seconds=1)


# Templates.


def test_a_template_may_leave_out_what_the_inventory_says() -> None:
    chosen = library(MODULE).get("shop")
    assert chosen.settings["catalina_base"] == "{inventory.base}"
    assert for_plan.used_by(chosen, None) == {"base", "port"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"settings": {"catalina_base": "/x", "port": "{inventory.prt}"}},
            (
                "shop:settings:port: there is no 'prt' in the inventory of the template; did "
                "you mean port?"
            ),
        ),
        (
            {"settings": {"catalina_base": "/srv/{inventory.base}"}},
            "shop:settings:catalina_base: {inventory.base} is a path: nothing may stand before it.",
        ),
        (
            {"settings": {"catalina_base": "{inventory.base}/../etc"}},
            "shop:settings:catalina_base: Value error, give an absolute path",
        ),
        (
            {"inventory": {}},
            (
                "shop:settings:port: there is no 'port' in the inventory of the template; it "
                "has no inventory."
            ),
        ),
        ({"inventory": {"a b": {}}}, "give a name of letters"),
        ({"inventory": {"port": {"kind": "prt"}}}, "shop:inventory:port:kind: Input should be"),
        (
            {"inventory": {"port": {"kind": "port", "value": "x"}}},
            "shop:inventory:port: Value error, give a number from 1 to 65535",
        ),
        (
            {"inventory": {"port": {"grian": "x"}}},
            "shop:inventory:port:grian: unknown key; did you mean grain?",
        ),
        ({"inventory": {"port": {"discover": "colour"}}}, "inventory:port:discover: Input should"),
        ({"inventory": ["port"]}, "shop:inventory: Input should be a valid dictionary"),
    ],
)
def test_what_is_wrong_in_a_template_is_told_with_its_path(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadTemplate) as error:
        library(with_module(**changes)).get("shop")
    assert any(said in one for one in error.value.problems), error.value.problems


def test_a_name_stands_alone_and_types_of_windows_take_one() -> None:
    module = with_module(
        type="dotnet_iis",
        root=r"C:\srv\shop",
        inventory={"site": {"kind": "name"}},
        settings={"site": "{inventory.site}"},
        probe=None,
    )
    assert library(module).get("shop").settings["site"] == "{inventory.site}"
    with pytest.raises(BadTemplate, match="nothing may stand beside it"):
        library({**module, "root": r"C:\srv\{inventory.site}"}).get("shop")


def test_an_environment_changes_a_value_key_by_key() -> None:
    module = with_module(
        environments={
            "production": {"hosts": "*", "default": True},
            "staging": {"hosts": "*", "inventory": {"port": {"value": 9090}}},
        }
    )
    chosen = library(module).get("shop", "staging")
    assert (chosen.template.inventory["port"].kind, chosen.written) == (
        "port",
        {"environment": {"port": 9090}, "template": {}},
    )
    assert chosen.template.inventory["base"].discover == "catalina_base"
    assert library(module).get("shop").written == {"environment": {}, "template": {}}


# Precedence.


@pytest.mark.parametrize(
    "said", [some for n in range(1, 7) for some in itertools.combinations(SOURCES, n)], ids=str
)
def test_the_first_that_says_something_is_believed(said: tuple[str, ...]) -> None:
    """Of every set of those that say something, whatever order they are heard in."""
    claims = [Claim(place, source) for place, source in enumerate(said)]
    decided = decide(reversed(claims))
    assert decided
    assert decided.believed.source == said[0]
    assert [one.source for one in decided.overruled] == [*said[1:]]


def test_nobody_says_anything() -> None:
    assert decide([]) is None


def everybody(*said: str) -> tuple[Library, Inventory, dict[str, Any]]:
    """All sources, of which some say what the port is: each its own number."""
    module = with_module()
    fact = module["inventory"]["port"]
    if "template" in said:
        fact["value"] = 1002
    own = {"port": {"value": 1001}} if "environment" in said else {}
    module["environments"]["production"]["inventory"] = own
    pillar = {"shop": {"web1": {"port": 1003}}} if "pillar" in said else {}
    known = {"web1": {"port": 1004}} if "cmdb" in said else {}
    grains = {"web1": {"shop:port": "1005" if "grain" in said else ""}}
    found = {"tomcats": [{**TOMCAT, "port": 1006 if "discovery" in said else None}]}
    asked = Inventory(pillar, cmdb(known), lambda hosts, _: dict.fromkeys(hosts, found))
    return library(module, pillar), asked, grains


@pytest.mark.parametrize(
    "said", [some for n in range(1, 7) for some in itertools.combinations(SOURCES, n)], ids=str
)
def test_all_of_them_in_their_places(said: tuple[str, ...]) -> None:
    """A table of every case: what is written where comes out in the order of precedence."""
    shop, asked, grains = everybody(*said)
    question = Question(shop.get("shop"), {"web1": {"port"}}, grains, everybody=True)
    known = asked.known(question).values["web1"]["port"]
    heard = [known.believed, *known.overruled]
    assert [(one.source, one.value) for one in heard] == [
        (one, 1001 + SOURCES.index(one)) for one in said
    ]


def test_nobody_is_asked_beyond_what_is_needed() -> None:
    pillar = {"shop": {"web1": {"port": 1, "base": "/srv/a"}}}
    way = cmdb({})
    asked = Inventory(pillar, way, nobody)
    asked.known(Question(library(MODULE).get("shop"), {"web1": {"port", "base"}}, {}))
    way.hosts_of.assert_not_called()
    found: list[list[str]] = []

    def discover(hosts: list[str], _: Any) -> dict[str, Any]:
        found.append(hosts)
        return {host: {"tomcats": [TOMCAT]} for host in hosts}

    names = {"web1": {"port", "base"}, "web2": {"port", "base"}}
    Inventory(pillar, way, discover).known(Question(library(MODULE).get("shop"), names, {}))
    way.hosts_of.assert_called_once_with("shop", "production")
    assert found == [["web2"]]


def test_silent_hosts_are_not_looked_at_and_named() -> None:
    asked: list[list[str]] = []

    def discover(hosts: list[str], _: Any) -> dict[str, Any]:
        asked.append(hosts)
        return {}

    shop, names = library(MODULE).get("shop"), {"web1": {"port"}, "web2": {"port"}}
    silent = frozenset({"web2"})
    stock = Inventory({}, None, discover).known(Question(shop, names, {}, True, True, silent))
    assert asked == [["web1"]]
    assert not stock.runtimes["web2"].was_looked_at
    plain = library(with_module(inventory={"base": {}, "port": {}})).get("shop")
    stock = Inventory({}, None, nobody).known(Question(plain, names, {}, True, silent=silent))
    assert stock.notes == ["web2: it does not answer (salt-run manage.down)."]


# Plans.


def take(
    module: dict[str, Any],
    asked: Inventory,
    facts: dict[str, HostFacts] | None = None,
) -> dict[str, dict[str, Any]]:
    shop = library(module)
    hosts = facts or {name: HostFacts("0.1.0", None, []) for name in ("web1", "web2")}
    return for_plan.take(asked, shop.get("shop"), hosts, shop.settings_class)


def problems_of(module: dict[str, Any], asked: Inventory) -> list[str]:
    with pytest.raises(Refused) as error:
        take(module, asked)
    return error.value.problems


KNOWN = {
    "web1": {"base": "/srv/tomcat/shop", "port": 8081},
    "web2": {"base": "/srv/tomcat/shop", "port": 8082},
}


def test_a_plan_tells_each_hosts_values_and_who_said_so() -> None:
    pillar = {"shop": {"web2": {"port": 9999}}}
    taken = take(MODULE, Inventory(pillar, cmdb(KNOWN), nobody))
    heard = {"seen_at": MOMENT.isoformat()}
    assert taken == {
        "web1": {
            "base": {"value": "/srv/tomcat/shop", "from": "cmdb", **heard},
            "port": {"value": 8081, "from": "cmdb", **heard},
        },
        "web2": {
            "base": {"value": "/srv/tomcat/shop", "from": "cmdb", **heard},
            "port": {"value": 9999, "from": "pillar"},
        },
    }


def test_a_template_without_places_asks_nobody() -> None:
    module = with_module(settings={"catalina_base": "/x"}, probe=None)
    way = cmdb({})
    assert take(module, Inventory({"shop": 7}, way, nobody)) == {}
    way.hosts_of.assert_not_called()


def test_what_nobody_says_is_refused_with_the_hosts() -> None:
    asked = Inventory({"shop": {"web1": {"port": 1}}}, cmdb({"web1": {"base": "/srv/a"}}), silent)
    told = problems_of(MODULE, asked)
    assert told[0].startswith("Nobody says what base of shop is on web2. See salt-run ")
    assert told[1].startswith("Nobody says what port of shop is on web2.")
    assert "(pushguide:inventory:shop:<host>:port)" in told[1]
    assert told[2] == "web2 was looked at: it does not answer (salt-run manage.down)."


def silent(_hosts: list[str], _chosen: Any) -> dict[str, Any]:
    return {}


def test_what_cannot_be_is_refused_and_nobody_else_is_believed_instead() -> None:
    """A value that is wrong is not passed over for the next one's."""
    hostile = {"web1": {**KNOWN["web1"], "base": "/srv/../etc"}, "web2": KNOWN["web2"]}
    found = {host: {"tomcats": [TOMCAT]} for host in KNOWN}
    told = problems_of(MODULE, Inventory({}, cmdb(hostile), lambda *_: found))
    assert told == [
        (
            "base of web1 is '/srv/../etc' by the CMDB: give an absolute path without '..' and odd "
            "characters."
        )
    ]


def test_what_the_pillar_misspells_is_told() -> None:
    pillar = {"shop": {"web1": {"prt": 1}}}
    told = problems_of(MODULE, Inventory(pillar, cmdb(KNOWN), nobody))
    assert told == [
        "pushguide:inventory:shop:web1:prt: the template has no such value; did you mean port?"
    ]
    for odd in ({"shop": [1]}, {"shop": {"web1": "x"}}):
        with pytest.raises(Refused, match="is not a mapping"):
            take(MODULE, Inventory(odd, cmdb(KNOWN), nobody))


def test_a_template_has_to_be_right_with_the_values_too() -> None:
    """A word where the template wants a path; hosts that are alike are named together."""
    module = with_module(inventory={"base": {}, "port": {"kind": "port"}})
    known = {host: {"base": "tomcat", "port": 1} for host in ("web1", "web2")}
    (told,) = problems_of(module, Inventory({"shop": known}, None, nobody))
    assert told == (
        "With its inventory the template is wrong for web1, web2: settings:catalina_base: Value "
        "error, give an absolute path (it is 'tomcat')."
    )


def test_a_cmdb_that_cannot_be_asked_is_not_passed_over() -> None:
    way = cmdb({})
    way.hosts_of.side_effect = Refused("Asking failed.")
    assert problems_of(MODULE, Inventory({}, way, nobody)) == ["Asking failed."]
    taken = take(MODULE, Inventory({"shop": KNOWN}, way, nobody))
    assert taken["web1"]["port"] == {"value": 8081, "from": "pillar"}


def test_a_stale_value_is_told_as_a_risk() -> None:
    taken = take(MODULE, Inventory({}, cmdb(KNOWN, "It is away."), nobody))
    assert taken["web1"]["port"]["is_stale"] is True
    plan = plan_with(taken)
    assert (
        "The CMDB is away, and what it said at 2026-11-25T12:00:00+00:00 is used for web1, web2."
    ) in risks(plan)


def test_windows_hosts_need_what_their_part_of_the_template_holds() -> None:
    module = with_module(
        inventory={"port": {"kind": "port"}, "service": {"kind": "name"}},
        type="service",
        settings={"command": "./shop", "port": "{inventory.port}"},
        probe=None,
        windows={
            "type": "windows_service",
            "root": r"C:\srv\shop",
            "settings": {"service": "{inventory.service}", "executable": "shop.exe"},
        },
    )
    facts = {
        "web1": HostFacts("0.1.0", None, [], {"kernel": "Linux"}),
        "win1": HostFacts("0.1.0", None, [], {"kernel": "Windows"}),
    }
    assert for_plan.grains_of(library(module).get("shop")) == ["kernel"]
    pillar = {"shop": {"web1": {"port": 8080}, "win1": {"service": "Shop Api"}}}
    taken = take(module, Inventory(pillar, None, nobody), facts)
    assert {host: [*one] for host, one in taken.items()} == {"web1": ["port"], "win1": ["service"]}


# What hosts are told.


def plan_with(taken: dict[str, dict[str, Any]], module: dict[str, Any] = MODULE) -> Plan:
    shop = library(module)
    return make_plan(
        type="java_web",
        root="/srv/shop",
        hosts={host: HostFacts("0.1.0", None, [], inventory=one) for host, one in taken.items()},
        batches=[[*taken]],
        share=for_hosts(shop.get("shop"), shop.allowed),
    )


def test_a_plan_with_an_inventory_goes_through_the_record() -> None:
    plan = plan_with(take(MODULE, Inventory({"shop": KNOWN}, None, nobody)))
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_each_host_fills_in_its_own_and_knows_nothing_of_others() -> None:
    plan = plan_with(take(MODULE, Inventory({"shop": KNOWN}, None, nobody)))
    travelled = json.loads(json.dumps(plan.share_for(1, 1, hosts=["web1"]).to_dict()))
    assert "web2" not in json.dumps(travelled)
    both = json.loads(json.dumps(plan.share_for(1, 1).to_dict()))
    for host, port in (("web1", "8081"), ("web2", "8082")):
        mine = expand(Share.from_dict(both), host, {})
        assert mine.settings["port"] == port
        assert mine.settings["catalina_base"] == "/srv/tomcat/shop"
        assert mine.probe
        assert mine.inventory is None
    with pytest.raises(Refused, match=r"\{inventory\.port\} is not known for this host"):
        expand(Share.from_dict(both)._replace(inventory=None), "web1", {})


def test_what_most_hosts_have_is_said_once() -> None:
    many = {f"web{n:04}": {"base": "/srv/tomcat/shop", "port": 8080} for n in range(5000)}
    many["web0007"]["port"] = 9090
    short = shared.in_short(many)
    assert short == {
        "usual": {"base": "/srv/tomcat/shop", "port": 8080},
        "hosts": {"web0007": {"port": 9090}},
    }
    assert shared.of_host(short, "web0007") == many["web0007"]
    assert all(shared.of_host(short, host) == one for host, one in many.items())


def test_a_value_that_some_hosts_lack_is_usual_for_none() -> None:
    told = shared.in_short({"a": {"port": 1}, "b": {}})
    assert [shared.of_host(told, host) for host in ("a", "b")] == [{"port": 1}, {}]
    assert shared.in_short({"a": {}}) is None


def test_a_host_of_many_costs_little_even_if_all_differ() -> None:
    many = {
        f"web{n:04}.example.com": {"base": f"/srv/tomcat/{n}", "port": n + 1, "unit": f"u{n}"}
        for n in range(5000)
    }
    assert len(json.dumps(shared.in_short(many))) < 5000 * 100


# What was found.


@pytest.mark.parametrize(
    ("answer", "identities", "found", "problem"),
    [
        (None, {}, {}, "does not answer"),
        ("'pushguide.discover' is not available.", {}, {}, "sync it with saltutil.sync_all"),
        ({"services": []}, {}, {}, "nothing that runs there is known to be the module's"),
        ({"tomcats": [TOMCAT]}, {}, {"catalina_base": "/srv/found", "port": 9000}, None),
        (
            {"tomcats": [TOMCAT, {**TOMCAT, "catalina_base": "/srv/other"}]},
            {},
            {},
            "several of what runs there could be the module's: /srv/found, /srv/other",
        ),
        (
            {"tomcats": [TOMCAT, {**TOMCAT, "catalina_base": "/srv/other"}]},
            {"catalina_base": "/srv/other/"},
            {"catalina_base": "/srv/other", "port": 9000},
            None,
        ),
        (
            {"tomcats": [{**TOMCAT, "is_ours": False}]},
            {"catalina_base": "/srv/else"},
            {"catalina_base": "/srv/found", "port": 9000},
            None,
        ),
        (
            {"services": [{"systemd_unit": "shop.service", "port": 80, "is_ours": False}]},
            {"systemd_unit": "shop"},
            {"systemd_unit": "shop.service", "port": 80},
            None,
        ),
        (
            {"services": [{"systemd_unit": "other.service", "port": 80, "is_ours": False}]},
            {"systemd_unit": "shop"},
            {},
            "nothing that runs there is known to be the module's",
        ),
        (
            {"tomcats": [{"catalina_base": ["x"], "port": True, "is_ours": True}]},
            {},
            {},
            None,
        ),
        ({"tomcats": "x", "services": [1]}, {}, {}, "nothing that runs there"),
    ],
)
def test_which_runtime_is_the_modules(
    answer: Any, identities: dict[str, object], found: dict[str, Any], problem: str | None
) -> None:
    runtime = runtime_of(answer, identities, is_tomcat=True)
    assert runtime.values == found
    assert (problem or "") in (runtime.problem or "")
    assert (runtime.problem is None) == (problem is None)


def test_a_tomcat_that_is_alone_is_not_that_of_a_service() -> None:
    assert runtime_of({"tomcats": [{**TOMCAT, "is_ours": False}]}, {}).values == {}


def test_hosts_are_asked_for_what_settings_name() -> None:
    module = with_module(
        type="service",
        settings={"systemd_unit": "shop.service", "port": "{inventory.port}"},
        windows={
            "type": "windows_service",
            "root": r"C:\srv\shop",
            "settings": {"service": "Shop", "executable": "x.exe"},
        },
    )
    assert question_of(library(module).get("shop")) == {
        "roots": ["/srv/shop", r"C:\srv\shop"],
        "named": ["Shop", "shop.service"],
    }


# Reconciling.


def claimed(source: str, value: str | int, *more: Claim) -> Known:
    return Known(Claim(value, source), more)


@pytest.mark.parametrize(
    ("known", "runtime", "wanted"),
    [
        (
            claimed("cmdb", 80),
            Runtime({"port": 80}),
            {"outcome": "same", "claimed": 80, "by": "cmdb", "found": 80},
        ),
        (
            claimed("cmdb", 80),
            Runtime({"port": 81}),
            {"outcome": "differs", "claimed": 80, "by": "cmdb", "found": 81},
        ),
        (
            claimed("pillar", 80),
            Runtime({"user": "shop"}),
            {"outcome": "not_found", "claimed": 80, "by": "pillar"},
        ),
        (None, Runtime({"port": 81}), {"outcome": "not_claimed", "found": 81}),
        (claimed("discovery", 81), Runtime({"port": 81}), {"outcome": "not_claimed", "found": 81}),
        (claimed("grain", 81), Runtime({"port": 81}), {"outcome": "not_claimed", "found": 81}),
        (
            claimed("cmdb", 80, Claim(81, "discovery")),
            Runtime({}, "it does not answer", was_looked_at=False),
            {"outcome": "unknown", "claimed": 80, "by": "cmdb"},
        ),
        (None, Runtime({}, "it does not answer", was_looked_at=False), {"outcome": "unknown"}),
        (None, Runtime({}), None),
    ],
)
def test_what_is_claimed_beside_what_was_found(
    known: Known | None, runtime: Runtime, wanted: dict[str, Any] | None
) -> None:
    told = reconciling.compare({"http": "port"}, {"http": known} if known else {}, runtime)
    assert told["values"] == ({"http": wanted} if wanted else {})
    assert told.get("problem") == runtime.problem
    counts = reconciling.counted([told])
    assert counts == {**dict.fromkeys(reconciling.OUTCOMES, 0), **counts}
    assert sum(counts.values()) == len(told["values"])


def test_names_of_their_own_are_compared_if_hosts_know_them() -> None:
    facts = library(
        with_module(
            inventory={
                "base": {"kind": "path", "discover": "catalina_base"},
                "port": {"kind": "port"},
                "lb": {},
            }
        )
    ).get("shop")
    assert reconciling.comparable(facts.template.inventory) == {
        "base": "catalina_base",
        "port": "port",
    }
