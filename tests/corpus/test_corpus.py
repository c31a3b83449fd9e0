"""The run on real input, as tests: only where they are asked for, since they need PyPI."""

import uuid
from pathlib import Path

import pytest
import sqlalchemy

from tests.corpus.run import main

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for both runs: what is downloaded for one is there for the other."""
    return tmp_path_factory.mktemp("corpus")


def test_real_projects_on_sqlite(work: Path) -> None:
    assert main(["--work", str(work)]) == 0


def test_real_projects_on_postgresql(work: Path, postgresql_server: str) -> None:
    name = f"corpus_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    url = sqlalchemy.make_url(postgresql_server).set(database=name).render_as_string(False)
    assert main(["--work", str(work), "--postgresql", url]) == 0
