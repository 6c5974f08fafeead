"""A host's part of a deployment in which one call of the system fails, or ends the process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import deployments
import minion  # noqa: F401  # what stands in for Windows is to be counted too
import pywintypes
import win32file

ERROR_IO_DEVICE = 1117

#: What a switch is made of, and what makes the journal last.
_OF_PYWIN32 = ("CreateFile", "DeviceIoControl", "MoveFileEx")
_OF_PYTHON = ("mkdir", "rmdir", "replace", "rename")


def die(number: int, project_type: str, share: Mapping[str, Any], stages: Sequence[str]) -> None:
    """Run stages as a job does; this process ends before rename ``number`` of the system.

    Each step that changes something renames the journal before and after.
    """
    real, count = win32file.MoveFileEx, 0

    def counted(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            os._exit(9)  # nothing is closed, flushed or tidied up
        return real(*arguments)

    win32file.MoveFileEx = counted
    deployments.run(project_type, share, stages)


def run(
    number: int, project_type: str, share: Mapping[str, Any], stages: Sequence[str]
) -> dict[str, Any]:
    """Run stages as a job does; call ``number`` of the system, counted from 1, fails.

    Returns:
        The host's answer, None where the job itself was refused or broken off with ``error``; and
        ``failed``: the name of the call, None if there were fewer.
    """
    count = 0
    failed = None

    def counted(name: str, real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            nonlocal count, failed
            count += 1
            if count == number:
                failed = name
                raise error
            return real(*arguments, **keywords)

        return call

    usual = [(win32file, name) for name in _OF_PYWIN32] + [(os, name) for name in _OF_PYTHON]
    before = [(module, name, getattr(module, name)) for module, name in usual]
    for module, name, real in before:
        broken = (ERROR_IO_DEVICE, name, "it was made to fail")
        error = pywintypes.error(*broken) if module is win32file else OSError(5, broken[2])
        setattr(module, name, counted(name, real, error))
    try:
        answer = deployments.run(project_type, share, stages)
    except Exception as err:  # noqa: BLE001  # whatever it is, the test looks at it
        return {"answer": None, "error": f"{type(err).__name__}: {err}", "failed": failed}
    finally:
        for module, name, real in before:
            setattr(module, name, real)
    return {"answer": answer, "error": None, "failed": failed}
