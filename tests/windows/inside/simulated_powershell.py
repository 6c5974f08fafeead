"""SIMULATED powershell.exe: knows the lines of Salt's win_iis and refuses every other one."""

from __future__ import annotations

import sys

sys.path.insert(0, r"C:\lab")

import iis_lines
import iis_store

OPTIONS = ["-NonInteractive", "-NoProfile", "-ExecutionPolicy", "Bypass", "-Command"]


def main(arguments: list[str]) -> int:
    """Carry out the line and give the exit code."""
    line = " ".join(arguments[len(OPTIONS) :])
    try:
        if arguments[: len(OPTIONS)] != OPTIONS:
            raise iis_lines.Refused(f"unknown options: {arguments}")
        with iis_store.shell() as shell:
            iis_store.note(line)
            outcome = iis_lines.carry_out(shell, line)
    except iis_lines.Refused as err:
        sys.stderr.write(f"The simulated PowerShell refuses this: {err}\n")
        return 1
    sys.stderr.write("".join(f"{one}\n" for one in outcome.errors))
    sys.stdout.write(outcome.output)
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
