"""Calls into one Windows Python that stays: its start takes seconds, a call milliseconds."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import IO, Any

from tests.windows.lab import INSIDE, PYTHON_EXE
from tests.windows.wine import Wine, as_windows


class Raised(Exception):  # named for what happened
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

    def __init__(self, wine: Wine) -> None:
        self.wine = wine
        self.drive = wine.drive
        self.process = wine.start(PYTHON_EXE, "-B", rf"{INSIDE}\serve.py")
        self.answers: queue.Queue[bytes] = queue.Queue()
        self.errors: deque[bytes] = deque(maxlen=200)
        self.readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.answers.put)),
            threading.Thread(target=self._read, args=(self.process.stderr, self.errors.append)),
        ]
        for one in self.readers:
            one.start()

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of a module that Python finds there, with plain data.

        Args:
            function: such as ``locks.hold`` for ``inside/locks.py``, or
                ``pushguide.host.file_lock.…`` for the project's own.

        Raises:
            Raised: it raised.
        """
        request = {"function": function, "arguments": arguments, "keywords": keywords}
        pipe = self.process.stdin
        assert pipe is not None
        pipe.write(json.dumps(request).encode() + b"\n")
        pipe.flush()
        answer = json.loads(self._answer(function))
        if "raised" in answer:
            raise Raised(answer["raised"])
        return answer["returned"]

    def salt(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """Call one of Salt's functions as a minion does."""
        return self.call("minion.call", function, *arguments, **keywords)

    def path(self, path: Path) -> str:
        """A path of this machine as Windows programs name it."""
        if path.is_relative_to(self.drive):
            return "C:\\" + "\\".join(path.relative_to(self.drive).parts)
        return as_windows(path)

    def end(self) -> None:
        """Let the process end, and with it all that it started."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.wine.end()
        self.process.wait(30)
        for one in self.readers:
            one.join(30)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def _answer(self, function: str, timeout_seconds: float = 240) -> bytes:
        try:
            line = self.answers.get(timeout=timeout_seconds)
        except queue.Empty:
            line = b""
        if not line:
            said = b"".join(self.errors).decode(errors="replace")
            raise OSError(f"the Windows Python gave no answer to {function}; it wrote:\n{said}")
        return line

    @staticmethod
    def _read(pipe: IO[bytes], take: Any) -> None:
        for line in pipe:
            take(line)
        take(b"")  # the end
