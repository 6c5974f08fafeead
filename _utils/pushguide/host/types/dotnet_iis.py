"""A .NET application on IIS: a site, an application in one, or a virtual directory.

The release is live when the physical path names its directory. Files that IIS serves are in use,
so none of them is ever changed: IIS is given another path.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, ClassVar

from pushguide.errors import StepFailed
from pushguide.host.base import ProjectType
from pushguide.host.pointer import Pointer
from pushguide.host.steps import Note, skipped, step, unchanged, warning
from pushguide.host.windows import iis_calls
from pushguide.host.windows.iis import STARTED, STOPPED, Iis, Place
from pushguide.host.windows.iis_path import PhysicalPath
from pushguide.host.windows.iis_pool import pool_settings
from pushguide.host.windows.iis_states import States


class DotnetIis(ProjectType):
    """A .NET application on IIS."""

    #: The shortest and the longest wait before IIS is asked or told again.
    pause_seconds: ClassVar[tuple[float, float]] = iis_calls.PAUSE_SECONDS

    # The stages.

    def release(self) -> None:
        """Point IIS at the new release, and let new processes serve it."""
        if not self.is_live_already:
            self.stop_pool()
            self.create()
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
            _all_of(self.switch_back, self.states_back)
            self.served_again()
            self.probe_restored()
        except StepFailed as err:
            raise StepFailed(f"{err} {self.standing()}") from err
        self.put_back_restored()

    # What is meant.

    def make_pointer(self) -> Pointer:
        """The physical path of the site, application or virtual directory."""
        may_be_missing = self.settings.get("create") is not None
        return PhysicalPath(self.place_in_iis, self.iis, may_be_missing, self._is_created_with)

    def _is_created_with(self, path: str) -> bool:
        """Whether a path is this deployment's, or that of an earlier one that could not go back."""
        release = self.journal.release_at(path)
        if release is not None and not release.is_good:
            return True
        return self.journal.target is not None and path == self.new_path

    @functools.cached_property
    def iis(self) -> Iis:
        """IIS on this host."""
        return Iis(self.salt, self.opts, self.between_tries, self.pause_seconds)

    @property
    def place_in_iis(self) -> Place:
        """What serves the module."""
        settings = self.settings
        return Place(
            settings["site"], settings.get("application"), settings.get("virtual_directory")
        )

    @property
    def pool(self) -> str:
        """The application pool that serves the module, or will."""
        place = self.place_in_iis
        found = self.iis.pool_of(place) or self.settings.get("pool")
        if not found:
            found = self.iis.pool_of(place.above) if place.above else place.site
        if not found:
            raise StepFailed(f"IIS has no application pool for {place}.")
        return str(found)

    @property
    def stops(self) -> bool:
        """Whether the pool is stopped for the switch, instead of recycled after it."""
        return self.settings.get("change") == "stop_start"

    @property
    def is_created(self) -> bool:
        """Whether there was nothing before this deployment."""
        return self.saved["pointer"] is None

    # The steps.

    def runtime_is_there(self) -> str:
        """Releases can be made here; IIS has the place and its pool, and neither is broken."""
        self.iis.demand_installed()
        told = super().runtime_is_there()
        self.states.demand_defined(is_there=self.pointer.read() is not None)
        self._doubt_what_was_saved()
        if self.pointer.read() is None:
            return f"{told}; {self.place_in_iis} will be created"
        return f"{told}; {self.place_in_iis} in pool {self.pool}"

    @property
    def states(self) -> States:
        """Of site and pool, what IIS says of them."""
        return States(self.iis, self.place_in_iis.site, self.pool)

    def take_state(self) -> dict[str, Any]:
        """The path, the pool, and the states of site and pool."""
        self.states.demand_defined(is_there=self.pointer.read() is not None)
        pool = self.pool
        return {
            **super().take_state(),
            "pool": pool,
            "pool_state": self.iis.pool_state(pool),
            "site_state": self.iis.site_state(self.place_in_iis.site),
        }

    def _doubt_what_was_saved(self) -> None:
        """Look again, where a deployment that could not go back saw nothing and something is."""
        saved = self.journal.saved
        if saved is None or saved["pointer"] is not None:
            return
        found = self.pointer.read()
        if found is not None and not self._is_created_with(found):
            saved.update(self.take_state())

    @step(changes=True)
    def stop_pool(self) -> Note | str | None:
        """Stop the pool and wait until its processes have ended, if the template says so."""
        if not self.stops:
            return skipped("the pool is recycled after the switch")
        if self.is_created:
            return skipped("there is nothing to switch yet")
        pool = self.pool
        if self.iis.pool_state(pool) == STOPPED:
            return unchanged(f"pool {pool} is stopped")
        workers = self.iis.workers(pool)
        self.iis.stop_pool(pool)
        self._demand_end_of(pool, workers)
        return f"pool {pool} stopped"

    @step(changes=True)
    def create(self) -> Note | str | None:
        """Create what is missing, where the template says how."""
        create = self.settings.get("create")
        if not create or not self.is_created:
            return unchanged(f"{self.place_in_iis} is there")
        pool = self.saved["pool"]
        if self.saved["pool_state"] is None:
            self.iis.create_pool(pool, pool_settings(create["pool"]))
        found = self.pointer.read()
        if found not in (None, self.new_path) and self._is_created_with(str(found)):
            self.iis.set_path(self.place_in_iis, self.new_path)
        self.iis.create(self.place_in_iis, self.new_path, pool, create["bindings"])
        return f"{self.place_in_iis} in pool {pool}"

    @step(changes=True)
    def recycle(self) -> Note | str | None:
        """Let new processes take over, and wait until the old ones have ended."""
        if self.is_created:
            return skipped("no process has served anything else")
        if self.stops:
            return skipped("the pool was stopped")
        return self._recycle(self.pool)

    def _recycle(self, pool: str) -> Note | str:
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
        if self.iis.pool_state(pool) == STOPPED:
            raise StepFailed(
                f"The processes {who} of the application pool live {within:g} s after its stop: "
                "they hold files of the old release. Look at what keeps them (shutdownTimeLimit)."
            )
        if not self.iis.workers(pool) - workers:
            raise StepFailed(
                f"The application pool {pool} was recycled, and {within:g} s later there are only "
                f"its old processes {who}: they serve the old release. Look at the event log."
            )
        return warning(f"the old processes {who} live still {within:g} s later; IIS will end them")

    @step(changes=True)
    def start(self) -> Note | str | None:
        """Start pool and site, if they do not run."""
        pool, site = self.pool, self.place_in_iis.site
        started = []
        if self.iis.pool_state(pool) != STARTED:
            self.iis.start_pool(pool)
            started.append(f"pool {pool}")
        if self.iis.site_state(site) != STARTED:
            self.iis.start_site(site)
            started.append(f"site {site}")
        return f"{' and '.join(started)} started" if started else unchanged("both run")

    @step(changes=False, looks=True)
    def served(self) -> Note | str | None:
        """Prove that IIS has the new path and is started: that it was told to is not enough."""
        return self._served(self.new_path)

    def _served(self, path: str) -> str:
        self.iis.forget()
        wrong = self.states.told(lambda state: state != STARTED)
        found = self.pointer.read()
        if found != os.path.normpath(path):
            wrong = ", ".join(filter(None, [wrong, f"{self.place_in_iis} has the path {found}"]))
        if wrong:
            raise StepFailed(f"IIS does not serve {path}: {wrong}. Look at the event log.")
        return f"{self.place_in_iis} is started with {path}"

    # The steps of restore.

    @step(changes=True)
    def states_back(self) -> Note | str | None:
        """Put pool and site into the states that they had, serving the old path."""
        saved, told = self.saved, []
        pool, before = saved["pool"], saved["pool_state"]
        if before is None:
            gone = self.iis.remove_unused_pool(pool)
            told.append(f"pool {pool} {'removed' if gone else 'stays: others use it'}")
        elif before == STARTED:
            if self.iis.pool_state(pool) != STARTED:
                self.iis.start_pool(pool)
                told.append(f"pool {pool} started")
            elif not self.is_created:
                told.append(_detail(self._recycle(pool)))
        elif self.iis.pool_state(pool) != STOPPED:
            self.iis.stop_pool(pool)
            told.append(f"pool {pool} stopped, as it was before")
        site = States(self.iis, self.place_in_iis.site, pool).put_site_back(saved["site_state"])
        return ", ".join([*told, *site])

    @step(changes=False, looks=True)
    def served_again(self) -> Note | str | None:
        """Prove that IIS serves what it served before."""
        if self.is_created:
            return skipped("there was nothing before")
        if not self.ran_before:
            return skipped("it did not run before")
        return self._served(self.saved["pointer"])

    @step(changes=False, looks=True)
    def probe_restored(self) -> Note | str | None:
        """Prove that what ran before runs again."""
        if self.saved["version"] is None:
            return skipped("no release of ours ran here before")
        if not self.ran_before:
            return skipped("it did not run before")
        return self.ask(self.saved["probe"], self.saved["version"])

    @property
    def ran_before(self) -> bool:
        """Whether pool and site ran before."""
        return {self.saved["pool_state"], self.saved["site_state"]} == {STARTED}

    def standing(self) -> str:
        """In which state IIS is, in words."""
        self.iis.forget()
        try:
            path = self.iis.path(self.place_in_iis)
            return f"IIS tells: {self.place_in_iis} has the path {path}; {self.states.told()}."
        except StepFailed as err:
            return f"In which state IIS is cannot be told: {err}"


def _detail(told: Note | str) -> str:
    return told.detail if isinstance(told, Note) else told


def _all_of(*steps: Callable[[], None]) -> None:
    """Do each of the steps, even if one before has failed; then say what failed."""
    failures = []
    for one in steps:
        try:
            one()
        except StepFailed as err:
            failures.append(err)
    if failures:
        raise StepFailed(" ".join(map(str, failures))) from failures[0]
