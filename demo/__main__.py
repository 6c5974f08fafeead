"""The main job, for real: three hosts, good and bad versions, and the ways back.

Starts a private master, three minions and salt-api as the current user, deploys, fails, goes
back, and prints what a user would see. KEEP=1 leaves everything running.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from typing import Any

from demo.daemons import LabError, free_port
from demo.lab import Lab

HOSTS = ("web1", "web2", "web3")
MODULE = "shop-web"


class Demo:
    """The story, told on a lab."""

    def __init__(self) -> None:
        self.modules: dict[str, Any] = {}
        self.ports = {host: free_port() for host in HOSTS}
        grains = {host: {"shop_port": port} for host, port in self.ports.items()}
        self.lab = Lab(HOSTS, self.modules, with_api=True, grains=grains)
        self.modules[MODULE] = {
            "type": "static_site",
            "description": "The shop's pages, behind a web server on each host",
            "root": str(self.lab.top / "srv" / "{id}" / MODULE),
            "source": {"directory": str(self.lab.artifacts), "url": "salt://artifacts"},
            "probe": {
                "url": "http://127.0.0.1:{grain.shop_port}/health.txt",
                "text": "shop {version} is well",
                "within_seconds": 3,
                "interval_seconds": 0.5,
            },
            "environments": {"production": {"hosts": "web*"}},
        }

    def tell(self) -> None:
        """The whole story; raises LabError where it goes otherwise than it should."""
        self.build_versions()
        for host in HOSTS:
            site = self.lab.top / "srv" / host / MODULE / "live"
            self.lab.serve(site, self.ports[host])
        say("What can be deployed, and what CI has built")
        self.show("pushguide.versions", MODULE)
        say("What would happen: nothing is touched")
        self.show_plan("1.0.0")
        say("The first version")
        self.deploy("1.0.0", "succeeded")
        say("The next one")
        self.deploy("1.1.0", "succeeded")
        say("One whose health check fails: every host goes back by itself")
        self.deploy("1.2.0", "rolled_back")
        self.demand_live("1.1.0")
        say("It is marked bad now: who wants it has to mean it, and a canary spares the others")
        self.refused("1.2.0")
        self.deploy("1.2.0", "rolled_back", "force=True", "strategy={canary: 1, batch: 1}")
        self.demand_live("1.1.0")
        say("A good one, which waits after its canary until somebody has looked at it")
        self.with_canary("1.3.0")
        say("Back to an earlier version by choice, out of the kept releases")
        self.go("pushguide.rollback", f"module={MODULE}", "version=1.0.0")
        self.demand_live("1.0.0")
        say("The same deployment of 1.1.0 once more, from an orchestration file")
        self.orchestrate("1.1.0")
        self.go("pushguide.rollback", f"module={MODULE}", quiet=True)
        self.demand_live("1.0.0")
        say("And once more through salt-api")
        self.through_api("1.1.0")
        say("What has happened")
        self.history()
        say("The same in a browser: salt-api serves the console")
        self.console()

    # The scenes.

    def build_versions(self) -> None:
        """What CI does: one archive and its sha256 for each version; 1.2.0 is not well."""
        for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
            health = f"shop {version} is {'ill' if version == '1.2.0' else 'well'}\n"
            page = f"<h1>The shop, version {version}</h1>\n"
            self.lab.publish(MODULE, version, {"index.html": page, "health.txt": health})

    def show(self, function: str, *arguments: str) -> None:
        """Run a function and print what Salt prints."""
        print(command_line(function, *arguments))
        print(self.lab.call("salt-run", function, *arguments).stdout)

    def show_plan(self, version: str) -> None:
        """A plan, in short."""
        arguments = (f"module={MODULE}", f"version={version}")
        print(command_line("pushguide.plan", *arguments))
        plan = self.lab.run("pushguide.plan", *arguments)
        print(f"hosts:    {', '.join(plan['hosts'])}")
        print(f"artifact: {plan['artifact']['size']} bytes from {plan['artifact']['url']}")
        for leg in plan["legs"]:
            print(f"one job:  {' > '.join(leg['stages'])}")
        for host, files in plan["files"].items():
            counts = ", ".join(f"{kind} {one['count']}" for kind, one in files.items())
            print(f"files:    {host}: {counts}")
        print(f"risks:    {'; '.join(plan['risks']) or 'none known'}")

    def refused(self, version: str) -> None:
        """A deployment that is refused, with its reason."""
        arguments = (f"module={MODULE}", f"version={version}")
        print(command_line("pushguide.deploy", *arguments))
        answer = self.lab.run("pushguide.deploy", *arguments, check=False)
        if "refused" not in answer:
            raise LabError(f"{version} should have been refused: {answer}")
        print("\n".join(answer["problems"]))

    def with_canary(self, version: str) -> None:
        """A deployment that stands still after one host, until somebody confirms."""
        arguments = (f"module={MODULE}", f"version={version}", "strategy={canary: 1}")
        answer = self.go("pushguide.deploy", *arguments)
        if answer["state"] != "paused":
            raise LabError(f"{version} should be paused after its canary: {answer}")
        done = self.go("pushguide.confirm", str(answer["deployment"]), "reason=looks well")
        if done["state"] != "succeeded":
            raise LabError(f"{version} should have gone on to its end: {done}")
        self.demand_live(version)

    def deploy(self, version: str, wanted: str, *more: str) -> None:
        """Deploy through salt-run, with its live progress, and compare the end."""
        answer = self.go("pushguide.deploy", f"module={MODULE}", f"version={version}", *more)
        if answer["state"] != wanted:
            raise LabError(f"{version} should have ended as {wanted}: {answer}")
        if wanted == "succeeded":
            self.demand_live(version)

    def go(self, function: str, *arguments: str, quiet: bool = False) -> dict[str, Any]:
        """Run a deployment in the foreground and print its summary."""
        print(command_line(function, *arguments), flush=True)
        answer: dict[str, Any] = self.lab.run(function, *arguments, check=False, live=not quiet)
        if "summary" not in answer:
            raise LabError(f"{function} answered {answer}")
        print(answer["summary"])
        print(f"exit code {answer['retcode']}")
        return answer

    def orchestrate(self, version: str) -> None:
        """Deploy from an orchestration file."""
        order = json.dumps({"pushguide": {"order": {"module": MODULE, "version": version}}})
        arguments = ("orch.deploy", f"pillar={order}")
        print(f"$ salt-run state.orchestrate orch.deploy pillar='{order}'")
        self.lab.call("salt-run", "state.orchestrate", *arguments)
        self.last_summary()
        self.demand_live(version)

    def through_api(self, version: str) -> None:
        """Deploy through salt-api, with curl where it is installed."""
        url = self.lab.api_url
        login = {"username": self.lab.api_user, "password": "...", "eauth": "sharedsecret"}
        low = [
            {
                "client": "runner",
                "fun": "pushguide.deploy",
                "kwarg": {"module": MODULE, "version": version},
            }
        ]
        print(f"$ curl -s {url}/login -H 'Content-Type: application/json' -d '{json.dumps(login)}'")
        credentials = {**login, "password": self.lab.api_secret}
        token = post(f"{url}/login", credentials, {})["return"][0]["token"]
        print(
            f"$ curl -s {url}/ -H 'X-Auth-Token: ...' -H 'Content-Type: application/json' "
            f"-d '{json.dumps(low)}'"
        )
        answer = post(f"{url}/", low, {"X-Auth-Token": token})["return"][0]
        print(answer.get("summary", answer))
        self.demand_live(version)

    def last_summary(self) -> None:
        """The summary of the newest deployment."""
        newest = self.lab.run("pushguide.history", "limit=1")[0]["deployment"]
        print(self.lab.run("pushguide.show", str(newest))["summary"])

    def history(self) -> None:
        """Every deployment, a line each."""
        print(command_line("pushguide.history"))
        for one in self.lab.run("pushguide.history"):
            number, seconds = one["deployment"], one["seconds"]
            print(
                f"#{number}  {one['kind']:<9} {one['version']}  {one['state']:<12} {seconds:.1f} s"
            )

    def console(self) -> None:
        """Fetch what a browser would, and look whether it is the console."""
        request = urllib.request.Request(self.lab.api_url, headers={"Accept": "text/html"})
        with urllib.request.urlopen(request, timeout=5) as response:
            page = response.read().decode()
        if "<title>pushguide</title>" not in page:
            raise LabError(f"{self.lab.api_url} should be the console, it is {page[:200]}")
        print(f"{self.lab.api_url} (KEEP=1 leaves it running)")

    def demand_live(self, version: str) -> None:
        """Ask every host what it serves, and compare."""
        for host, port in self.ports.items():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
                page = response.read().decode().strip()
            print(f"{host} serves {page}")
            if version not in page:
                raise LabError(f"{host} should serve {version}, it serves {page}")


def say(headline: str) -> None:
    """A headline of the story."""
    print(f"\n== {headline}", flush=True)


def command_line(function: str, *arguments: str) -> str:
    """What somebody would type."""
    return f"$ salt-run {shlex.join((function, *arguments))}"


def post(url: str, data: Any, headers: dict[str, str]) -> Any:
    """POST JSON, with curl if there is one; secrets go over its standard input."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    if not shutil.which("curl"):
        request = urllib.request.Request(url, json.dumps(data).encode(), headers)
        with urllib.request.urlopen(request, timeout=300) as response:
            return json.load(response)
    lines = [f'url = "{url}"', "silent", "show-error", f"data = {json.dumps(json.dumps(data))}"]
    lines += [f'header = "{name}: {value}"' for name, value in headers.items()]
    done = subprocess.run(
        ["curl", "--config", "-"],
        input="\n".join(lines),
        text=True,
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


def keep(lab: Lab) -> None:
    """Say how to talk to what is left running, and how to end it."""
    groups = " ".join(f"-{process.pid}" for process in lab.processes.values())
    print(
        f"\nEverything goes on running in {lab.top}. Talk to it:\n"
        f"  {' '.join(lab.command('salt-run', 'pushguide.status'))}\n"
        f"  the console and salt-api: {lab.api_url}, user {lab.api_user}, eauth sharedsecret, "
        f"password {lab.api_secret}\n"
        f"End it:\n  kill -- {groups}; rm -r {lab.top}"
    )


def main() -> int:
    """Tell the story; the exit code says whether it went as it should."""
    started = time.monotonic()
    demo = Demo()
    say("Starting a private master, three minions and salt-api")
    try:
        demo.lab.start()
        demo.tell()
        print(f"\nAll as it should be, in {time.monotonic() - started:.0f} s.")
        if os.environ.get("KEEP"):
            keep(demo.lab)
            demo.lab.processes.clear()
            return 0
    except LabError as err:
        print(f"\nThe demo went wrong: {err}", file=sys.stderr)
        return 1
    finally:
        if demo.lab.processes:
            demo.lab.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
