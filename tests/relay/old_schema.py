"""Makes database files of older schemas, as older versions left them."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from tincall.relay.store.engine import MIGRATIONS, _engine


def at_revision(path: Path, revision: str) -> Engine:
    """Make an empty file of a schema; gives an engine on it, which the caller disposes of."""
    engine = _engine(path)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine
