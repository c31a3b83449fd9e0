"""Publishing with each of the clients that upload: the first time, again, and what they skip."""

from pathlib import Path

import pytest

from tests.clients.between import between
from tests.clients.conftest import Served
from tests.clients.matrix.conftest import rows
from tests.clients.publishers import PUBLISHERS, project
from tests.clients.tools import Clients


@pytest.mark.parametrize("client", rows(PUBLISHERS), indirect=True)
def test_publishes_and_again(
    served: Served, clients: Clients, client: str, name: str, tmp_path: Path
) -> None:
    """Both files are on the page when the client is done; again it succeeds and changes nothing."""
    made = project(tmp_path / "project", name, "1.0")
    url = served.running.upload_url
    PUBLISHERS[client](clients, made, url, "__token__", served.token).succeeded()
    first = served.running.page(name)
    files = first.files()
    assert sorted(files) == [file.name for file in made.files]
    for file in made.files:
        assert files[file.name]["size"] == file.stat().st_size
        assert files[file.name]["requires-python"] == ">=3.9"
    PUBLISHERS[client](clients, made, url, "__token__", served.token).succeeded()
    again = served.running.page(name)
    assert again.body == first.body
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("client", rows(["poetry", "pdm"]), indirect=True)
def test_skips_what_is_there(
    served: Served, clients: Clients, client: str, name: str, tmp_path: Path
) -> None:
    """With ``--skip-existing`` a name that is taken is no error (409), and nothing is replaced."""
    folder, url = tmp_path / "project", served.running.upload_url
    made = project(folder, name, "1.0")
    PUBLISHERS[client](clients, made, url, "__token__", served.token).succeeded()
    before = served.running.page(name)
    made = project(folder, name, "1.0", summary="Another")
    ran = PUBLISHERS[client](
        clients, made, url, "__token__", served.token, "--skip-existing"
    ).succeeded()
    assert "skipping" in ran.words.lower(), ran.output
    assert served.running.page(name).body == before.body


@pytest.mark.parametrize("client", rows(["twine"]), indirect=True)
def test_twine_itself_refuses_to_skip(
    served: Served, clients: Clients, client: str, name: str, tmp_path: Path
) -> None:
    """``--skip-existing`` is for PyPI only since twine 6.2; here the same file again is a success."""
    made = project(tmp_path / "project", name, "1.0")
    with between(served.running.url) as way:
        url = f"{way.url}legacy/"
        ran = PUBLISHERS[client](
            clients, made, url, "__token__", served.token, "--skip-existing"
        ).failed()
        assert way.asked == []
    assert "skip-existing" in ran.words, ran.output
