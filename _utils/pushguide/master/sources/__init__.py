"""Sources: where the versions of a module are found, and what each one's artifact is."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from pushguide.master.sources.base import Source
from pushguide.master.store.database import Database
from pushguide.master.store.pins import Pins
from pushguide.master.templates.library import ModuleTemplate

__all__ = ["Source", "source_of"]

#: The file of each kind, and its class. Only what is needed is imported: those that ask servers
#: need requests, and fsspec is one of the larger libraries.
_KINDS = {
    "directory": ("directory", "DirectorySource"),
    "files": ("files", "FilesSource"),
    "http": ("http_index", "HttpIndexSource"),
    "jenkins": ("jenkins", "JenkinsSource"),
    "nexus": ("nexus", "NexusSource"),
    "artifactory": ("artifactory", "ArtifactorySource"),
    "gitlab": ("gitlab", "GitlabSource"),
    "gitea": ("gitea", "GiteaSource"),
}


def source_of(chosen: ModuleTemplate, database: Database, credentials: Mapping[str, Any]) -> Source:
    """The source of a module in an environment.

    Args:
        chosen: the module's template.
        database: the record, which has the pins.
        credentials: what servers ask for, by name.
    """
    model = chosen.template.source
    pins = Pins(database, chosen.module, chosen.environment)
    file, name = _KINDS[model.kind]
    found: type[Any] = getattr(importlib.import_module(f"{__name__}.{file}"), name)
    asked_for = model.login if model.kind == "files" else model.credential
    made: Source = found(model, chosen.module, pins, credentials.get(asked_for or ""))
    return made
