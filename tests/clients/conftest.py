"""A server on each database for all of these tests, and the clients."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy

from tests.clients.running import RunningIndex
from tests.clients.tools import Clients
from tests.conftest import PASSWORD, new_token, new_user


@dataclass(frozen=True)
class Served:
    """A running index, and what its user ann shows to upload."""

    running: RunningIndex
    token: str
    user: str
    password: str = PASSWORD

    def upload(self, *files: tuple[str, bytes]) -> None:
        """Put files on the index, for a test to begin with."""
        for filename, content in files:
            answer = self.running.upload(filename, content, self.token)
            assert answer.status == 200, answer.text

    def page_of(self, name: str) -> dict[str, dict[str, object]]:
        """The files of a project by name, as its JSON page has them."""
        return self.running.page(name).files()


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest) -> Served:
    """An index with two workers that runs for all tests; each uses projects of its own."""
    running: Served = request.getfixturevalue(f"served_on_{request.param}")
    return running


# Not one fixture with parameters, of which pytest would end the one before it begins the other: time
# and again where it does not choose the order, since several processes share the tests.
@pytest.fixture(scope="session")
def served_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The index on SQLite."""
    yield from serving(tmp_path_factory.mktemp("index-sqlite"))


@pytest.fixture(scope="session")
def served_on_postgresql(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The index on PostgreSQL."""
    yield from serving(tmp_path_factory.mktemp("index-postgresql"), database_url(request))


@pytest.fixture(params=["sqlite", "postgresql"])
def served_alone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """An index for one test, which may kill its server."""
    url = database_url(request) if request.param == "postgresql" else ""
    yield from serving(tmp_path / "index", url)


def serving(
    folder: Path,
    database_url: str = "",
    settings: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[Served]:
    """Serve a new index, and see that it stops as it should."""
    running = RunningIndex(folder, database_url, settings=settings, port=port)
    try:
        running.start()
        ann = new_user(running.index, "ann")
        yield Served(running, new_token(running.index, ann), ann)
        assert running.stop() == 0
        assert running.scary_lines() == []
    finally:
        running.close()


def database_url(request: pytest.FixtureRequest) -> str:
    """A new database on the PostgreSQL server; it goes when the server goes."""
    server = request.getfixturevalue("postgresql_server")
    name = f"clients_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return sqlalchemy.make_url(server).set(database=name).render_as_string(False)


@pytest.fixture
def clients(served: Served, tmp_path: Path) -> Clients:
    """The clients in a new home."""
    return Clients(tmp_path / "home", served.running.simple_url)


@pytest.fixture
def name() -> str:
    """A project's name that no other test uses."""
    return f"p{uuid.uuid4().hex[:12]}"


@pytest.fixture
def venv(clients: Clients) -> Path:
    """A new virtual environment."""
    return clients.venv("venv")


def token_for(served: Served, *projects: str) -> str:
    """A token of ann's that is limited to *projects*."""
    return new_token(served.running.index, served.user, projects=projects)


def written(folder: Path, *files: tuple[str, bytes]) -> list[Path]:
    """The files in *folder*, to upload with a client."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for filename, content in files:
        paths.append(folder / filename)
        paths[-1].write_bytes(content)
    return paths
