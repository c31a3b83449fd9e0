"""A large index: rows of projects, releases and files, and no bytes of any file.

Usage: python -m benchmarks.filling FOLDER [--database sqlite|postgresql] [--url URL]
           [--projects 100000] [--files 1000000]

Equal arguments make equal rows. They are written past the sessions: no page is swept, so fill an
index before it is served. Beside the many small projects there are one of 1,000 files and one of
10,000 (`LARGE`).
"""

import argparse
import contextlib
import hashlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select

from benchmarks import databases
from pypi_lite.database import Database
from pypi_lite.models import (
    Action,
    Base,
    BurnedFilename,
    Description,
    File,
    JournalEntry,
    Project,
    Release,
)
from pypi_lite.opening import migrate
from pypi_lite.repository import descriptions
from pypi_lite.repository.latest import folded
from pypi_lite.settings import Settings

#: Projects of many files, by their number.
LARGE = {1_000: "large-1000", 10_000: "large-10000"}
_FILES_OF_LARGE_RELEASE = 10
_FILES_OF_RELEASE = 2
_BATCH = 500  # projects
_BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
_TABLES = (Project, Release, BurnedFilename, File, JournalEntry)
_WHEELS = [f"cp3{minor}-cp3{minor}-{p}" for minor in (11, 12, 13) for p in ("linux", "mac", "win")]
_README = "\n\n".join(f"## Part {n}\n\n" + "Some *words* about it. " * 20 for n in range(20))
_SUMMARY = "A sample of a package for measuring"
_METADATA = {
    "metadata_version": "2.4",
    "author_email": "Somebody Else <somebody@example.org>",
    "license_expression": "MIT",
    "keywords": ["bench", "mark"],
    "classifiers": [f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)],
    "requires_dist": ["requests>=2.31", "attrs>=23.1", 'tomli>=2.0; python_version < "3.11"'],
    "project_urls": {"Source": "https://example.org/source", "Tracker": "https://example.org/bugs"},
}


@dataclass
class Rows:
    """Rows that are ready to be written, and the numbers of those that come next."""

    serial: int
    description: int
    ids: dict[type, int] = field(default_factory=dict)
    of: dict[type, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, model: type, **values: Any) -> int:
        """A row of *model*, with the next id."""
        number = self.ids[model] = self.ids.get(model, 0) + 1
        self.of.setdefault(model, []).append({"id": number, **values})
        return number

    def journal(self, action: Action, project: str, **values: Any) -> datetime:
        """A change, a second after the one before."""
        self.serial += 1
        moment = _BEGINNING + timedelta(seconds=self.serial)
        row = {"version": None, "filename": None, **values}
        row |= {"serial": self.serial, "moment": moment, "action": action, "project": project}
        self.of.setdefault(JournalEntry, []).append({"actor": "benchmark", **row})
        return moment


def fill(url: str, projects: int, files: int) -> None:
    """Bring the database at *url* up to date and fill it, unless it is filled already.

    *files* are those of the small projects together.
    """
    database = Database(url)
    try:
        with database.begin_schema_change() as connection:
            if connection.execute(select(func.count()).select_from(Project)).scalar_one():
                return
            rows = _begin(connection)
        for number, (name, of_release, count) in enumerate(_shapes(projects, files), 1):
            _project(rows, name, of_release, count)
            if number % _BATCH == 0:
                _write(database, rows)
        _write(database, rows)
        with database.begin_schema_change() as connection:
            _finish(connection)
    finally:
        database.dispose()


def _begin(connection: Connection) -> Rows:
    html = descriptions.render(_README, "text/markdown")
    sha256 = descriptions.digest(_README, "text/markdown")
    values = {"id": 1, "sha256": sha256, "content_type": "text/markdown", "raw": _README}
    connection.execute(insert(Description), [{**values, "html": html}])
    return Rows(connection.execute(select(func.max(JournalEntry.serial))).scalar_one(), 1)


def _shapes(projects: int, files: int) -> Iterator[tuple[str, int, int]]:
    """The spelling of each project's name, the files of one release, and all its files."""
    for count, name in LARGE.items():
        yield name, _FILES_OF_LARGE_RELEASE, count
    each = files // projects
    for number in range(projects):
        # One in five is not written as it is normalized.
        yield f"{'Sample.' if number % 5 == 0 else 'sample-'}{number:06}", _FILES_OF_RELEASE, each


def _project(rows: Rows, name: str, of_release: int, count: int) -> None:
    normalized = name.lower().replace(".", "-")
    created = rows.journal(Action.PROJECT_CREATE, normalized)
    project = rows.add(Project, normalized_name=normalized, name=name, created=created)
    for first in range(0, count, of_release):
        major, minor = divmod(first // of_release, 10)
        version = f"{major}.{minor}.1"
        created = rows.journal(Action.RELEASE_CREATE, normalized, version=version)
        is_yanked = minor == 7
        release = rows.add(
            Release,
            project_id=project,
            version=version,
            canonical_version=version,
            created=created,
            yanked=is_yanked,
            yanked_reason="It eats <files>." if is_yanked and major % 2 else None,
        )
        for number in range(first, min(first + of_release, count)):
            _file(rows, normalized, version, release, number % of_release)
    last = rows.of[JournalEntry][-1]
    rows.of[Project][-1] |= {
        "last_serial": last["serial"],
        "changed": last["moment"],
        "latest_version": _latest(rows.of[Release], project),
        "latest_summary": _SUMMARY,
        "latest_summary_folded": folded(_SUMMARY),
    }


def _latest(releases: list[dict[str, Any]], project: int) -> str | None:
    """They come in the order of their versions, and some are yanked."""
    mine = [row for row in releases if row["project_id"] == project]
    kept = [row for row in mine if not row["yanked"]]
    return next((row["version"] for row in reversed(kept or mine)), None)


def _file(rows: Rows, project: str, version: str, release: int, number: int) -> None:
    """The first file of a release is its source distribution."""
    stem, tag = f"{project.replace('-', '_')}-{version}", _WHEELS[number - 1]
    filename = f"{stem}-{tag}.whl" if number else f"{stem}.tar.gz"
    digest = hashlib.sha256(filename.encode()).hexdigest()
    moment = rows.journal(Action.FILE_ADD, project, version=version, filename=filename)
    rows.of.setdefault(BurnedFilename, []).append({"filename": filename, "sha256": digest})
    rows.add(
        File,
        release_id=release,
        filename=filename,
        packagetype="bdist_wheel" if number else "sdist",
        python_version=tag.partition("-")[0] if number else "source",
        size=10_000 + 37 * len(rows.of[File]) if File in rows.of else 10_000,
        sha256=digest,
        md5=hashlib.md5(filename.encode()).hexdigest(),
        blake2_256=hashlib.blake2b(filename.encode(), digest_size=32).hexdigest(),
        uploaded=moment,
        requires_python=(">=3.8", ">=3.10,<4", None)[len(version) % 3],
        summary=_SUMMARY,
        core_metadata=_METADATA,
        metadata_sha256=hashlib.sha256(digest.encode()).hexdigest() if number else None,
        description_id=rows.description,
    )


def _write(database: Database, rows: Rows) -> None:
    with database.begin_schema_change() as connection:
        for model in _TABLES:
            if rows.of.get(model):
                connection.execute(insert(model.__table__), rows.of[model])
    rows.of.clear()


def _finish(connection: Connection) -> None:
    """What an index that grew by itself would have: ids that go on, figures for the planner."""
    if connection.dialect.name != databases.POSTGRESQL:
        return
    for model in Base.registry.mappers:
        table = model.local_table
        if "id" in table.c:
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'),"
                f" greatest(1, (SELECT max(id) FROM {table.name})))"
            )
    connection.exec_driver_sql("ANALYZE")


@contextlib.contextmanager
def filled(kind: str, folder: Path, options: argparse.Namespace) -> Iterator[str]:
    """The address of a database below *folder*, migrated and filled."""
    with databases.running(kind, folder) as url:
        _prepare(url, options)
        yield url


def add_options(parser: argparse.ArgumentParser) -> None:
    """How much to fill in."""
    parser.add_argument("--projects", type=int, help="small ones (default: 100,000; quick: 1,000)")
    parser.add_argument(
        "--files", type=int, help="of all these (default: 1,000,000; quick: 10,000)"
    )
    parser.add_argument("--quick", action="store_true", help="a small index, few rounds")


def _prepare(url: str, options: argparse.Namespace) -> None:
    began = time.monotonic()
    projects = options.projects or (1_000 if options.quick else 100_000)
    files = options.files or (10_000 if options.quick else 1_000_000)
    migrate(Settings(data=Path(), database_url=url))
    fill(url, projects, files)
    print(f"The database is ready after {time.monotonic() - began:.0f} s", file=sys.stderr)


def main(argv: list[str] | None = None) -> None:
    """Fill, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="a database that runs already")
    databases.add_option(parser)
    add_options(parser)
    options = parser.parse_args(argv)
    if options.url:
        _prepare(options.url, options)
        return
    for kind in databases.chosen(options):
        with filled(kind, options.folder / kind, options):
            pass


if __name__ == "__main__":
    main()
