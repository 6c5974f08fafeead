"""SIMULATED: the settings of IIS's sites and application pools that the model knows.

Names, defaults and values are those of IIS 10's own schema. A value is kept as the text that
PowerShell's ``[String]`` makes of it, because that is all that Salt ever reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple


class Setting(NamedTuple):
    """What a setting is at first, and how what is written is kept; ValueError if it can't be."""

    default: str
    kept: Callable[[str], str]


def text(default: str = "") -> Setting:
    """Any text."""
    return Setting(default, str)


def flag(default: bool) -> Setting:
    """True or false."""

    def kept(value: str) -> str:
        try:
            return {"true": "True", "1": "True", "false": "False", "0": "False"}[value.lower()]
        except KeyError:
            raise ValueError(f"{value} is neither True nor False") from None

    return Setting(str(default), kept)


def number(default: int) -> Setting:
    """A number of something."""
    return Setting(str(default), lambda value: str(int(value)))


def span(default: str) -> Setting:
    """A length of time, such as 1.05:00:00 for a day and five hours."""

    def kept(value: str) -> str:
        if not re.fullmatch(r"(\d+\.)?\d\d:\d\d:\d\d", value):
            raise ValueError(f"{value} is no length of time")
        return value

    return Setting(default, kept)


def choice(default: str, *names: str) -> Setting:
    """One of some names, which can be written as a number that counts from 0 too."""

    def kept(value: str) -> str:
        for place, name in enumerate(names):
            if value in (str(place), name):
                return name
        raise ValueError(f"{value} is none of {', '.join(names)}")

    return Setting(default, kept)


POOL = {
    "autoStart": flag(True),
    "enable32BitAppOnWin64": flag(False),
    "managedPipelineMode": choice("Integrated", "Integrated", "Classic"),
    "managedRuntimeVersion": text("v4.0"),
    "queueLength": number(1000),
    "startMode": choice("OnDemand", "OnDemand", "AlwaysRunning"),
    "processModel.identityType": choice(
        "ApplicationPoolIdentity",
        "LocalSystem",
        "LocalService",
        "NetworkService",
        "SpecificUser",
        "ApplicationPoolIdentity",
    ),
    "processModel.userName": text(),
    "processModel.password": text(),
    "processModel.idleTimeout": span("00:20:00"),
    "processModel.idleTimeoutAction": choice("Terminate", "Terminate", "Suspend"),
    "processModel.loadUserProfile": flag(True),
    "processModel.maxProcesses": number(1),
    "processModel.pingingEnabled": flag(True),
    "processModel.shutdownTimeLimit": span("00:01:30"),
    "processModel.startupTimeLimit": span("00:01:30"),
    "recycling.disallowOverlappingRotation": flag(False),
    "recycling.disallowRotationOnConfigChange": flag(False),
    "recycling.periodicRestart.time": span("1.05:00:00"),
    "recycling.periodicRestart.memory": number(0),
    "recycling.periodicRestart.privateMemory": number(0),
    "recycling.periodicRestart.requests": number(0),
    "failure.rapidFailProtection": flag(True),
    "failure.rapidFailProtectionInterval": span("00:05:00"),
    "failure.rapidFailProtectionMaxCrashes": number(5),
}

#: A site's own; those of its root application and root directory are below.
SITE = {
    "serverAutoStart": flag(True),
    "limits.connectionTimeout": span("00:02:00"),
    "limits.maxConnections": number(4294967295),
    "limits.maxBandwidth": number(4294967295),
    "logFile.directory": text(r"%SystemDrive%\inetpub\logs\LogFiles"),
    "logFile.enabled": flag(True),
    "logFile.logFormat": choice("W3C", "IIS", "NCSA", "W3C", "Custom"),
    "logFile.period": choice("Daily", "MaxSize", "Daily", "Weekly", "Monthly", "Hourly"),
}

APPLICATION = {
    "applicationPool": text("DefaultAppPool"),
    "enabledProtocols": text("http"),
    "preloadEnabled": flag(False),
}

DIRECTORY = {"physicalPath": text(), "userName": text(), "password": text()}


def defaults(settings: dict[str, Setting]) -> dict[str, str]:
    """Every setting as it is at first."""
    return {name: setting.default for name, setting in settings.items()}
