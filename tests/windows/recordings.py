"""Recordings of a real Windows, held against what stands in for it here.

``inside/record.py`` makes them. Each line of IIS is given to the model, and has to come out as it
did there. Each fact about tasks, services and files has to be the same here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "inside"))

import iis_lines
import iis_model
import iis_serving
from record_parts import PREFIX

#: The parts of a recording that are facts by name.
FACTS = ("tasks", "services", "junctions", "files")

#: Facts in which Wine is known to be another Windows than Microsoft's; no test rests on them.
WINE_DIFFERS = {
    "rename a directory that holds an open file",
    "replace a read-only file",
    "make a path of more than 260 characters",
    "start one that is to be deleted",
}
#: Words of facts about links made in ways that nothing stands in for: Wine makes none.
LINKS = ("junction", "symbolic link")

#: What is another number each time.
NUMBERS = {"id", "processId"}


# --- facts ----------------------------------------------------------------------------------


def differing_facts(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Each fact of a recording that is another one here, but for what is known of Wine.

    Args:
        recorded: one part of the recording.
        here: the same part, recorded here.
    """
    found = []
    for name in dict.fromkeys((*recorded, *here)):
        if name in WINE_DIFFERS or any(word in name for word in LINKS):
            continue
        there, ours = (one.get(name, "not recorded") for one in (recorded, here))
        if there != ours:
            found.append(f"{name}: {there!r} there, {ours!r} here")
    return found


# --- lines of IIS ---------------------------------------------------------------------------


def differing_lines(recorded: Mapping[str, Any], scratch: Path) -> list[str]:
    """Each line of a recording that the model of IIS answers in another way.

    Args:
        recorded: the part of the recording.
        scratch: an empty directory, for those that the lines name.
    """
    places = {}
    for name, path in recorded["directories"].items():
        (scratch / name).mkdir()
        (scratch / name / "index.html").touch()
        places[path] = str(scratch / name)
    shell = iis_lines.Shell(iis_model.fresh())
    found = []
    for number, entry in enumerate(recorded["entries"]):
        problems = _replayed(shell, entry, places)
        what = entry.get("line") or f"request {entry['request']}"
        found += [f"{number}: {one}: {what}" for one in problems]
    return found


def _replayed(
    shell: iis_lines.Shell, entry: Mapping[str, Any], places: Mapping[str, str]
) -> list[str]:
    if "request" in entry:
        port, path = entry["request"]
        status = iis_serving.request(shell, port, "127.0.0.1", path)["status"]
        return _same("status", entry["status"], status)
    line = entry["line"]
    for there, here in places.items():
        line = line.replace(there, here)
    try:
        outcome = iis_lines.carry_out(shell, line)
    except iis_lines.Refused as err:
        return [f"refused ({err})"]
    output = outcome.output
    for there, here in places.items():
        output = output.replace(_in_json(here), _in_json(there))
    return [
        *_same("exit code", entry["retcode"], outcome.exit_code),
        *_same("whether it told of an error", bool(entry["stderr"]), bool(outcome.errors)),
        *_claims("output", _ours(entry["stdout"]), _ours(output)),
    ]


def _in_json(path: str) -> str:
    return json.dumps(path)[1:-1]


def _ours(output: str) -> Any:
    """What PowerShell wrote, without the sites and pools that are not the recording's."""
    try:
        items = json.loads(output)
    except ValueError:
        return output.strip()
    if not isinstance(items, list):
        return items
    return [one for one in items if PREFIX in one.get("name", PREFIX)]


def _claims(what: str, there: Any, here: Any) -> list[str]:
    """Where the model says something that is not so; IIS may say more."""
    if isinstance(there, dict) and isinstance(here, dict):
        return [
            problem
            for key, value in here.items()
            if key not in NUMBERS
            for problem in _claims(f"{what}.{key}", there.get(key, "nothing"), value)
        ]
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        return [
            problem
            for place, pair in enumerate(zip(there, here, strict=True))
            for problem in _claims(f"{what}[{place}]", *pair)
        ]
    return _same(what, there, here)


def _same(what: str, there: Any, here: Any) -> list[str]:
    return [] if there == here else [f"{what} is {there!r} there, {here!r} here"]
