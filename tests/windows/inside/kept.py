"""Where a stand-in's state lies between processes: a JSON file, one process at a time."""

from __future__ import annotations

import json
import msvcrt
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DIRECTORY = Path(r"C:\simulated")
PATIENCE_SECONDS = 60

State = dict[str, Any]


class Kept:
    """A state with a name of its own, which is at first as ``fresh`` says."""

    def __init__(self, name: str, fresh: Callable[[], State]) -> None:
        self.file = DIRECTORY / f"{name}.json"
        self.lock = DIRECTORY / f"{name}.lock"
        self.fresh = fresh

    @contextmanager
    def open(self) -> Iterator[State]:
        """The state, for this process alone; what is changed is kept unless it raises."""
        with self._alone():
            state = json.loads(self.file.read_text()) if self.file.exists() else self.fresh()
            yield state
            self._write(state)

    def reset(self) -> None:
        """Begin again with a fresh one."""
        with self._alone():
            self._write(self.fresh())

    def _write(self, state: State) -> None:
        aside = self.file.with_suffix(".new")
        aside.write_text(json.dumps(state, indent=1))
        os.replace(aside, self.file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self.lock.open("a") as lock:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not _locked(lock.fileno()):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.lock} was locked for {PATIENCE_SECONDS} s")
                time.sleep(0.02)
            yield


def _locked(file: int) -> bool:
    os.lseek(file, 0, os.SEEK_SET)
    try:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
