"""Salt's win_iis in this Python, against the SIMULATED IIS: no Wine, and no time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from salt.modules import win_iis

sys.path.insert(0, str(Path(__file__).parent / "inside"))

import iis_lines
import iis_model
import iis_serving

Refused = iis_lines.Refused


class IisHere:
    """IIS as it is installed, and Salt's functions for it.

    Attributes:
        lines: every line that Salt gave to PowerShell.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shell = iis_lines.Shell(iis_model.fresh())
        self.lines: list[str] = []
        given = {"cmd.run_all": self._powershell}
        monkeypatch.setattr(win_iis, "__salt__", given, raising=False)

    def __call__(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """Call one of the functions of win_iis; a line that is not known raises Refused."""
        return getattr(win_iis, function)(*arguments, **keywords)

    def request(self, port: int, host: str, path: str) -> dict[str, Any]:
        """Ask for a page."""
        return iis_serving.request(self.shell, port, host, path)

    def _powershell(self, cmd: str, shell: str, python_shell: bool) -> dict[str, Any]:
        assert (shell, python_shell) == ("powershell", True)
        self.lines.append(cmd)
        outcome = iis_lines.carry_out(self.shell, cmd)
        return {
            "retcode": outcome.exit_code,
            "stdout": outcome.output,
            "stderr": "\n".join(outcome.errors),
        }
