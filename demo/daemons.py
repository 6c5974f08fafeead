"""Daemons of a lab: processes of the current user that live in one temporary directory.

They listen on addresses of this machine alone, and are stopped again by their process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import yaml
from typing_extensions import Self

PROJECT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
#: What the lab's processes get: bytecode is kept, as it is where a package is installed, and who
#: began this by sudo owns the master all the same.
_LEFT_OUT = ("PYTHONDONTWRITEBYTECODE", "SUDO_USER")
_ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in _LEFT_OUT}


class LabError(Exception):
    """Something in the lab did not come up; the message says what, and where its log is."""


def free_port() -> int:
    """A TCP port of the loopback address that nothing listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until a condition holds.

    Raises:
        LabError: it does not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.1)


def _pass_on(stream: IO[str], lines: list[str], live: bool) -> None:
    """Collect lines, and show them; Salt 3008 says of itself at each exit what it left open."""
    for line in stream:
        if "unclosed " not in line:
            lines.append(line)
            if live:
                print(line, end="", file=sys.stderr, flush=True)


class Daemons:
    """Processes, and the files that they share: artifacts, and what the file server has."""

    def __init__(self) -> None:
        # Sockets lie in here, and a socket's path may have no more than about 100 characters.
        self.top = Path(tempfile.mkdtemp(prefix="pushguide-"))
        self.artifacts = self.top / "files" / "artifacts"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start everything."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop everything that was started, and remove the directory."""
        for process in reversed(self.processes.values()):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0.1))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()
        shutil.rmtree(self.top, ignore_errors=True)

    def spawn(self, name: str, command: Sequence[str]) -> None:
        """Start a process that belongs to the lab and is stopped with it."""
        log = self.top / f"{name}.log"
        with log.open("ab") as out:
            self.processes[name] = subprocess.Popen(
                list(command),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                start_new_session=True,
            )

    def serve(self, directory: Path, port: int) -> None:
        """Serve a directory, which need not be there yet, on a port of the loopback address."""
        words = ["-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(directory)]
        self.spawn(f"http-{port}", [sys.executable, *words])

    def demand_running(self) -> None:
        """Refuse to wait for a process that has ended.

        Raises:
            LabError: one has; its log is told.
        """
        for name, process in self.processes.items():
            if process.poll() is not None:
                log = (self.top / f"{name}.log").read_text()[-2000:]
                raise LabError(f"{name} ended with {process.returncode}:\n{log}")

    @staticmethod
    def run_command(
        words: Sequence[str], check: bool = True, live: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. ``live`` passes on what it tells while it runs."""
        errors: list[str] = []
        with subprocess.Popen(
            [*words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_ENVIRONMENT
        ) as process:
            reader = threading.Thread(target=_pass_on, args=(process.stderr, errors, live))
            reader.start()
            assert process.stdout
            output = process.stdout.read()
            reader.join()
        if check and process.returncode:
            raise LabError(
                f"{' '.join(words)} exited {process.returncode}:\n{output}\n{''.join(errors)}"
            )
        return subprocess.CompletedProcess([*words], process.returncode, output, "".join(errors))

    def _share_files(self) -> None:
        """Make the file server's root, with the project's folders in it."""
        for directory in ("files", "pillar"):
            (self.top / directory).mkdir(exist_ok=True)
        self.artifacts.mkdir(exist_ok=True)
        for name in ("orch", "_modules", "_states", "_utils"):
            (self.top / "files" / name).symlink_to(PROJECT / name)

    def publish(self, module: str, version: str, files: Mapping[str, str]) -> None:
        """Do what CI does: put a version's archive and its sha256 where the source looks."""
        place = self.artifacts / module / version
        content = self.top / "build" / module / version
        for name, text in files.items():
            path = content / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        place.mkdir(parents=True)
        name = f"{module}-{version}.tar.gz"
        subprocess.run(["tar", "-C", str(content), "-czf", str(place / name), "."], check=True)
        done = subprocess.run(["sha256sum", name], cwd=place, check=True, capture_output=True)
        (place / "sha256").write_bytes(done.stdout)

    def _write(self, name: str, data: Any) -> None:
        (self.top / name).write_text(yaml.safe_dump(data))
