"""SIMULATED powershell.exe: knows the lines of Salt's win_iis and refuses every other one.

With ``--stay`` it is there for all of them that are called, for Windows Pythons start slowly:
``powershell.exe`` asks it through a named pipe, and ends as it says. What IIS is lies in a file in
either case, and is read and written anew for each line.
"""

from __future__ import annotations

import ctypes
import locale
import os
import struct
import sys
import threading
from contextlib import suppress
from ctypes import wintypes
from multiprocessing.connection import Connection, Listener
from typing import NamedTuple

sys.path.insert(0, r"C:\lab")

import iis_lines
import iis_store

OPTIONS = ["-NonInteractive", "-NoProfile", "-ExecutionPolicy", "Bypass", "-Command"]
PIPE = r"\\.\pipe\simulated-powershell"


class Answer(NamedTuple):
    """What comes of a call."""

    code: int
    output: str = ""
    errors: str = ""

    def to_bytes(self) -> bytes:
        """As powershell.c reads it."""
        output, errors = map(_as_written, (self.output, self.errors))
        return struct.pack("<II", self.code, len(output)) + output + errors


def carried_out(arguments: list[str]) -> Answer:
    """Carry out the line."""
    line = " ".join(arguments[len(OPTIONS) :])
    try:
        if arguments[: len(OPTIONS)] != OPTIONS:
            raise iis_lines.Refused(f"unknown options: {arguments}")
        with iis_store.shell() as shell:
            iis_store.note(line)
            outcome = iis_lines.carry_out(shell, line)
    except iis_lines.Refused as err:
        return Answer(1, errors=f"The simulated PowerShell refuses this: {err}\n")
    errors = "".join(f"{one}\n" for one in outcome.errors)
    return Answer(outcome.exit_code, outcome.output, errors)


def main() -> int:
    """Carry out the line of this call and give the exit code."""
    answer = carried_out(sys.argv[1:])
    sys.stderr.write(answer.errors)
    sys.stdout.write(answer.output)
    return answer.code


def stay() -> None:
    """Carry out the lines of all calls, until whoever started this ends; one alone can stay."""
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    with Listener(PIPE) as listener:
        while True:
            threading.Thread(target=_answer, args=[listener.accept()], daemon=True).start()


def _answer(connection: Connection) -> None:
    with connection, suppress(EOFError, OSError):
        arguments = _divided(connection.recv_bytes().decode("utf-16-le"))
        connection.send_bytes(carried_out(arguments).to_bytes())
        connection.recv_bytes()  # until it was read: an end would take it away


def _divided(line: str) -> list[str]:
    """A command line's arguments, as Windows divides them."""
    divide = ctypes.windll.shell32.CommandLineToArgvW
    divide.restype = ctypes.POINTER(wintypes.LPWSTR)
    count = ctypes.c_int()
    found = divide(f"powershell.exe {line}", ctypes.byref(count))
    return [str(found[place]) for place in range(1, count.value)]


def _as_written(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode(locale.getencoding(), "replace")


def _end_with_the_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(stay() if sys.argv[1:] == ["--stay"] else main())
