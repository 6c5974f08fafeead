"""IIS on this host, through Salt's own ``win_iis``.

Its functions say that they succeeded where nothing changed, and IIS refuses a write while another
one is under way. So writes go one after the other on a host, each is read back, and is tried again
a few times.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from salt.exceptions import CommandExecutionError, SaltInvocationError

from pushguide.errors import StepFailed
from pushguide.host import process
from pushguide.host.file_lock import locked
from pushguide.host.journal import state_dir
from pushguide.host.waiting import BetweenTries, pause

STARTED, STOPPED = "Started", "Stopped"
_WRITES_AT_MOST = 5
_QUESTIONS_AT_MOST = 3
_PAUSE_SECONDS = (1.0, 3.0)
_LOCK_SECONDS = 300.0
_HOLDS_SECONDS = 5.0


class Place(NamedTuple):
    """What has a physical path: a site, or an application in it.

    Attributes:
        site: the site's name.
        application: the application's path without its slash; None for the site's own.
    """

    site: str
    application: str | None = None

    def __str__(self) -> str:
        return f"{self.site}/{self.application}" if self.application else self.site


class Iis:
    """IIS of this host.

    Args:
        salt: Salt's execution modules.
        opts: the minion's configuration.
        between_tries: called while waiting; what it raises ends the wait.
    """

    def __init__(
        self, salt: Mapping[str, Any], opts: Mapping[str, Any], between_tries: BetweenTries
    ) -> None:
        self.salt = salt
        self.opts = opts
        self.between_tries = between_tries
        #: What IIS said, and when: each question starts a PowerShell, which takes seconds.
        self._said: dict[tuple[str, ...], tuple[float, dict[Any, Any]]] = {}

    def forget(self) -> None:
        """Ask anew: something else than this may have changed it."""
        self._said.clear()

    # What is there.

    def site(self, name: str) -> dict[str, Any] | None:
        """A site: ``apppool``, ``bindings``, ``state``, ``sourcepath``; None if there is none."""
        return self._look("win_iis.list_sites").get(name)

    def pool_state(self, name: str) -> str | None:
        """The state of an application pool; None if there is none."""
        found = self._look("win_iis.list_apppools").get(name)
        return str(found["state"]) if found else None

    def workers(self, pool: str) -> set[int]:
        """The processes of an application pool."""
        self._said.pop(("win_iis.list_worker_processes", pool), None)  # they come and go
        return {int(pid) for pid in self._look("win_iis.list_worker_processes", pool)}

    def pool_of(self, place: Place) -> str | None:
        """The application pool that serves a place; None if there is no such place."""
        if place.application is None:
            site = self.site(place.site)
            return str(site["apppool"]) if site else None
        found = self._look("win_iis.list_apps", place.site).get(place.application)
        return str(found["apppool"]) if found else None

    def path(self, place: Place) -> str | None:
        """The physical path of a place; None if there is no such place."""
        if place.application is not None:
            found = self._look("win_iis.list_apps", place.site).get(place.application)
        else:
            found = self.site(place.site)
        return str(found["sourcepath"]) if found else None

    # What changes it.

    def set_path(self, place: Place, path: str) -> None:
        """Give a place another physical path."""
        self._write(
            f"Pointing {place} at {path}",
            lambda: self._set_path(place, path),
            lambda: self.path(place) == path,
        )

    def _set_path(self, place: Place, path: str) -> None:
        if place.application is not None:
            self.salt["win_iis.set_webapp_settings"](
                place.application, place.site, {"physicalPath": path}
            )
        else:
            self.salt["win_iis.modify_site"](place.site, sourcepath=path)

    def create_site(self, name: str, path: str, pool: str, binding: Mapping[str, Any]) -> None:
        """Create a site with its first binding, and its application pool if there is none."""
        self._write(
            f"Creating the site {name}",
            lambda: self.salt["win_iis.create_site"](
                name,
                path,
                apppool=pool,
                **_as_salt_has_it(binding),
            ),
            lambda: self.path(Place(name)) == path,
        )

    def add_binding(self, site: str, binding: Mapping[str, Any]) -> None:
        """Add a binding to a site."""
        given = _as_salt_has_it(binding)
        told = f"{given['ipaddress']}:{given['port']}:{given['hostheader']}"
        self._write(
            f"Adding the binding {told} to {site}",
            lambda: self.salt["win_iis.create_binding"](site, **given),
            lambda: told in (self.site(site) or {}).get("bindings", {}),
        )

    def set_pool(self, name: str, settings: Mapping[str, Any]) -> None:
        """Give an application pool its settings, as ``win_iis`` names them."""
        wanted = {key: str(value) for key, value in settings.items()}

        def found() -> bool:
            there = self.salt["win_iis.get_container_setting"](name, "AppPools", [*wanted])
            return all(str(there.get(key)) == value for key, value in wanted.items())

        self._write(
            f"Setting up the application pool {name}",
            lambda: self.salt["win_iis.set_container_setting"](name, "AppPools", dict(wanted)),
            found,
        )

    def remove_site(self, name: str) -> None:
        """Remove a site."""
        self._write(
            f"Removing the site {name}",
            lambda: self.salt["win_iis.remove_site"](name),
            lambda: self.site(name) is None,
        )

    def start_site(self, name: str) -> None:
        """Start a site."""
        self._write(
            f"Starting the site {name}",
            lambda: self.salt["win_iis.start_site"](name),
            lambda: (self.site(name) or {}).get("state") == STARTED,
        )

    def start_pool(self, name: str) -> None:
        """Start an application pool."""
        self._write(
            f"Starting the application pool {name}",
            lambda: self.salt["win_iis.start_apppool"](name),
            lambda: self.pool_state(name) == STARTED,
        )

    def stop_pool(self, name: str) -> None:
        """Stop an application pool; its processes may live on for a while."""
        self._write(
            f"Stopping the application pool {name}",
            lambda: self.salt["win_iis.stop_apppool"](name),
            lambda: self.pool_state(name) == STOPPED,
        )

    def recycle(self, name: str) -> None:
        """Let new processes of an application pool take over from the old ones."""
        done: list[bool] = []

        def work() -> None:
            done[:] = [self.salt["win_iis.restart_apppool"](name)]

        self._write(
            f"Recycling the application pool {name}",
            work,
            lambda: done == [True] and self.pool_state(name) == STARTED,
        )

    def wait_for_the_end_of(self, pool: str, pids: set[int], seconds: float) -> set[int]:
        """Wait until processes of a pool have ended; answer with those that live still."""

        def left() -> set[int]:
            self.between_tries()
            known = self.workers(pool) & pids
            return known | {pid for pid in pids if process.is_alive(pid)}

        process.wait_until(lambda: not left(), seconds)
        return left()

    # How.

    def _look(self, function: str, *arguments: str) -> dict[Any, Any]:
        """Ask IIS; what it has just said holds until something is changed."""
        asked = (function, *arguments)
        then, said = self._said.get(asked, (0.0, {}))
        if then and time.monotonic() - then < _HOLDS_SECONDS:
            return said
        found = self._asked(function, *arguments)
        self._said[asked] = (time.monotonic(), found)
        return found

    def _asked(self, function: str, *arguments: str) -> dict[Any, Any]:
        for left in range(_QUESTIONS_AT_MOST - 1, -1, -1):
            try:
                found: dict[Any, Any] = self.salt[function](*arguments)
            except CommandExecutionError as err:
                if left:  # PowerShell may have been out of breath
                    pause(_PAUSE_SECONDS[0], self.between_tries)
                    continue
                raise StepFailed(
                    f"Asking IIS failed ({function}): {err}. Is IIS installed with its management "
                    "tools (WebAdministration)?"
                ) from err
            break
        return found

    def _write(self, what: str, work: Callable[[], Any], is_done: Callable[[], bool]) -> None:
        """Change something, one at a time on this host, and read back that it is so."""
        place = os.path.join(state_dir(self.opts), "iis.lock")
        with locked(place, _LOCK_SECONDS, self.between_tries):
            why = ""
            for attempt in range(_WRITES_AT_MOST):
                if attempt:
                    pause(random.uniform(*_PAUSE_SECONDS), self.between_tries)  # noqa: S311
                self._said.clear()
                try:
                    work()
                    why = "IIS says that it did it, and it is not so"
                except (CommandExecutionError, SaltInvocationError) as err:
                    why = str(err)
                self._said.clear()
                if is_done():
                    return
        raise StepFailed(f"{what} failed {_WRITES_AT_MOST} times: {why}")


def _as_salt_has_it(binding: Mapping[str, Any]) -> dict[str, Any]:
    """A binding of the template, in the words of ``win_iis``."""
    return {
        "hostheader": binding.get("host_header") or "",
        "ipaddress": binding.get("address") or "*",
        "port": binding["port"],
        "protocol": binding.get("protocol") or "http",
    }
