"""Deployment tokens: what a signature lets in, and what it does not."""

from __future__ import annotations

import base64
import json
import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pushguide.errors import Denied, Refused
from pushguide.master import tokens
from pushguide.master.deployments import Deployments
from pushguide.master.desk import Desk
from pushguide.master.parts import Parts
from pushguide.master.rollout import approval
from pushguide.master.store import audit, record
from pushguide.master.store import tokens as store
from pushguide.master.store.database import Database
from pushguide.master.templates.library import Library
from tests.unit.master.conftest import make_plan

SHOP = {
    "type": "static_site",
    "root": "/srv/shop",
    "environments": {"production": {"hosts": "*", "default": True}, "test": {"hosts": "*"}},
    "source": {"directory": "/srv/artifacts", "url": "salt://artifacts"},
    "people": {"maintainer": ["bob"]},
}
BOBLESS = {**SHOP, "people": {"viewer": ["bob"]}}
MODULES: dict[str, Any] = {
    "shop-web": SHOP,
    "shop-api": {**SHOP, "root": "/srv/api"},
    "till": {**BOBLESS, "root": "/srv/till"},
    "hidden": {**SHOP, "root": "/srv/hidden", "people": {}},
}


@dataclass
class Events:
    """What machines are told."""

    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def fire(self, data: dict[str, Any], tag: str) -> None:
        self.told.append((tag, data))


class World:
    """A master whose deployments are only written down, and keys to sign with.

    Args:
        opts: the master's opts.
        database: the record.
    """

    def __init__(self, opts: dict[str, Any], database: Database) -> None:
        self.opts = opts
        self.database = database
        self.events = Events()
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.start = mock.create_autospec(
            Deployments.start, return_value={"deployment": 42, "state": "queued"}
        )
        self.use(MODULES)

    def use(self, modules: dict[str, Any]) -> None:
        self.library = Library(self.opts, modules=modules, people={"admin": ["ada"]})

    def desk(self, person: str) -> Desk:
        return Desk(self.opts, {}, person)

    def create(self, person: str = "bob", **changes: Any) -> dict[str, Any]:
        given = {
            "name": "shop-ci",
            "public_key": public(self.key),
            "modules": ["shop-*"],
            "environments": ["test"],
            "expires": "90d",
            "reason": None,
            **changes,
        }
        desk = self.desk(person)
        made: dict[str, Any] = desk.serve(
            "token_create", {"name": given["name"]}, lambda it: it.tokens.create(**given)
        )
        return made

    def deploy(self, text: str, signature: str | None = None, person: str = "Reactor") -> Any:
        signed = sign(self.key, text) if signature is None else signature
        return self.desk(person).serve(
            "deploy_signed", {}, lambda it: it.signing.deploy(text, signed, False)
        )

    def rows(self) -> list[audit.Entry]:
        """The audit, the oldest row first."""
        return self.database.read(lambda one: audit.find(one, limit=1000))[::-1]

    def deployed(self) -> list[tuple[str, str, str, str]]:
        """Who deployed which version of what, and where."""
        return [
            (call.args[0].parts.user, call.args[2], call.args[3], call.args[4])
            for call in self.start.call_args_list
        ]


@pytest.fixture
def world(opts: dict[str, Any], database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    one = World(opts, database)

    @contextmanager
    def hosts(_: Parts) -> Iterator[Events]:
        yield one.events

    monkeypatch.setattr(Parts, "library", lambda _: one.library)
    monkeypatch.setattr(Parts, "hosts", hosts)
    monkeypatch.setattr(Deployments, "start", one.start)
    return one


def public(key: Any) -> str:
    """The public half, as openssl writes it."""
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def sign(key: ed25519.Ed25519PrivateKey, text: str) -> str:
    return base64.b64encode(key.sign(text.encode())).decode()


def request(**changes: Any) -> str:
    """A request as CI makes it; None leaves a key out."""
    given = {
        "token": "shop-ci",
        "module": "shop-web",
        "version": "1.4.2",
        "environment": "test",
        "at": moment(),
        "nonce": secrets.token_hex(16),
        **changes,
    }
    return json.dumps({key: value for key, value in given.items() if value is not None})


def moment(**away: float) -> str:
    return (datetime.now(timezone.utc) + timedelta(**away)).isoformat()


# What is signed is deployed.


def test_a_signed_request_is_deployed_as_the_token(world: World) -> None:
    made = world.create(reason="the pipeline of the shop")
    assert (made["state"], made["created_by"], made["last_used_at"]) == ("valid", "bob", None)
    text = request(reason="pipeline 7", strategy={"batch": 1}, allow_offline=True)
    assert world.deploy(text) == {"deployment": 42, "state": "queued"}
    assert world.deployed() == [("token:shop-ci", "shop-web", "1.4.2", "test")]
    options = world.start.call_args.args[5]
    assert (options.wait, options.strategy, options.allow_offline) == (False, {"batch": 1}, True)
    assert (options.force, options.override_freeze, options.at) == (False, None, None)
    created = world.rows()[:2]
    assert [(one.person, one.what, one.outcome) for one in created] == [
        ("bob", "token_create", "begun"),
        ("bob", "token_create", "done"),
    ]
    begun, done = world.rows()[2:]
    assert (begun.person, begun.via, begun.what, begun.role) == (
        "token:shop-ci",
        "reactor",
        "deploy",
        "deployer",
    )
    assert (begun.module, begun.environment, begun.reason) == ("shop-web", "test", "pipeline 7")
    assert done.after == {"deployment": 42, "state": "queued"}
    (tag, told) = world.events.told[-1]
    assert tag == "pushguide/signed/shop-ci"
    assert (told["deployment"], told["problems"]) == (42, [])
    (listed,) = world.desk("bob").tokens.tokens(None)
    assert listed["last_used_at"]
    assert "public_key" not in listed


def test_base64_of_the_text_is_the_text(world: World) -> None:
    world.create(public_key=" ".join(public(world.key).split("\n")[1:-2]))
    text = request()
    packed = base64.encodebytes(text.encode()).decode()
    world.deploy(packed, sign(world.key, text))
    assert len(world.deployed()) == 1


# What is not signed learns nothing.


def refused(world: World, text: Any, signature: Any = None) -> str:
    """Why it was refused, as the audit has it; whoever sent it is told nothing."""
    before = len(world.rows())
    with pytest.raises(Denied) as err:
        world.deploy(text, signature)
    assert err.value.problems == ["deploy_signed was refused: the request was not accepted."]
    (row,) = world.rows()[before:]
    assert (row.what, row.outcome, row.arguments) == ("deploy_signed", "denied", {})
    assert world.events.told[-1] == ("pushguide/signed", {"problems": err.value.problems})
    assert not world.deployed()
    return str(row.reason)


def test_what_is_not_signed_is_refused_in_one_way(world: World) -> None:
    world.create()
    other = ed25519.Ed25519PrivateKey.generate()
    text = request()
    right = sign(world.key, text)
    wrong = "the signature is not that of the token shop-ci"
    assert refused(world, text, sign(other, text)) == wrong
    assert refused(world, text.replace("1.4.2", "1.4.3"), right) == wrong
    assert refused(world, text.replace(": ", ":"), right) == wrong
    flipped = bytearray(base64.b64decode(right))
    flipped[17] ^= 1
    assert refused(world, text, base64.b64encode(flipped).decode()) == wrong
    assert refused(world, text, right[:40]) == wrong
    assert refused(world, text, "") == wrong
    assert refused(world, text, "not base64!") == "the signature is no base64"
    assert refused(world, request(token="nobody")) == "there is no token 'nobody'"
    assert refused(world, request(token="Shop-CI")) == "there is no token 'Shop-CI'"
    assert refused(world, request(token=["shop-ci"])).startswith("there is no token")
    assert refused(world, request(token=None)) == "there is no token 'None'"
    # What was tried does not use up the request.
    world.deploy(text, right)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the request is no JSON"),
        ("{", "the request is no JSON"),
        ("bm8ganNvbg==", "the request is no JSON"),
        (base64.b64encode(b"[1]").decode(), "the request is no mapping"),
        ('{"token": "a", "token": "b"}', "the request is no JSON"),
        ('{"a":' + "[" * 8000, "the request is no JSON"),
        ('{"token": "\ud800"}', "the request is no text in UTF-8"),
        (base64.b64encode(b"\xff\xfe{}").decode(), "the request is no JSON"),
        ('{"a": "' + "x" * 9000 + '"}', "the request is too long"),
        ("{" + " " * 10_000_000, "the request is too long"),
        ("%%%", "the request is no base64"),
        ('{"token": "\\ud800"}', "there is no token '\\ud800'"),
        ('{"token": "a\\u0000"}', "there is no token 'a\\x00'"),
    ],
)
def test_odd_texts_are_refused_in_the_same_way(world: World, text: str, why: str) -> None:
    world.create()
    assert refused(world, text, "AAAA") == why


@pytest.mark.parametrize("text", [None, 7, {"token": "shop-ci"}, ["x"]])
def test_what_is_no_text_is_refused_in_the_same_way(world: World, text: Any) -> None:
    assert refused(world, text, "AAAA").startswith("the request is no text")


# What is signed, and refused.


def demand_told(world: World, text: str, *parts: str) -> None:
    """Whoever has signed is told why."""
    before = len(world.rows())
    with pytest.raises(Denied) as err:
        world.deploy(text)
    for part in parts:
        assert part in " ".join(err.value.problems), err.value.problems
    assert not world.deployed()
    row = world.rows()[before:][-1]
    assert row.outcome == "denied"
    assert row.arguments["token"] == "shop-ci"
    assert parts[0] in str(row.reason)


def test_every_problem_is_told_at_once(world: World) -> None:
    world.create()
    text = request(
        module=None,
        version=1.1,
        at="today",
        nonce="short",
        modul="shop-web",
        strategy="x",
        test="no",
    )
    demand_told(
        world,
        text,
        "unknown argument 'modul': did you mean module",
        "module is missing",
        "version is missing, or no text",
        "at is 'today'",
        "nonce: give 16 to 64",
        "strategy: give a mapping",
        "test is 'no'",
    )


@pytest.mark.parametrize("key", ["__user__", "force", "override_freeze", "wait", "kind", "hosts"])
def test_what_a_token_may_not_say_is_refused(world: World, key: str) -> None:
    world.create()
    demand_told(world, request(**{key: True}), f"{key!r}")


@pytest.mark.parametrize("minutes", [-6, 6, -60 * 24 * 365])
def test_a_request_of_another_time_is_refused(world: World, minutes: int) -> None:
    world.create()
    demand_told(world, request(at=moment(minutes=minutes)), "within 5 minutes of its signing")


@pytest.mark.parametrize("minutes", [-4, 4])
def test_clocks_may_differ_a_little(world: World, minutes: int) -> None:
    world.create()
    world.deploy(request(at=moment(minutes=minutes)))


def test_a_request_is_taken_once(world: World) -> None:
    world.create()
    text = request()
    world.deploy(text)
    world.start.reset_mock()
    demand_told(world, text, "taken already")
    # The nonce of another token is another one.
    other = ed25519.Ed25519PrivateKey.generate()
    world.create(name="other", public_key=public(other))
    again = json.dumps({**json.loads(text), "token": "other"})
    world.deploy(again, sign(other, again))


def test_of_two_at_the_same_moment_one_is_taken(world: World) -> None:
    world.create()
    until = datetime.now(timezone.utc) + timedelta(hours=1)
    together, outcomes = threading.Barrier(4), []

    def use() -> None:
        one = Database(world.opts["pushguide"]["database"])
        together.wait(10)
        try:
            one.write(lambda it: store.use(it, "shop-ci", "n" * 16, until))
            outcomes.append("taken")
        except Denied as err:
            outcomes.append(str(err))
        finally:
            one.engine.dispose()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == 4
    assert outcomes.count("taken") == 1
    assert all("taken already" in one for one in outcomes if one != "taken")


def test_nonces_are_forgotten_when_their_time_is_over(world: World) -> None:
    world.create()
    past, later = (datetime.now(timezone.utc) + timedelta(hours=one) for one in (-1, 1))
    for until in (past, later):
        # Whether the first is remembered shows in that it can come again.
        world.database.write(lambda one, u=until: store.use(one, "shop-ci", "n" * 16, u))
    with pytest.raises(Denied, match="taken already"):
        world.database.write(lambda one: store.use(one, "shop-ci", "n" * 16, later))


def test_a_revoked_token_is_over_at_once(world: World) -> None:
    world.create()
    order = world.desk("x").signing.accept(text := request(), sign(world.key, text))
    assert order.token.last_used_at
    ended = world.desk("bob").serve(
        "token_revoke", {"name": "shop-ci"}, lambda it: it.tokens.revoke("shop-ci", "leaked")
    )
    assert (ended["state"], ended["revoked_by"], ended["revoked_reason"]) == (
        "revoked",
        "bob",
        "leaked",
    )
    demand_told(world, request(), "was revoked by bob")
    until = datetime.now(timezone.utc)
    # One that was looked at before it was revoked, too.
    with pytest.raises(Denied, match="was revoked by bob"):
        world.database.write(lambda one: store.use(one, "shop-ci", "n" * 16, until))
    with pytest.raises(Refused, match="was revoked by bob already"):
        world.desk("bob").tokens.revoke("shop-ci", "again")
    # Neither its name nor its key comes back.
    with pytest.raises(Refused, match="There is or was a token shop-ci"):
        world.create(public_key=public(ed25519.Ed25519PrivateKey.generate()))
    with pytest.raises(Refused, match="that of the token shop-ci already"):
        world.create(name="another")


def test_an_expired_token_is_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create(expires="1h")
    later = datetime.now(timezone.utc) + timedelta(hours=2)
    monkeypatch.setattr(store, "now", lambda: later)
    demand_told(world, request(), "The token shop-ci expired at")
    (told,) = world.desk("bob").tokens.tokens(None)
    assert told["state"] == "expired"


# What a token is for.


@pytest.mark.parametrize(
    ("module", "environment"),
    [("shop-web", "production"), ("till", "test"), ("no-such", "test"), ("shop-web", "no-such")],
)
def test_a_token_is_for_nothing_else(world: World, module: str, environment: str) -> None:
    world.create()
    text = request(module=module, environment=environment)
    demand_told(world, text, f"for shop-* in test, and not for {module} ({environment})")


def test_it_ends_with_the_role_of_who_made_it(world: World) -> None:
    world.create()
    world.deploy(request())
    world.start.reset_mock()
    world.use({**MODULES, "shop-web": BOBLESS})
    demand_told(world, request(), "bob, who made the token shop-ci, has not the role maintainer")
    world.deploy(request(module="shop-api"))


def test_a_pattern_does_not_grow_beyond_who_made_it(world: World) -> None:
    world.create()
    world.use({**MODULES, "shop-new": {**BOBLESS, "root": "/srv/new"}})
    text = request(module="shop-new")
    demand_told(world, text, "bob, who made the token shop-ci, has not the role maintainer")


def test_a_token_is_made_by_maintainers_of_all_that_it_is_for(world: World) -> None:
    for modules, problem in (
        (["*"], r"bob has not the role maintainer on till \(test\)"),
        (["till"], r"bob has not the role maintainer on till \(test\)"),
        (["shop-web", "till"], r"on till \(test\)"),
    ):
        with pytest.raises(Denied, match=problem) as err:
            world.create(modules=modules)
        assert "hidden" not in str(err.value)
    with pytest.raises(Refused, match="there is no module 'hidden'"):
        world.create(modules=["hidden"])
    with pytest.raises(Denied, match="token_create was refused"):
        world.create("mallory")
    assert world.create("ada", modules=["*"])["created_by"] == "ada"


def test_who_may_see_and_revoke_it(world: World) -> None:
    world.create("ada", modules=["till"])
    assert world.desk("bob").tokens.tokens(None) == []
    work = {"name": "shop-ci"}
    with pytest.raises(Denied, match="on all that the token is for"):
        world.desk("bob").serve("token_revoke", work, lambda _: None)
    with pytest.raises(Denied):
        world.desk("bob").serve("token_revoke", {"name": "no-such"}, lambda _: None)
    assert [one["name"] for one in world.desk("ada").tokens.tokens("till")] == ["shop-ci"]
    assert world.desk("ada").tokens.tokens("shop-web") == []
    world.desk("ada").serve("token_revoke", work, lambda it: it.tokens.revoke("shop-ci", "x"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": None}, "name is missing"),
        ({"name": "shop ci"}, "name is 'shop ci'"),
        ({"public_key": None}, "public_key is missing"),
        ({"public_key": "abc"}, "public_key is no public key of Ed25519"),
        ({"public_key": public(ec.generate_private_key(ec.SECP256R1()))}, "no public key of Ed"),
        ({"public_key": "-----BEGIN PRIVATE KEY-----\nMC4"}, "is a private key, and has been seen"),
        ({"modules": None}, "modules is missing"),
        ({"modules": []}, "modules is missing"),
        ({"modules": ["shop web"]}, "modules has 'shop web'"),
        ({"modules": ["shop-wbe"]}, "there is no module 'shop-wbe': did you mean shop-web"),
        ({"environments": ["tset"]}, "there is no environment 'tset': did you mean test"),
        ({"environments": [7]}, "environments has '7'"),
        ({"expires": None}, "expires is missing"),
        ({"expires": "367d"}, "expires is '367d'"),
        ({"expires": "2001-01-01T00:00Z"}, "give a time to come"),
        ({"expires": "2099-01-01T00:00Z"}, "366d from now at the most"),
        ({"expires": "soon"}, "expires is 'soon'"),
        (
            {"name": "", "modules": "no", "expires": ""},
            "name is missing.*expires is .*no module 'no'",
        ),
    ],
)
def test_what_is_odd_is_refused(world: World, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused, match=f"(?s){problem}") as err:
        world.create(**changes)
    assert "MC4" not in str(err.value)
    assert "MC4" not in repr(world.rows())


def test_a_month_by_its_end(world: World) -> None:
    end = moment(days=30)
    assert world.create(expires=end)["expires_at"][:16] == end[:16]
    assert tokens.DAYS_AT_MOST == 366


# Four eyes.


def test_who_made_a_token_does_not_approve_what_it_asked_for(world: World) -> None:
    world.create()
    plan = make_plan()
    rollout = plan.rollout.__class__(
        **{
            **vars(plan.rollout),
            "approval_seconds": 3600,
            "approved_by_another": True,
            "approved_by": "deployer",
        }
    )
    plan = make_plan(rollout=rollout)

    def submit(connection: Any) -> int:
        return int(record.create(connection, plan, "token:shop-ci", "pending_approval"))

    number = world.database.write(submit)

    def approve(person: str) -> str | None:
        return world.database.write(
            lambda one: approval.approve(one, record.get(one, number), person, "admin", "x")
        )

    assert "token:shop-ci, which bob made: somebody else" in str(approve("bob"))
    assert approve("ada") is None


def test_what_was_refused_is_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.create()
    with caplog.at_level(logging.ERROR), pytest.raises(Denied):
        world.deploy(request(), "AAAA")
    assert "the signature is not that of the token shop-ci" in caplog.text
