"""A real master with minions, salt-api that serves the console, and a real Chromium."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from saltfactories.manager import FactoriesManager

from pushguide import loader
from tests.console.browsing import Console, Person, Shop
from tests.console.many_hosts import HOSTS, running_on
from tests.support.need import need
from tests.support.salt_lab import Api, Lab, api_config

MINIONS = ["c1", "c2", "c3", "c4"]
#: Who there is, and what they may do with everything.
PEOPLE = {"olga": "admin", "dan": "deployer", "vera": "viewer"}


# Nothing of this stays once these tests are over: Playwright's event loop, which runs as long as
# it does, would be in the way of every test that has one of its own.


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    need("chromium", chromium, "there is no chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # It runs as root in CI, and without a graphics card.
    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=chromium, args=options)
        yield one
        one.close()


@pytest.fixture(scope="package")
def lab(salt_factories: FactoriesManager) -> Iterator[Lab]:
    """A master that knows four people, and four minions."""
    console = loader.console()
    need("chromium", console, "the console is not built: make console")
    config = api_config("olga", secrets.token_hex(16))
    config["external_auth"]["sharedsecret"] = {one: ["@pushguide"] for one in [*PEOPLE, "nobody"]}
    config["rest_cherrypy"] |= {"app": f"{console}/index.html", "static": console}
    config["pushguide"] = {
        "presence_timeout_seconds": 30,
        "self_service": {
            "hosts": ["c*"],
            "directories": [str(salt_factories.tmp_root_dir)],
            "servers": ["salt://artifacts"],
        },
    }
    config["worker_threads"] = 5
    with Lab(salt_factories, "console", MINIONS, config) as one:
        for person, role in PEOPLE.items():
            one.people.setdefault(role, []).append(person)
        one.write_pillar()
        assert one.run("pushguide.setup").returncode == 1  # no modules yet
        yield one


@pytest.fixture(scope="package")
def salt_api(lab: Lab) -> Iterator[Any]:
    """salt-api of the lab, which a test may restart."""
    one = lab.master.salt_api_daemon()
    with one.started():
        url = f"http://127.0.0.1:{lab.master.config['rest_cherrypy']['port']}"
        lab.api = Api(url, "olga", lab.master.config["sharedsecret"])
        yield one


@pytest.fixture(scope="package")
def shop(lab: Lab, salt_api: Any) -> Shop:
    """A module with a record: versions that succeeded, one that failed, one that waits."""
    return Shop(lab)


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note that a test has failed: what its browsers show then is kept."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
def person(
    browser: Any, lab: Lab, salt_api: Any, pictures: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Person]]:
    """Make a person in front of a browser of their own; what went wrong there fails the test."""
    console = Console(browser, lab)
    yield console.person
    try:
        if request.node.stash.get(_FAILED, False):
            console.picture(pictures, request.node.name)
        console.demand_quiet()
    finally:
        console.close()


@pytest.fixture
def many(lab: Lab, shop: Shop) -> int:
    """A deployment to 500 hosts, which is under way and stands still."""
    return running_on(lab, HOSTS)


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where pictures of the pages are kept, for people to look at."""
    place = Path(os.environ.get("PUSHGUIDE_PICTURES", "build/console"))
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    found = Path(loader.__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
    need("chromium", found.exists(), "axe-core is not there: make console")
    return found.read_text(encoding="utf-8")


@pytest.fixture(scope="package", autouse=True)
def _fonts() -> None:
    """Chinese is looked at, so there has to be a font for it."""
    found = shutil.which("fc-list")
    known = (
        found
        and subprocess.run(
            [found, ":lang=zh"], capture_output=True, text=True, check=False
        ).stdout.strip()
    )
    need("chromium", known, "there is no Chinese font: apt-get install fonts-noto-cjk")
