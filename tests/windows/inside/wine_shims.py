"""What Salt asks of Windows and Wine 8 does not answer. Nothing here stands in for behaviour that
a test looks at: it is what the machine is called, and what Salt asks for on its way elsewhere.
"""

from __future__ import annotations

import ctypes
import socket
import sys
from types import SimpleNamespace
from typing import Any

QUERY_LIMITED_INFORMATION = 0x1000


def apply() -> None:
    """Change Salt's ways to Windows where Wine would end the process or fail."""
    sys.modules["clr"] = None  # type: ignore[assignment]  # .NET, whose loader ends the process
    _management_instrumentation()
    _network()
    _processes()
    _permissions()


# --- the machine: Windows Management Instrumentation ----------------------------------------


class _Row(SimpleNamespace):
    """A row of WMI; what it has no value for is None, as there."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


ROWS = {
    "Win32_ComputerSystem": _Row(
        Manufacturer="Wine",
        Model="Wine",
        PartOfDomain=False,
        Domain="WORKGROUP",
        Workgroup="WORKGROUP",
        DNSHostName="wine",
    ),
    "Win32_OperatingSystem": _Row(
        Caption="Microsoft Windows Server 2019 Standard",
        ProductType=3,
        Version="10.0.17763",
        Manufacturer="Microsoft Corporation",
    ),
    "Win32_BIOS": _Row(Name="wine", Version="1", SerialNumber="0"),
    "Win32_TimeZone": _Row(Description="UTC"),
    "Win32_ComputerSystemProduct": _Row(UUID="00000000-0000-0000-0000-000000000000"),
    "Win32_BaseBoard": _Row(Product="wine", SerialNumber="0"),
}


class _Wmi:
    """WMI with one row a table."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __getattr__(self, table: str) -> Any:
        if table.startswith("__"):
            raise AttributeError(table)
        return lambda *_, **__: [ROWS[table]] if table in ROWS else []


def _management_instrumentation() -> None:
    import salt.utils.win_system
    import wmi

    wmi.WMI = _Wmi
    salt.utils.win_system.get_pending_windows_update = lambda: False


# --- network cards --------------------------------------------------------------------------


def _network() -> None:
    import salt.utils.win_network

    salt.utils.win_network.get_interface_info = _interfaces
    salt.utils.win_network.get_interface_info_wmi = _interfaces


def _interfaces() -> dict[str, dict[str, Any]]:
    import psutil

    found = {}
    for card, addresses in psutil.net_if_addrs().items():
        inet = [
            {
                "address": one.address,
                "netmask": one.netmask or "255.0.0.0",
                "broadcast": one.broadcast or "",
                "label": card,
                "gateway": "",
            }
            for one in addresses
            if one.family == socket.AF_INET
        ]
        found[card] = {"hwaddr": "00:00:00:00:00:00", "up": True, "inet": inet, "inet6": []}
    return found


# --- processes, permissions -------------------------------------------------------


def _processes() -> None:
    """The name of a process's program: Wine 8 has no SystemProcessIdInformation."""
    import psutil._pswindows as psutil_windows

    real = psutil_windows.cext

    class Extension:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def proc_exe(self, pid: int) -> str:
            try:
                return str(real.proc_exe(pid))
            except OSError:
                return _program_of(pid) or sys.executable

    psutil_windows.cext = Extension()


def _program_of(pid: int) -> str | None:
    """The program of a process, by another way that Wine knows."""
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(QUERY_LIMITED_INFORMATION, False, pid)
    if not handle:
        return None
    try:
        length = ctypes.c_ulong(32768)
        path = ctypes.create_unicode_buffer(length.value)
        found = kernel.QueryFullProcessImageNameW(handle, 0, path, ctypes.byref(length))
        return path.value if found else None
    finally:
        kernel.CloseHandle(handle)


def _permissions() -> None:
    """Wine 8 keeps no inheritance of permissions, and none at all in the registry."""
    import salt.utils.win_dacl

    real = salt.utils.win_dacl.check_perms

    def check(obj_name: str, obj_type: str = "file", ret: Any = None, **named: Any) -> Any:
        if obj_type == "file":
            return real(obj_name, obj_type, ret, **named)
        return ret or {"name": obj_name, "changes": {}, "comment": [], "result": True}

    salt.utils.win_dacl.check_perms = check
    salt.utils.win_dacl.get_inheritance = lambda *_, **__: True
