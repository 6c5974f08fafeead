"""IIS on this host, through Salt's own ``win_iis``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pushguide.host import process
from pushguide.host.windows.iis_calls import Calls

STARTED, STOPPED = "Started", "Stopped"
#: A state that IIS gives what is set up wrongly.
UNDEFINED = "Undefined"

_CONFIGURATION = "MACHINE/WEBROOT/APPHOST"


class Place(NamedTuple):
    """What has a physical path: a site, an application in it, or a virtual directory in either.

    Attributes:
        site: the site's name.
        application: the application's path without its slash; None for the site's own.
        virtual_directory: its path below the application, without its slash; None for the
            application's own.
    """

    site: str
    application: str | None = None
    virtual_directory: str | None = None

    def __str__(self) -> str:
        return "/".join(one for one in self if one)

    @property
    def above(self) -> Place | None:
        """What it lies in; None for a site."""
        if self.virtual_directory is not None:
            return self._replace(virtual_directory=None)
        return Place(self.site) if self.application is not None else None

    @property
    def listed(self) -> tuple[str, ...]:
        """Its name in a list, the function of Salt's that gives that list, and its arguments."""
        if self.virtual_directory is not None:
            above = self.application or "/"
            return self.virtual_directory, "win_iis.list_vdirs", self.site, above
        if self.application is not None:
            return self.application, "win_iis.list_apps", self.site
        return self.site, "win_iis.list_sites"

    @property
    def element(self) -> str:
        """The element of IIS's configuration that has its path, as an XPath."""
        return (
            f'system.applicationHost/sites/site[@name="{self.site}"]'
            f'/application[@path="/{self.application or ""}"]'
            f'/virtualDirectory[@path="/{self.virtual_directory or ""}"]'
        )


class Iis(Calls):
    """IIS of this host: its sites with what is in them, and their application pools."""

    # What is there.

    def site(self, name: str) -> dict[str, Any] | None:
        """A site: ``apppool``, ``bindings``, ``state``, ``sourcepath``; None if there is none."""
        return self.look("win_iis.list_sites").get(name)

    def site_state(self, name: str) -> str | None:
        """The state of a site; None if there is none."""
        found = self.site(name)
        return str(found["state"] or UNDEFINED) if found else None

    def pool_state(self, name: str) -> str | None:
        """The state of an application pool; None if there is none."""
        found = self.look("win_iis.list_apppools").get(name)
        return str(found["state"] or UNDEFINED) if found else None

    def workers(self, pool: str) -> set[int]:
        """The processes of an application pool, as they are now."""
        return {int(pid) for pid in self.ask("win_iis.list_worker_processes", pool)}

    def pool_of(self, place: Place) -> str | None:
        """The application pool that serves a place; None if there is no such place."""
        if place.virtual_directory is not None and place.above:
            place = place.above
        found = self._found(place)
        return str(found["apppool"]) if found else None

    def path(self, place: Place) -> str | None:
        """The physical path of a place; None if there is no such place."""
        found = self._found(place)
        return str(found["sourcepath"]) if found else None

    def _found(self, place: Place) -> dict[str, Any] | None:
        name, *question = place.listed
        return self.look(*question).get(name)

    # What changes places.

    def set_path(self, place: Place, path: str) -> None:
        """Give a place another physical path, and leave all else of it as it is."""
        self.write(
            f"Pointing {place} at {path}",
            lambda: self._set_path(place, path),
            lambda: self.path(place) == path,
            lambda: self.path(place),
        )

    def _set_path(self, place: Place, path: str) -> Any:
        if place.above is None:
            return self.salt["win_iis.modify_site"](place.site, sourcepath=path)
        # set_webapp_settings refuses paths with variables, and confuses applications of other
        # sites that have the same name.
        setting = {"name": "physicalPath", "filter": place.element, "value": path}
        return self.salt["win_iis.set_webconfiguration_settings"](_CONFIGURATION, [setting])

    def create(self, place: Place, path: str, pool: str, bindings: list[dict[str, Any]]) -> None:
        """Create a place where there is none; a site gets bindings, at least one."""
        if place.above is None:
            self._create_site(place, path, pool, bindings)
            return
        self.write(
            f"Creating {place}",
            lambda: self._create_in_site(place, path, pool),
            lambda: (self.path(place), self.pool_of(place)) == (path, pool),
            lambda: f"path {self.path(place)}, pool {self.pool_of(place)}",
        )

    def _create_in_site(self, place: Place, path: str, pool: str) -> bool:
        if place.virtual_directory is not None:
            done = self.salt["win_iis.create_vdir"](
                place.virtual_directory, place.site, path, app=place.application or "/"
            )
        else:
            done = self.salt["win_iis.create_app"](
                place.application, place.site, path, apppool=pool
            )
        return self._creating(done, *place.listed)

    def _creating(self, done: Any, name: str, *question: str) -> bool:
        """What Salt says of a creation; if it was done, the name has to be in the list."""
        if done:
            self.will_come(name, *question)
        return bool(done)

    def _create_site(
        self, place: Place, path: str, pool: str, bindings: list[dict[str, Any]]
    ) -> None:
        first = _as_salt_has_it(bindings[0])
        self.write(
            f"Creating the site {place}",
            lambda: self._creating(
                self.salt["win_iis.create_site"](place.site, path, apppool=pool, **first),
                *place.listed,
            ),
            lambda: self.path(place) == path,
            lambda: self.path(place),
        )
        if self.pool_of(place) != pool:  # it says nothing of an error before its last command
            self.write(
                f"Giving the site {place} the application pool {pool}",
                lambda: self.salt["win_iis.modify_site"](place.site, apppool=pool),
                lambda: self.pool_of(place) == pool,
                lambda: self.pool_of(place),
            )
        for binding in bindings[1:]:
            self._add_binding(place.site, binding)

    def _add_binding(self, site: str, binding: Mapping[str, Any]) -> None:
        given = _as_salt_has_it(binding)
        told = f"{given['ipaddress']}:{given['port']}:{given['hostheader']}"
        self.write(
            f"Adding the binding {told} to {site}",
            lambda: self.salt["win_iis.create_binding"](site, **given),
            lambda: told in (self.site(site) or {}).get("bindings", {}),
        )

    def remove(self, place: Place) -> None:
        """Remove a place."""
        self.will_go(*place.listed)
        self.write(
            f"Removing {place}",
            lambda: self._remove(place),
            lambda: self.path(place) is None,
            lambda: self.path(place),
        )

    def _remove(self, place: Place) -> Any:
        if place.virtual_directory is not None:
            return self.salt["win_iis.remove_vdir"](
                place.virtual_directory, place.site, app=place.application or "/"
            )
        if place.application is not None:
            return self.salt["win_iis.remove_app"](place.application, place.site)
        return self.salt["win_iis.remove_site"](place.site)

    def start_site(self, name: str) -> None:
        """Start a site."""
        self.write(
            f"Starting the site {name}",
            lambda: self.salt["win_iis.start_site"](name),
            lambda: self.site_state(name) == STARTED,
            lambda: f"site {name}, {self.site_state(name) or 'missing'}",
        )

    def stop_site(self, name: str) -> None:
        """Stop a site."""
        self.write(
            f"Stopping the site {name}",
            lambda: self.salt["win_iis.stop_site"](name),
            lambda: self.site_state(name) == STOPPED,
            lambda: f"site {name}, {self.site_state(name) or 'missing'}",
        )

    # What changes application pools.

    def create_pool(self, name: str, settings: Mapping[str, str]) -> None:
        """Create an application pool with settings, as ``win_iis`` names them."""
        self.write(
            f"Creating the application pool {name}",
            lambda: self._creating(
                self.salt["win_iis.create_apppool"](name), name, "win_iis.list_apppools"
            ),
            lambda: self.pool_state(name) is not None,
        )

        def found() -> dict[str, str]:
            there = self.ask("win_iis.get_container_setting", name, "AppPools", [*settings])
            return {key: str(there.get(key)) for key in settings}

        self.write(
            f"Setting up the application pool {name}",
            lambda: self.salt["win_iis.set_container_setting"](name, "AppPools", dict(settings)),
            lambda: found() == settings,
            found,
        )

    def remove_unused_pool(self, name: str) -> bool:
        """Remove an application pool, unless something is in it; whether it is gone."""
        there = self.look("win_iis.list_apppools").get(name)
        if there is None:
            return True
        if there["applications"]:
            return False
        self.will_go(name, "win_iis.list_apppools")
        self.write(
            f"Removing the application pool {name}",
            lambda: self.salt["win_iis.remove_apppool"](name),
            lambda: self.pool_state(name) is None,
        )
        return True

    def start_pool(self, name: str) -> None:
        """Start an application pool."""
        self._change_pool("Starting", name, "win_iis.start_apppool", STARTED)

    def stop_pool(self, name: str) -> None:
        """Stop an application pool; its processes may live on for a while."""
        self._change_pool("Stopping", name, "win_iis.stop_apppool", STOPPED)

    def _change_pool(self, how: str, name: str, function: str, state: str) -> None:
        self.write(
            f"{how} the application pool {name}",
            lambda: self.salt[function](name),
            lambda: self.pool_state(name) == state,
            lambda: f"pool {name}, {self.pool_state(name) or 'missing'}",
        )

    def recycle(self, name: str) -> None:
        """Let new processes of an application pool take over from the old ones."""
        done: list[bool] = []

        def work() -> bool:
            done.clear()  # a try that raises says nothing
            done.append(self.salt["win_iis.restart_apppool"](name))
            return done[0]

        self.write(
            f"Recycling the application pool {name}",
            work,
            lambda: done == [True] and self.pool_state(name) == STARTED,
            lambda: f"pool {name}, {self.pool_state(name) or 'missing'}",
        )

    def wait_for_the_end_of(self, pool: str, pids: set[int], seconds: float) -> set[int]:
        """Wait until processes of a pool have ended; answer with those that live still."""

        def left() -> set[int]:
            self.between_tries()
            known = self.workers(pool) & pids if pids else set()
            return known | {pid for pid in pids if process.is_alive(pid)}

        process.wait_until(lambda: not left(), seconds)
        return left()


def _as_salt_has_it(binding: Mapping[str, Any]) -> dict[str, Any]:
    """A binding of the template, in the words of ``win_iis``."""
    return {
        "hostheader": binding.get("host_header") or "",
        "ipaddress": binding.get("address") or "*",
        "port": binding["port"],
        "protocol": binding.get("protocol") or "http",
    }
