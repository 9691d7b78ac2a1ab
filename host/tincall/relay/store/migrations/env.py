"""Runs migrations on a connection that the caller opened, all of them in the caller's one transaction."""

from alembic import context

from tincall.relay.store.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most things in place; alembic then builds the table anew
    render_as_batch=True,
    # true since the engine begins transactions itself, see engine.py
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
