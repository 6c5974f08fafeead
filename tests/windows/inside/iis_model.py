"""SIMULATED: Internet Information Services, as its PowerShell module shows it.

Sites with bindings, applications and virtual directories; application pools with worker
processes. A method is a cmdlet; it raises Failed where the cmdlet writes an error. No name is
taken for another that differs in more than case, as there.

What is like IIS and matters to releases:
    - A pool's worker starts with the first request, or at once if the pool is AlwaysRunning.
    - A recycled pool gets a worker with another pid; the old one may still be there for a while.
    - A changed setting of a pool recycles it; a changed path of a site does not.
    - Of two sites with one binding, only one can be started.
    - Neither a site's path nor its pool has to exist when they are set.
    - Remove-WebBinding without a site takes the binding from every site.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import iis_settings

Item = dict[str, Any]

RUNNING = "Running"
STOPPING = "Stopping"
STARTED = "Started"
STOPPED = "Stopped"


class Failed(Exception):
    """A cmdlet's error."""


def fresh() -> Item:
    """IIS as it is installed."""
    state: Item = {"next_id": 1, "next_pid": 4000, "overlap_seconds": 0.0, "pools": {}, "sites": {}}
    iis = Iis(state)
    iis.create_pool("DefaultAppPool")
    iis.create_site("Default Web Site", r"%SystemDrive%\inetpub\wwwroot", "http", "*:80:")
    return state


class Iis:
    """IIS with its state, which is plain data."""

    def __init__(self, state: Item, now: Callable[[], float] = time.time) -> None:
        self.state = state
        self.sites: dict[str, Item] = state["sites"]
        self.pools: dict[str, Item] = state["pools"]
        self.now = now
        self._let_workers_end()

    # --- sites ------------------------------------------------------------------------------

    def list_sites(self) -> list[Item]:
        """Get-ChildItem IIS:\\Sites."""
        return [
            {
                "applicationPool": site["applications"]["/"]["applicationPool"],
                "bindings": {"Collection": site["bindings"]},
                "id": site["id"],
                "name": name,
                "physicalPath": site["applications"]["/"]["directories"]["/"]["physicalPath"],
                "state": site["state"],
            }
            for name, site in self.sites.items()
        ]

    def create_site(self, site: str, path: str, protocol: str, binding: str) -> None:
        """New-Item IIS:\\Sites\\…; it starts if nothing else answers its binding."""
        if _find(self.sites, site):
            raise Failed(rf"Destination element already exists: IIS:\Sites\{site}")
        self.sites[site] = {
            "id": self.state["next_id"],
            "state": STOPPED,
            "bindings": [_binding(protocol, binding)],
            "applications": {"/": _application("DefaultAppPool", path)},
            **iis_settings.defaults(iis_settings.SITE),
        }
        self.state["next_id"] += 1
        if not self._in_the_way(site):
            self.sites[site]["state"] = STARTED

    def remove_site(self, site: str) -> None:
        """Remove-WebSite."""
        del self.sites[self._site_name(site)]

    def start_site(self, site: str) -> None:
        """Start-WebSite."""
        name = self._site_name(site)
        if other := self._in_the_way(name):
            raise Failed(
                "Cannot create a file when that file already exists."
                f" (Exception from HRESULT: 0x800700B7): {other} answers that binding"
            )
        self.sites[name]["state"] = STARTED

    def stop_site(self, site: str) -> None:
        """Stop-WebSite."""
        self._site(site)["state"] = STOPPED

    # --- bindings ---------------------------------------------------------------------------

    def create_binding(
        self, site: str, host: str, address: str, port: str, protocol: str, ssl_flags: str = "0"
    ) -> None:
        """New-WebBinding."""
        new = _binding(protocol, f"{address}:{port}:{host}", int(ssl_flags))
        bindings = self._site(site)["bindings"]
        if any(_same_binding(one, new) for one in bindings):
            raise Failed("Cannot add duplicate collection entry of type 'binding'")
        bindings.append(new)

    def set_binding(self, site: str, binding: str, property: str, value: str) -> None:  # noqa: A002
        """Set-WebBinding."""
        for one in self._site(site)["bindings"]:
            if one["bindingInformation"] == binding:
                if property == "BindingInformation":
                    one["bindingInformation"] = value
                else:
                    one["sslFlags"] = int(value)
                return
        raise Failed(f"The binding '{binding}' does not exist on '{site}'")

    def remove_bindings(self, host: str, address: str, port: str) -> None:
        """Remove-WebBinding without -Name: from every site that has it."""
        gone = f"{address}:{port}:{host}"
        for site in self.sites.values():
            site["bindings"] = [
                one for one in site["bindings"] if one["bindingInformation"] != gone
            ]

    # --- application pools and their workers ------------------------------------------------

    def list_pools(self) -> list[Item]:
        """Get-ChildItem IIS:\\AppPools, with what runs in each as Salt asks for it."""
        return [
            {"name": name, "state": pool["state"], "Applications": _as_json(self._users(name))}
            for name, pool in self.pools.items()
        ]

    def create_pool(self, pool: str) -> None:
        """New-Item IIS:\\AppPools\\…."""
        if _find(self.pools, pool):
            raise Failed(rf"Destination element already exists: IIS:\AppPools\{pool}")
        settings = iis_settings.defaults(iis_settings.POOL)
        self.pools[pool] = {"state": STARTED, "workers": [], **settings}

    def remove_pool(self, pool: str) -> None:
        """Remove-Item IIS:\\AppPools\\…, whoever uses it."""
        del self.pools[self._pool_name(pool)]

    def start_pool(self, pool: str) -> None:
        """Start-WebAppPool."""
        self._pool(pool)["state"] = STARTED
        self._start_what_always_runs()

    def stop_pool(self, pool: str) -> None:
        """Stop-WebAppPool."""
        found = self._pool(pool)
        if found["state"] == STOPPED:
            raise Failed("The object on target path is already stopped.")
        found.update(state=STOPPED, workers=[])

    def restart_pool(self, pool: str) -> None:
        """Restart-WebAppPool: recycle its worker."""
        if self._pool(pool)["state"] == STOPPED:
            raise Failed("You have to start stopped object before restarting.")
        self._recycle(self._pool(pool))

    def list_workers(self, pool: str) -> list[Item]:
        """Get-ChildItem IIS:\\AppPools\\…\\WorkerProcesses."""
        name = self._pool_name(pool)
        return [
            {"processId": one["pid"], "appPoolName": name, "state": one["state"]}
            for one in self.pools[name]["workers"]
        ]

    # --- applications and virtual directories -----------------------------------------------

    def list_applications(self, site: str) -> list[Item]:
        """Get-WebApplication -Site, without the root."""
        found = _find(self.sites, site)
        applications = self.sites[found]["applications"] if found else {}
        return [
            {
                "applicationPool": one["applicationPool"],
                "path": path,
                "PhysicalPath": one["directories"]["/"]["physicalPath"],
                "preloadEnabled": one["preloadEnabled"] == "True",
                "name": path.removeprefix("/"),
                "protocols": _as_json(one["enabledProtocols"].split(",")),
            }
            for path, one in applications.items()
            if path != "/"
        ]

    def create_application(
        self, site: str, application: str, path: str, pool: str = "DefaultAppPool"
    ) -> None:
        """New-WebApplication."""
        applications = self._site(site)["applications"]
        if _find(applications, f"/{application}"):
            raise Failed(f"Destination element already exists: {site}/{application}")
        _demand_directory(path)
        applications[f"/{application}"] = _application(pool, path)

    def remove_application(self, site: str, application: str) -> None:
        """Remove-WebApplication."""
        applications = self._site(site)["applications"]
        del applications[_found(applications, f"/{application}", "application")]

    def list_directories(self, site: str, application: str) -> list[Item]:
        """Get-WebVirtualDirectory, without the root."""
        try:
            directories = self._application(site, application)["directories"]
        except Failed:
            return []
        return [
            {"physicalPath": one["physicalPath"], "name": path.strip("/")}
            for path, one in directories.items()
            if path != "/"
        ]

    def create_directory(
        self, site: str, directory: str, path: str, application: str = "/"
    ) -> None:
        """New-WebVirtualDirectory."""
        directories = self._application(site, application)["directories"]
        if _find(directories, f"/{directory}"):
            raise Failed(f"Destination element already exists: {site}/{directory}")
        _demand_directory(path)
        directories[f"/{directory}"] = _directory(path)

    def remove_directory(self, site: str, directory: str, application: str = "/") -> None:
        """Remove-Item IIS:\\Sites\\…\\…."""
        directories = self._application(site, application)["directories"]
        del directories[_found(directories, f"/{directory}", "virtual directory")]

    # --- settings ---------------------------------------------------------------------------

    def get_setting(self, container: str, name: str, setting: str) -> str:
        """Get-ItemProperty."""
        holder, known = self._setting(container, name, setting)
        return str(holder[known])

    def set_path(self, site: str, path: str) -> None:
        """Set-ItemProperty PhysicalPath."""
        self.set_setting("Sites", site, "physicalPath", path)

    def set_pool(self, site: str, pool: str) -> None:
        """Set-ItemProperty ApplicationPool."""
        self.set_setting("Sites", site, "applicationPool", pool)

    def set_setting(self, container: str, name: str, setting: str, value: str) -> None:
        """Set-ItemProperty of a site or a pool."""
        holder, known = self._setting(container, name, setting)
        _keep(holder, known, value)
        if container == "AppPools":
            if self._pool(name)["recycling.disallowRotationOnConfigChange"] == "False":
                self._recycle(self._pool(name))
            self._start_what_always_runs()

    def application_setting(self, application: str, setting: str) -> str:
        """(Get-WebApplication NAME).SETTING, which asks every site and joins what it hears."""
        found = (_find(one["applications"], f"/{application}") for one in self.sites.values())
        holders = [
            self._holder(one, setting)
            for site, path in zip(self.sites.values(), found, strict=True)
            if path and (one := site["applications"][path])
        ]
        return " ".join(str(holder[setting]) for holder in holders)

    def set_application_setting(
        self, site: str, application: str, app_setting: str, value: str
    ) -> None:
        """Set-ItemProperty of an application."""
        _keep(self._holder(self._application(site, application), app_setting), app_setting, value)

    def credential(self, site: str, application: str, credential: str) -> str:
        """Get-WebConfigurationProperty of an application's root directory."""
        return str(self._application(site, application)["directories"]["/"][credential])

    def set_credential(self, site: str, application: str, credential: str, value: str) -> None:
        """Set-WebConfigurationProperty of an application's root directory."""
        _keep(self._application(site, application)["directories"]["/"], credential, value)

    # --- what a test asks, not PowerShell ---------------------------------------------------

    def request(self, port: int, host: str, path: str) -> Item:
        """Ask for a page, without a network.

        Args:
            port: where it is asked.
            host: by which name.
            path: of the page, such as ``/shop/index.html``.

        Returns:
            ``status``, 0 if nothing listens there, and, unless that is so, ``site`` and ``file``,
            the one that is served, and ``pid``, the worker that does.
        """
        site = next((name for name in self.sites if self._answers(name, str(port), host)), None)
        if site is None:
            return {"status": 0}
        applications = self.sites[site]["applications"]
        application = applications[_longest_prefix(applications, path)]
        below = path[len(_longest_prefix(applications, path).rstrip("/")) :] or "/"
        prefix = _longest_prefix(application["directories"], below)
        relative = below[len(prefix.rstrip("/")) :].strip("/").replace("/", os.sep)
        file = os.path.join(application["directories"][prefix]["physicalPath"], relative)
        pool = _find(self.pools, application["applicationPool"])
        if pool is None or self.pools[pool]["state"] == STOPPED:
            return {"status": 503, "site": site, "file": file, "pid": None}
        status = 200 if os.path.isfile(os.path.expandvars(file)) else 404
        return {"status": status, "site": site, "file": file, "pid": self._worker(pool)}

    # --- within -----------------------------------------------------------------------------

    def _site_name(self, site: str) -> str:
        return _found(self.sites, site, "site")

    def _site(self, site: str) -> Item:
        return self.sites[self._site_name(site)]

    def _pool_name(self, pool: str) -> str:
        return _found(self.pools, pool, "application pool")

    def _pool(self, pool: str) -> Item:
        return self.pools[self._pool_name(pool)]

    def _application(self, site: str, application: str) -> Item:
        applications = self._site(site)["applications"]
        path = "/" + application.strip("/")
        return applications[_found(applications, path, "application")]

    def _setting(self, container: str, name: str, setting: str) -> tuple[Item, str]:
        """What holds a setting, and the name that it has there."""
        if container == "AppPools":
            holders = [(self._pool(name), iis_settings.POOL)]
        else:
            root = self._application(name, "/")
            holders = [
                (self._site(name), iis_settings.SITE),
                (root, iis_settings.APPLICATION),
                (root["directories"]["/"], iis_settings.DIRECTORY),
            ]
        for holder, settings in holders:
            if known := _find(settings, setting):
                return holder, known
        raise Failed(f"Property {setting} does not exist at path IIS:\\{container}\\{name}.")

    @staticmethod
    def _holder(application: Item, setting: str) -> Item:
        in_directory = setting in iis_settings.DIRECTORY
        return application["directories"]["/"] if in_directory else application

    def _users(self, pool: str) -> list[str]:
        """Sites whose root is in a pool, by name, and then other applications, by path."""
        used = [
            (name, path)
            for name, site in self.sites.items()
            for path, one in site["applications"].items()
            if one["applicationPool"].casefold() == pool.casefold()
        ]
        roots = [name for name, path in used if path == "/"]
        return roots + [path for _, path in used if path != "/"]

    def _in_the_way(self, site: str) -> str | None:
        """Another site that is started and answers one of a site's bindings."""
        for name, other in self.sites.items():
            if name != site and other["state"] == STARTED:
                for theirs in other["bindings"]:
                    if any(_same_binding(theirs, one) for one in self.sites[site]["bindings"]):
                        return name
        return None

    def _answers(self, site: str, port: str, host: str) -> bool:
        if self.sites[site]["state"] == STOPPED:
            return False
        split = (one["bindingInformation"].split(":") for one in self.sites[site]["bindings"])
        return any(on == port and named in ("", host) for *_, on, named in split)

    def _worker(self, pool: str) -> int:
        workers = self.pools[pool]["workers"]
        running = [one["pid"] for one in workers if one["state"] == RUNNING]
        if not running:
            running = [self._start_worker(self.pools[pool])]
        return int(running[0])

    def _start_worker(self, pool: Item) -> int:
        pid = int(self.state["next_pid"])
        self.state["next_pid"] += 4
        pool["workers"].append({"pid": pid, "state": RUNNING, "ends_at": None})
        return pid

    def _recycle(self, pool: Item) -> None:
        old = [one for one in pool["workers"] if one["state"] == RUNNING]
        if not old:
            return
        overlaps = pool["recycling.disallowOverlappingRotation"] == "False"
        for one in old:
            one["state"] = STOPPING
            one["ends_at"] = self.now() + (self.state["overlap_seconds"] if overlaps else 0)
        self._let_workers_end()
        self._start_worker(pool)

    def _let_workers_end(self) -> None:
        for pool in self.pools.values():
            pool["workers"] = [
                one
                for one in pool["workers"]
                if one["ends_at"] is None or one["ends_at"] > self.now()
            ]

    def _start_what_always_runs(self) -> None:
        for pool in self.pools.values():
            wanted = pool["startMode"] == "AlwaysRunning" and pool["state"] == STARTED
            if wanted and not pool["workers"]:
                self._start_worker(pool)


# --- small things ---------------------------------------------------------------------------


def _find(named: dict[str, Any], name: str) -> str | None:
    """The name that something has, whatever the case that it is asked for in."""
    return next((one for one in named if one.casefold() == name.casefold()), None)


def _found(named: dict[str, Any], name: str, what: str) -> str:
    known = _find(named, name)
    if known is None:
        raise Failed(f"Cannot find the {what} '{name}' because it does not exist.")
    return known


def _binding(protocol: str, information: str, ssl_flags: int = 0) -> Item:
    return {
        "protocol": protocol,
        "bindingInformation": information,
        "sslFlags": ssl_flags,
        "certificateHash": "",
        "certificateStoreName": "",
    }


def _same_binding(one: Item, other: Item) -> bool:
    return bool(one["bindingInformation"].casefold() == other["bindingInformation"].casefold())


def _application(pool: str, path: str) -> Item:
    settings = iis_settings.defaults(iis_settings.APPLICATION)
    return {**settings, "applicationPool": pool, "directories": {"/": _directory(path)}}


def _directory(path: str) -> Item:
    return {**iis_settings.defaults(iis_settings.DIRECTORY), "physicalPath": path}


def _demand_directory(path: str) -> None:
    if not os.path.isdir(os.path.expandvars(path)):
        raise Failed("Parameter 'PhysicalPath' should point to existing path.")


def _keep(holder: Item, setting: str, value: str) -> None:
    known = {
        **iis_settings.POOL,
        **iis_settings.SITE,
        **iis_settings.APPLICATION,
        **iis_settings.DIRECTORY,
    }
    try:
        holder[setting] = known[setting].kept(value)
    except ValueError as err:
        raise Failed(f"{setting}: {err}") from err


def _as_json(values: list[str]) -> Any:
    """What ConvertTo-Json makes of a calculated property: none, one, or a wrapped list."""
    if len(values) == 1:
        return values[0]
    return {"value": values, "Count": len(values)} if values else {}


def _longest_prefix(paths: dict[str, Any], path: str) -> str:
    wanted = path.casefold().rstrip("/") + "/"
    fitting = [one for one in paths if wanted.startswith(one.casefold().rstrip("/") + "/")]
    return max(fitting, key=len)
