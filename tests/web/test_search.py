"""The page where people find projects, and the field in the header that leads there."""

from dataclasses import replace
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.models import RoleName, Scope
from pypi_lite.repository import Index, changes, search
from pypi_lite.settings import READING_ACCOUNTS, Settings
from tests.conftest import new_token, new_user
from tests.distributions.build import wheel
from tests.repository.test_status import give_role, set_status
from tests.test_reading import bearing
from tests.web.helpers import ATTACK, BROWSER, addresses, below_index, log_in, put

# What the databases do differently is asked for in tests/repository.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ALL = "/search/"
FIELD = "header.site form[role=search] input[name=q]"


@pytest.fixture
def filled(index: Index, ann: str) -> Index:
    """foo for everybody, foo-in for accounts, foo-mine for ann and foo-secret for nobody here."""
    for name in ("Foo", "foo-in", "foo-mine", "foo-secret"):
        put(index, wheel(name, "1.0", summary=f"what {name} does"))
    give_role(index, ann, "foo-mine", RoleName.READER)
    with index.database.write() as session:
        changes.set_visibility(session, OPERATOR, "foo-in", "internal")
        for name in ("foo-mine", "foo-secret"):
            changes.set_visibility(session, OPERATOR, name, "private")
    return index


@pytest.fixture
def closed(settings: Settings) -> Any:
    """The same index, where reading needs an account."""
    application = make_app(replace(settings, reading=READING_ACCOUNTS))
    yield TestApp(application)
    application.registry["pypi_lite.index"].database.dispose()


def names(page: Any) -> list[str]:
    return [element.get_text() for element in page.html.select("ol.rows a.name")]


def count(page: Any) -> str:
    return str(page.html.select_one("[role=status]").get_text())


def test_lists_all_that_one_may_see(app: TestApp, filled: Index, ann: str) -> None:
    page = app.get(ALL)
    assert page.html.h1.get_text() == "All projects"
    assert (names(page), count(page)) == (["Foo 1.0"], "1 project")
    assert page.html.select_one("ol.rows a")["href"] == "../project/foo/"
    log_in(app, ann)
    page = app.get(ALL)
    assert names(page) == ["Foo 1.0", "foo-in 1.0", "foo-mine 1.0"]
    assert count(page) == "3 projects"
    app.reset()
    log_in(app, new_user(filled, "eve"))
    assert names(app.get(ALL)) == ["Foo 1.0", "foo-in 1.0"]
    app.reset()
    log_in(app, new_user(filled, "root", is_admin=True))
    assert count(app.get(ALL)) == "4 projects"


@pytest.mark.parametrize("text", ["foo-secret", "secret", "what foo-secret does"])
def test_what_is_hidden_is_as_if_nobody_had_it(app: TestApp, filled: Index, text: str) -> None:
    """To the letter, but for what was typed."""
    log_in(app, new_user(filled, "eve"))
    hidden = app.get(ALL, {"q": text})
    absent = app.get(ALL, {"q": text.replace("secret", "absent")})
    assert names(hidden) == []
    assert hidden.text.replace("secret", "absent") == absent.text


def test_nobody_keeps_what_was_found(app: TestApp, filled: Index) -> None:
    for url in (ALL, ALL + "?q=foo"):
        for _ in range(2):
            page = app.get(url)
            assert page.headers["Cache-Control"] == "no-store"
            assert "Cache-Status" not in page.headers
    with filled.database.write() as session:
        changes.set_visibility(session, OPERATOR, "foo", "private")
    assert names(app.get(ALL)) == []


def test_a_row_says_what_one_has_to_know(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0", summary=ATTACK))
    set_status(index, "archived", "no longer")
    with index.database.write() as session:
        changes.set_visibility(session, OPERATOR, "foo", "internal")
    new_user(index, "ann")
    log_in(app, "ann")
    (row,) = app.get(ALL, {"q": "script"}).html.select("ol.rows li")
    assert [badge.get_text() for badge in row.select(".badge")] == ["internal", "archived"]
    assert row.time["datetime"].endswith("Z")
    assert row.p.get_text() == ATTACK
    assert not row.select("script, img")


def test_what_was_typed_stays_in_the_field(app: TestApp, filled: Index) -> None:
    for text in ("foo", "foo bar", ATTACK, '" autofocus onfocus="alert(1)', "ä&b=c#d%"):
        page = app.get(ALL, {"q": text})
        field = page.html.select_one(FIELD)
        assert field["value"] == text
        assert set(field.attrs) <= {
            *("id", "name", "type", "value", "placeholder", "maxlength"),
            *("autocapitalize", "autocomplete", "spellcheck"),
        }
        assert not page.html.select("main script, main img, header script")


def test_too_much_is_refused_with_a_reason(app: TestApp, filled: Index) -> None:
    for text in ("x" * 201, "x " * 11, ATTACK * 5):
        page = app.get(ALL, {"q": text}, status=422)
        assert "at most" in page.html.select_one("[role=alert]").get_text()
        assert names(page) == []
        assert page.html.select_one(FIELD)["value"] == text.strip()


def test_pages_lead_to_each_other(
    app: TestApp, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "A_PAGE", 2)
    for number in range(5):
        put(index, wheel(f"a-{number}", "1.0", summary="a & b"))
    page = app.get(ALL, {"q": "a & b"})
    assert "page 1 of 3" in count(page)
    seen = names(page)
    for _ in range(2):
        page = page.click("Later")
        seen += names(page)
    assert seen == [f"a-{number} 1.0" for number in range(5)]
    assert not page.html.select("[rel=next]")
    assert page.html.select_one(FIELD)["value"] == "a & b"
    page = page.click("Earlier")
    assert names(page) == ["a-2 1.0", "a-3 1.0"]
    assert not page.click("Earlier").html.select("[rel=prev]")


@pytest.mark.parametrize(
    ("number", "shown"),
    [("4", 3), ("999999999", 3), ("0", 1), ("-1", 1), ("x", 1), ("", 1), ("9" * 30, 1), ("²", 1)],
)
def test_a_page_that_is_none_is_one_that_is(
    app: TestApp, index: Index, monkeypatch: pytest.MonkeyPatch, number: str, shown: int
) -> None:
    """After the last page comes none, before the first neither."""
    monkeypatch.setattr(search, "A_PAGE", 1)
    for name in ("a", "b", "c"):
        put(index, wheel(name, "1.0"))
    page = app.get(ALL, {"page": number})
    assert count(page) == f"3 projects, page {shown} of 3"


def test_an_empty_index_and_an_empty_search_say_what_to_do(app: TestApp, index: Index) -> None:
    assert "The first upload" in app.get(ALL).text
    put(index, wheel("foo", "1.0"))
    page = app.get(ALL, {"q": "bar"})
    assert count(page) == "0 projects with “bar”"
    assert names(page.click("all projects")) == ["foo 1.0"]


def test_links_lead_somewhere(app: TestApp, filled: Index) -> None:
    for url in (ALL, ALL + "?q=foo"):
        page = app.get(url)
        for address in addresses(page):
            if not address.startswith("#"):
                assert app.get(below_index(page, address), status="*").status_int < 400


def test_every_page_has_the_field(app: TestApp, filled: Index) -> None:
    """Whoever asks, and whether it is a page of the cache or not."""
    for url in ("/", "/project/foo/", "/project/foo/1.0/", "/login/", "/absent/"):
        page = app.get(url, headers=BROWSER, status="*")
        field = page.html.select_one(FIELD)
        assert field["value"] == ""
        form = field.find_parent("form")
        assert form["method"] == "get"
        assert below_index(page, form["action"]) == ALL
        assert page.html.select_one(f"label[for={field['id']}]")
        assert [below_index(page, a) for a in addresses(page)].count(ALL) >= 2


def test_the_field_finds(app: TestApp, filled: Index) -> None:
    page = app.get("/project/foo/")
    form = page.html.select_one("header form")
    found = app.get(below_index(page, form["action"]), {form.input["name"]: "foo does"})
    assert names(found) == ["Foo 1.0"]


def test_where_reading_needs_an_account_strangers_get_nothing(
    closed: TestApp, filled: Index, ann: str
) -> None:
    for url in (ALL, ALL + "?q=foo"):
        assert closed.get(url, status=303).location.startswith("http://localhost/login/")
    for url in ("/login/", "/absent/"):
        page = closed.get(url, headers=BROWSER, status="*")
        assert page.html.select_one("header.site")
        assert not page.html.select(FIELD)
    log_in(closed, ann)
    for url in ("/", "/project/foo/", "/absent/", "/account/", ALL):
        for _ in range(2):
            page = closed.get(url, headers=BROWSER, status="*")
            assert page.html.select(FIELD), url
    assert names(closed.get(ALL)) == ["Foo 1.0", "foo-in 1.0", "foo-mine 1.0"]


def test_a_token_finds_what_it_reads(closed: TestApp, filled: Index, ann: str) -> None:
    reading = bearing(new_token(filled, ann, Scope.READ, projects=["foo-mine"]))
    assert names(closed.get(ALL, headers=reading)) == ["foo-mine 1.0"]
    other = bearing(new_token(filled, ann, Scope.UPLOAD))
    closed.get(ALL, headers=other, status=[303, 403])


def test_the_home_page_leads_to_all_projects(app: TestApp, filled: Index) -> None:
    page = app.get("/")
    assert names(page.click("All projects", index=1)) == ["Foo 1.0"]
