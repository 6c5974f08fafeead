"""Who may do what: every function of the runner, for each role, wherever it stands, by each way in.

Each cell calls the runner's own function, with what Salt puts into it by that way. Whether Salt
does put that there is asked of real daemons in tests/integration/test_authorization.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
import salt.utils.user

from pushguide.master import door
from pushguide.master.desk import Desk
from pushguide.master.parts import Parts
from pushguide.master.people import caller
from pushguide.master.people.trail import Trail
from pushguide.master.roles import ROLES
from pushguide.master.store import audit, freezes, grants, record, standards, tokens
from pushguide.master.store.database import Database
from pushguide.master.store.schema import migrate
from pushguide.master.store.tables import now
from pushguide.master.templates.library import Library
from tests.docs.pages import RUNNER
from tests.docs.products_own import public
from tests.unit.master.conftest import make_plan

SOMEBODY = "alice"
MODULE = {
    "type": "static_site",
    "team": "shop",
    "root": "/srv/shop",
    "source": {"directory": "/srv/artifacts", "url": "salt://artifacts"},
}

#: What each function needs, and how it is called about the module shop (deployment #1, waiver 1,
#: grant 1, freeze 1, the token shop-ci). A function that is not here fails the test.
FUNCTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "deploy": ("deployer", {"module": "shop", "version": "1"}),
    "rollback": ("deployer", {"module": "shop"}),
    "redeploy": ("deployer", {"module": "shop"}),
    "resume": ("deployer", {"deployment": 1}),
    "abort": ("deployer", {"deployment": 1}),
    "pause": ("deployer", {"deployment": 1}),
    "confirm": ("deployer", {"deployment": 1}),
    "retry": ("deployer", {"deployment": 1}),
    "approve": ("deployer", {"deployment": 1}),
    "reject": ("deployer", {"deployment": 1}),
    "mark": ("deployer", {"module": "shop", "version": "1", "value": "bad", "reason": "x"}),
    "announce": ("deployer", {"module": "shop", "version": "1"}),
    "plan": ("viewer", {"module": "shop", "version": "1"}),
    "check": ("viewer", {"module": "shop", "version": "1"}),
    "versions": ("viewer", {"module": "shop"}),
    "show": ("viewer", {"deployment": 1}),
    "inventory": ("viewer", {"module": "shop"}),
    "reconcile": ("viewer", {"module": "shop"}),
    "status": ("viewer", {"module": "shop"}),
    "history": ("viewer", {"module": "shop"}),
    "hosts": ("viewer", {"module": "shop"}),
    "compare": ("viewer", {"deployment": 1, "with_deployment": 1}),
    "waivers": ("viewer", {"module": "shop"}),
    "stats": ("viewer", {"module": "shop"}),
    "report": ("viewer", {"module": "shop"}),
    "people": ("viewer", {"module": "shop"}),
    "audit": ("maintainer", {"module": "shop"}),
    "index": ("maintainer", {"module": "shop", "version": "1"}),
    "waive": ("maintainer", {"module": "shop", "rule": "x", "until": "2099-01-01", "reason": "x"}),
    "unwaive": ("maintainer", {"id": 1, "reason": "x"}),
    "grant": ("admin", {"person": "x", "role": "viewer", "module": "shop", "reason": "x"}),
    "revoke": ("admin", {"id": 1, "reason": "x"}),
    "freeze": ("maintainer", {"module": "shop", "until": "2099-01-01T00:00Z", "reason": "x"}),
    "unfreeze": ("maintainer", {"id": 1, "reason": "x"}),
    "freezes": ("viewer", {"module": "shop"}),
    "quarantine": ("maintainer", {"host": "x", "module": "shop", "reason": "x"}),
    "unquarantine": ("maintainer", {"host": "x", "module": "shop", "reason": "x"}),
    "quarantines": ("viewer", {"module": "shop"}),
    "tokens": ("maintainer", {"module": "shop"}),
    "token_revoke": ("maintainer", {"name": "shop-ci", "reason": "x"}),
    "template_save": ("maintainer", {"module": "shop", "template": {}, "reason": "x"}),
    "template_restore": ("maintainer", {"module": "shop", "revision": 1, "reason": "x"}),
    "template_delete": ("maintainer", {"module": "shop", "revision": 1, "reason": "x"}),
    "template_validate": ("maintainer", {"module": "shop", "template": {}}),
    "template_show": ("viewer", {"module": "shop"}),
    "template_diff": ("viewer", {"module": "shop"}),
    "template_history": ("viewer", {"module": "shop"}),
}
#: What is about a module in all its environments: a role in one of them is none.
WHOLE = ("template_save", "template_restore", "template_delete", "template_validate")
#: What is about no module: it needs the role on everything, or, for a viewer, anywhere.
WIDE: dict[str, tuple[str, dict[str, Any]]] = {
    "setup": ("admin", {}),
    "rebuild_statistics": ("admin", {}),
    "notify_test": ("admin", {"channel": "x"}),
    "notifications": ("admin", {}),
    "grant": ("admin", {"person": "x", "role": "viewer", "everything": True, "reason": "x"}),
    "quarantine": ("maintainer", {"host": "x", "reason": "x"}),
    "unquarantine": ("maintainer", {"host": "x", "reason": "x"}),
}
#: What looks itself at what it is about: it lets in whoever has the role anywhere.
ANYWHERE: dict[str, tuple[str, dict[str, Any]]] = {
    "token_create": ("maintainer", {"name": "x", "modules": ["shop"], "environments": ["*"]}),
}
#: What lets in everybody, since it looks at a signature.
SIGNED = ("deploy_signed",)
#: What is told to whoever has a role anywhere, as far as they may see it.
NO_ARGUMENTS = ("modules", "overview", "locks", "template_list", "types", "health")

#: Where a role was given, and whether that covers the module shop in production.
COVERING = (
    "everything",
    "everything, by grant",
    "its team",
    "its team, by grant",
    "the module",
    "the module, by grant",
    "its environment",
)
NOT_COVERING = ("another environment", "another module", "another module, by grant", "another team")


class Way(NamedTuple):
    """A way in: what Salt puts into the runner.

    Attributes:
        user: ``__user__``.
        opts: what differs in ``__opts__``.
        system_user: who runs the process, at the command line.
        sudo: who used sudo there.
        keywords: what comes along in the call itself, which anybody may have made up.
        knows: who it is; None for nobody.
        owns_master: whether it is somebody who may do everything.
    """

    user: str
    opts: dict[str, Any] = {}  # noqa: RUF012 - never changed
    system_user: str = "root"
    sudo: str | None = None
    keywords: dict[str, Any] = {}  # noqa: RUF012 - never changed
    knows: str | None = SOMEBODY
    owns_master: bool = False


CLAIMS = {"__pub_user": "root", "__user__": "root", "__pub_jid": "1"}
WAYS = {
    "command line, as root": Way("root", {"fun": "pushguide.x"}, owns_master=True),
    "command line, as the master's user": Way(
        "salt", {"fun": "pushguide.x"}, system_user="salt", owns_master=True
    ),
    "command line, as somebody": Way(SOMEBODY, {"fun": "pushguide.x"}, system_user=SOMEBODY),
    "command line, by sudo": Way(f"sudo_{SOMEBODY}", {"fun": "pushguide.x"}, sudo=SOMEBODY),
    "command line, by sudo, in a packaged Salt": Way(
        "salt", {"fun": "pushguide.x"}, system_user="salt", sudo=SOMEBODY
    ),
    "salt-api": Way(SOMEBODY),
    "salt-api, as a person named root": Way("root", knows="root"),
    "salt-api, with made-up keywords": Way(SOMEBODY, keywords=CLAIMS),
    "orchestration, as root": Way("UNKNOWN", {"fun": "state.orchestrate"}, owns_master=True),
    "orchestration, by sudo": Way("UNKNOWN", {"fun": "state.orchestrate"}, sudo=SOMEBODY),
    "orchestration, through salt-api": Way("UNKNOWN", {"user": SOMEBODY}),
    "nested in a runner that salt-api called": Way("UNKNOWN", knows=None),
    "publish port, nested keywords": Way("UNKNOWN", keywords=CLAIMS, knows=None),
    "reactor": Way("Reactor", knows="Reactor"),
}


class World:
    """A record with a deployment, a waiver and a grant of shop, and templates with people."""

    def __init__(self, top: Path) -> None:
        self.opts: dict[str, Any] = {
            "id": "m_master",
            "extension_modules": "",
            "user": "salt",
            "conf_file": str(top / "master"),
            "cachedir": str(top / "cache"),
            "pushguide": {"database": f"sqlite:///{top / 'record' / 'pushguide.db'}"},
        }
        (top / "master").write_text("user: salt\n")
        self.database = Database.at(self.opts["pushguide"]["database"])
        migrate(self.database)
        plan = make_plan(module="shop", environment="production")
        self.database.write(lambda one: record.create(one, plan, "x", "queued"))
        until = now().replace(year=2099)
        self.database.write(
            lambda one: standards.waive(one, "shop", "rule", None, until, "x", "because")
        )
        self.database.write(
            lambda one: grants.add(one, "module", "shop", "viewer", "nobody-here", "x", "y")
        )
        rule = {"reason": "x", "until": "2001-01-01T00:00Z"}
        self.database.write(lambda one: freezes.add(one, "module", "shop", rule, "x"))
        scope = (["shop"], ["production"])
        self.database.write(
            lambda one: tokens.add(one, "shop-ci", ("x", "y"), scope, ("x", False), until, None)
        )
        self.pillar: dict[str, Any] = {}
        self.granted: int | None = None
        self.give(None, "everything", SOMEBODY)

    def give(self, role: str | None, where: str, person: str) -> None:
        """Let a role stand in one place, and in no other."""
        if self.granted is not None:
            number = self.granted
            self.database.write(lambda one: grants.revoke(one, number, "x", "y"))
            self.granted = None
        people = {role: [person]} if role else {}
        environments = {
            "production": {"hosts": "*", "default": True},
            "staging": {"hosts": "*"},
        }
        modules: dict[str, Any] = {
            "shop": {**MODULE, "environments": environments},
            "other": {**MODULE, "team": "others", "environments": {"production": {"hosts": "*"}}},
        }
        self.pillar = {"modules": modules, "people": {}, "teams": {}}
        place: dict[str, Any] = {
            "everything": self.pillar,
            "its team": self.pillar["teams"].setdefault("shop", {}),
            "another team": self.pillar["teams"].setdefault("others", {}),
            "the module": modules["shop"],
            "another module": modules["other"],
            "its environment": environments["production"],
            "another environment": environments["staging"],
        }
        scopes = {
            "everything, by grant": ("everything", ""),
            "its team, by grant": ("team", "shop"),
            "the module, by grant": ("module", "shop"),
            "another module, by grant": ("module", "other"),
        }
        if where in place:
            place[where]["people"] = people
        elif role:
            made = self.database.write(
                lambda one: grants.add(one, *scopes[where], role, person, "x", "y")
            )
            self.granted = made[0].id
        self.library = Library(self.opts, **self.pillar)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The record and the templates, for all cells."""
    return World(tmp_path_factory.mktemp("matrix"))


Call = Callable[[Way, str, dict[str, Any]], bool]


@pytest.fixture
def call(world: World, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call a function of the runner by some way; answers whether it was let in."""
    monkeypatch.setattr(Parts, "library", lambda _: world.library)
    answer = door.answer

    def let_in(function: Any, unknown: Any, _work: Any, *rest: Any) -> Any:
        return answer(function, unknown, lambda desk: {"in": True}, *rest)

    monkeypatch.setattr(door, "answer", let_in)
    # It looks at all that a process has: once is little, and thousands of times are not.
    spare = mock.create_autospec(door.pace.spare_the_collector)
    monkeypatch.setattr(door.pace, "spare_the_collector", spare)
    for name in ("begin", "end", "end_with"):
        monkeypatch.setattr(Trail, name, mock.create_autospec(getattr(Trail, name)))
    get_user = mock.create_autospec(salt.utils.user.get_user)
    monkeypatch.setattr(caller.salt.utils.user, "get_user", get_user)

    def work(way: Way, name: str, keywords: dict[str, Any]) -> bool:
        get_user.return_value = way.system_user
        monkeypatch.setenv("SUDO_USER", way.sudo) if way.sudo else monkeypatch.delenv(
            "SUDO_USER", raising=False
        )
        dunders = {
            "__user__": way.user,
            "__opts__": {**world.opts, **way.opts},
            "__salt__": {},
            "__context__": {},
        }
        for dunder, value in dunders.items():
            monkeypatch.setattr(RUNNER, dunder, value, raising=False)
        told = getattr(RUNNER, name)(**keywords, **way.keywords)
        if told == {"in": True}:
            return True
        assert told["retcode"] == 1
        assert any("was refused: " in one for one in told["problems"]), told
        return False

    return work


def may(role: str | None, needed: str) -> bool:
    return role is not None and ROLES.index(role) >= ROLES.index(needed)


def test_no_function_is_unlisted() -> None:
    assert {*FUNCTIONS, *WIDE, *NO_ARGUMENTS, *ANYWHERE, *SIGNED} == {*public(RUNNER)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", [*COVERING, *NOT_COVERING])
def test_a_role_lets_in_where_it_was_given(world: World, call: Call, way: str, where: str) -> None:
    one = WAYS[way]
    wrong = []
    for role in (None, *ROLES):
        world.give(role, where, one.knows or SOMEBODY)
        for name, (needed, keywords) in FUNCTIONS.items():
            covers = where in COVERING and not (where == "its environment" and name in WHOLE)
            given = role if covers and one.knows else None
            wanted = one.owns_master or may(given, needed)
            if call(one, name, keywords) is not wanted:
                wrong.append((role, name, wanted))
    assert not wrong


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", [*COVERING, *NOT_COVERING])
def test_what_is_about_everything_needs_a_role_on_it(
    world: World, call: Call, way: str, where: str
) -> None:
    one = WAYS[way]
    wrong = []
    for role in (None, *ROLES):
        world.give(role, where, one.knows or SOMEBODY)
        for name, (needed, keywords) in WIDE.items():
            given = role if where.startswith("everything") and one.knows else None
            wanted = one.owns_master or may(given, needed)
            if call(one, name, keywords) is not wanted:
                wrong.append((role, name, wanted))
        for name in NO_ARGUMENTS:
            if call(one, name, {}) is not (one.owns_master or bool(role and one.knows)):
                wrong.append((role, name, None))
        for name, (needed, keywords) in ANYWHERE.items():
            wanted = one.owns_master or may(role if one.knows else None, needed)
            if call(one, name, keywords) is not wanted:
                wrong.append((role, name, wanted))
        wrong += [(role, name, True) for name in SIGNED if not call(one, name, {})]
    assert not wrong


@pytest.mark.parametrize("name", [*FUNCTIONS])
def test_what_is_not_there_is_told_to_nobody_without_a_role(
    world: World, call: Call, name: str
) -> None:
    """Whether a module, deployment or waiver is there is no business of a stranger's."""
    world.give("admin", "another module", "bob")
    _, keywords = FUNCTIONS[name]
    nowhere = {"module": "no-such", "deployment": 99, "id": 99, "name": "no-such"}
    changed = {key: nowhere.get(key, value) for key, value in keywords.items()}
    assert not call(WAYS["salt-api"], name, changed)


# What is seen, and what is written down.


def desk_of(world: World, person: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(Parts, "library", lambda _: world.library)
    return Desk(world.opts, {}, person)


@pytest.mark.parametrize(
    ("where", "seen"),
    [
        ("everything", {"shop", "other"}),
        ("its team", {"shop"}),
        ("another environment", {"shop"}),
        ("another module, by grant", {"other"}),
    ],
)
def test_answers_hold_what_may_be_seen(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str, seen: set[str]
) -> None:
    world.give("viewer", where, SOMEBODY)
    desk = desk_of(world, SOMEBODY, monkeypatch)
    assert {*desk.questions.modules()} == seen
    # The only deployment is one of shop to production.
    sees_it = "shop" in seen and where != "another environment"
    assert len(desk.questions.history(20, {})) == sees_it
    assert bool(desk.questions.status(None, None)) == sees_it
    assert len(desk.standards.waivers(None)) == ("shop" in seen)


def test_every_act_and_every_refusal_is_written_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.give("deployer", "the module", SOMEBODY)

    def rows() -> list[audit.Entry]:
        return world.database.read(lambda one: audit.find(one, limit=1000))

    before = len(rows())
    about = {"module": "shop", "version": "1", "value": "bad", "reason": "orders fail"}
    desk_of(world, SOMEBODY, monkeypatch).serve(
        "mark", about, lambda desk: desk.deployments.mark("shop", "1", "bad", None, "orders fail")
    )
    told = door.answer(RUNNER.waive, {}, None, world.opts, {}, {}, SOMEBODY, {"module": "shop"})
    assert told["refused"] == "waive"
    told = door.answer(RUNNER.show, {}, None, world.opts, {}, {}, "mallory", {"deployment": 1})
    assert told["refused"] == "show"
    found = rows()[: len(rows()) - before]
    assert [(one.person, one.what, one.outcome, one.role) for one in reversed(found)] == [
        (SOMEBODY, "mark", "begun", "deployer"),
        (SOMEBODY, "mark", "done", "deployer"),
        (SOMEBODY, "waive", "denied", None),
        ("mallory", "show", "denied", None),
    ]
    done = found[2]
    assert (done.module, done.via, done.reason) == ("shop", "api", "orders fail")
    assert done.after == {"version": "1", "mark": "bad"}
    assert "has not the role viewer on shop (production)" in str(found[0].reason)
