"""What stands in for what in this Python, which depends on the Windows that it runs on."""

from __future__ import annotations

import shutil
import subprocess
import sys

_POWERSHELL = (sys.executable, "-I", "-S", r"C:\lab\simulated_powershell.py", "--stay")
#: It ends as soon as nobody holds its input any more.
_staying: list[subprocess.Popen[bytes]] = []


def is_wine() -> bool:
    """Whether this Windows is Wine; False on Linux."""
    if sys.platform != "win32":
        return False
    import ctypes

    return hasattr(ctypes.windll.ntdll, "wine_get_version")


def apply() -> None:
    """Put in place what Wine lacks; Microsoft's Windows has it all."""
    if is_wine():
        import service_settings
        import simulated_junctions
        import simulated_tasks
        import wine_shims

        wine_shims.apply()
        service_settings.stand_in()
        simulated_junctions.stand_in()
        simulated_tasks.stand_in()
        let_powershell_stay()


def let_powershell_stay() -> None:
    """Start a simulated PowerShell that ends with this process, unless one is there already."""
    pipe = subprocess.PIPE  # which Windows Pythons under Wine want
    _staying.append(subprocess.Popen(_POWERSHELL, stdin=pipe, stdout=pipe, stderr=pipe))


def iis_is_simulated() -> bool:
    """Whether the PowerShell that Salt finds is the simulated one."""
    return (shutil.which("powershell") or "").casefold().startswith("c:\\simulated\\")
