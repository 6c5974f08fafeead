"""Files that this process keeps open, and jobs that it goes on with meanwhile."""

from __future__ import annotations

import threading
import time
from typing import IO, Any

import deployments

from pushguide.host import facts
from pushguide.words import STAGES

_open: dict[str, IO[bytes]] = {}
_threads: list[threading.Thread] = []
_answers: list[dict[str, Any]] = []


def hold(path: str) -> None:
    """Open a file and keep it open."""
    _open[path] = open(path, "rb")  # noqa: SIM115


def let_go(path: str) -> None:
    """Close it."""
    _open.pop(path).close()


def while_held(path: str, seconds: float, share: dict[str, Any]) -> dict[str, Any]:
    """Run all stages while a file is open for the first seconds of that."""
    hold(path)
    threading.Timer(seconds, let_go, [path]).start()
    return deployments.run(share["type"], share, list(STAGES))


def meanwhile(share: dict[str, Any]) -> None:
    """Begin all stages in a thread; come back when the journal says that its switch is done."""

    def run() -> None:
        _answers.append(deployments.run(share["type"], share, list(STAGES)))

    _threads.append(threading.Thread(target=run))
    _threads[-1].start()
    options = deployments.options(share["module"])
    deadline = time.monotonic() + 60
    while not (facts.journal(options, share["module"], share["environment"]) or {})["unconfirmed"]:
        assert time.monotonic() < deadline, "it does not come to wait"
        time.sleep(0.05)


def joined() -> dict[str, Any]:
    """Wait for it to end; what it answered."""
    _threads.pop().join(120)
    return _answers.pop()
