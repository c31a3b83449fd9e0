"""twine against a running index: what it uploads, and what a person reads when it is refused."""

from pathlib import Path

import pytest

from tests.clients.conftest import Served, token_for, written
from tests.clients.tools import Clients
from tests.conftest import new_user
from tests.distributions.build import sdist, wheel


def test_uploads_with_a_token_and_again(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"), sdist(name, "1.0"))
    for _ in range(2):
        clients.twine_upload(served.running.upload_url, *files, password=served.token).succeeded()
    assert sorted(served.page_of(name)) == sorted(file.name for file in files)


def test_uploads_with_a_password(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"), sdist(name, "1.0"))
    clients.twine_upload(
        served.running.upload_url, *files, user=served.user, password=served.password
    ).succeeded()
    assert sorted(served.page_of(name)) == sorted(file.name for file in files)


def test_shows_that_a_file_is_never_replaced(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    served.upload(wheel(name, "1.0"))
    files = written(tmp_path, wheel(name, "1.0", summary="Another one"))
    ran = clients.twine_upload(served.running.upload_url, *files, password=served.token).failed()
    assert f"File already exists: '{files[0].name}'" in ran.words
    assert "use a different version or build number" in ran.words


def test_shows_that_a_token_is_wrong(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"))
    wrong = served.token[:-4] + "AAAA"
    ran = clients.twine_upload(served.running.upload_url, *files, password=wrong).failed()
    assert "401" in ran.words
    assert "use __token__ as user name and a token as password" in ran.words


def test_shows_that_a_token_is_for_other_projects(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"))
    limited = token_for(served, "another")
    ran = clients.twine_upload(served.running.upload_url, *files, password=limited).failed()
    assert "403" in ran.words
    assert f"This token is limited to other projects than '{name}'." in ran.words
    own = token_for(served, "another", name)
    clients.twine_upload(served.running.upload_url, *files, password=own).succeeded()


def test_shows_that_a_project_is_somebody_elses(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    served.upload(wheel(name, "1.0"))
    bob = new_user(served.running.index, f"bob-{name}")
    files = written(tmp_path, wheel(name, "2.0"))
    ran = clients.twine_upload(
        served.running.upload_url, *files, user=bob, password=served.password
    ).failed()
    assert f"'{bob}' may not upload to '{name}': ask one of its owners." in ran.words


@pytest.mark.parametrize("path", ["legacy", "", "simple/", "simple"])
def test_uploads_to_what_people_write(
    served: Served, clients: Clients, name: str, tmp_path: Path, path: str
) -> None:
    files = written(tmp_path, wheel(name, "1.0"))
    clients.twine_upload(served.running.url + path, *files, password=served.token).succeeded()
    assert list(served.page_of(name)) == [files[0].name]


def test_shows_what_is_wrong_with_a_wheel(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    filename, content = wheel(name, "1.0")
    files = written(tmp_path, (filename.replace("1.0", "2.0"), content))
    ran = clients.twine_upload(served.running.upload_url, *files, password=served.token).failed()
    assert "do not rename wheels, build them again" in ran.words
    assert served.running.page(name).status == 404
