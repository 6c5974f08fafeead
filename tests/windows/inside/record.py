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
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import stand_ins

stand_ins.apply()

import record_files  # noqa: E402  # after what stands in for what they look at
import record_iis  # noqa: E402
import record_junctions  # noqa: E402
import record_services  # noqa: E402
import record_tasks  # noqa: E402
import salt.version  # noqa: E402
from record_parts import PREFIX  # noqa: E402

SCRATCH = Path(rf"C:\{PREFIX}")


class Part(NamedTuple):
    """A part of a recording.

    Attributes:
        record: find out, with an empty directory.
        takes: what it makes, for people.
        is_there: whether this machine has something of those names.
        remove: remove it.
    """

    record: Callable[[Path], dict[str, Any]]
    takes: str
    is_there: Callable[[], bool]
    remove: Callable[[], None]


PARTS = {
    "iis": Part(
        record_iis.recording, "sites and a pool of IIS", record_iis.is_there, record_iis.remove
    ),
    "tasks": Part(record_tasks.facts, "a task folder", record_tasks.is_there, record_tasks.remove),
    "services": Part(
        record_services.facts, "a service", record_services.is_there, record_services.remove
    ),
    "junctions": Part(record_junctions.facts, "a directory in it", lambda: False, lambda: None),
    "files": Part(
        record_files.facts,
        f"the directory {SCRATCH}",
        SCRATCH.exists,
        lambda: shutil.rmtree(SCRATCH),
    ),
}


class Refused(Exception):
    """Nothing is recorded, and nothing was made."""


def recording(names: Sequence[str] = tuple(PARTS)) -> dict[str, Any]:
    """Record some parts, and remove what it took.

    Returns:
        What was recorded of each part, on which Windows, whether anything of it was simulated,
        and in ``failures`` which parts came to no end, and why.

    Raises:
        Refused: this is no place for it.
    """
    made = [PARTS[name] for name in dict.fromkeys(("files", *names))]
    _demand_a_place(made)
    found: dict[str, Any] = {
        "windows": platform.platform(),
        "python": sys.version,
        "salt": salt.version.__version__,
        "simulated": stand_ins.is_wine() or stand_ins.iis_is_simulated(),
        "failures": {},
    }
    with ExitStack() as stack:
        for part in made:
            stack.callback(_remove, part)
        for name in names:
            where = SCRATCH / name
            where.mkdir(parents=True)
            try:
                found[name] = PARTS[name].record(where)
            except Exception:  # noqa: BLE001  # the other parts are worth to be had
                found["failures"][name] = traceback.format_exc()
    return found


def _demand_a_place(parts: Sequence[Part]) -> None:
    if not ctypes.windll.shell32.IsUserAnAdmin():
        raise Refused("Services, tasks and sites are created: run this as an administrator.")
    taken = [part.takes for part in parts if part.is_there()]
    if taken:
        raise Refused(f"There is something named {PREFIX}... already: {', '.join(taken)}.")


def _remove(part: Part) -> None:
    if part.is_there():
        part.remove()


def main(output: str) -> int:
    """Write a recording to a file.

    Returns:
        1 if there is none, 2 if a part of it is missing.
    """
    try:
        found = recording()
    except Refused as err:
        sys.stderr.write(f"Nothing was recorded. {err}\n")
        return 1
    Path(output).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name, why in found["failures"].items():
        sys.stderr.write(f"The part {name} came to no end:\n{why}\n")
    return 2 if found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
