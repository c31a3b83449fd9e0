"""The index of these tests, and a mark for the clients whose rows are long."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.clients import installing
from tests.clients.conftest import Served, serving
from tests.conftest import lacking

#: The clients whose rows are quick enough for each run of the tests.
_QUICK = ("pip", "uv", "twine")


def rows(clients: Iterable[str], *, quick: Iterable[str] = _QUICK) -> list[Any]:
    """*clients* as parameters; those that are not among *quick* are for ``make test-clients``."""
    marks = {False: (pytest.mark.clients,), True: ()}
    return [pytest.param(client, marks=marks[client in quick]) for client in clients]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An index on SQLite with two workers that runs for all tests of this package."""
    yield from serving(tmp_path_factory.mktemp("matrix"), "")


@pytest.fixture
def client(request: pytest.FixtureRequest) -> str:
    """The client that the test is about (its indirect parameter), installed."""
    name = str(request.param)
    try:
        installing.environment(name)
    except installing.NotInstalled as error:
        lacking(f"{name} can't be installed: {error}")
    return name
