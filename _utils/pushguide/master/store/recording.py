"""What the custom returner writes: a host's result, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.master.config import Config
from pushguide.master.store import record
from pushguide.master.store.database import Database


def database_of(opts: Mapping[str, Any]) -> Database:
    """The database that a master's configuration names."""
    return Database.at(Config.from_opts(opts).database)


def write_result(opts: Mapping[str, Any], ret: Mapping[str, Any]) -> None:
    """Write a host's result of its stages into the record.

    Args:
        opts: the master's opts.
        ret: ``id`` (the host), ``return`` (its checked result), ``outcome``.
    """
    database_of(opts).write(
        lambda one: record.write_host(one, ret["id"], ret["return"], ret["outcome"])
    )
