"""What the custom returner writes: results of hosts, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.master.config import Config
from pushguide.master.statistics.counting import Counting
from pushguide.master.store import host_results
from pushguide.master.store.database import Database


def database_of(opts: Mapping[str, Any]) -> Database:
    """The database that a master's configuration names."""
    return Database.at(Config.from_opts(opts).database)


def write_results(opts: Mapping[str, Any], rets: Sequence[Mapping[str, Any]]) -> None:
    """Write the results of hosts into the record, in one transaction.

    Args:
        opts: the master's opts.
        rets: of each host ``id``, ``return`` (its checked result) and ``outcome``.
    """

    def work(connection: Connection) -> None:
        with Counting(connection) as counting:
            for one in rets:
                host_results.write_host(
                    connection, one["id"], one["return"], one["outcome"], counting
                )

    database_of(opts).write(work)
