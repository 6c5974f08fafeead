"""A .NET application on IIS: a site, or an application in one.

The release is live when the physical path names its directory. Files that IIS serves are in use,
so none of them is ever changed: IIS is given another path.
"""

from __future__ import annotations

import functools
import ntpath
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host.base import ProjectType
from pushguide.host.pointer import Pointer
from pushguide.host.steps import Note, skipped, step, unchanged, warning
from pushguide.host.windows.iis import STARTED, STOPPED, Iis, Place

#: A state that IIS gives what is set up wrongly.
_UNDEFINED = "Undefined"


class PhysicalPath:
    """The live pointer of what IIS serves.

    Args:
        place: what has the path.
        iis: IIS.
        may_be_missing: whether it is created where there is none.
    """

    def __init__(self, place: Place, iis: Iis, may_be_missing: bool) -> None:
        self.place = place
        self.iis = iis
        self.may_be_missing = may_be_missing

    def __str__(self) -> str:
        return f"IIS {self.place}"

    def check(self) -> None:
        """Prove that there is something to point with.

        Raises:
            StepFailed: IIS has no such place.
        """
        if self.read() is None and not self.may_be_missing:
            raise StepFailed(
                f"IIS has no {self.place} on this host: create it with your configuration "
                "management, or let the template do so (create, for sites)."
            )

    def read(self) -> str | None:
        """The physical path."""
        found = self.iis.path(self.place)
        return ntpath.normpath(found) if found else found

    def point_at(self, path: str) -> None:
        """Give IIS another physical path, and read back that it has it."""
        self.iis.set_path(self.place, path)

    def to(self, path: str) -> str:
        """The saved form of a physical path."""
        return path

    def save(self) -> str | None:
        """The physical path as IIS has it; it may hold variables such as %SystemDrive%."""
        return self.iis.path(self.place)

    def restore(self, saved: str | None) -> None:
        """Put the physical path back, or remove the site that was created."""
        if saved is not None:
            self.iis.set_path(self.place, saved)
        elif self.may_be_missing and self.read() is not None:
            self.iis.remove_site(self.place.site)


class DotnetIis(ProjectType):
    """A .NET application on IIS."""

    # The stages.

    def release(self) -> None:
        """Point IIS at the new release, and let new processes serve it."""
        if not self.is_live_already:
            self.stop_pool()
            self.create_site()
            self.switch()
            self.recycle()
        self.start()

    def post_release(self) -> None:
        """Prove that IIS serves, then what every type proves."""
        self.served()
        super().post_release()

    def restore(self) -> None:
        """Point back, and put pool and site into the states that they had."""
        self.settings = self.saved["settings"]
        try:
            self.switch_back()
        finally:
            self.recycle_back()
        if self.saved["version"] is not None:
            self.served()
        self.probe_restored()
        self.put_back_restored()

    # What is meant.

    def make_pointer(self) -> Pointer:
        """The physical path of the site or application."""
        may_be_missing = self.place_in_iis == Place(self.settings["site"]) and bool(
            self.settings.get("create")
        )
        return PhysicalPath(self.place_in_iis, self.iis, may_be_missing)

    @functools.cached_property
    def iis(self) -> Iis:
        """IIS on this host."""
        return Iis(self.salt, self.opts, self.between_tries)

    @property
    def place_in_iis(self) -> Place:
        """What serves the module."""
        return Place(self.settings["site"], self.settings.get("application"))

    @property
    def pool(self) -> str:
        """The application pool that serves the module."""
        found = self.iis.pool_of(self.place_in_iis)
        name = found or self.settings.get("pool")
        if not name:
            raise StepFailed(f"IIS has no application pool for {self.place_in_iis}.")
        return str(name)

    @property
    def stops(self) -> bool:
        """Whether the pool is stopped for the switch, instead of recycled after it."""
        return self.settings.get("change") == "stop_start"

    # The steps.

    def runtime_is_there(self) -> str:
        """Releases can be made here; IIS has the site and its pool, and neither is broken."""
        told = super().runtime_is_there()
        if self.pointer.read() is None:
            return f"{told}; {self.place_in_iis} will be created"
        pool = self.pool
        states = {
            f"site {self.settings['site']}": (self.iis.site(self.settings["site"]) or {}).get(
                "state"
            ),
            f"application pool {pool}": self.iis.pool_state(pool),
        }
        broken = [
            f"{name} is {state or 'missing'}"
            for name, state in states.items()
            if state in (None, "", _UNDEFINED)
        ]
        if broken:
            raise StepFailed(
                f"IIS cannot serve: {', '.join(broken)}. Its configuration is wrong: look at "
                "applicationHost.config and the event log."
            )
        return f"{told}; {self.place_in_iis} in pool {pool}"

    def take_state(self) -> dict[str, Any]:
        """The path, the pool, and the states of both."""
        state = super().take_state()
        site = self.iis.site(self.settings["site"])
        if site is None:
            return {**state, "pool": None, "pool_state": None, "site_state": None}
        pool = self.pool
        return {
            **state,
            "pool": pool,
            "pool_state": self.iis.pool_state(pool),
            "site_state": site["state"],
        }

    @step(changes=True)
    def stop_pool(self) -> Note | str | None:
        """Stop the pool and wait until its processes have ended, if the template says so."""
        if not self.stops:
            return skipped("the pool is recycled after the switch")
        if self.pointer.read() is None:
            return skipped("there is none yet")
        pool = self.pool
        if self.iis.pool_state(pool) == STOPPED:
            return unchanged(f"pool {pool} is stopped")
        workers = self.iis.workers(pool)
        self.iis.stop_pool(pool)
        self._demand_end_of(pool, workers)
        return f"pool {pool} stopped"

    @step(changes=True)
    def create_site(self) -> Note | str | None:
        """Create the site and its pool, where the template says how and there is none."""
        site, create = self.settings["site"], self.settings.get("create")
        if not create or self.iis.site(site) is not None:
            return unchanged(f"site {site} is there")
        pool = self.settings.get("pool") or site
        first, *others = create["bindings"]
        self.iis.create_site(site, self.new_path, pool, first)
        for binding in others:
            self.iis.add_binding(site, binding)
        self.iis.set_pool(pool, _pool_settings(create["pool"]))
        return f"site {site} in pool {pool}"

    @step(changes=True)
    def recycle(self) -> Note | str | None:
        """Let new processes take over, and wait until the old ones have ended."""
        if self.stops:
            return skipped("the pool was stopped")
        return self._recycle()

    def _recycle(self) -> Note | str:
        pool = self.pool
        if self.iis.pool_state(pool) != STARTED:
            return unchanged(f"pool {pool} does not run")
        workers = self.iis.workers(pool)
        self.iis.recycle(pool)
        return self._demand_end_of(pool, workers) or f"pool {pool} recycled"

    def _demand_end_of(self, pool: str, workers: set[int]) -> Note | None:
        """Wait until processes that serve the old release have ended."""
        within = float(self.settings.get("stop_timeout_seconds", 90))
        left = self.iis.wait_for_the_end_of(pool, workers, within)
        if not left:
            return None
        who = ", ".join(map(str, sorted(left)))
        if self.stops:
            raise StepFailed(
                f"The processes {who} of the application pool live {within:g} s after its stop: "
                "they hold files of the old release. Look at what keeps them (shutdownTimeLimit)."
            )
        return warning(f"the old processes {who} live still {within:g} s later; IIS will end them")

    @step(changes=True)
    def start(self) -> Note | str | None:
        """Start pool and site, if they do not run."""
        return self._start(self.pool, self.settings["site"])

    def _start(self, pool: str, site: str) -> Note | str:
        started = []
        if self.iis.pool_state(pool) != STARTED:
            self.iis.start_pool(pool)
            started.append(f"pool {pool}")
        if (self.iis.site(site) or {}).get("state") != STARTED:
            self.iis.start_site(site)
            started.append(f"site {site}")
        return f"{' and '.join(started)} started" if started else unchanged("both run")

    @step(changes=False, looks=True)
    def served(self) -> Note | str | None:
        """Prove that IIS calls pool and site started: that it was told to is not enough."""
        self.iis.forget()
        pool, site = self.pool, self.settings["site"]
        found = {
            f"site {site}": (self.iis.site(site) or {}).get("state"),
            f"application pool {pool}": self.iis.pool_state(pool),
        }
        wrong = [
            f"{name} is {state or 'missing'}" for name, state in found.items() if state != STARTED
        ]
        if wrong:
            raise StepFailed(f"IIS does not serve: {', '.join(wrong)}. Look at the event log.")
        return f"{self.place_in_iis} is started"

    @step(changes=True)
    def recycle_back(self) -> Note | str | None:
        """Put pool and site into the states that they had before, serving the old path."""
        saved = self.saved
        if saved.get("pool") is None:
            return unchanged("there was no site before")
        if saved["pool_state"] != STARTED:
            return unchanged(f"pool {saved['pool']} did not run before")
        told = self._recycle()
        self._start(saved["pool"], self.settings["site"])
        return told


def _pool_settings(pool: dict[str, Any]) -> dict[str, Any]:
    """The settings of a new application pool, as IIS names them."""
    return {
        "managedRuntimeVersion": pool["runtime"],
        "processModel.identityType": pool["identity"],
        "enable32BitAppOnWin64": pool["only_32_bit"],
    }
