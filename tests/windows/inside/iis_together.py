"""Several PowerShells at one time."""

from __future__ import annotations

import subprocess


def create_pools(names: list[str]) -> None:
    """Create application pools, each with a PowerShell of its own, and wait for all."""
    options = ["-NonInteractive", "-NoProfile", "-ExecutionPolicy", "Bypass", "-Command"]
    running = [
        subprocess.Popen(
            [
                r"C:\simulated\powershell.exe",
                *options,
                rf"Import-Module WebAdministration; New-Item -Path 'IIS:\AppPools\{name}'",
            ],
        )
        for name in names
    ]
    codes = [one.wait(60) for one in running]
    assert codes == [0] * len(names), codes
