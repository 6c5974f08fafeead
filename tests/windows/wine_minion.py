"""A Salt minion under Wine, for a master on this machine."""

from __future__ import annotations

import subprocess
from collections import deque
from typing import Any

import yaml

from tests.support.ports import free_port
from tests.windows.lab import INSIDE, PYTHON_EXE
from tests.windows.wine import Wine, read_lines


class WineMinion:
    r"""A minion daemon in a prefix of its own.

    Args:
        wine: the prefix, a copy of the lab's.
        name: the minion's id.
        master_port: the port of the master, on this machine, that minions return to.
        config: more of its configuration. With ``module_dirs=[r"C:\project"]`` it has the project
            at once; from the master it takes most of a minute.
    """

    def __init__(self, wine: Wine, name: str, master_port: int, **config: Any) -> None:
        self.wine = wine
        file = wine.drive / "salt" / "conf" / "minion"
        settings = yaml.safe_load(file.read_text())
        del settings["module_dirs"]  # what it has of the project comes from the master
        settings |= {"id": name, "file_client": "remote", "master": "127.0.0.1"}
        # On Windows a minion's own event bus has ports, not sockets: two on one machine that share
        # them take each other's returns for their own.
        settings |= {"tcp_pub_port": free_port(), "tcp_pull_port": free_port()}
        settings |= {"master_port": master_port, **config}
        file.write_text(yaml.safe_dump(settings))
        self.said: deque[bytes] = deque(maxlen=1000)
        self.process = wine.start(PYTHON_EXE, "-B", rf"{INSIDE}\salt_minion.py")
        read_lines(self.process.stdout, self.said.append)
        read_lines(self.process.stderr, self.said.append)

    @property
    def log(self) -> str:
        """What it wrote."""
        return b"".join(self.said).decode(errors="replace")

    def kill(self) -> None:
        """Kill it, with no chance to clean up. What it started lives on, and so does its prefix."""
        self.process.kill()
        self.process.wait()
        self._close()

    def end(self) -> None:
        """End it and all that it started, and remove its prefix."""
        self._close()
        self.wine.end()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.wine.remove()

    def _close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
