"""The journal for people."""

import json
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index, changes, journal
from tests.conftest import new_user
from tests.distributions.build import wheel
from tests.repository.test_status import owned
from tests.web.helpers import ATTACK, addresses, below_index, log_in, put

# What the databases do differently is asked for in tests/repository.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ALL, OWN, OF_FOO = "/admin/journal/", "/account/journal/", "/manage/foo/journal/"


@pytest.fixture
def filled(index: Index, ann: str) -> Index:
    """The project foo, which ann owns, and bar, which she does not."""
    owned(index, ann, wheel("foo", "1.0"))
    put(index, wheel("bar", "1.0"))
    with index.database.write() as session:
        changes.yank(session, OPERATOR, "foo", "1.0", ATTACK)
    return index


@pytest.fixture
def root(index: Index) -> str:
    return new_user(index, "root", is_admin=True)


def rows(page: Any) -> list[str]:
    """Each entry as one text."""
    return [row.get_text(" ", strip=True) for row in page.html.select("ol.journal > li")]


def test_an_administrator_reads_all(app: TestApp, filled: Index, root: str) -> None:
    log_in(app, root)
    page = app.get(ALL)
    assert page.headers["Cache-Control"] == "no-store"
    found = rows(page)
    with filled.database.read() as session:
        newest = journal.part(session, journal.Wanted()).entries[0].serial
    assert f"no. {newest}" in found[0]
    assert any("project.create bar" in row for row in found)
    assert any("user.create" in row and "root" in row for row in found)


def test_an_owner_reads_a_projects(app: TestApp, filled: Index, ann: str) -> None:
    log_in(app, ann)
    found = rows(app.get(OF_FOO))
    assert "release.yank" in found[0]
    assert "command line" in found[0]
    assert not [row for row in found if "bar" in row]
    assert app.get("/manage/Foo/journal/").html.h1.get_text() == "Journal of foo"
    assert rows(app.get(OF_FOO + "?project=bar")) == found


def test_a_person_reads_what_they_did(app: TestApp, filled: Index, ann: str) -> None:
    log_in(app, ann)
    form = app.get("/manage/foo/").forms
    (yank,) = [f for f in form.values() if "do" in f.fields and f["do"].value == "unyank"]
    yank.submit(status=303)
    found = rows(app.get(OWN))
    assert any("release.unyank foo 1.0" in row and "by session" in row for row in found)
    assert all("ann" in row for row in found)
    assert rows(app.get(OWN + "?actor=root")) == found


def test_the_others_may_not(app: TestApp, filled: Index, ann: str) -> None:
    for url in (ALL, OWN, OF_FOO):
        assert app.get(url).location.startswith("http://localhost/login/")
    log_in(app, ann)
    app.get(ALL, status=403)
    page = app.get("/manage/bar/journal/", status=403)
    assert "ask one of its owners" in page.html.select_one("[role=alert]").get_text()
    assert rows(page) == []
    app.get("/manage/absent/journal/", status=404)
    app.reset()
    log_in(app, new_user(filled, "eve"))
    app.get(OF_FOO, status=403)


def test_filters_stay_in_the_form_and_in_links(
    app: TestApp, filled: Index, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(app, root)
    monkeypatch.setattr(journal.part, "__defaults__", (None, 1))
    form = app.get(ALL).form
    form["project"], form["actor"], form["since"] = "Foo", "command line", "2026-01-01"
    page = form.submit()
    assert page.form["project"].value == "Foo"
    seen = rows(page)
    for _ in range(3):
        page = page.click("Older")
        seen += rows(page)
    assert len(set(seen)) == 4
    assert all(" foo" in row and "command line" in row for row in seen)
    assert "release.yank" in rows(page.click("The newest"))[0]


def test_leads_to_the_same_as_json_lines(app: TestApp, filled: Index, root: str, ann: str) -> None:
    """As far as somebody may have it: their own alone is not exported."""
    log_in(app, root)
    exported = app.get(f"{ALL}?action=release.yank").click("as JSON lines")
    assert exported.content_type == "application/x-ndjson"
    assert [json.loads(line)["note"] for line in exported.text.splitlines()] == [ATTACK]
    assert len(app.get(ALL).click("as JSON lines").text.splitlines()) == len(rows(app.get(ALL)))
    app.reset()
    log_in(app, ann)
    of_foo = app.get(OF_FOO).click("as JSON lines").text.splitlines()
    assert {json.loads(line)["project"] for line in of_foo} == {"foo"}
    assert "JSON lines" not in app.get(OWN).text


def test_what_is_no_filter_is_said_in_the_form(app: TestApp, filled: Index, root: str) -> None:
    log_in(app, root)
    for query in ("since=x", "action=file", "before=x", "until=2026-02-30"):
        page = app.get(f"{ALL}?{query}", status=422)
        assert page.html.select_one("[role=alert]")
        assert rows(page) == []
    page = app.get(f"{ALL}?since=x", status=422)
    assert page.form["since"].value == "x"
    assert "Nothing like that" in app.get(f"{ALL}?actor=nobody").text


def test_text_from_anybody_is_text(app: TestApp, filled: Index, root: str) -> None:
    log_in(app, root)
    page = app.get(ALL, {"actor": ATTACK, "since": "2026-01-01"})
    assert page.form["actor"].value == ATTACK
    for found in (page, app.get(ALL)):
        assert not found.html.select("main script, main img")
    assert any(ATTACK in row for row in rows(app.get(ALL)))


def test_links_lead_somewhere(app: TestApp, filled: Index, root: str, ann: str) -> None:
    log_in(app, root)
    links = [below_index(p, a) for p in [app.get("/account/")] for a in addresses(p)]
    assert {ALL, OWN} <= set(links)
    page = app.get("/manage/foo/")
    assert OF_FOO in [below_index(page, a) for a in addresses(page)]
    for url in (ALL, OWN, OF_FOO):
        page = app.get(url)
        for address in addresses(page):
            if not address.startswith("#"):
                assert app.get(below_index(page, address), status="*").status_int < 400
    app.reset()
    log_in(app, ann)
    page = app.get("/account/")
    assert ALL not in [below_index(page, a) for a in addresses(page)]
