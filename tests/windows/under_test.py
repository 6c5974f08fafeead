"""The Windows that is tested: one under Wine on Linux, or the one that this Python runs on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Protocol

import pytest

from tests.windows.inside.stand_ins import is_wine

#: Set to 1 on a Windows whose IIS may be used: then IIS is not simulated.
REAL_IIS = "PUSHGUIDE_REAL_IIS"

#: Where tests put their scheduled tasks, so that they are in no other one's way.
TASK_FOLDER = r"\pushguide-test"

IS_WINDOWS = os.name == "nt"
IS_MICROSOFTS = IS_WINDOWS and not is_wine()
HAS_REAL_IIS = IS_MICROSOFTS and os.environ.get(REAL_IIS) == "1"

#: For tests of the lab itself.
only_on_linux = pytest.mark.skipif(IS_WINDOWS, reason="about the lab, which only Linux needs")
#: For tests of what stands in for something that a real Windows has.
only_with_stand_ins = pytest.mark.skipif(
    IS_MICROSOFTS, reason="about what stands in for this Windows's own"
)


class UnderTest(Protocol):
    r"""A Windows in which programs run, and whose drive C has what they look for.

    Programs find the small programs of ``inside`` in ``C:\lab``, the project in ``C:\project``,
    a Python with Salt in ``C:\py``, its configuration in ``C:\salt`` and, where IIS is simulated,
    what stands in for it in ``C:\simulated``.

    Attributes:
        drive: drive C, as this process sees it.
    """

    drive: Path

    def start(self, *command: str | os.PathLike[str]) -> subprocess.Popen[bytes]:
        """Start a program with pipes for its streams."""

    def path(self, path: Path) -> str:
        """A path of this process as programs in there name it."""

    def remove(self) -> None:
        """Take away what was made for it."""


def how_it_ran() -> dict[str, str]:
    """What each project type was tested with: what was real, and what only SIMULATED."""
    if IS_MICROSOFTS:
        return {
            "windows_service": "real (Windows's service control manager)",
            "dotnet_iis": "real IIS" if HAS_REAL_IIS else "SIMULATED IIS",
            "windows_task": "real Task Scheduler",
            "static_site": "real junctions",
        }
    return {
        "windows_service": "real (Wine's service control manager)",
        "dotnet_iis": "SIMULATED IIS",
        "windows_task": "SIMULATED scheduler, real programs",
        "static_site": "SIMULATED junctions",
    }
