"""What Alembic runs: the connection comes from pushguide.master.store.schema."""

from __future__ import annotations

from alembic import context

from pushguide.master.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="pushguide_schema",
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
