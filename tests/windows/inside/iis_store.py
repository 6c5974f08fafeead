"""SIMULATED: where IIS's state lies between calls, and what tests do with it.

A test calls these in the Windows Python: ``windows.call("iis_store.request", 80, "", "/")``.
"""

from __future__ import annotations

import json
import msvcrt
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import iis_model
from iis_lines import Shell

DIRECTORY = Path(r"C:\simulated")
STATE = DIRECTORY / "iis.json"
LINES = DIRECTORY / "powershell.log"
PATIENCE_SECONDS = 60


@contextmanager
def shell() -> Iterator[Shell]:
    """IIS, for this process alone; what is changed is kept unless it raises."""
    with _alone():
        state = json.loads(STATE.read_text()) if STATE.exists() else iis_model.fresh()
        yield Shell(state)
        _keep(state)


def reset() -> None:
    """Begin again with IIS as it is installed, and without a line."""
    with _alone():
        _keep(iis_model.fresh())
        LINES.write_text("")


def let_old_workers_stay(seconds: float) -> None:
    """Set how long the old worker of a recycled pool is still there."""
    with shell() as iis:
        iis.state["overlap_seconds"] = seconds


def request(port: int, host: str, path: str) -> iis_model.Item:
    """Ask for a page; see :meth:`iis_model.Iis.request`."""
    with shell() as iis:
        return iis.request(port, host, path)


def workers(pool: str) -> list[iis_model.Item]:
    """A pool's workers with their states, which Salt leaves out."""
    with shell() as iis:
        return iis.list_workers(pool)


def note(line: str) -> None:
    """Note a line that PowerShell was given."""
    with LINES.open("a", encoding="utf-8") as log:
        log.write(line + "\n")


def lines() -> list[str]:
    """Every line that PowerShell was given since the last reset."""
    return LINES.read_text(encoding="utf-8").splitlines()


def _keep(state: iis_model.Item) -> None:
    aside = STATE.with_suffix(".new")
    aside.write_text(json.dumps(state, indent=1))
    os.replace(aside, STATE)


@contextmanager
def _alone() -> Iterator[None]:
    with (DIRECTORY / "iis.lock").open("a") as lock:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _locked(lock.fileno()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the simulated IIS was locked for {PATIENCE_SECONDS} s")
            time.sleep(0.02)
        yield


def _locked(file: int) -> bool:
    os.lseek(file, 0, os.SEEK_SET)
    try:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
