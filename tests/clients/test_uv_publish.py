"""uv publish against a running index: what it uploads, what it skips, what it shows."""

from pathlib import Path

from tests.clients.conftest import Served, token_for, written
from tests.clients.tools import Clients
from tests.distributions.build import sdist, wheel


def test_publishes_with_a_token_and_again(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"), sdist(name, "1.0"))
    for _ in range(2):
        clients.uv_publish(
            served.running.upload_url, *files, UV_PUBLISH_TOKEN=served.token
        ).succeeded()
    assert sorted(served.page_of(name)) == sorted(file.name for file in files)


def test_publishes_with_a_password(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"), sdist(name, "1.0"))
    options = ("--username", served.user, "--password", served.password)
    clients.uv_publish(served.running.upload_url, *options, *files).succeeded()
    assert sorted(served.page_of(name)) == sorted(file.name for file in files)


def test_check_url_skips_what_is_there(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    served.upload(wheel(name, "1.0"))
    files = written(tmp_path, wheel(name, "1.0"), wheel(name, "2.0"))
    ran = clients.uv_publish(
        served.running.upload_url,
        *("--check-url", served.running.simple_url, *files),
        UV_PUBLISH_TOKEN=served.token,
    ).succeeded()
    assert f"File {files[0].name} already exists, skipping" in ran.words
    assert sorted(served.page_of(name)) == [file.name for file in files]


def test_check_url_finds_other_bytes(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    served.upload(wheel(name, "1.0"))
    files = written(tmp_path, wheel(name, "1.0", summary="Another one"))
    ran = clients.uv_publish(
        served.running.upload_url,
        *("--check-url", served.running.simple_url, *files),
        UV_PUBLISH_TOKEN=served.token,
    ).failed()
    assert "Local file and index file do not match" in ran.words


def test_shows_that_a_file_is_never_replaced(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    served.upload(wheel(name, "1.0"))
    files = written(tmp_path, wheel(name, "1.0", summary="Another one"))
    ran = clients.uv_publish(
        served.running.upload_url, *files, UV_PUBLISH_TOKEN=served.token
    ).failed()
    assert f"File already exists: '{files[0].name}'" in ran.words
    assert "use a different version or build number" in ran.words


def test_shows_that_a_token_is_wrong(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"))
    wrong = served.token[:-4] + "AAAA"
    ran = clients.uv_publish(served.running.upload_url, *files, UV_PUBLISH_TOKEN=wrong).failed()
    assert "401" in ran.words
    assert "use __token__ as user name and a token as password" in ran.words


def test_shows_that_a_token_is_for_other_projects(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    files = written(tmp_path, wheel(name, "1.0"))
    limited = token_for(served, "another")
    ran = clients.uv_publish(served.running.upload_url, *files, UV_PUBLISH_TOKEN=limited).failed()
    assert "403" in ran.words
    assert f"This token is limited to other projects than '{name}'." in ran.words


def test_shows_what_is_wrong_with_a_wheel(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    filename, content = wheel(name, "1.0")
    files = written(tmp_path, (filename.replace("1.0", "2.0"), content))
    ran = clients.uv_publish(
        served.running.upload_url, *files, UV_PUBLISH_TOKEN=served.token
    ).failed()
    assert "do not rename wheels, build them again" in ran.words
    assert served.running.page(name).status == 404
