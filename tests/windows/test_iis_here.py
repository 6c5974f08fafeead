"""``dotnet_iis`` without Wine: Salt's own win_iis against a SIMULATED IIS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pushguide.host.windows.iis import Iis
from pushguide.master.templates.types.dotnet_iis import Settings
from pushguide.words import FAILED, RESTORED, SUCCEEDED
from tests.support.host import outcomes, steps
from tests.support.waiting import wait_until
from tests.windows.iis_here import PORT, IisHere, Shop

SICK = [
    {
        "kind": "tcp",
        "host": "127.0.0.1",
        "port": 1,
        "within_seconds": 0.01,
        "interval_seconds": 0.01,
    }
]
WRITES = ("create", "modify", "remove", "restart", "set", "start", "stop")


@pytest.fixture
def iis(monkeypatch: pytest.MonkeyPatch) -> IisHere:
    """IIS as it is installed."""
    return IisHere(monkeypatch)


@pytest.fixture
def front(tmp_path: Path, iis: IisHere) -> str:
    """A site that is there already, with a pool of its own; its directory."""
    directory = tmp_path / "front"
    directory.mkdir()
    assert iis("create_site", "shop", str(directory), apppool="front", port=PORT)
    return str(directory)


# --- what is missing, and what is broken ----------------------------------------------------


def test_a_host_without_iis_is_refused_before_anything_changes(
    tmp_path: Path, iis: IisHere
) -> None:
    shop = Shop(tmp_path, iis)
    shop.salt = {"event.fire_master": shop.fire}
    answer = shop.deploy("1.0")
    assert (answer["outcome"], outcomes(answer)) == (FAILED, {"prepare": "failed"})
    assert "This host has no IIS that can be managed" in answer["error"]
    assert [*shop.root.iterdir()] == []


def test_what_a_place_would_lie_in_has_to_be_there(
    tmp_path: Path, iis: IisHere, front: str
) -> None:
    shop = Shop(tmp_path, iis, application="api", virtual_directory="files", create={})
    answer = shop.deploy("1.0")
    assert "IIS has no shop/api on this host, in which shop/api/files could be" in (answer["error"])


@pytest.mark.parametrize("wrong", ["Sites/shop", "AppPools/shop"])
def test_what_is_set_up_wrongly_is_refused_in_prepare(
    tmp_path: Path, iis: IisHere, wrong: str
) -> None:
    shop = Shop(tmp_path, iis)
    assert shop.deploy("1.0")["outcome"] == SUCCEEDED
    iis.shell.state["set_up_wrongly"].append(wrong)
    answer = shop.deploy("1.1")
    assert outcomes(answer) == {"prepare": "failed"}
    assert "shop is Undefined. Its configuration is wrong" in answer["error"]


def test_a_site_whose_pool_is_gone_is_refused(tmp_path: Path, iis: IisHere) -> None:
    shop = Shop(tmp_path, iis)
    assert shop.deploy("1.0")["outcome"] == SUCCEEDED
    assert iis("remove_apppool", "shop")
    error = shop.deploy("1.1")["error"]
    assert "site shop is Undefined, application pool shop is missing" in error


@pytest.mark.parametrize("change", ["recycle", "stop_start"])
@pytest.mark.parametrize("wrong", ["Sites/shop", "AppPools/shop"])
def test_what_becomes_undefined_while_it_is_changed_is_told(
    tmp_path: Path, iis: IisHere, wrong: str, change: str
) -> None:
    shop = Shop(tmp_path, iis, change=change)
    assert shop.deploy("1.0")["outcome"] == SUCCEEDED

    def on_call(function: str, work: Callable[[], Any]) -> Any:
        if function == "modify_site":
            iis.shell.state["set_up_wrongly"] = [wrong]
        return work()

    iis.on_call = on_call
    answer = shop.deploy("1.1")
    assert answer["outcome"] == FAILED
    assert "was not put back to what ran before" in answer["error"]
    kind = "site" if wrong.startswith("Sites") else "application pool"
    told = answer["error"].partition("IIS tells: ")[2]
    assert f"{kind} shop is Undefined" in told
    assert "shop has the path" in told
    assert "releases/1.0-1;" in told


# --- states as they were before -------------------------------------------------------------


@pytest.mark.parametrize("change", ["recycle", "stop_start"])
@pytest.mark.parametrize("stopped", [("pool",), ("site",), ("pool", "site")])
def test_what_stood_still_before_stands_still_after_the_way_back(
    tmp_path: Path, iis: IisHere, stopped: tuple[str, ...], change: str
) -> None:
    shop = Shop(tmp_path, iis, change=change)
    assert shop.deploy("1.0")["outcome"] == SUCCEEDED
    for what in stopped:
        assert iis("stop_apppool" if what == "pool" else "stop_site", "shop")
    before = shop.truth()
    answer = shop.deploy("1.1", probe=SICK)
    assert (answer["outcome"], shop.truth()) == (RESTORED, before), answer
    assert steps(answer, "restore")["served_again"][0] == "skipped"


def test_a_path_with_variables_comes_back_as_it_stood(
    tmp_path: Path, iis: IisHere, front: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONT", front)
    assert iis("create_app", "api", "shop", front, apppool="front")
    iis.shell.set_attribute("physicalPath", "$FRONT", site="shop", **_named("api", ""))
    shop = Shop(tmp_path, iis, "front", application="api", create=None)
    answer = shop.deploy("1.0", probe=SICK)
    assert (answer["outcome"], shop.truth().path) == (RESTORED, "$FRONT"), answer


def _named(application: str, directory: str) -> dict[str, str]:
    return {"application_or_root": application, "directory_or_root": directory}


# --- what is created ------------------------------------------------------------------------


def test_an_application_is_created_with_a_pool_of_its_own(
    tmp_path: Path, iis: IisHere, front: str
) -> None:
    pool = {
        "runtime": "v4.0",
        "pipeline": "Classic",
        "start_mode": "AlwaysRunning",
        "idle_timeout_minutes": 0,
        "recycle_minutes": 1740,
        "shutdown_limit_seconds": 30,
    }
    settings = {"pool": "api", "create": {"pool": pool}, "stop_timeout_seconds": 30}
    shop = Shop(tmp_path, iis, "api", application="api", **settings)
    assert shop.deploy("1.0")["outcome"] == SUCCEEDED
    assert iis("list_apps", "shop")["api"]["apppool"] == "api"
    wanted = {
        "managedRuntimeVersion": "v4.0",
        "managedPipelineMode": "Classic",
        "startMode": "AlwaysRunning",
        "processModel.idleTimeout": "00:00:00",
        "recycling.periodicRestart.time": "1.05:00:00",
        "processModel.shutdownTimeLimit": "00:00:30",
    }
    assert iis("get_container_setting", "api", "AppPools", [*wanted]) == wanted
    assert shop.truth().version == "1.0"


def test_an_application_is_created_in_the_pool_of_its_site(
    tmp_path: Path, iis: IisHere, front: str
) -> None:
    shop = Shop(tmp_path, iis, "front", application="api", create={})
    assert shop.deploy("1.0")["outcome"] == SUCCEEDED
    assert iis("list_apps", "shop")["api"]["apppool"] == "front"
    assert "api" not in iis("list_apppools")


@pytest.mark.parametrize("application", [None, "api"])
def test_a_virtual_directory_comes_is_switched_and_goes_back(
    tmp_path: Path, iis: IisHere, front: str, application: str | None
) -> None:
    if application:
        assert iis("create_app", application, "shop", front, apppool="front")
    place = {"application": application, "virtual_directory": "files"}
    shop = Shop(tmp_path, iis, "front", create={}, **place)
    assert shop.deploy("1.0", probe=SICK)["outcome"] == RESTORED
    assert iis("list_vdirs", "shop", application or "/") == {}
    for version in ("1.1", "1.2"):
        assert shop.deploy(version)["outcome"] == SUCCEEDED
        assert shop.truth().version == version
    assert shop.rollback("1.1")["outcome"] == SUCCEEDED
    assert shop.truth().version == "1.1"
    # It was switched in place, never taken away and made anew.
    assert iis.calls.count("create_vdir") == 2
    assert iis.calls.count("remove_vdir") == 1
    assert iis("list_sites")["shop"]["sourcepath"] == front


def test_a_pool_that_is_there_keeps_its_settings_and_stays(tmp_path: Path, iis: IisHere) -> None:
    assert iis("create_apppool", "shop")
    assert iis("set_container_setting", "shop", "AppPools", {"queueLength": 5})
    shop = Shop(tmp_path, iis)
    before = iis.shell.pools["shop"].copy()
    assert shop.deploy("1.0", probe=SICK)["outcome"] == RESTORED
    assert {**iis.shell.pools["shop"], "workers": []} == {**before, "workers": []}
    assert shop.truth().site is None


def test_another_site_in_the_new_pool_keeps_it(tmp_path: Path, iis: IisHere, front: str) -> None:
    shop = Shop(tmp_path, iis, "api", application="api", pool="api", create={})

    def on_call(function: str, work: Callable[[], Any]) -> Any:
        done = work()
        if function == "create_app":
            iis.shell.set_pool("Default Web Site", "api")
        return done

    iis.on_call = on_call
    answer = shop.deploy("1.0", probe=SICK)
    assert answer["outcome"] == RESTORED
    assert "pool api stays: others use it" in steps(answer, "restore")["states_back"][1]
    assert iis("list_apps", "shop") == {}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"create": {}}, "give bindings"),
        ({"application": "api", "create": {"bindings": [{"port": 80}]}}, "leave out bindings"),
        ({"application": "api", "create": {"pool": {}}}, "name it"),
        ({"virtual_directory": "files", "pool": "api", "create": {}}, "leave out pool"),
        ({"virtual_directory": "files", "create": {"pool": {}}}, "leave out pool"),
        (
            {"create": {"bindings": [{"port": 80}], "pool": {"shutdown_limit_seconds": 91}}},
            "give it as much",
        ),
        ({"virtual_directory": "../files"}, "virtual_directory"),
    ],
)
def test_what_cannot_be_created_is_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Settings(site="shop", **settings)


# --- one at a time --------------------------------------------------------------------------


class OneAtATime:
    """Stands around the calls of several jobs: IIS refuses a write while another is under way."""

    def __init__(self) -> None:
        self.model = threading.RLock()
        self.writer: int | None = None
        self.refused: list[str] = []
        self.writes: list[tuple[int, str]] = []

    @contextmanager
    def write(self, function: str) -> Iterator[bool]:
        """One write; whether IIS takes it."""
        me = threading.get_ident()
        is_free, self.writer = self.writer is None, me
        self.writes.append((me, function))
        try:
            # Give the others the time to come in between, which the lock has to prevent.
            threading.Event().wait(0.005)
            if not is_free or self.writer != me:
                self.refused.append(function)
            yield is_free
        finally:
            self.writer = None

    def on_call(self, function: str, work: Callable[[], Any]) -> Any:
        """Carry out one of Salt's functions, which is one of several at this time."""
        if not function.startswith(WRITES):
            with self.model:
                return work()
        with self.write(function) as is_taken, self.model:
            return work() if is_taken else False


def test_modules_that_are_deployed_at_once_write_one_after_the_other(
    tmp_path: Path, iis: IisHere
) -> None:
    watch = OneAtATime()
    iis.on_call = watch.on_call
    shops = [
        Shop(
            tmp_path / name,
            iis,
            name,
            site=name,
            create={"bindings": [{"port": port}]},
        )
        for name, port in (("one", 8081), ("two", 8082), ("three", 8083))
    ]
    for shop in shops:
        shop.opts["root_dir"] = str(tmp_path / "minion")
    answers: list[Any] = []

    def deploy(shop: Shop) -> None:
        for version in ("1.0", "1.1"):
            answers.append(shop.deploy(version, module=shop.pool)["outcome"])

    threads = [threading.Thread(target=deploy, args=(one,)) for one in shops]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    wait_until(lambda: not any(one.is_alive() for one in threads), "the end of the deployments", 1)
    assert answers == [SUCCEEDED] * 6
    assert watch.refused == []
    assert len({who for who, _ in watch.writes}) == 3
    for shop in shops:
        assert iis("list_sites")[shop.pool]["sourcepath"].endswith("1.1-2")
        assert iis("list_sites")[shop.pool]["state"] == "Started"


def test_without_the_lock_the_writes_would_meet(tmp_path: Path, iis: IisHere) -> None:
    """The watch above sees what it is there for."""
    watch = OneAtATime()
    iis.on_call = watch.on_call

    def start(home: str) -> None:
        opts = {"root_dir": str(tmp_path / home)}  # each its own lock
        one = Iis(iis.salt, opts, lambda: None, (0.0, 0.0))
        for _ in range(10):
            one.start_pool("DefaultAppPool")

    threads = [threading.Thread(target=start, args=(home,)) for home in ("a", "b")]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert watch.refused
