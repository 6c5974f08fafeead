"""SIMULATED: the PowerShell lines that Salt's win_iis emits, and no others.

A line stands here as Salt writes it, with what varies in angle brackets; a name that comes twice
has to stand for the same thing. What is not here is refused before anything is done.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from iis_model import Iis
from iis_parts import Failed

MODULE = "Import-Module WebAdministration; "
AS_JSON = ("ConvertTo-Json -Compress -Depth 4 -InputObject @(", ")")

#: What the names in angle brackets stand for. Neither quote may be in any of them: Salt does not
#: escape them, so PowerShell would read something else.
NAME = r"""[^'"\\/$`]+"""
TEXT = r"""[^'"]*"""
VARYING = {
    "address": TEXT,
    "app_setting": "physicalPath|applicationPool",
    "application": r"""[^'"\\$`]+""",
    "application_or_root": r"""[^'"\\$`]*""",
    "attribute": "physicalPath",
    "binding": TEXT,
    "credential": "userName|password",
    "container": "Sites|AppPools",
    "directory": r"""[^'"\\$`]+""",
    "directory_or_root": r"""[^'"\\$`]*""",
    "host": TEXT,
    "path": TEXT,
    "port": r"\d+",
    "property": "BindingInformation|sslflags",
    "protocol": r"\w+",
    "setting": r"[\w.]+",
    "ssl_flags": r"\d",
    "value": rf"'{TEXT}'|[-+\w.]+",  # Salt puts what looks like a number in no quotes
}


#: The element that has the path of a virtual directory; each application has one of its own.
DIRECTORY = (
    'system.applicationHost/sites/site[@name="<site>"]'
    '/application[@path="/<application_or_root>"]'
    '/virtualDirectory[@path="/<directory_or_root>"]'
)


class Refused(Exception):
    """The model does not know the line."""


class Shell(Iis):
    """IIS as one line of PowerShell sees it: with the line's own variable $Settings."""

    settings: dict[str, str]
    attributes: list[dict[str, str]] | None = None

    def begin_settings(self) -> None:
        """Start with an empty $Settings."""
        self.settings, self.attributes = {}, None

    def begin_attributes(self) -> None:
        """Start with an empty $Settings, a list of what configuration properties are."""
        self.attributes = []

    def demand_attribute(self, **_: str) -> None:
        """Only warn if there is no such element."""

    def read_attribute(self, attribute: str, **place: str) -> None:
        """Put an attribute of a virtual directory into $Settings; empty if there is none."""
        named = re.sub(r"<(\w+)>", lambda match: place[match.group(1)], DIRECTORY)
        found = self.directory(**place)
        value = found[attribute] if found else ""
        assert self.attributes is not None
        self.attributes.append({"filter": named, "name": attribute, "value": value})

    def demand_setting(self, container: str, name: str, setting: str) -> None:
        """Fail if there is no such setting."""
        self.get_setting(container, name, setting)

    def read_setting(self, container: str, name: str, setting: str) -> None:
        """Put a setting of a site or a pool into $Settings."""
        self.settings[setting] = self.get_setting(container, name, setting)

    def read_application_setting(self, application: str, app_setting: str) -> None:
        """Put a setting of an application into $Settings."""
        self.settings[app_setting] = self.application_setting(application, app_setting)

    def read_credential(self, site: str, application: str, credential: str) -> None:
        """Put what an application's files are read with into $Settings."""
        self.settings[credential] = self.credential(site, application, credential)

    def all_settings(self) -> list[dict[str, str]]:
        """Give $Settings."""
        return [self.settings] if self.attributes is None else self.attributes


#: Lines that give something, which Salt has made JSON of.
QUERIES: dict[str, Callable[..., Any]] = {
    r"Get-ChildItem -Path 'IIS:\Sites' |"
    " Select-Object applicationPool, Bindings, ID, Name, PhysicalPath, State": Iis.list_sites,
    r"Get-ChildItem -Path 'IIS:\AppPools' | Select-Object Name, State ,"
    " @{ Name = 'Applications'; Expression = { $AppPool = $_.Name;"
    " $AppPath = 'machine/webroot/apphost';"
    " $FilterBase = '/system.applicationHost/sites/site/application';"
    " $FilterBase += \"[@applicationPool = '$($AppPool)' and @path\";"
    " $FilterRoot = \"$($FilterBase) = '/']/parent::*\";"
    " $FilterNonRoot = \"$($FilterBase) != '/']\";"
    " Get-WebConfigurationProperty -Filter $FilterRoot -PsPath $AppPath -Name Name"
    " | ForEach-Object { $_.Value };"
    " Get-WebConfigurationProperty -Filter $FilterNonRoot -PsPath $AppPath -Name Path"
    " | ForEach-Object { $_.Value } | Where-Object { $_ -ne '/' } } }": Iis.list_pools,
    r"Get-ChildItem 'IIS:\AppPools\<pool>\WorkerProcesses'": Iis.list_workers,
    "Get-WebApplication -Site '<site>'"
    " | Select-Object applicationPool, path, PhysicalPath, preloadEnabled,"
    " @{ Name='name'; Expression={ $_.path.Split('/', 2)[-1] } },"
    " @{ Name='protocols'; Expression={ @( $_.enabledProtocols.Split(',')"
    " | Foreach-Object { $_.Trim() } ) } }": Iis.list_applications,
    "Get-WebVirtualDirectory -Site '<site>' -Application '<application>' |"
    " Select-Object PhysicalPath, @{ Name = 'name';"
    " Expression = { $_.path.Trim('/') } }": Iis.list_directories,
    "$Settings = @{}": Shell.begin_settings,
    r"Get-ItemProperty -Path 'IIS:\<container>\<name>' -Name '<setting>'"
    " -ErrorAction Stop | Out-Null": Shell.demand_setting,
    r"$Property = Get-ItemProperty -Path 'IIS:\<container>\<name>' -Name '<setting>'"
    " -ErrorAction Stop;"
    " if (([String]::IsNullOrEmpty($Property) -eq $False) -and"
    " ($Property.GetType()).Name -eq 'ConfigurationAttribute') {"
    " $Property = $Property | Select-Object -ExpandProperty Value };"
    " $Settings['<setting>'] = [String] $Property; $Property = $Null": Shell.read_setting,
    "$Property = (get-webapplication <application>).<app_setting>;"
    " $Settings['<app_setting>'] = [String] $Property;"
    " $Property = $Null": Shell.read_application_setting,
    "$Property = Get-WebConfigurationProperty -Filter"
    " \"system.applicationHost/sites/site[@name='<site>']"
    "/application[@path='/<application>']/virtualDirectory[@path='/']\""
    ' -Name "<credential>" -ErrorAction Stop | select Value;'
    " $Property = $Property | Select-Object -ExpandProperty Value;"
    " $Settings['<credential>'] = [String] $Property;"
    " $Property = $Null": Shell.read_credential,
    "$Settings = New-Object System.Collections.ArrayList": Shell.begin_attributes,
    f"Get-WebConfigurationProperty -PSPath 'MACHINE/WEBROOT/APPHOST' -Filter '{DIRECTORY}'"
    " -Name '<attribute>' -ErrorAction Stop | Out-Null": Shell.demand_attribute,
    "$Property = Get-WebConfigurationProperty -PSPath 'MACHINE/WEBROOT/APPHOST'"
    f" -Name '<attribute>' -Filter '{DIRECTORY}' -ErrorAction Stop;"
    " if (([String]::IsNullOrEmpty($Property) -eq $False) -and"
    " ($Property.GetType()).Name -eq 'ConfigurationAttribute') {"
    " $Property = $Property | Select-Object -ExpandProperty Value };"
    f" $Settings.add(@{{filter='{DIRECTORY}';name='<attribute>';value=[String] $Property}})|"
    " Out-Null; $Property = $Null": Shell.read_attribute,
    "$Settings": Shell.all_settings,
}

#: Lines that change something.
ORDERS: dict[str, Callable[..., Any]] = {
    r"New-Item -Path 'IIS:\Sites\<site>' -PhysicalPath '<path>'"
    " -Bindings @{ protocol='<protocol>'; bindingInformation='<binding>' }": Iis.create_site,
    r"Set-ItemProperty -Path 'IIS:\Sites\<site>' -Name PhysicalPath"
    " -Value '<path>'": Iis.set_path,
    r"Set-ItemProperty -Path 'IIS:\Sites\<site>' -Name ApplicationPool"
    " -Value '<pool>'": Iis.set_pool,
    "Remove-WebSite -Name '<site>'": Iis.remove_site,
    "Start-WebSite '<site>'": Iis.start_site,
    "Stop-WebSite '<site>'": Iis.stop_site,
    "New-WebBinding -Name '<site>' -HostHeader '<host>' -IpAddress '<address>' -Port '<port>'"
    " -Protocol '<protocol>'": Iis.create_binding,
    "New-WebBinding -Name '<site>' -HostHeader '<host>' -IpAddress '<address>' -Port '<port>'"
    " -Protocol '<protocol>' -SslFlags <ssl_flags>": Iis.create_binding,
    "Set-WebBinding -Name '<site>' -BindingInformation '<binding>' -PropertyName <property>"
    " -Value <value>": Iis.set_binding,
    "Remove-WebBinding -HostHeader '<host>' -IpAddress '<address>'"
    " -Port '<port>'": Iis.remove_bindings,
    r"New-Item -Path 'IIS:\AppPools\<pool>'": Iis.create_pool,
    r"Remove-Item -Path 'IIS:\AppPools\<pool>' -Recurse": Iis.remove_pool,
    "Start-WebAppPool '<pool>'": Iis.start_pool,
    "Stop-WebAppPool '<pool>'": Iis.stop_pool,
    "Restart-WebAppPool '<pool>'": Iis.restart_pool,
    r"Set-ItemProperty -Path 'IIS:\<container>\<name>' -Name '<setting>'"
    " -Value <value>": Iis.set_setting,
    "New-WebApplication -Name '<application>' -Site '<site>'"
    " -PhysicalPath '<path>'": Iis.create_application,
    "New-WebApplication -Name '<application>' -Site '<site>'"
    " -PhysicalPath '<path>' -ApplicationPool '<pool>'": Iis.create_application,
    "Remove-WebApplication -Name '<application>' -Site '<site>'": Iis.remove_application,
    r'Set-ItemProperty "IIS:\Sites\<site>\<application>" -Name <app_setting>'
    " -Value <value>": Iis.set_application_setting,
    "Set-WebConfigurationProperty -Filter"
    " \"system.applicationHost/sites/site[@name='<site>']"
    "/application[@path='/<application>']/virtualDirectory[@path='/']\""
    '  -Name "<credential>" -Value <value>': Iis.set_credential,
    "New-WebVirtualDirectory -Name '<directory>' -Site '<site>'"
    " -PhysicalPath '<path>'": Iis.create_directory,
    "New-WebVirtualDirectory -Name '<directory>' -Site '<site>'"
    " -PhysicalPath '<path>' -Application '<application>'": Iis.create_directory,
    f"Set-WebConfigurationProperty -PSPath 'MACHINE/WEBROOT/APPHOST' -Filter '{DIRECTORY}'"
    " -Name '<attribute>' -Value <value>": Iis.set_attribute,
    r"Remove-Item -Path 'IIS:\Sites\<site>\<directory>' -Recurse": Iis.remove_directory,
    r"Remove-Item -Path 'IIS:\Sites\<site>\<application>\<directory>'"
    " -Recurse": Iis.remove_directory,
}


# --- carrying out ---------------------------------------------------------------------------


class Statement(NamedTuple):
    """A statement of a line: which it is, how it is carried out, and on what."""

    form: str
    do: Callable[..., list[Any] | None]
    with_: dict[str, str]


class Outcome(NamedTuple):
    """What PowerShell wrote, and how it ended."""

    output: str
    errors: list[str]
    exit_code: int


def carry_out(shell: Shell, line: str) -> Outcome:
    """Carry out a line as ``powershell.exe -Command`` does.

    An error ends the line only if its statement says ``-ErrorAction Stop``. Otherwise the next
    statement follows, and the exit code tells of the last one alone.

    Raises:
        Refused: the line is not one that Salt writes, and nothing was done.
    """
    if not line.startswith(MODULE):
        raise Refused(f"unknown line: {line}")
    body = line.removeprefix(MODULE).strip()
    before, after = AS_JSON
    as_json = body.startswith(before) and body.endswith(after)
    if as_json:
        body = body[len(before) : -len(after)]
    items, errors, failed = [], [], False
    for statement in _statements(body, QUERIES if as_json else ORDERS):
        failed = False
        try:
            items += statement.do(shell, **statement.with_) or []
        except Failed as err:
            failed = True
            errors.append(f"{statement.form.split()[0]} : {err}")
            if "-ErrorAction Stop" in statement.form:
                return Outcome("", errors, 1)
    if as_json:  # the last statement is ConvertTo-Json, which did not fail
        return Outcome(json.dumps(items, separators=(",", ":")), errors, 0)
    return Outcome("", errors, int(failed))


def _statements(body: str, known: dict[str, Callable[..., Any]]) -> list[Statement]:
    """Read a line to its end, before any of it is carried out."""
    found = []
    place = 0
    while place < len(body):
        for form, do in known.items():
            if not body.startswith(form.partition("<")[0], place):
                continue  # which is most of them, and cheaper than to make their patterns
            if match := _pattern(form).match(body, place):
                groups = {name: value.strip("'") for name, value in match.groupdict().items()}
                found.append(Statement(form, do, groups))
                place = match.end()
                break
        else:
            raise Refused(f"unknown line, from here on: {body[place:]}")
    return found


@functools.cache
def _pattern(form: str) -> re.Pattern[str]:
    """A form as a regular expression that takes the semicolon after a statement with it."""
    pattern = ""
    seen: set[str] = set()
    for place, part in enumerate(re.split(r"<(\w+)>", form)):
        if place % 2 == 0:
            pattern += re.escape(part)
        elif part in seen:
            pattern += rf"(?P={part})"
        else:
            seen.add(part)
            pattern += rf"(?P<{part}>{VARYING.get(part, NAME)})"
    return re.compile(rf"{pattern}\s*(?:;\s*|$)")
