"""Namespaces on a real server: whichever of its workers is asked, and with a real uploader."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import namespaces
from tests.clients import raw
from tests.clients.conftest import Served, written
from tests.clients.tools import Clients
from tests.conftest import new_user
from tests.distributions.build import wheel

ROUNDS = 12


def test_every_worker_shows_a_grant_at_once(served: Served, name: str) -> None:
    """Two readers of every page for each worker, after each change; the pages are there before it."""
    running = served.running
    pages = [f"{running.simple_url}{name}-{number}/" for number in range(3)]
    served.upload(*(wheel(f"{name}-{number}", "1.0") for number in range(3)))
    asked = [*pages, running.simple_url] * 4
    database = running.index.database
    with ThreadPoolExecutor(4) as readers:
        for number in range(ROUNDS):
            with database.write() as session:
                if number % 2:
                    serial = namespaces.revoke(session, OPERATOR, name)
                else:
                    serial = namespaces.grant(session, OPERATOR, name, [served.user])
            answers = list(readers.map(lambda url: raw.get(url, {"Accept": raw.JSON}), asked))
            for url, answer in zip(asked, answers, strict=True):
                document = answer.json()
                assert document["meta"]["api-version"] == ("1.4" if number % 2 else "1.5"), url
                assert answer.headers["x-pypi-last-serial"] == str(serial), url
                if number % 2:
                    assert "namespaces" not in document
                elif url in pages:
                    assert document["namespaces"] == [{"name": name, "owned": True}]


def test_uploaders_show_whom_to_ask(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    """U21, U30."""
    owner = new_user(served.running.index, f"owner-{name}")
    (file,) = written(tmp_path, wheel(f"{name}-x", "1.0"))
    url, database = served.running.upload_url, served.running.index.database
    with database.write() as session:
        namespaces.grant(session, OPERATOR, name, [owner])
    try:
        for ran in (
            clients.twine_upload(url, file, password=served.token).failed(),
            clients.uv_publish(url, file, UV_PUBLISH_TOKEN=served.token).failed(),
        ):
            assert "409" in ran.words
            assert f"only {owner} may begin projects in the namespace" in ran.words
    finally:
        with database.write() as session:
            namespaces.revoke(session, OPERATOR, name)
