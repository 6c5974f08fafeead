"""Calls of Salt's own modules for Windows, whose errors are of many kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salt.exceptions import CommandExecutionError

from pushguide.errors import StepFailed


def call(salt: Mapping[str, Any], function: str, name: str, *arguments: Any, **named: Any) -> Any:
    """Call one of Salt's functions for something that has a name.

    Raises:
        StepFailed: it raised, be it Salt's own error or one of Windows that Salt let through.
    """
    try:
        return salt[function](name, *arguments, **named)
    except (CommandExecutionError, *errors()) as err:
        raise StepFailed(f"{function} of {name} failed: {in_words(err)}.") from err


def errors() -> tuple[type[Exception], ...]:
    """What pywin32 raises; nothing where there is no pywin32."""
    try:
        import pywintypes
    except ImportError:
        return ()
    return (pywintypes.error, pywintypes.com_error)


def in_words(err: Exception) -> str:
    """What Windows says in an error of pywin32, with its number."""
    if hasattr(err, "hresult"):  # COM: what its callee said counts, if it said anything
        told = getattr(err, "excepinfo", None) or (0, None, None, None, 0, 0)
        words = told[2] or getattr(err, "strerror", None) or "no more was told"
        code = int(told[5] or getattr(err, "hresult", 0)) & 0xFFFFFFFF
        return f"{str(words).strip().rstrip('.')} (0x{code:08x})"
    if getattr(err, "winerror", None):
        return f"{getattr(err, 'strerror', err)} (Windows error {getattr(err, 'winerror', '')})"
    return str(err).strip().rstrip(".")
