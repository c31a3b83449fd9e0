"""What each client shows to an index where reading needs an account (A02, A03)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pypi_lite.models import Scope
from tests.clients.conftest import Served, serving
from tests.clients.installers import INSTALLERS, Setting
from tests.clients.matrix.conftest import rows
from tests.clients.tools import Clients
from tests.conftest import new_token
from tests.distributions.build import wheel


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An index whose reading needs an account; new projects are private."""
    settings = {"reading": "accounts", "visibility": "private"}
    yield from serving(tmp_path_factory.mktemp("private"), settings=settings)


@pytest.fixture
def shown(private: Served) -> str:
    """A token for reading."""
    return new_token(private.running.index, private.user, Scope.READ)


@pytest.fixture
def setting(private: Served, tmp_path: Path) -> Setting:
    """A new project's folder, and the index without credentials."""
    (tmp_path / "project").mkdir()
    url = private.running.simple_url
    return Setting(Clients(tmp_path / "home", url), tmp_path / "project", [url])


# pip and uv do it in each run of the tests, beside this package.
@pytest.mark.parametrize("client", rows(INSTALLERS, quick=()), indirect=True)
def test_a_token_in_the_address(
    private: Served, setting: Setting, client: str, name: str, shown: str
) -> None:
    private.upload(wheel(name, "1.0"))
    INSTALLERS[client].install(setting, name).failed()
    known = setting.indexes[0].replace("://", f"://__token__:{shown}@")
    with_token = Setting(setting.clients, setting.folder, [known])
    INSTALLERS[client].install(with_token, name).succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.0"}


@pytest.mark.parametrize("client", rows(["poetry"]), indirect=True)
def test_a_token_in_poetrys_settings(
    private: Served, setting: Setting, client: str, name: str, shown: str
) -> None:
    private.upload(wheel(name, "1.0"))
    setting.clients.environment["POETRY_HTTP_BASIC_INDEX0_USERNAME"] = "__token__"
    setting.clients.environment["POETRY_HTTP_BASIC_INDEX0_PASSWORD"] = shown
    INSTALLERS[client].install(setting, name).succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.0"}
