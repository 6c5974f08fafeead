"""SIMULATED: what a task of the Task Scheduler is, as plain data behind COM's attributes.

An attribute that is not here can be neither read nor set, as win32com says it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Values = dict[str, Any]

EXECUTE = 0


class Refused(Exception):
    """The stand-in does not know what it was asked for."""


class Thing:
    """A COM object with the attributes of a dictionary."""

    def __init__(self, name: str, values: Values) -> None:
        vars(self).update(_name=name, _values=values)

    def __getattr__(self, name: str) -> Any:
        if name not in self._values:
            raise AttributeError(f"{self._name}.{name}")
        value = self._values[name]
        if isinstance(value, dict):
            return Thing(name, value)
        if isinstance(value, list):
            return Collection(value, COLLECTIONS[name])
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._values or isinstance(self._values[name], (dict, list)):
            raise AttributeError(f"Property '{self._name}.{name}' can not be set.")
        self._values[name] = value

    def as_data(self) -> Values:
        """A copy of all of it."""
        return copy.deepcopy(self._values)


class Collection:
    """A COM collection, which makes its own items."""

    def __init__(self, items: list[Values], made: Callable[[int], Values]) -> None:
        self._items = items
        self._made = made

    def __iter__(self) -> Iterator[Thing]:
        return (Thing("Item", one) for one in self._items)

    @property
    def Count(self) -> int:  # noqa: N802  # COM's name
        """How many there are."""
        return len(self._items)

    def Create(self, kind: int) -> Thing:  # noqa: N802
        """Make one more."""
        values = self._made(kind)
        self._items.append(values)
        return Thing("Item", values)

    def Clear(self) -> None:  # noqa: N802
        """Remove all."""
        self._items.clear()


def definition() -> Thing:
    """A task as Windows makes a new one."""
    return Thing("TaskDefinition", copy.deepcopy(NEW))


def action(kind: int) -> Values:
    """An action, which is the start of a program."""
    if kind != EXECUTE:
        raise Refused(f"actions other than programs are not simulated: {kind}")
    return {"Type": EXECUTE, "Id": "", "Path": "", "Arguments": "", "WorkingDirectory": ""}


def trigger(kind: int) -> Values:
    """A trigger, which is kept and read back and never fires."""
    if kind not in TRIGGERS:
        raise Refused(f"this kind of trigger is not simulated: {kind}")
    return {
        "Type": kind,
        "Id": "",
        "Enabled": True,
        "StartBoundary": "",
        "EndBoundary": "",
        "ExecutionTimeLimit": "",
        "Repetition": {"Interval": "", "Duration": "", "StopAtDurationEnd": False},
        **TRIGGERS[kind],
    }


COLLECTIONS = {"Actions": action, "Triggers": trigger}

#: What triggers of a kind have of their own. One that fires when the task is registered (7) is
#: missing, because this one would not.
TRIGGERS: dict[int, Values] = {
    0: {"Subscription": "", "Delay": ""},
    1: {"RandomDelay": ""},
    2: {"DaysInterval": 1, "RandomDelay": ""},
    3: {"DaysOfWeek": 0, "WeeksInterval": 1, "RandomDelay": ""},
    4: {"DaysOfMonth": 0, "MonthsOfYear": 0, "RunOnLastDayOfMonth": False, "RandomDelay": ""},
    5: {
        "DaysOfWeek": 0,
        "WeeksOfMonth": 0,
        "MonthsOfYear": 0,
        "RunOnLastWeekOfMonth": False,
        "RandomDelay": "",
    },
    6: {},
    8: {"Delay": ""},
    9: {"UserId": "", "Delay": ""},
    11: {"UserId": "", "StateChange": 0, "Delay": ""},
}

NEW: Values = {
    "RegistrationInfo": {
        "Author": "",
        "Date": "",
        "Description": "",
        "Documentation": "",
        "Source": "",
        "URI": "",
        "Version": "",
    },
    "Principal": {
        "Id": "",
        "UserID": "",
        "GroupId": "",
        "DisplayName": "",
        "LogonType": 0,
        "RunLevel": 0,
    },
    "Data": "",
    "Settings": {
        "AllowDemandStart": True,
        "AllowHardTerminate": True,
        "Compatibility": 2,
        "DeleteExpiredTaskAfter": "",
        "DisallowStartIfOnBatteries": True,
        "Enabled": True,
        "ExecutionTimeLimit": "PT72H",
        "Hidden": False,
        "IdleSettings": {
            "IdleDuration": "PT10M",
            "RestartOnIdle": False,
            "StopOnIdleEnd": True,
            "WaitTimeout": "PT1H",
        },
        "MultipleInstances": 2,
        "Priority": 7,
        "NetworkSettings": {"Id": "", "Name": ""},
        "RestartCount": 0,
        "RestartInterval": "",
        "RunOnlyIfIdle": False,
        "RunOnlyIfNetworkAvailable": False,
        "StartWhenAvailable": False,
        "StopIfGoingOnBatteries": True,
        "WakeToRun": False,
    },
    "Actions": [],
    "Triggers": [],
}
