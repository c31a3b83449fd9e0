"""The schema's history, and the way to its newest state."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def migrate(connection: Connection) -> None:
    """Bring the schema up to date, in the connection's transaction.

    On PostgreSQL, and on SQLite through a writing engine, the transaction holds the index's write
    lock, so that workers that start together do it once.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
