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
    - What is set up wrongly has the state Undefined, and does not start: so does a site whose
      application pool is gone.
    - Set-WebConfigurationProperty only warns where there is no such element.
"""

from __future__ import annotations

import itertools

import iis_parts
import iis_settings
from iis_parts import STARTED, STOPPED, UNDEFINED, Failed, Item
from iis_pools import Pools


def fresh() -> Item:
    """IIS as it is installed."""
    state: Item = {
        "next_id": 1,
        "next_pid": 10_000_000,  # beyond those of processes that there are
        "overlap_seconds": 0.0,
        "set_up_wrongly": [],
        "pools": {},
        "sites": {},
    }
    iis = Iis(state)
    iis.create_pool("DefaultAppPool")
    iis.create_site("Default Web Site", r"%SystemDrive%\inetpub\wwwroot", "http", "*:80:")
    return state


class Iis(Pools):
    """IIS with its state, which is plain data."""

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
                "state": self.site_state(name),
            }
            for name, site in self.sites.items()
        ]

    def create_site(self, site: str, path: str, protocol: str, binding: str) -> None:
        """New-Item IIS:\\Sites\\…; it starts if nothing else answers its binding."""
        if iis_parts.known_name(self.sites, site):
            raise Failed(rf"Destination element already exists: IIS:\Sites\{site}")
        self.sites[site] = {
            "id": self.state["next_id"],
            "state": STOPPED,
            "bindings": [iis_parts.new_binding(protocol, binding)],
            "applications": {"/": iis_parts.new_application("DefaultAppPool", path)},
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
        if self.site_state(name) == UNDEFINED:
            raise Failed("The object identifier does not represent a valid object. (0x800710D8)")
        if other := self._in_the_way(name):
            raise Failed(
                "Cannot create a file when that file already exists."
                f" (Exception from HRESULT: 0x800700B7): {other} answers that binding"
            )
        self.sites[name]["state"] = STARTED

    def stop_site(self, site: str) -> None:
        """Stop-WebSite."""
        self._site(site)["state"] = STOPPED

    def site_state(self, site: str) -> str:
        """The state of a site."""
        pool = self.sites[site]["applications"]["/"]["applicationPool"]
        if f"Sites/{site}" in self.state["set_up_wrongly"]:
            return UNDEFINED
        if iis_parts.known_name(self.pools, pool) is None:
            return UNDEFINED
        return str(self.sites[site]["state"])

    # --- bindings ---------------------------------------------------------------------------

    def create_binding(
        self, site: str, host: str, address: str, port: str, protocol: str, ssl_flags: str = "0"
    ) -> None:
        """New-WebBinding."""
        new = iis_parts.new_binding(protocol, f"{address}:{port}:{host}", int(ssl_flags))
        bindings = self._site(site)["bindings"]
        if any(iis_parts.same_binding(one, new) for one in bindings):
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

    # --- applications and virtual directories -----------------------------------------------

    def list_applications(self, site: str) -> list[Item]:
        """Get-WebApplication -Site, without the root."""
        found = iis_parts.known_name(self.sites, site)
        applications = self.sites[found]["applications"] if found else {}
        return [
            {
                "applicationPool": one["applicationPool"],
                "path": path,
                "PhysicalPath": one["directories"]["/"]["physicalPath"],
                "preloadEnabled": one["preloadEnabled"] == "True",
                "name": path.removeprefix("/"),
                "protocols": iis_parts.as_json(one["enabledProtocols"].split(",")),
            }
            for path, one in applications.items()
            if path != "/"
        ]

    def create_application(
        self, site: str, application: str, path: str, pool: str = "DefaultAppPool"
    ) -> None:
        """New-WebApplication."""
        applications = self._site(site)["applications"]
        if iis_parts.known_name(applications, f"/{application}"):
            raise Failed(f"Destination element already exists: {site}/{application}")
        iis_parts.demand_directory(path)
        applications[f"/{application}"] = iis_parts.new_application(pool, path)

    def remove_application(self, site: str, application: str) -> None:
        """Remove-WebApplication."""
        applications = self._site(site)["applications"]
        del applications[iis_parts.demand_name(applications, f"/{application}", "application")]

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
        if iis_parts.known_name(directories, f"/{directory}"):
            raise Failed(f"Destination element already exists: {site}/{directory}")
        iis_parts.demand_directory(path)
        directories[f"/{directory}"] = iis_parts.new_directory(path)

    def remove_directory(self, site: str, directory: str, application: str = "/") -> None:
        """Remove-Item IIS:\\Sites\\…\\…."""
        directories = self._application(site, application)["directories"]
        del directories[iis_parts.demand_name(directories, f"/{directory}", "virtual directory")]

    def directory(self, site: str, application_or_root: str, directory_or_root: str) -> Item | None:
        """A virtual directory, as an XPath names it; None if there is none."""
        try:
            directories = self._application(site, application_or_root)["directories"]
        except Failed:
            return None
        known = iis_parts.known_name(directories, f"/{directory_or_root}")
        return directories[known] if known else None

    def set_attribute(self, attribute: str, value: str, **place: str) -> None:
        """Set-WebConfigurationProperty of a virtual directory."""
        if found := self.directory(**place):
            iis_parts.keep(found, attribute, value)

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
        iis_parts.keep(holder, known, value)
        if container == "AppPools":
            if self._pool(name)["recycling.disallowRotationOnConfigChange"] == "False":
                self._recycle(self._pool(name))
            self._start_what_always_runs()

    def application_setting(self, application: str, setting: str) -> str:
        """(Get-WebApplication NAME).SETTING, which asks every site and joins what it hears."""
        heard = []
        for site in self.sites.values():
            if path := iis_parts.known_name(site["applications"], f"/{application}"):
                holder = self._holder(site["applications"][path], setting)
                heard.append(str(holder[setting]))
        return " ".join(heard)

    def set_application_setting(
        self, site: str, application: str, app_setting: str, value: str
    ) -> None:
        """Set-ItemProperty of an application."""
        holder = self._holder(self._application(site, application), app_setting)
        iis_parts.keep(holder, app_setting, value)

    def credential(self, site: str, application: str, credential: str) -> str:
        """Get-WebConfigurationProperty of an application's root directory."""
        return str(self._application(site, application)["directories"]["/"][credential])

    def set_credential(self, site: str, application: str, credential: str, value: str) -> None:
        """Set-WebConfigurationProperty of an application's root directory."""
        iis_parts.keep(self._application(site, application)["directories"]["/"], credential, value)

    # --- within -----------------------------------------------------------------------------

    def _site_name(self, site: str) -> str:
        return iis_parts.demand_name(self.sites, site, "site")

    def _site(self, site: str) -> Item:
        return self.sites[self._site_name(site)]

    def _application(self, site: str, application: str) -> Item:
        applications = self._site(site)["applications"]
        path = "/" + application.strip("/")
        return applications[iis_parts.demand_name(applications, path, "application")]

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
            if known := iis_parts.known_name(settings, setting):
                return holder, known
        raise Failed(f"Property {setting} does not exist at path IIS:\\{container}\\{name}.")

    @staticmethod
    def _holder(application: Item, setting: str) -> Item:
        in_directory = setting in iis_settings.DIRECTORY
        return application["directories"]["/"] if in_directory else application

    def _in_the_way(self, site: str) -> str | None:
        """Another site that is started and answers one of a site's bindings."""
        for name, other in self.sites.items():
            if name != site and other["state"] == STARTED:
                pairs = itertools.product(self.sites[site]["bindings"], other["bindings"])
                if any(iis_parts.same_binding(*pair) for pair in pairs):
                    return name
        return None
