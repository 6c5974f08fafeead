"""SIMULATED: the lengths of paths that Windows accepts, which Wine does not look at.

A path that is handed to the system may have 259 characters, one of a new directory 247, unless it
has ``\\\\?\\`` in front; such a one has to be absolute, with backslashes alone, without ``.`` and
``..``. What Python reports by its audit hooks is looked at, and what it asks without reporting it.

Source: Microsoft's documentation, "Maximum Path Length Limitation".
"""

from __future__ import annotations

import ntpath
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import deployments
import win32file

MAX_PATH, MAX_DIRECTORY = 260, 248
ERROR_PATH_NOT_FOUND = 3
_EXTENDED = "\\\\?\\"
#: What is reported, with how many paths; all others are not looked at.
_EVENTS = {
    "open": 1,
    "os.chmod": 1,
    "os.link": 2,
    "os.listdir": 1,
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "os.scandir": 1,
    "os.truncate": 1,
    "os.utime": 1,
}
_SILENT = ((os, "stat"), (os, "lstat"), (os, "access"), (win32file, "MoveFileEx"))

_is_on = False
_longest = 0


def run(project_type: str, share: Mapping[str, Any], stages: Sequence[str]) -> dict[str, Any]:
    """Run stages as a job does, where the system has its limits.

    Returns:
        The host's answer, with ``longest``: the length of the longest path that was handed over.
    """
    global _is_on, _longest
    _stand_in()
    _is_on, _longest = True, 0
    try:
        answer = deployments.run(project_type, share, stages)
    finally:
        _is_on = False
    return {**answer, "longest": _longest}


def call(function: str, *arguments: Any) -> Any:
    """Call a function of the project where the system has its limits."""
    global _is_on
    module, _, name = function.rpartition(".")
    called = getattr(__import__(module, fromlist=[name]), name)
    _stand_in()
    _is_on = True
    try:
        return called(*arguments)
    finally:
        _is_on = False


def demand(path: Any, most: int = MAX_PATH) -> None:
    """Refuse a path as Windows does: as if it were not there.

    Raises:
        OSError: it is too long, or has the prefix and is not to be taken as it is.
    """
    global _longest
    if not _is_on or not isinstance(path, str | os.PathLike):
        return
    text = os.fspath(path)
    if not isinstance(text, str):
        return
    _longest = max(_longest, len(text))
    if text.startswith(_EXTENDED):
        rest = text[len(_EXTENDED) :]
        is_wrong = not ntpath.isabs(rest) or ntpath.normpath(rest) != rest
    else:
        is_wrong = len(ntpath.abspath(text)) >= most
    if is_wrong:
        raise OSError(0, "SIMULATED: this path is refused", text, ERROR_PATH_NOT_FOUND)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _is_on and event in _EVENTS:
        for path in arguments[: _EVENTS[event]]:
            demand(path, MAX_DIRECTORY if event == "os.mkdir" else MAX_PATH)


def _stand_in() -> None:
    """Once in a process: an audit hook stays."""
    if getattr(os.stat, "is_simulated", False):
        return
    sys.addaudithook(_hook)
    for module, name in _SILENT:
        setattr(module, name, _demanding(getattr(module, name), 2 if name == "MoveFileEx" else 1))


def _demanding(real: Callable[..., Any], paths: int) -> Callable[..., Any]:
    def ask(*arguments: Any, **keywords: Any) -> Any:
        for path in arguments[:paths]:
            demand(path)
        return real(*arguments, **keywords)

    ask.is_simulated = True  # type: ignore[attr-defined]
    return ask
