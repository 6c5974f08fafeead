"""People in front of browsers, and the modules that they look at."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.salt_lab import Lab, Module

#: What a browser says of a request that got no answer: where that is meant, it is no defect.
_AWAY = re.compile(
    r"Failed to load resource: (net::ERR_|the server responded with a status of (401|50\d))"
)
ANSWER_MS = 60_000


class Shop:
    """Modules with a record.

    Attributes:
        web: a module whose version 1.2.0 is ill.
        pay: a module whose deployments have to be approved.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        environments = {
            "production": {"hosts": ["c1", "c2", "c3"], "default": True},
            "staging": {"hosts": "c4"},
        }
        self.web = lab.define(
            "shop-web",
            environments=environments,
            probe=True,
            description="The shop's pages",
            strategy={"batch": 1, "after_canary": "resume"},
        )
        self.pay = lab.define(
            "pay-site",
            hosts=["c4"],
            description="Payments",
            approval={"needed": True, "by_another": False},
        )
        self.web.publish("1.0.0", "1.1.0", "1.3.0", "1.4.0")
        self.web.publish_one("1.2.0", {"health": "ill\n"})
        self.pay.publish("2.0.0")
        assert self.web.deploy("1.0.0").data["state"] == "succeeded"
        self.failed = int(self.web.deploy("1.2.0").data["deployment"])
        assert self.web.deploy("1.1.0").data["state"] == "succeeded"
        self.pending = int(self.pay.deploy("2.0.0").data["deployment"])

    def paused(self, name: str, hosts: list[str]) -> tuple[Module, int]:
        """A module of which a deployment waits after its canary; with its number."""
        module = self.module(name, hosts=hosts, strategy={"canary": 1, "prepare": "with_release"})
        module.publish("1.0.0")
        told = module.deploy("1.0.0").data
        assert told["state"] == "paused"
        return module, int(told["deployment"])

    def module(self, name: str, **template: Any) -> Module:
        """Another module, which a test may do with what it likes."""
        return self.lab.define(name, **template)


class Person:
    """Somebody with a browser.

    Attributes:
        page: what they see.
    """

    def __init__(self, console: Console, name: str, context: Any) -> None:
        self.console = console
        self.name = name
        self.context = context
        self.page = context.new_page()
        self.page.set_default_timeout(ANSWER_MS)
        self.said: list[str] = []
        #: Whether requests are meant to fail for a while.
        self.expects_trouble = False
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda err: self.said.append(f"error: {err}"))

    def _hear(self, message: Any) -> None:
        if message.type not in ("error", "warning"):
            return
        if self.expects_trouble and _AWAY.match(message.text):
            return
        self.said.append(f"{message.type}: {message.text}")

    def go(self, path: str) -> Person:
        """Open a page of the console, and wait until it shows what it has to show."""
        self.page.goto(f"{self.console.url}/#{path}")
        return self.settle(path)

    def settle(self, path: str | None = None) -> Person:
        """Wait until nothing is being loaded any more."""
        where = f"[data-path={json.dumps(path.partition('?')[0])}]" if path else ""
        self.page.locator(f"main{where}[aria-busy=false]").wait_for()
        return self

    def sign_in(self, password: str | None = None) -> Person:
        """Sign in, from whatever page asks for it."""
        self.page.fill("#username", self.name)
        self.page.fill("#password", password or self.console.secret)
        self.page.fill("#eauth", "sharedsecret")
        self.page.locator("form.door__card button.button--main").click()
        return self

    def enter(self, path: str = "/") -> Person:
        """Open the console, sign in, and go to a page."""
        self.page.goto(f"{self.console.url}/#{path}")
        self.sign_in()
        self.page.locator("nav.nav").wait_for()
        return self.settle(path)

    def press(self, name: str) -> None:
        """Press a button, by its words."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def go_ahead(self, button: str, module: str) -> None:
        """Press the button of a plan and say yes: with the module's name where it is dangerous."""
        self.page.get_by_role("button", name=button).click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name=button).wait_for()
        name = dialog.get_by_label(f"Type {module} to go on")
        if name.count():
            name.fill(module)
        dialog.get_by_role("button", name=button).click()

    def state(self, word: str, timeout: float = ANSWER_MS) -> None:
        """Wait until the deployment that is looked at has come to a state."""
        place = self.page.locator("section.card [role=status] .badge").first
        place.filter(has_text=re.compile(f"^{word}$")).wait_for(timeout=timeout)


class Console:
    """The console of a lab, and the people in front of it.

    Args:
        browser: Chromium.
        lab: the lab, with salt-api.
    """

    def __init__(self, browser: Any, lab: Lab) -> None:
        assert lab.api
        self.browser = browser
        self.url = lab.api.url
        self.secret = lab.master.config["sharedsecret"]
        self.people: list[Person] = []

    def person(self, name: str = "olga", **options: Any) -> Person:
        """Somebody with a browser of their own."""
        given = {"locale": "en-US", "viewport": {"width": 1280, "height": 860}, **options}
        one = Person(self, name, self.browser.new_context(**given))
        self.people.append(one)
        return one

    def demand_quiet(self) -> None:
        """No page may have complained."""
        said = [line for one in self.people for line in one.said]
        assert not said, said

    def close(self) -> None:
        """Close all browsers."""
        for one in self.people:
            one.context.close()

    def picture(self, place: Path, test: str) -> None:
        """Keep what everybody saw last."""
        for one in self.people:
            name = re.sub(r"[^\w-]+", "-", f"failed-{test}-{one.name}")
            if not one.page.is_closed():
                one.page.screenshot(path=place / f"{name}.png", full_page=True)
