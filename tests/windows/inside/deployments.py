"""A host's part of a deployment, with the project's own code and Salt's real modules."""

from __future__ import annotations

import importlib
from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any

import minion

from pushguide.host import unconfirmed
from pushguide.host.run import run_stages


def run(
    project_type: str,
    share: Mapping[str, Any],
    stages: Sequence[str],
    failing: Sequence[str] = (),
    pillar: Mapping[str, Any] | None = None,
    missing: Sequence[str] = (),
    home: str | None = None,
    laid_over: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Run stages as a job does.

    Args:
        project_type: the type's name.
        share: what the master says.
        stages: the stages.
        failing: Salt's functions that fail this time.
        pillar: values of the host's pillar, by their paths.
        missing: Salt's functions that are not there.
        home: the name of the minion's directory, if modules share one.
        laid_over: functions in the place of Salt's.
    """
    file = importlib.import_module(f"pushguide.host.types.{project_type}")
    made = getattr(file, "".join(part.title() for part in project_type.split("_")))
    # There is no master here that events could go to.
    ours = {"event.fire_master": lambda *_, **__: True, **dict.fromkeys(failing, _fail)}
    if pillar:
        ours["pillar.get"] = lambda path, default="", **_: pillar.get(path, default)
    salt = _Without(missing, ours, dict(laid_over or {}), minion.functions())
    opts = options(home or share["module"])
    return run_stages(made, share, stages, salt, {}, opts, {})


def options(name: str) -> dict[str, str]:
    """A minion's configuration: each module has one of its own, so no test is in another's way."""
    home = home_of(name)
    return {"id": "win1", "root_dir": home, "cachedir": rf"{home}\cache"}


class _Without(ChainMap[str, Any]):
    """Functions of which some are missing."""

    def __init__(self, missing: Sequence[str], *maps: Any) -> None:
        super().__init__(*maps)
        self.missing = missing

    def __contains__(self, name: object) -> bool:
        return name not in self.missing and super().__contains__(name)

    def __getitem__(self, name: str) -> Any:
        if name in self.missing:
            raise KeyError(name)
        return super().__getitem__(name)


def home_of(name: str) -> str:
    """Where a minion has what it keeps."""
    return rf"C:\minions\{name}"


def settle(module: str) -> dict[str, str]:
    """What a minion's scheduler calls: go back from what nobody has confirmed in time."""

    def run_type(share: Mapping[str, Any], stages: Sequence[str]) -> dict[str, Any]:
        return run(share["type"], share, stages)

    salt = {f"pushguide_{one}.run": run_type for one in ("static_site", "windows_service")}
    return unconfirmed.settle(options(module), salt)


def _fail(*_: Any, **__: Any) -> Any:
    from salt.exceptions import CommandExecutionError

    raise CommandExecutionError("this was made to fail")


def import_all() -> list[str]:
    """Import every module of the host's side; answer with their names."""
    import pkgutil

    import pushguide.host

    found = pkgutil.walk_packages(pushguide.host.__path__, "pushguide.host.")
    return [importlib.import_module(one.name).__name__ for one in found]
