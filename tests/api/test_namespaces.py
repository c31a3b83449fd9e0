"""What programs see of namespaces (PEP 752; S24, U30), and that no worker shows what was before."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index, changes
from pypi_lite.settings import Settings
from pypi_lite.verifying import verify
from tests.api.conftest import status_of, token_of_new
from tests.api.forms import post, twine
from tests.api.test_media import HTML, JSON
from tests.distributions.build import wheel
from tests.repository.test_namespaces import grant, revoke
from tests.web.helpers import put

JSON_PAGES = ("/simple/acme-old/", "/simple/other/", "/simple/")


@pytest.fixture
def workers(settings: Settings) -> Iterator[list[TestApp]]:
    """Two of one index, which know each other by the cache's folder alone."""
    applications = [make_app(settings) for _ in range(2)]
    yield [TestApp(application) for application in applications]
    for application in applications:
        application.registry["pypi_lite.index"].database.dispose()


def read(app: TestApp, url: str, accept: str = JSON) -> Any:
    return app.get(url, headers={"Accept": accept})


def documents(app: TestApp) -> dict[str, Any]:
    return {url: json.loads(read(app, url).body) for url in JSON_PAGES}


def test_no_worker_shows_what_was_before(workers: list[TestApp], index: Index) -> None:
    """After each change of any grant, the first answer of either worker is the new one, with a serial
    and a tag of its own; the second is published."""
    token_of_new(index, "ann")
    put(index, wheel("acme-old", "1.0"))
    put(index, wheel("other", "1.0"))
    acme = [{"name": "acme", "owned": False}]
    other = [{"name": "other", "owned": False}]
    steps: list[tuple[Any, str, Any, Any]] = [
        (lambda: put(index, wheel("other", "1.1")).serial, "1.4", "absent", "absent"),
        (lambda: grant(index, "acme", "ann"), "1.5", acme, None),
        (lambda: grant(index, "other", "ann"), "1.5", acme, other),
        (lambda: revoke(index, "acme"), "1.5", None, other),
        (lambda: revoke(index, "other"), "1.4", "absent", "absent"),
        (lambda: grant(index, "unseen", "ann"), "1.5", None, None),
    ]
    tags: dict[str, set[str]] = {url: set() for url in JSON_PAGES}
    serials = dict.fromkeys(JSON_PAGES, 0)
    for number, (change, version, of_acme, of_other) in enumerate(steps):
        serial = change()
        for app in (workers[number % 2], *workers):
            for url, wanted in zip(JSON_PAGES, (of_acme, of_other, "absent"), strict=True):
                answer = read(app, url)
                document = json.loads(answer.body)
                assert document["meta"]["api-version"] == version, url
                assert document.get("namespaces", "absent") == wanted, url
                serials[url] = int(answer.headers["X-PyPI-Last-Serial"])
                if number:
                    assert serials[url] == serial, url
                tags[url].add(answer.headers["ETag"])
        assert all(status_of(read(app, url)) == "hit" for app in workers for url in JSON_PAGES)
    assert {url: len(found) for url, found in tags.items()} == dict.fromkeys(JSON_PAGES, len(steps))


def test_html_stays_as_it_is_for_ever(app: TestApp, index: Index) -> None:
    """PEP 833."""
    token_of_new(index, "ann")
    put(index, wheel("acme-old", "1.0"))
    for url in ("/simple/", "/simple/acme-old/"):
        for media in ("text/html", HTML):
            before = read(app, url, media)
            grant(index, "acme", "ann")
            after = read(app, url, media)
            assert 'content="1.4"' in after.text
            assert (after.body, after.headers["ETag"]) == (before.body, before.headers["ETag"])


def test_owned_follows_the_owners(app: TestApp, index: Index) -> None:
    """U30: who owns the namespace begins the project; another, who comes later, does not."""
    ann, eve = token_of_new(index, "ann"), token_of_new(index, "eve")
    grant(index, "acme", "ann")
    post(app, twine(wheel("acme-x", "1.0")), ann)
    url = "/simple/acme-x/"
    assert read(app, url).json["namespaces"] == [{"name": "acme", "owned": True}]
    grant(index, "acme", "eve")
    assert read(app, url).json["namespaces"] == [{"name": "acme", "owned": False}]
    assert read(app, "/simple/namespace/acme").json["owner"] == "eve"
    post(app, twine(wheel("acme-x", "1.1")), ann)
    post(app, twine(wheel("acme-y", "1.0")), eve)
    assert read(app, "/simple/acme-y/").json["namespaces"] == [{"name": "acme", "owned": True}]


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_an_upload_that_is_refused_says_whom_to_ask(
    app: TestApp, index: Index, accept: str
) -> None:
    """U30: 409. U21: in the reason phrase, and in the body."""
    token_of_new(index, "ann")
    grant(index, "acme", "ann")
    token = token_of_new(index, "eve")
    answer = post(app, twine(wheel("Acme.X", "1.0")), token, status=409, Accept=accept)
    assert "only ann may begin projects" in answer.status
    assert "only ann may begin projects" in answer.text
    assert read(app, "/simple/").json["projects"] == []
    revoke(index, "acme")
    post(app, twine(wheel("Acme.X", "1.0")), token)


def test_the_list_and_the_details(app: TestApp, index: Index) -> None:
    for name in ("ann", "bob"):
        token_of_new(index, name)
    grant(index, "foo", "ann", "bob")
    grant(index, "foo-bar", "ann")
    answer = read(app, "/simple/namespaces", "*/*")
    assert answer.json == [{"name": "foo"}, {"name": "foo-bar"}]
    assert answer.headers["Content-Type"] == JSON
    assert answer.headers["Cache-Control"] == "no-cache"
    assert read(app, "/simple/namespace/foo").json == {
        "name": "foo",
        "parent": None,
        "children": ["foo-bar"],
        "_owners": ["ann", "bob"],
    }
    assert read(app, "/simple/namespace/foo-bar").json == {
        "name": "foo-bar",
        "parent": "foo",
        "children": [],
        "owner": "ann",
        "_owners": ["ann"],
    }
    moved = app.get("/simple/namespace/Foo.Bar", status=301)
    assert moved.location == "http://localhost/simple/namespace/foo-bar"
    for url in ("/simple/namespace/bar", "/simple/namespace/foo%00", "/simple/namespace/-"):
        assert app.get(url, status=404).content_type == "text/plain"


def test_an_index_without_grants_does_not_know_namespaces(app: TestApp, index: Index) -> None:
    """PEP 752: clients must be able to tell."""
    token_of_new(index, "ann")
    for _ in range(2):
        app.get("/simple/namespaces", status=404)
        app.get("/simple/namespace/acme", status=404)
        grant(index, "acme", "ann")
        read(app, "/simple/namespaces")
        revoke(index, "acme")


def test_projects_may_have_the_names_of_these_addresses(app: TestApp, index: Index) -> None:
    for name in ("namespaces", "namespace", "namespace-x"):
        put(index, wheel(name, "1.0"))
        assert read(app, f"/simple/{name}/").json["name"] == name
        assert status_of(read(app, f"/simple/{name}/")) == "hit"
    for name in ("namespace", "namespace-x"):
        assert app.get(f"/simple/{name}", status=301).location.endswith(f"/simple/{name}/")
    app.get("/simple/namespaces", status=404)


def test_verify_agrees(app: TestApp, index: Index, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that is published differs from what is made afresh, whatever has been granted."""
    token_of_new(index, "ann")
    for name in ("acme-old", "other"):
        put(index, wheel(name, "1.0"))
    for change in (
        lambda: grant(index, "acme", "ann"),
        lambda: grant(index, "acme", "ann"),  # the same once more
        lambda: revoke(index, "acme"),
    ):
        change()
        documents(app)
        assert verify(app.app, fix=False, out=sys.stdout), capsys.readouterr().out
        documents(app)
    with index.database.write() as session:
        changes.delete_project(session, OPERATOR, "acme-old")
    assert verify(app.app, fix=False, out=sys.stdout)
