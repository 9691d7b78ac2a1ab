"""Makes database files of older schemas, as older versions left them."""

from pathlib import Path

from sqlalchemy import Engine

from tincall.relay.store.engine import _engine, migrate


def at_revision(path: Path, revision: str) -> Engine:
    """Make an empty file of a schema; gives an engine on it, which the caller disposes of."""
    engine = _engine(path)
    with engine.begin() as connection:
        migrate(connection, revision)
    return engine
