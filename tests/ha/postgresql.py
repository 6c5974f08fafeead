"""A PostgreSQL server of the test's own, on an address that namespaces reach."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.support.ports import free_port
from tests.support.waiting import wait_until

_AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")


def programs() -> Path | None:
    """Where the newest server's programs are; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


class PostgreSQL:
    """Starts a server, and takes it away.

    Args:
        address: where it listens.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.port = free_port()
        self.top = Path(tempfile.mkdtemp(prefix="pushguide-pg-"))
        shutil.chown(self.top, "postgres", "postgres")
        self.process: subprocess.Popen[bytes] | None = None
        bin_directory = programs()
        assert bin_directory
        self.bin = bin_directory

    @property
    def url(self) -> str:
        """The URL of its only database."""
        return f"postgresql+psycopg://postgres@{self.address}:{self.port}/postgres"

    def __enter__(self) -> PostgreSQL:
        words = [self.bin / "initdb", "-D", self.top / "data", "--auth=trust", "--no-sync"]
        subprocess.run([*_AS_POSTGRES, *words], check=True, capture_output=True, cwd="/")
        rule = "host all all 10.213.0.0/16 trust\n"
        with (self.top / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(rule)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.top)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "listen_addresses": self.address,
            "port": self.port,
            "unix_socket_directories": self.top,
            "fsync": "off",
        }
        given = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        with (self.top / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_AS_POSTGRES, self.bin / "postgres", "-D", self.top / "data", *given],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        wait_until(self._answers, "PostgreSQL's start")

    def _answers(self) -> bool:
        words = [self.bin / "pg_isready", "-h", self.address, "-p", str(self.port), "-q"]
        return subprocess.run(words, check=False).returncode == 0

    def stop(self) -> None:
        """Stop it as one that crashes: whoever talks to it is cut off."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None
