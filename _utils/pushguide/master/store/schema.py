"""Create the database's schema, or bring it up to date."""

from __future__ import annotations

import os

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from pushguide.errors import DatabaseError
from pushguide.master.statistics import rebuilding
from pushguide.master.store.database import Database


def alembic_config() -> AlembicConfig:
    """Alembic's configuration: where the migrations are."""
    config = AlembicConfig()
    config.set_main_option(
        "script_location", os.path.join(os.path.dirname(__file__), "migrations").replace("%", "%%")
    )
    return config


def migrate(database: Database) -> tuple[str | None, str | None]:
    """Create the schema, or migrate it to the newest.

    Args:
        database: the database.

    Returns:
        The revision before, None for an empty database, and the revision now.

    Raises:
        DatabaseError: it cannot be reached or written, or it is newer than this code.
    """
    if database.url.get_backend_name() == "sqlite" and database.url.database:
        _make_directory(database.url.database)
    config = alembic_config()
    # A statement of a migration may take longer than anybody else would wait for an answer.
    is_server = database.url.get_backend_name() != "sqlite"
    engine = sa.create_engine(database.url) if is_server else database.engine
    try:
        with engine.begin() as connection:
            before = database.schema(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if not rebuilding.has_been_built(connection):
                rebuilding.rebuild(connection)
            return before, database.schema(connection)
    except SQLAlchemyError as err:
        raise DatabaseError(
            f"Migrating the database {database.name} failed: {str(err).splitlines()[0]}. Check "
            "that it runs, and that its user may create tables."
        ) from err
    except CommandError as err:
        raise DatabaseError(
            f"Migrating the database {database.name} failed: {err}. It may be newer than this "
            "version of pushguide: upgrade the master."
        ) from err
    finally:
        if is_server:
            engine.dispose()


def _make_directory(path: str) -> None:
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o750, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o640))
    except OSError as err:
        raise DatabaseError(
            f"Making the database {path} failed: {err}. Make its directory writable for the "
            "user of the master, or set pushguide:database."
        ) from err
