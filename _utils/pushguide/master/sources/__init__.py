"""Sources: where the versions of a module are found, and what each one's artifact is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.master.sources.base import Source
from pushguide.master.sources.directory import DirectorySource
from pushguide.master.store.database import Database
from pushguide.master.store.pins import Pins
from pushguide.master.templates.library import ModuleTemplate
from pushguide.master.templates.sources import DirectoryModel

__all__ = ["Source", "source_of"]


def source_of(chosen: ModuleTemplate, database: Database, credentials: Mapping[str, Any]) -> Source:
    """The source of a module in an environment.

    Args:
        chosen: the module's template.
        database: the record, which has the pins.
        credentials: what servers ask for, by name.
    """
    model = chosen.template.source
    pins = Pins(database, chosen.module, chosen.environment)
    if isinstance(model, DirectoryModel):
        return DirectorySource(model, chosen.module, pins)
    # What asks servers needs requests, which the other sources do without.
    from pushguide.master.sources.http_index import HttpIndexSource

    return HttpIndexSource(model, chosen.module, pins, credentials.get(model.credential or ""))
