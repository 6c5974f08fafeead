"""The company's CMDB: how it is asked, what is made of its answers, and what when it is away."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from pushguide.errors import Refused
from pushguide.master.cmdb import Cmdb, read
from pushguide.master.config import Config
from pushguide.master.inventory.cmdb_client import CmdbClient, mapped
from pushguide.master.store.database import Database
from tests.support.certificates import self_signed, speaking_tls
from tests.support.cmdb import CmdbDouble
from tests.support.file_server import Fault, FileServer

_SECRET = {"user": "pushguide", "password": "correct-horse"}
_BASIC = "Basic " + base64.b64encode(b"pushguide:correct-horse").decode()
HOSTS = [
    {"hostname": "web1", "tomcat": {"http_port": 8081, "base": "/srv/tomcat/shop"}},
    {"hostname": "web2", "tomcat": {"http_port": "8082"}},
]
TOLD = {"web1": {"port": 8081, "base": "/srv/tomcat/shop"}, "web2": {"port": "8082"}}


class Clock:
    """The time, as a test has it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.moment

    def pass_by(self, seconds: float) -> None:
        """Let some time pass."""
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def server() -> Iterator[CmdbDouble]:
    with CmdbDouble(apps={"shop": HOSTS}) as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


def settings(server: FileServer, **changes: Any) -> Cmdb:
    given: dict[str, Any] = {
        "url": f"{server.url}/api/apps/{{module}}/hosts",
        "hosts": "result.items",
        "id": "hostname",
        "mapping": {"port": "tomcat.http_port", "base": "tomcat.base"},
        "timeout_seconds": 20,
        **changes,
    }
    return Cmdb.model_validate(given)


Way = Callable[..., CmdbClient]


@pytest.fixture
def way(server: CmdbDouble, database: Database, clock: Clock) -> Way:
    """The way to the CMDB."""

    def make(to: FileServer | None = None, secret: Any = None, **changes: Any) -> CmdbClient:
        return CmdbClient(settings(to or server, **changes), secret, database, clock)

    return make


def refusal(client: CmdbClient, module: str = "shop") -> str:
    with pytest.raises(Refused) as error:
        client.hosts_of(module, "production")
    return str(error.value)


# Asking.


def test_hosts_are_mapped_and_what_is_not_said_is_left_out(way: Way) -> None:
    told = way().hosts_of("shop", "production")
    assert (told.hosts, told.failure) == (TOLD, None)


def test_module_and_environment_are_filled_in_quoted(server: CmdbDouble, way: Way) -> None:
    server.apps["sh%2Fop"] = []
    url = f"{server.url}/api/apps/{{module}}/hosts?env={{environment}}"
    assert way(url=url).hosts_of("sh/op", "a&b").hosts == {}
    assert server.requests[-1][0] == "/api/apps/sh%2Fop/hosts?env=a%26b"


def test_an_answer_holds_for_a_while_for_every_master(
    server: CmdbDouble, way: Way, clock: Clock
) -> None:
    assert way().hosts_of("shop", "production").seen_at == clock.moment
    clock.pass_by(299)
    again = way().hosts_of("shop", "production")
    assert (again.hosts, (clock.moment - again.seen_at).seconds) == (TOLD, 299)
    assert len(server.requests) == 1
    server.apps["shop"] = HOSTS[:1]
    clock.pass_by(2)
    assert {*way().hosts_of("shop", "production").hosts} == {"web1"}
    assert len(server.requests) == 2


def test_another_question_is_another_answer(server: CmdbDouble, way: Way) -> None:
    way().hosts_of("shop", "production")
    changed = way(mapping={"port": "tomcat.http_port"})
    assert changed.hosts_of("shop", "production").hosts["web1"] == {"port": 8081}
    way().hosts_of("shop", "staging")
    assert len(server.requests) == 3


# Away.


def test_while_it_is_away_its_last_answer_is_used_and_said_to_be_stale(
    server: CmdbDouble, way: Way, clock: Clock
) -> None:
    first = clock.moment
    way().hosts_of("shop", "production")
    clock.pass_by(4000)
    server.faults = [Fault("status", 500)]
    told = way().hosts_of("shop", "production")
    assert (told.hosts, told.seen_at) == (TOLD, first)
    assert told.failure
    assert "/api/apps/shop/hosts failed: 500 Internal Server Error." in told.failure
    assert way().hosts_of("shop", "production").failure is None  # it is back
    assert len(server.requests) == 3


def test_an_answer_that_is_too_old_is_refused(server: CmdbDouble, way: Way, clock: Clock) -> None:
    way().hosts_of("shop", "production")
    clock.pass_by(7201)
    server.faults = [Fault("reset")]
    said = refusal(way(stale_at_most_seconds=7200))
    assert "Its last answer is 7201 s old, which is more than stale_at_most_seconds (7200)" in said


def test_without_any_answer_it_is_refused(server: CmdbDouble, way: Way) -> None:
    server.faults = [Fault("status", 503)]
    assert refusal(way()).endswith(
        "503 Service Unavailable. It has never answered before for shop."
    )


def test_an_answer_out_of_the_future_does_not_hold(
    server: CmdbDouble, way: Way, clock: Clock
) -> None:
    way().hosts_of("shop", "production")
    clock.pass_by(-1000)
    way().hosts_of("shop", "production")
    assert len(server.requests) == 2


# Hostile answers.


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"<html>sign in</html>", "hosts failed: Expecting value"),
        (b"\xff\xfe{", "hosts failed: "),
        (b"[" * 100_000, "hosts failed: "),
        (b"{}", "'result.items' is missing there, not a list of hosts"),
        (b'{"result": {"items": {"web1": {}}}}', "is a dict there, not a list of hosts"),
        (b'{"result": {"items": [{"tomcat": {}}]}}', "'hostname' is missing in one of the hosts"),
        (b'{"result": {"items": [{"hostname": 7}]}}', "'hostname' is a int in one of the hosts"),
        (b'{"result": {"items": [null]}}', "'hostname' is missing in one of the hosts"),
        (
            b'{"result": {"items": [{"hostname": "w", "tomcat": {"base": 1}}, {"hostname": "w"}]}}',
            "it has w twice, with different values",
        ),
    ],
)
def test_what_is_no_answer_is_refused(server: CmdbDouble, way: Way, raw: bytes, said: str) -> None:
    server.raw = raw
    assert said in refusal(way())


def test_an_answer_that_is_too_long_is_not_read(server: CmdbDouble, way: Way) -> None:
    server.raw = json.dumps({"result": {"items": []}, "rest": "x" * 5000}).encode()
    assert "it is longer than 1000 bytes" in refusal(way(max_bytes=1000))


def test_an_answer_that_never_ends_is_given_up(server: CmdbDouble, way: Way) -> None:
    server.trickles = True
    said = refusal(way(timeout_seconds=0.5))
    assert "it took longer than 0.5 s (timeout_seconds)" in said


def test_other_servers_are_not_led_to(server: CmdbDouble, way: Way) -> None:
    with CmdbDouble(apps={"shop": HOSTS}) as other:
        server.redirects["/api/apps/shop/hosts"] = f"{other.url}/api/apps/shop/hosts"
        assert "failed: it leads to another server." in refusal(way())
        assert other.requests == []


def test_the_same_server_may_lead_on(server: CmdbDouble, way: Way) -> None:
    server.apps["v2"] = HOSTS
    server.redirects["/api/apps/shop/hosts"] = "/api/apps/v2/hosts"
    assert way().hosts_of("shop", "production").hosts == TOLD


def test_it_is_asked_once_and_not_again_and_again(server: CmdbDouble, way: Way) -> None:
    server.faults = [Fault("status", 503)] * 5
    refusal(way())
    assert len(server.requests) == 1


# TLS, and what it asks for.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_a_credential_goes_to_a_server_that_somebody_vouches_for(
    way: Way, certificate: Path
) -> None:
    with CmdbDouble(
        apps={"shop": HOSTS}, authorization=_BASIC, tls=speaking_tls(certificate)
    ) as safe:
        ask = way(safe, _SECRET, credential="cmdb", ca_file=str(certificate))
        assert ask.hosts_of("shop", "production").hosts == TOLD


def test_a_server_that_nobody_vouches_for_is_told_nothing(way: Way, certificate: Path) -> None:
    with CmdbDouble(apps={"shop": HOSTS}, tls=speaking_tls(certificate)) as unknown:
        said = refusal(way(unknown, _SECRET, credential="cmdb"))
        assert "failed: SSLError." in said
        assert unknown.requests == []


def test_a_wrong_credential_is_told_without_it(way: Way, certificate: Path) -> None:
    with CmdbDouble(authorization="Basic other", tls=speaking_tls(certificate)) as safe:
        said = refusal(way(safe, _SECRET, credential="cmdb", ca_file=str(certificate)))
    assert "401 Unauthorized" in said
    assert "correct-horse" not in said
    assert _BASIC not in said


# Its configuration.


def problems(**changes: Any) -> list[str]:
    given = {"url": "https://cmdb/{module}", "mapping": {"port": "port"}, **changes}
    return read({"cmdb": {key: one for key, one in given.items() if one is not ...}}, {"a": {}})[1]


WHERE = "pushguide:cmdb in the master's configuration: "


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": ...}, "url: is missing."),
        ({"url": "ftp://cmdb/"}, "url: String should match pattern"),
        ({"url": "https://me:secret@cmdb/"}, "url: give no user or password in it"),
        ({"url": "https://cmdb/{modul}"}, "there is no {modul}: give {module} and {environment}."),
        ({"mapping": {}}, "mapping: Dictionary should have at least 1 item"),
        ({"mapping": {"port": "a..b"}}, "mapping:port: Value error, give a JMESPath expression"),
        ({"hosts": "["}, "hosts: Value error, give a JMESPath expression"),
        ({"credential": "b"}, "credential: there is no 'b' in the master's configuration"),
        ({"credential": "a", "url": "http://cmdb/"}, "a credential needs https"),
        ({"ca_file": "ca.pem"}, "ca_file: Value error, give an absolute path."),
        ({"cache_second": 5}, "cache_second is unknown: did you mean cache_seconds?"),
        ({"timeout_seconds": 0}, "timeout_seconds: Input should be greater than 0."),
        ({"max_bytes": 2**40}, "max_bytes: Input should be less than or equal to"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused(changes: dict[str, Any], said: str) -> None:
    (told,) = problems(**changes)
    assert told.startswith(WHERE)
    assert said in told
    assert "me:secret" not in told


def test_a_right_configuration_is_read_with_the_rest(tmp_path: Path) -> None:
    given = {
        "credentials": {"cmdb": _SECRET},
        "cmdb": {"url": "https://cmdb/{module}", "credential": "cmdb", "mapping": {"port": "p"}},
    }
    config = Config.from_opts({"cachedir": str(tmp_path), "pushguide": given})
    assert config.cmdb
    assert config.cmdb.address_of("shop", "production") == "https://cmdb/shop"
    assert "correct-horse" not in repr(config)
    with pytest.raises(Refused, match="is not a mapping"):
        Config.from_opts({"cachedir": str(tmp_path), "pushguide": {"cmdb": ["x"]}})


def test_values_are_kept_as_they_came(server: CmdbDouble) -> None:
    """What they have to be is for the template to say."""
    odd = {"result": {"items": [{"hostname": "w", "tomcat": {"http_port": [1], "base": False}}]}}
    assert mapped(odd, settings(server), "x") == {"w": {"port": [1], "base": False}}
