"""Never stale, behind nginx either: the very next request shows the change."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import changes, namespaces
from tests.api.test_media import JSON
from tests.conftest import new_user
from tests.deploy.asking import ask
from tests.deploy.conftest import Site
from tests.distributions.build import wheel

UPLOADS = 25


def _is_shown(address: str, path: str, accept: str, text: str) -> bool:
    """Whether the page shows *text*, which plain and compressed bytes agree about, twice each."""
    found = set()
    for encoding in ("identity", "gzip") * 2:
        answer = ask(address + path, ("Accept", accept), ("Accept-Encoding", encoding))
        found.add(answer.status == 200 and text in answer.text)
    (is_shown,) = found
    return is_shown


def test_an_upload_is_on_every_page_in_the_next_request(
    site: Site, address: str, name: str
) -> None:
    for number in range(UPLOADS):
        version = f"1.{number}"
        filename, content = wheel(name, version)
        site.put((filename, content))
        for path, accept, text in (
            (f"simple/{name}/", "text/html", f">{filename}</a>"),
            (f"simple/{name}/", JSON, f'"{filename}"'),
            (f"pypi/{name}/json", "*/*", f'"{filename}"'),
            (f"pypi/{name}/{version}/json", "*/*", f'"{filename}"'),
            (f"project/{name}/", "*/*", filename),
            (f"project/{name}/{version}/", "*/*", filename),
            ("simple/", "text/html", f">{name}</a>"),
            ("simple/", JSON, f'"{name}"'),
            ("", "*/*", f"project/{name}/{version}/"),
            ("rss/updates.xml", "*/*", f"project/{name}/{version}/"),
            (f"rss/project/{name}/releases.xml", "*/*", f"project/{name}/{version}/"),
        ):
            assert _is_shown(address, path, accept, text), (path, accept, text)


def test_a_grant_is_on_every_json_page_in_the_next_request(
    site: Site, address: str, name: str
) -> None:
    database = site.running.index.database
    owner = new_user(site.running.index, f"owner-{name}")
    site.put(wheel(f"{name}-x", "1.0"))
    pages = [(path, JSON, '"api-version":"1.5"') for path in ("simple/", f"simple/{name}-x/")]
    for _ in range(5):
        with database.write() as session:
            namespaces.grant(session, OPERATOR, name, [owner])
        assert all(_is_shown(address, *page) for page in pages)
        assert _is_shown(address, "simple/namespaces", "*/*", f'"{name}"')
        with database.write() as session:
            namespaces.revoke(session, OPERATOR, name)
        assert not any(_is_shown(address, *page) for page in pages)


@pytest.mark.parametrize("path", ["simple/", "simple/{}/", "project/{}/", "pypi/{}/json"])
def test_a_project_is_gone_in_the_next_request(
    site: Site, address: str, name: str, path: str
) -> None:
    for number in range(3):
        project = f"{name}-{number}"
        site.put(wheel(project, "1.0"))
        page = (path.format(project), "*/*", project)
        assert _is_shown(address, *page)
        with site.running.index.database.write() as session:
            changes.delete_project(session, OPERATOR, project)
        assert not _is_shown(address, *page)


def test_a_yank_is_shown_in_the_next_request(site: Site, address: str, name: str) -> None:
    site.put(wheel(name, "1.0"))
    page = (f"simple/{name}/", JSON, '"yanked":"Because."')
    for _ in range(10):
        with site.running.index.database.write() as session:
            changes.yank(session, OPERATOR, name, "1.0", "Because.")
        assert _is_shown(address, *page)
        with site.running.index.database.write() as session:
            changes.unyank(session, OPERATOR, name, "1.0")
        assert not _is_shown(address, *page)


def test_readers_beside_a_writer_never_go_back(site: Site, address: str, name: str) -> None:
    """Serial, tag and bytes of each answer belong together, and to no older version than known."""
    site.put(wheel(name, "1.0"))
    uploaded = [0]
    is_over = threading.Event()

    def read() -> None:
        newest = 0
        while not is_over.is_set():
            least = uploaded[0]
            answer = ask(f"{address}simple/{name}/", ("Accept", JSON))
            serial = answer.header("X-PyPI-Last-Serial")
            tag = (answer.header("ETag") or "").strip('"').split("-")
            assert tag[1:3] == [serial, f"{len(answer.body):x}"]
            assert len(answer.json()["versions"]) > least
            assert int(serial or 0) >= newest
            newest = int(serial or 0)

    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(read) for _ in range(3)]
        try:
            for number in range(1, UPLOADS):
                site.put(wheel(name, f"1.{number}"))
                uploaded[0] = number
        finally:
            is_over.set()
        for reader in readers:
            reader.result()
