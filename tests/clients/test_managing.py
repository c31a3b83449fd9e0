"""Changes by the command line and by the API, as processes of their own, at a server with two workers."""

from pathlib import Path
from typing import Any

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import changes
from tests.api.test_files import url_of
from tests.clients import raw
from tests.clients.conftest import Served
from tests.clients.tools import Clients
from tests.distributions.build import sdist, wheel

#: Requests enough that each of two workers has answered some, very probably.
_TIMES = 8


def run(served: Served, *arguments: str) -> None:
    """Run a command that says nothing, since all is well."""
    done = served.running.command(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def patch(served: Served, path: str, **members: Any) -> raw.Answer:
    """Change a resource, as ann."""
    return raw.patch(f"{served.running.url}api/{path}", members, served.token)


def test_the_command_line_changes_what_the_server_shows(served: Served) -> None:
    file, other = wheel("managed", "1.0"), sdist("managed", "1.0")
    served.upload(file, other, wheel("managed", "2.0"))
    page = served.running.page
    assert page("managed").files()[file[0]]["yanked"] is False
    run(served, "yank", "Managed", "1.0.0", "--reason", "it eats files")
    assert page("managed").files()[file[0]]["yanked"] == "it eats files"
    run(served, "yank", "managed", "1.0")
    assert page("managed").files()[file[0]]["yanked"] is True
    run(served, "unyank", "managed", "1")
    assert page("managed").files()[file[0]]["yanked"] is False
    run(served, "file", "delete", other[0])
    assert set(page("managed").files()) == {file[0], wheel("managed", "2.0")[0]}
    run(served, "release", "delete", "managed", "2.0")
    assert page("managed").json()["versions"] == ["1.0"]
    run(served, "project", "set", "managed", "--status", "archived", "--reason", "done with")
    assert page("managed").json()["project-status"] == {"status": "archived", "reason": "done with"}
    answer = served.running.upload(*wheel("managed", "3.0"), served.token)
    assert answer.status == 403
    assert "archived" in answer.reason
    run(served, "project", "set", "managed", "--status", "active")
    served.upload(wheel("managed", "3.0"))
    run(served, "project", "delete", "managed")
    assert page("managed").status == 404


def test_no_worker_serves_what_is_in_quarantine(served: Served) -> None:
    """D11: links that each of them has followed before are gone, and stay away."""
    file = wheel("unsafe", "1.0")
    served.upload(file)
    urls = [served.running.url.rstrip("/") + url_of(file) + end for end in ("", ".metadata")]
    for url in urls * _TIMES:
        assert raw.get(url).status == 200
    run(served, "project", "set", "unsafe", "--status", "quarantined", "--reason", "stolen")
    for url in urls * _TIMES:
        answer = raw.get(url)
        assert (answer.status, "quarantine" in answer.text) == (404, True)
        assert served.running.page("unsafe").files() == {}
    # ann owns it, and yet it is not hers to bring back.
    answer = patch(served, "projects/unsafe", status="active")
    assert (answer.status, answer.json()["code"]) == (403, "not-allowed")
    run(served, "project", "set", "unsafe", "--status", "active")
    for url in urls * _TIMES:
        assert raw.get(url).status == 200


def test_the_api_changes_what_the_server_shows(served: Served) -> None:
    file = wheel("scripted", "1.0")
    served.upload(file)
    for number in range(_TIMES):
        reason = f"reason {number}"
        answer = patch(served, "projects/scripted/releases/1.0", yanked=True, yanked_reason=reason)
        assert answer.status == 200, answer.text
        page = served.running.page("scripted")
        assert page.files()[file[0]]["yanked"] == reason
        assert page.headers["x-pypi-last-serial"] == answer.headers["x-pypi-last-serial"]
        answer = patch(served, "projects/scripted", status="deprecated", status_reason=reason)
        assert served.running.page("scripted").json()["project-status"]["reason"] == reason


def test_installers_and_uploaders_see_the_status(
    served: Served, clients: Clients, venv: Path, name: str, tmp_path: Path
) -> None:
    """They take the pages as they are, whatever the marker; what is refused, twine shows."""
    file, later = wheel(name, "1.0"), wheel(name, "2.0")
    served.upload(file)
    (tmp_path / later[0]).write_bytes(later[1])

    def set_status(status: str) -> None:
        with served.running.index.database.write() as session:
            changes.set_status(session, OPERATOR, name, status, f'why "{status}" <b>')

    for status in ("archived", "quarantined"):
        set_status(status)
        ran = clients.twine_upload(
            served.running.upload_url, tmp_path / later[0], password=served.token
        )
        assert f'why "{status}"' in ran.failed().words
    clients.uv_pip(venv, "install", name).failed()
    set_status("deprecated")
    clients.uv_pip(venv, "install", name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}
    set_status("quarantined")
    ran = clients.pip_download(tmp_path / "empty", name)
    assert "No matching distribution" in ran.failed().words
