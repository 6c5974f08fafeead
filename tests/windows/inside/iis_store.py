"""SIMULATED: where IIS's state lies between calls, and what tests do with it.

A test calls these in the Windows Python: ``windows.call("iis_store.request", 80, "", "/")``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import iis_model
import iis_serving
from iis_lines import Shell
from iis_parts import Item
from kept import DIRECTORY, Kept

STATE = Kept("iis", iis_model.fresh)
LINES = DIRECTORY / "powershell.log"


@contextmanager
def shell() -> Iterator[Shell]:
    """IIS, for this process alone; what is changed is kept unless it raises."""
    with STATE.open() as state:
        yield Shell(state)


def reset() -> None:
    """Begin again with IIS as it is installed, and without a line."""
    STATE.reset()
    LINES.write_text("")


def let_old_workers_stay(seconds: float) -> None:
    """Set how long the old worker of a recycled pool is still there."""
    with shell() as iis:
        iis.state["overlap_seconds"] = seconds


def set_up_wrongly(container: str, name: str) -> None:
    """Let IIS find what is set up wrongly, so that it has the state Undefined.

    Args:
        container: ``Sites`` or ``AppPools``.
        name: of the site or pool.
    """
    with shell() as iis:
        iis.state["set_up_wrongly"].append(f"{container}/{name}")


def request(port: int, host: str, path: str) -> Item:
    """Ask for a page; see :func:`iis_serving.request`."""
    with shell() as iis:
        return iis_serving.request(iis, port, host, path)


def workers(pool: str) -> list[Item]:
    """A pool's workers with their states, which Salt leaves out."""
    with shell() as iis:
        return iis.list_workers(pool)


def processes() -> list[int]:
    """The workers of all pools."""
    with shell() as iis:
        return [one["pid"] for pool in iis.pools.values() for one in pool["workers"]]


def note(line: str) -> None:
    """Note a line that PowerShell was given."""
    with LINES.open("a", encoding="utf-8") as log:
        log.write(line + "\n")


def lines() -> list[str]:
    """Every line that PowerShell was given since the last reset."""
    return LINES.read_text(encoding="utf-8").splitlines()
