"""Calls into one Windows Python that stays: its start takes seconds, a call milliseconds."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from tests.windows.lab import INSIDE, PYTHON_EXE
from tests.windows.under_test import HAS_REAL_IIS, IS_MICROSOFTS, UnderTest
from tests.windows.wine import read_lines

#: How long a call may take, which is below the time that a test has.
PATIENCE_SECONDS = 240

#: Modules of ``inside`` that look into a stand-in which is none here, because the real one is.
NOT_HERE = {
    *(["iis_store"] if HAS_REAL_IIS else []),
    *(["task_store", "simulated_max_path", "service_settings"] if IS_MICROSOFTS else []),
}


class Raised(Exception):
    """The function that was called raised.

    Attributes:
        type: the exception's class, with its module.
        message: what it said.
        winerror: Windows's own number, if it is an error of Windows.
    """

    def __init__(self, raised: dict[str, Any]) -> None:
        super().__init__(f"{raised['type']}: {raised['message']}\n\n{raised['traceback']}")
        self.type: str = raised["type"]
        self.message: str = raised["message"]
        self.winerror: int | None = raised["winerror"]


class Windows:
    """A Windows Python, the drive C that it sees, and Salt in it."""

    def __init__(self, host: UnderTest) -> None:
        self.host = host
        self.drive = host.drive
        self.process = host.start(PYTHON_EXE, "-B", rf"{INSIDE}\serve.py")
        self.answers: queue.Queue[bytes] = queue.Queue()
        self.errors: deque[bytes] = deque(maxlen=200)
        self.one_at_a_time = threading.Lock()
        read_lines(self.process.stdout, self.answers.put)
        read_lines(self.process.stderr, self.errors.append)

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of a module that Python finds there, with plain data.

        What goes there and comes back is JSON: tuples become lists, and keys become text.

        Args:
            function: such as ``file_locks.rename_open`` of ``inside/file_locks.py``, or
                ``pushguide.address.shown`` of the project.
            arguments: its arguments.
            keywords: its arguments by name.

        Raises:
            Raised: it raised.
        """
        if function.partition(".")[0] in NOT_HERE:
            pytest.skip(f"{function} is about what is simulated, and here that is real")
        return self.call_within(PATIENCE_SECONDS, function, *arguments, **keywords)

    def call_within(
        self, patience_seconds: float, function: str, *arguments: Any, **keywords: Any
    ) -> Any:
        """Call a function that may take longer than others."""
        request = {"function": function, "arguments": arguments, "keywords": keywords}
        with self.one_at_a_time:
            answer = json.loads(self._ask(json.dumps(request).encode(), function, patience_seconds))
        if "raised" in answer:
            raise Raised(answer["raised"])
        return answer["returned"]

    def salt(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """Call one of Salt's functions as a minion does."""
        return self.call("minion.call", function, *arguments, **keywords)

    def path(self, path: Path) -> str:
        """A path of this machine as Windows programs name it."""
        return self.host.path(path)

    def end(self) -> None:
        """Let the process end; what it started ends with the host."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ask(self, request: bytes, function: str, patience_seconds: float) -> bytes:
        """Give a request and wait for its answer, which is never empty."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(request + b"\n")
            self.process.stdin.flush()
            line = self.answers.get(timeout=patience_seconds)
        except OSError:  # a broken pipe, which Windows calls an invalid argument
            line = b""
        except queue.Empty:
            self.process.kill()  # or the next call would get this one's answer
            line = b""
        if not line:
            said = b"".join(self.errors).decode(errors="replace")
            raise OSError(f"the Windows Python gave no answer to {function}; it wrote:\n{said}")
        return line
