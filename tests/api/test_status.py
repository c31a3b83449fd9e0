"""Project status on every page (PEP 792: S19, S20, H09, D11)."""

import json
from typing import Any

import pytest
from bs4 import BeautifulSoup
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index, changes
from pypi_lite.settings import Settings
from tests.api.conftest import cached, status_of
from tests.api.test_files import url_of
from tests.api.test_media import HTML, JSON
from tests.distributions.build import sdist, wheel
from tests.web.helpers import ATTACK, put

WHEEL, SDIST = wheel("Foo.Bar", "1.0", summary="A fine thing"), sdist("Foo.Bar", "1.0")
FILES = [url_of(file) + ending for file in (WHEEL, SDIST) for ending in ("", ".metadata")]


@pytest.fixture(autouse=True)
def filled(index: Index) -> None:
    for file in (WHEEL, SDIST, wheel("other", "1.0")):
        put(index, file)


def set_status(index: Index, status: str, reason: str | None = None) -> int:
    with index.database.write() as session:
        return changes.set_status(session, OPERATOR, "foo-bar", status, reason)


def as_json(app: TestApp) -> dict[str, Any]:
    found: dict[str, Any] = app.get("/simple/foo-bar/", headers={"Accept": JSON}).json
    return found


def meta(app: TestApp, media: str) -> dict[str, str]:
    """The meta elements of the simple page's head."""
    page = BeautifulSoup(app.get("/simple/foo-bar/", headers={"Accept": media}).text, "html.parser")
    return {e["name"]: e["content"] for e in page.select("head meta[name]")}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("active", None),
        ("archived", None),
        ("deprecated", 'use "bar" & <baz>'),
        ("quarantined", ATTACK),
    ],
)
def test_both_forms_of_the_simple_page_say_it(
    app: TestApp, index: Index, status: str, reason: str | None
) -> None:
    set_status(index, status, reason)
    marker = {"status": status} | ({"reason": reason} if reason else {})
    page = as_json(app)
    assert page["project-status"] == marker
    assert page["meta"] == {"api-version": "1.4"}
    expected = {"pypi:repository-version": "1.4", "pypi:project-status": status}
    if reason:
        expected["pypi:project-status-reason"] = reason
    for media in ("text/html", HTML):
        assert meta(app, media) == expected
    assert "<script" not in app.get("/simple/foo-bar/").text


@pytest.mark.parametrize("status", ["archived", "deprecated"])
def test_archived_and_deprecated_projects_are_offered(
    app: TestApp, index: Index, status: str
) -> None:
    set_status(index, status)
    assert len(as_json(app)["files"]) == 2
    for url in FILES:
        app.get(url, status=200)


def test_a_project_in_quarantine_lists_no_file(app: TestApp, index: Index) -> None:
    set_status(index, "quarantined", "stolen")
    page = as_json(app)
    assert page["files"] == []
    assert page["versions"] == ["1.0"]
    assert not app.get("/simple/foo-bar/").html.find_all("a")
    for url in ("/pypi/foo-bar/json", "/pypi/foo-bar/1.0/json"):
        document = app.get(url).json
        assert document["urls"] == []
        assert document.get("releases", {"1.0": []}) == {"1.0": []}
        assert "A fine thing" not in json.dumps(document)
    for url in ("/project/foo-bar/", "/project/foo-bar/1.0/"):
        text = app.get(url).text
        assert "stolen" in text
        for hidden in (WHEEL[0], SDIST[0], "A fine thing", "pip install"):
            assert hidden not in text
    assert "A fine thing" not in app.get("/").text
    assert "other" in app.get("/").text
    # Its name stays: nobody may take it meanwhile.
    assert "foo-bar" in app.get("/simple/").text


def test_a_file_that_was_cached_is_refused_from_the_change_on(
    app: TestApp, index: Index, settings: Settings
) -> None:
    """D11. The links are swept, and nobody makes them anew until the quarantine is lifted."""
    for url in FILES:
        app.get(url, status=200)
        assert status_of(app.get(url)) == "hit"
    assert any(WHEEL[0] in path for path in cached(settings))
    set_status(index, "quarantined", "stolen")
    assert not any(WHEEL[0] in path for path in cached(settings))
    for url in FILES:
        for headers in ({}, {"Range": "bytes=0-4"}, {"If-None-Match": "*"}):
            for asked in (url, f"{url}?x"):
                answer = app.get(asked, headers=headers, status=404)
                assert "in quarantine" in answer.text
                assert answer.headers["Cache-Control"] == "no-store"
        app.head(url, status=404)
    assert not any("-1.0" in path for path in cached(settings))
    set_status(index, "active")
    for url in FILES:
        assert "stored" in status_of(app.get(url, status=200))


def test_the_projects_page_says_why(app: TestApp, index: Index) -> None:
    def banners() -> list[str]:
        page = app.get("/project/foo-bar/")
        return [e.get_text(" ", strip=True) for e in page.html.select(".banner")]

    assert banners() == []
    for status, words in (
        ("archived", "is archived"),
        ("deprecated", "is deprecated"),
        ("quarantined", "in quarantine"),
    ):
        set_status(index, status, f"{ATTACK} {status}")
        (banner,) = banners()
        assert words in banner
        assert banner.endswith(f"Reason: {ATTACK} {status}")
        set_status(index, status)
        assert "Reason" not in banners()[0]
    set_status(index, "active")
    assert banners() == []


def test_a_project_without_releases_shows_it_too(app: TestApp, index: Index) -> None:
    with index.database.write() as session:
        changes.delete_release(session, OPERATOR, "foo-bar", "1.0")
    set_status(index, "archived", "it is over")
    assert "it is over" in app.get("/project/foo-bar/").text
    assert as_json(app)["project-status"] == {"status": "archived", "reason": "it is over"}
