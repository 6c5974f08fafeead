"""Two masters, hot and hot: one dies in the middle of a deployment, and the other one ends it.

Starts two private masters and four minions as the current user, with one database.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

from demo.daemons import LabError, wait_for
from demo.pair import MASTERS, Pair

HOSTS = ("sh1", "sh2", "bj1", "bj2")
MODULE = "shop-web"
SHANGHAI, BEIJING = MASTERS


class Demo:
    """The story, told on two masters."""

    def __init__(self) -> None:
        self.modules: dict[str, Any] = {}
        addresses = {SHANGHAI: "127.0.0.1", BEIJING: "127.0.0.2"}
        settings = {"lease_seconds": 5, "silence_seconds": 2, "presence_timeout_seconds": 15}
        self.pair = Pair(HOSTS, self.modules, addresses, settings=settings)
        self.slow = self.pair.top / "slow"
        self.modules[MODULE] = {
            "type": "static_site",
            "root": str(self.pair.top / "srv" / "{id}" / MODULE),
            "source": {"directory": str(self.pair.artifacts), "url": "salt://artifacts"},
            "data_centre": "shanghai",
            "strategy": {"batch": 1, "interval_seconds": 3},
            "environments": {"production": {"hosts": "*"}},
        }

    def tell(self) -> None:
        """The whole story; raises LabError where it goes otherwise than it should."""
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            self.pair.publish(MODULE, version, {"index.html": f"<h1>The shop, {version}</h1>\n"})
        say("Deployed on the master of Shanghai, whose data centre the template names")
        self.deploy(SHANGHAI, "1.0.0")
        say("The same on the master of Beijing: it leaves the work to Shanghai, and waits for it")
        self.deploy(BEIJING, "1.1.0")
        say("Once more; and Shanghai's master dies, all at once, when the first host is done")
        number = self.die_in_the_middle("1.2.0")
        say("Beijing's engine sees that nobody drives it, and goes on")
        wait_for(lambda: self.state(number) == "succeeded", 120, "the end of the deployment")
        shown = self.pair.run(BEIJING, "pushguide.show", str(number))
        print(shown["summary"])
        self.tell_drives(shown)
        if [one["master"] for one in shown["drives"]] != [SHANGHAI, BEIJING]:
            raise LabError(f"it should have been driven by both: {shown['drives']}")
        self.demand_live("1.2.0")
        say("Shanghai's master comes back: the two are one system again")
        self.pair.start_master(SHANGHAI)
        wait_for(lambda: self.pair.all_answer(SHANGHAI), 120, "an answer of every host")
        done = self.pair.call(SHANGHAI, "salt-run", "pushguide.history", f"module={MODULE}")
        print(done.stdout)

    def deploy(self, master: str, version: str) -> None:
        """Deploy on a master, and compare the end."""
        print(f"{master}$ salt-run pushguide.deploy module={MODULE} version={version}", flush=True)
        arguments = (f"module={MODULE}", f"version={version}", "strategy={interval_seconds: 0}")
        answer = self.pair.run(master, "pushguide.deploy", *arguments, check=False, live=True)
        if answer.get("state") != "succeeded":
            raise LabError(f"{version} should have succeeded: {answer}")
        print(answer["summary"])
        self.tell_drives(answer)
        self.demand_live(version)

    @staticmethod
    def tell_drives(shown: dict[str, Any]) -> None:
        """Who has driven a deployment."""
        for one in shown["drives"]:
            print(f"driven by {one['master']} since {one['since']}, fencing token {one['token']}")

    def die_in_the_middle(self, version: str) -> int:
        """Kill a master and the deployment that runs there, when one host has the new version."""
        words = (f"module={MODULE}", f"version={version}")
        command = self.pair.command(SHANGHAI, "salt-run", "pushguide.deploy", *words)
        silent = subprocess.DEVNULL
        runner = subprocess.Popen(command, stdout=silent, stderr=silent, start_new_session=True)
        lives = lambda: [self.live(host) for host in HOSTS]  # noqa: E731 - one line is enough
        wait_for(lambda: any(version in one for one in lives()), 60, "the first host")
        for process in (runner, self.pair.processes[SHANGHAI]):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        print(f"{SHANGHAI} is dead; the hosts have: {', '.join(lives())}")
        newest = self.pair.run(BEIJING, "pushguide.history", f"module={MODULE}", "limit=1")
        return int(newest[0]["deployment"])

    def state(self, number: int) -> str:
        """The state of a deployment, as Beijing knows it."""
        return str(self.pair.run(BEIJING, "pushguide.show", str(number), check=False)["state"])

    def live(self, host: str) -> str:
        """What a host serves."""
        page = self.pair.top / "srv" / host / MODULE / "live" / "index.html"
        return page.read_text().strip() if page.exists() else "nothing"

    def demand_live(self, version: str) -> None:
        """Look at the disk of every host."""
        lives = {host: self.live(host) for host in HOSTS}
        if not all(version in one for one in lives.values()):
            raise LabError(f"every host should have {version}: {lives}")
        print(f"on disk: {', '.join(f'{host} has {version}' for host in lives)}")


def say(text: str) -> None:
    """A heading."""
    print(f"\n== {text}", flush=True)


def main() -> int:
    """Tell the story."""
    demo = Demo()
    print("Starting two masters with one key and one database, and four minions ...", flush=True)
    try:
        with demo.pair:
            demo.tell()
    except LabError as err:
        print(f"\nThe demo went wrong: {err}", file=sys.stderr)
        return 1
    print("\nDone: one of two masters was lost in mid-deployment, and nothing else was.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
