"""A private index: real installers read with a token, from the cache, and others read nothing."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from pypi_lite.models import Scope
from tests.clients import raw
from tests.clients.conftest import Served, serving
from tests.clients.tools import Clients
from tests.conftest import new_token, new_user
from tests.distributions.build import wheel


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An index whose reading needs an account; new projects are private."""
    settings = {"reading": "accounts", "visibility": "private"}
    yield from serving(tmp_path_factory.mktemp("private"), settings=settings)


@pytest.fixture
def clients(private: Served, tmp_path: Path) -> Clients:
    """The clients in a new home."""
    return Clients(tmp_path / "home", private.running.simple_url)


@pytest.fixture
def shown(private: Served) -> str:
    """A token for reading."""
    return new_token(private.running.index, private.user, Scope.READ)


def knowing(clients: Clients, private: Served, user: str) -> Clients:
    url = private.running.simple_url.replace("://", f"://{user}@")
    return Clients(clients.home, url)


@pytest.mark.parametrize("client", ["pip", "uv"])
def test_installers_read_with_a_token(
    private: Served, clients: Clients, venv: Path, name: str, shown: str, client: str
) -> None:
    private.upload(wheel(name, "1.0"))
    for user in (f"__token__:{shown}", f"{shown}:", f"{private.user}:{private.password}"):
        with_token = knowing(clients, private, user)
        if client == "pip":
            with_token.pip_install(venv, "--force-reinstall", name).succeeded()
        else:
            with_token.uv_pip(venv, "install", "--reinstall", "--refresh", name).succeeded()
        assert clients.installed(venv) == {name: "1.0"}
        for path in (f"simple/{name}/", "simple/"):
            answer = raw.get(private.running.url + path, headers_of(user))
            assert answer.status == 200
    # What installers have read is published: for whoever may read it.
    page = raw.get(f"{private.running.simple_url}{name}/", headers_of(f"__token__:{shown}"))
    assert page.headers["cache-status"] == "pypi_lite; hit"
    assert page.headers["cache-control"] == "private, no-cache"


def test_netrc_is_enough(
    private: Served, clients: Clients, venv: Path, name: str, shown: str
) -> None:
    private.upload(wheel(name, "1.0"))
    (clients.home / ".netrc").write_text(f"machine 127.0.0.1 login __token__ password {shown}\n")
    plain = Clients(clients.home, private.running.simple_url)
    plain.pip_install(venv, name).succeeded()
    plain.uv_pip(venv, "install", "--reinstall", "--refresh", name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}


def test_others_read_nothing(private: Served, clients: Clients, venv: Path, name: str) -> None:
    private.upload(wheel(name, "1.0"))
    eve = new_token(
        private.running.index, new_user(private.running.index, f"eve-{name}"), Scope.READ
    )
    for user in (f"__token__:{eve}", "__token__:wrong"):
        refused = knowing(clients, private, user)
        refused.pip_install(venv, "--no-input", name).failed()
        refused.uv_pip(venv, "install", "--refresh", name).failed()
    assert clients.installed(venv) == {}
    answer = raw.get(f"{private.running.simple_url}{name}/")
    assert (answer.status, answer.headers["www-authenticate"][:5]) == (401, "Basic")


def headers_of(user: str) -> dict[str, str]:
    shown = base64.b64encode(user.encode()).decode()
    return {"Accept": raw.JSON, "Authorization": f"Basic {shown}"}
