"""Find the settings class of a project type: one of ours, or one that a team added.

A team's own type brings ``_pushguide_types/<type>.py`` in its file_roots, with a class
``Settings``. ``pushguide.setup`` syncs these files to the master; those in ``module_dirs`` are
found where they are.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pushguide.errors import BadTemplate
from pushguide.master.fields import NAME_PATTERN, TypeSettings
from pushguide.master.suggest import did_you_mean

#: The folder of a team's own types: in file_roots with an underscore, synced without.
FORM = "pushguide_types"

Finder = Callable[[str], type[TypeSettings]]


def finder(opts: Mapping[str, Any]) -> Finder:
    """A function that finds the settings class of a project type for this master.

    The function raises BadTemplate for a type that there is not.
    """
    files = dict(_files(opts))

    def find(name: str) -> type[TypeSettings]:
        if name not in files:
            raise BadTemplate(
                f"there is no project type {name!r}; {did_you_mean(name, files)} A type of your "
                f"own needs _{FORM}/{name}.py in file_roots, and salt-run pushguide.setup."
            )
        return _load(name, files[name])

    return find


def names(opts: Mapping[str, Any]) -> list[str]:
    """The project types that this master knows."""
    return sorted({name for name, _ in _files(opts)})


def _files(opts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ours = os.path.join(os.path.dirname(__file__), "types")
    synced = os.path.join(opts.get("extension_modules") or "", FORM)
    in_place = [os.path.join(top, f"_{FORM}") for top in opts.get("module_dirs") or []]
    for directory in (*in_place, synced, ours):
        for entry in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            name, extension = os.path.splitext(entry)
            if extension == ".py" and name != "__init__" and NAME_PATTERN.match(name):
                yield name, os.path.join(directory, entry)


def _load(name: str, path: str) -> type[TypeSettings]:
    if os.path.dirname(path) == os.path.join(os.path.dirname(__file__), "types"):
        module = importlib.import_module(f"pushguide.master.templates.types.{name}")
    else:
        spec = importlib.util.spec_from_file_location(f"{FORM}.{name}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as err:
            raise BadTemplate(f"the project type in {path} does not load: {err!r}.") from err
    settings = getattr(module, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, TypeSettings)):
        raise BadTemplate(f"{path} has no class Settings that inherits from TypeSettings.")
    return settings
