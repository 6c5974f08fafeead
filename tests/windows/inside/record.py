r"""Record what a Windows really says, which the stand-ins are held against.

Usage, as an administrator on a machine to dispose of: ``python record.py recording.json``

Everything that it makes is named ``pushguide-recording...``; it does not begin where there is such
a thing already, and removes all of it at its end.
"""

from __future__ import annotations

import ctypes
import json
import platform
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import stand_ins

stand_ins.apply()

import record_files  # noqa: E402  # after what stands in for what they look at
import record_iis  # noqa: E402
import record_services  # noqa: E402
import record_tasks  # noqa: E402
import salt.version  # noqa: E402
from record_parts import PREFIX  # noqa: E402

SCRATCH = Path(rf"C:\{PREFIX}")

#: The parts of a recording; each gets an empty directory.
PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "iis": record_iis.recording,
    "tasks": record_tasks.facts,
    "services": record_services.facts,
    "files": record_files.facts,
}
#: What may be there already, and how it is removed.
MADE: dict[str, tuple[Callable[[], bool], Callable[[], None]]] = {
    "sites or application pools": (record_iis.is_there, record_iis.remove),
    "a service": (record_services.is_there, record_services.remove),
    "a folder of the Task Scheduler": (record_tasks.is_there, record_tasks.remove),
    f"the directory {SCRATCH}": (SCRATCH.exists, lambda: shutil.rmtree(SCRATCH)),
}


class Refused(Exception):
    """Nothing is recorded, and nothing was made."""


def demand_a_place() -> None:
    """Prove that everything can be made here and nothing is in the way.

    Raises:
        Refused: it cannot, or something is.
    """
    if not ctypes.windll.shell32.IsUserAnAdmin():
        raise Refused("Services, tasks and sites are created: run this as an administrator.")
    taken = [what for what, (is_there, _) in MADE.items() if is_there()]
    if taken:
        raise Refused(f"This machine has {' and '.join(taken)} with a name of {PREFIX}...")


def recording(parts: list[str] | None = None) -> dict[str, Any]:
    """Record parts, or all, and remove what it took.

    Raises:
        Refused: this is no place for it.
    """
    demand_a_place()
    found: dict[str, Any] = {
        "windows": platform.platform(),
        "python": sys.version,
        "salt": salt.version.__version__,
        "simulated": stand_ins.is_wine() or stand_ins.iis_is_simulated(),
    }
    with ExitStack() as stack:
        for is_there, remove in reversed(MADE.values()):
            stack.callback(_remove, is_there, remove)
        for name in parts or PARTS:
            where = SCRATCH / name
            where.mkdir(parents=True)
            found[name] = PARTS[name](where)
    return found


def _remove(is_there: Callable[[], bool], remove: Callable[[], None]) -> None:
    if is_there():
        remove()


def main(output: str) -> int:
    """Write a recording to a file; 1 if this is no place for it."""
    try:
        found = recording()
    except Refused as err:
        sys.stderr.write(f"Nothing was recorded. {err}\n")
        return 1
    Path(output).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
