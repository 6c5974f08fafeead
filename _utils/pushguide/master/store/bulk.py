"""Many new rows at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError


def insert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, all with the same columns.

    Args:
        connection: a transaction.
        table: where to.
        rows: of each its values by the names of the columns.

    Raises:
        SQLAlchemyError: they cannot be written.
    """
    if not rows:
        return
    if connection.dialect.driver == "psycopg":
        _copy(connection, table, rows)
    else:
        connection.execute(sa.insert(table), rows)


def _copy(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows by COPY: psycopg sends single rows otherwise, each with an answer of its own."""
    columns = [table.c[name] for name in rows[0]]
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in columns)
    ways = [
        column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        for column in columns
    ]
    statement = f"COPY {quote(table.name)} ({names}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                values = zip(ways, row.values(), strict=True)
                copy.write_row([way(value) if way else value for way, value in values])
    except _errors(connection) as err:
        # As SQLAlchemy tells what goes through its own hands: a lost race is tried again.
        raise DBAPIError.instance(
            statement, None, err, _errors(connection), dialect=connection.dialect
        ) from err


def _errors(connection: Connection) -> type[Exception]:
    """What the driver raises."""
    errors: type[Exception] = connection.dialect.loaded_dbapi.Error
    return errors
