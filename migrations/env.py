"""Alembic's way in: the connection comes from `pypi_lite.migrations.migrate`, or from alembic.ini."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, create_engine

from pypi_lite.models import Base
from pypi_lite.models.base import UTCDateTime


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A migration is frozen: it names SQLAlchemy's types, not the program's."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Run the migrations that are missing."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:  # `alembic revision --autogenerate`, while working on pypi_lite
    with create_engine(context.config.get_main_option("sqlalchemy.url", "")).begin() as made:
        run(made)
