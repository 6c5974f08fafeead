"""What the parts of a recording share: their names, and how an outcome is noted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

#: All that a recording makes on a machine has a name that begins with this.
PREFIX = "pushguide-recording"
PATIENCE_SECONDS = 60

Facts = dict[str, Any]


def outcome(work: Callable[[], Any]) -> Any:
    """What came of something: what it gave, or Windows's number of the error as text."""
    import pythoncom
    import pywintypes

    try:
        return work()
    except pythoncom.com_error as err:
        return f"error 0x{code_of(err) & 0xFFFFFFFF:08X}"
    except (pywintypes.error, OSError) as err:
        return f"error {err.winerror or err.args[0]}"
    except AttributeError:
        return "no such attribute"


def done(work: Callable[[], Any]) -> Any:
    """The same for what gives nothing that tells."""

    def worked() -> str:
        work()
        return "done"

    return outcome(worked)


def code_of(err: Any) -> int:
    """The number of an error of COM, which may be one that says only that there was one."""
    told = err.excepinfo and err.excepinfo[5]
    return int(told or err.hresult)


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it does not.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {PATIENCE_SECONDS} s")
        time.sleep(0.1)
