r"""The Windows that this Python runs on, which is to be one that may be disposed of.

What tests look for in directories of drive C is put there, and removed at the end. Under Wine,
where nobody needs this but to try it, the lab's copy of a prefix has it all already.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.windows import compiler
from tests.windows.lab import HERE, PROJECT
from tests.windows.under_test import HAS_REAL_IIS, IS_MICROSOFTS
from tests.windows.wine import SIMULATED

DRIVE = Path("C:\\")
#: What programs find in other places under these names, and what tests put beside it.
LINKS = {"lab": HERE / "inside", "project": PROJECT, "py": Path(sys.base_prefix)}
OTHERS = ("salt", "simulated", "srv", "artifacts", "minions", "out")


def missing() -> str:
    """What this Windows lacks for the tests, as a sentence; empty if it lacks nothing."""
    if not IS_MICROSOFTS:
        return ""
    if sys.prefix != sys.base_prefix:
        return "Services run this Python by itself: install Salt into it, not into an environment"
    if not ctypes.windll.shell32.IsUserAnAdmin():
        return "Services and tasks are created here: run the tests as an administrator"
    if compiler.found() is None:
        return f"MinGW's compiler is needed: one of {', '.join(compiler.NAMES)}"
    taken = [rf"C:\{name}" for name in (*LINKS, *OTHERS) if (DRIVE / name).exists()]
    if taken:
        return f"The tests use directories that this Windows has already: {', '.join(taken)}"
    return ""


class Native:
    """This Windows."""

    def __init__(self) -> None:
        self.drive = DRIVE
        self.environment = dict(os.environ)
        if IS_MICROSOFTS:
            self._prepare()

    def start(self, *command: str | os.PathLike[str]) -> subprocess.Popen[bytes]:
        """Start a program with pipes for its streams."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self.environment, cwd=self.drive, stdin=pipe, stdout=pipe, stderr=pipe
        )

    def path(self, path: Path) -> str:
        """A path as it is."""
        return str(path.absolute())

    def remove(self) -> None:
        """Remove the directories of the tests."""
        if not IS_MICROSOFTS:
            return
        for name in LINKS:
            os.rmdir(self.drive / name)  # the junction alone
        for name in OTHERS:
            shutil.rmtree(self.drive / name, ignore_errors=True)

    def _prepare(self) -> None:
        import _winapi

        for name, target in LINKS.items():
            _winapi.CreateJunction(str(target), str(self.drive / name))
        configuration = self.drive / "salt" / "conf"
        configuration.mkdir(parents=True)
        shutil.copy(HERE / "minion.yaml", configuration / "minion")
        simulated = Path(SIMULATED)
        simulated.mkdir()
        if not HAS_REAL_IIS:
            self._simulate_iis(simulated)

    def _simulate_iis(self, simulated: Path) -> None:
        """Put the simulated PowerShell in front of the real one, with its module for IIS."""
        compiler.build(HERE / "powershell.c", simulated / "powershell.exe", "-municode")
        module = simulated / "Modules" / "WebAdministration"
        module.mkdir(parents=True)
        (module / "WebAdministration.psd1").touch()
        self.environment["PATH"] = f"{simulated};{os.environ['PATH']}"
        self.environment["PSModulePath"] = str(module.parent)
