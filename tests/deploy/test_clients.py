"""The real clients, through nginx."""

from pathlib import Path

import pytest

from tests.clients.conftest import written
from tests.clients.tools import Clients
from tests.deploy.asking import ask
from tests.deploy.conftest import Site
from tests.distributions.build import sdist, wheel


@pytest.fixture
def clients(address: str, tmp_path: Path) -> Clients:
    """The clients in a new home, for whom nginx is the index."""
    return Clients(tmp_path / "home", f"{address}simple/")


def test_publish_and_install(
    site: Site, clients: Clients, address: str, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"), sdist(name, "1.0"))
    clients.twine_upload(f"{address}legacy/", *files, password=site.token).succeeded()
    venv = clients.venv("venv")
    clients.pip_install(venv, name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}
    newer = written(tmp_path, wheel(name, "2.0"))
    publish = clients.uv_publish(f"{address}legacy/", *newer, UV_PUBLISH_TOKEN=site.token)
    publish.succeeded()
    clients.uv_pip(venv, "install", "--upgrade", name).succeeded()
    assert clients.installed(venv) == {name: "2.0"}
    site.published(f"simple/{name}/")
    assert ask(f"{address}simple/{name}/").header("Cache-Status") == "pypi_lite; hit"


def test_clients_show_why_an_upload_is_refused(
    site: Site, clients: Clients, address: str, name: str, tmp_path: Path
) -> None:
    """nginx passes the application's reason phrase on, which is all that twine shows."""
    site.put(wheel(name, "1.0"))
    files = written(tmp_path, wheel(name, "1.0", summary="Another one"))
    url = f"{address}legacy/"
    for ran in (
        clients.twine_upload(url, *files, password=site.token),
        clients.uv_publish(url, *files, UV_PUBLISH_TOKEN=site.token),
    ):
        ran.failed()
        assert f"File already exists: '{files[0].name}'" in ran.words
