"""The schema's history, and the way to its newest state."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

_FOLDER = Path(__file__).parent


def migrate(connection: Connection) -> None:
    """Bring the schema up to date, in the connection's transaction.

    On PostgreSQL, and on SQLite through a writing engine, the transaction holds the index's write
    lock, so that workers that start together do it once.
    """
    if _revision(connection) != newest_revision():
        _upgrade(connection)


def newest_revision() -> str:
    """The newest revision: the files of `versions` begin with their number."""
    return max(path.name for path in (_FOLDER / "versions").glob("[0-9]*.py")).partition("_")[0]


def _revision(connection: Connection) -> str | None:
    """The schema's revision, where Alembic keeps it; None where there is no schema yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    # Imported only by the start after an upgrade: Alembic takes 15 MiB and a tenth of a second.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
