"""Wine: one prefix, what runs in it, and its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import IO

#: Where the stand-ins for Windows's own programs lie; Wine puts it in front of its search path.
SIMULATED = r"C:\simulated"


class Wine:
    """A prefix, which is what Wine calls one installation of Windows."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.drive = prefix / "drive_c"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(prefix),
            "LANG": "C.UTF-8",
            "WINEPREFIX": str(prefix),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEPATH": SIMULATED,
            # Neither .NET nor HTML: without these Wine would ask for their installers.
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
        }

    def start(self, *command: str | os.PathLike[str]) -> subprocess.Popen[bytes]:
        """Start a program with pipes for its streams: Windows Pythons under Wine want pipes."""
        return subprocess.Popen(
            ["wine", *command],
            env=self.environment,
            cwd=self.prefix,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *command: str | os.PathLike[str], timeout: float = 240) -> str:
        """Run a program to its end and give what it wrote; one that fails raises."""
        process = self.start(*command)
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        if process.returncode != 0:
            said = (output + errors).decode(errors="replace").strip()
            raise OSError(f"{command[0]} ended with {process.returncode} under Wine: {said}")
        return output.decode(errors="replace").replace("\r\n", "\n")

    def link(self, name: str, target: Path) -> None:
        """Show a directory of this machine as one on drive C."""
        (self.drive / name).symlink_to(target, target_is_directory=True)

    def path(self, path: Path) -> str:
        """A path of this machine as programs in there name it."""
        if path.is_relative_to(self.drive):
            return "C:\\" + "\\".join(path.relative_to(self.drive).parts)
        return str(PureWindowsPath("Z:/", path.absolute().relative_to("/")))

    def settle(self) -> None:
        """Wait until nothing runs any more and the registry is on disk."""
        self._server("-w")

    def end(self) -> None:
        """End everything that runs in the prefix."""
        self._server("-k", accept_failure=True)  # it fails where nothing runs
        self._server("-w")

    def remove(self) -> None:
        """End everything and remove the prefix."""
        self.end()
        shutil.rmtree(self.prefix)

    def _server(self, order: str, accept_failure: bool = False) -> None:
        subprocess.run(
            ["wineserver", order], env=self.environment, check=not accept_failure, timeout=120
        )


def read_lines(pipe: IO[bytes] | None, take: Callable[[bytes], object]) -> None:
    """Read a pipe to its end in a thread; an empty line is the end."""
    assert pipe is not None

    def read() -> None:
        with pipe:
            for line in pipe:
                take(line)
        take(b"")

    threading.Thread(target=read, daemon=True).start()
