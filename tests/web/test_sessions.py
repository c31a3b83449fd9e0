"""Where somebody is logged in, how that ends, and how a password is changed."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.attempts import MOST_OF_PAIR
from pypi_lite.models import JournalEntry, User, WebSession
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.conftest import PASSWORD, new_token, new_user
from tests.web.helpers import ATTACK, form_for, log_in

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "a new long password"


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[TestApp]:
    """Another application on the same index, with a browser of its own."""
    application = make_app(settings)
    yield TestApp(application)
    application.registry["pypi_lite.index"].database.dispose()


def is_in(app: TestApp) -> bool:
    return bool(app.get("/account/", status="*").status_int == 200)


def rows(page: Any) -> list[str]:
    """What the page says of each session."""
    forms = page.html.select("form[action$='account/sessions/end/']")
    return [" ".join(form.parent.div.get_text(" ").split()) for form in forms]


def change(app: TestApp, old: str = PASSWORD, new: str = NEW, again: str | None = None) -> Any:
    form = form_for(app.get("/account/"), "/account/password/")
    form["old"], form["new"], form["again"] = old, new, new if again is None else again
    return form.submit(status="*")


def test_the_page_tells_where_one_is_logged_in(
    app: TestApp, elsewhere: TestApp, index: Index, ann: str
) -> None:
    app.extra_environ = {"HTTP_USER_AGENT": FIREFOX, "REMOTE_ADDR": "192.0.2.7"}
    elsewhere.extra_environ = {"HTTP_USER_AGENT": ATTACK, "REMOTE_ADDR": "2001:db8::1"}
    log_in(app, ann)
    log_in(elsewhere, ann)
    log_in(TestApp(app.app), new_user(index, "eve"))
    other, this = rows(app.get("/account/"))
    assert re.match(r"Firefox 140 on Linux this browser Session \d+ since 20", this)
    assert "from 192.0.2.7" in this
    assert other.startswith("<script>")  # as text
    assert "from 2001:db8::1" in other
    assert "this browser" not in other
    assert "this browser" in rows(elsewhere.get("/account/"))[0]
    assert "<script>alert" not in app.get("/account/").text


def test_a_session_that_is_ended_is_refused_in_the_next_request(
    app: TestApp, elsewhere: TestApp, ann: str
) -> None:
    """By another process's application too."""
    for browser in (app, elsewhere):
        log_in(browser, ann)
        assert is_in(browser)
    page = app.get("/account/")
    forms = [f for f in page.forms.values() if "session" in f.fields]
    form = max(forms, key=lambda form: int(form["session"].value))
    assert form.submit().location == "http://localhost/account/"
    assert not is_in(elsewhere)
    assert rows(app.get("/account/")) == [r for r in rows(page) if "this browser" in r]
    form.submit(status=303)  # once more: it has ended already
    assert is_in(app)


def test_all_others_are_ended_at_once(app: TestApp, elsewhere: TestApp, ann: str) -> None:
    log_in(app, ann)
    assert "End all but this one" not in app.get("/account/").text
    third = TestApp(app.app)
    for browser in (elsewhere, third):
        log_in(browser, ann)
    form_for(app.get("/account/"), "/account/sessions/end-others/").submit(status=303)
    assert [is_in(browser) for browser in (app, elsewhere, third)] == [True, False, False]


def test_others_sessions_are_neither_seen_nor_ended(app: TestApp, index: Index, ann: str) -> None:
    eve = TestApp(app.app)
    log_in(app, ann)
    log_in(eve, new_user(index, "eve"))
    page = eve.get("/account/")
    assert len(rows(page)) == 1
    token = form_for(page, "/logout/")["csrf_token"].value
    with index.database.read() as session:
        ours = session.scalars(select(func.min(WebSession.id))).one()
    for number in (str(ours), "99", "", "x", "-1", "9" * 30):
        fields = {"csrf_token": token, "session": number}
        eve.post("/account/sessions/end/", fields, status=303)
    assert is_in(app)
    assert is_in(eve)


def test_logging_out_ends_the_session_and_takes_the_cookie(
    app: TestApp, elsewhere: TestApp, index: Index, ann: str
) -> None:
    log_in(app, ann)
    stolen = app.cookies["pypi_lite"]
    form_for(app.get("/account/"), "/logout/").submit()
    assert "pypi_lite" not in app.cookies
    elsewhere.set_cookie("pypi_lite", stolen)
    assert not is_in(elsewhere)
    with index.database.read() as session:
        assert session.scalars(select(WebSession)).all() == []
        told = session.execute(
            select(JournalEntry.action, JournalEntry.actor, JournalEntry.means, JournalEntry.serial)
            .order_by(JournalEntry.serial.desc())
            .limit(2)
        ).all()
    assert [tuple(row)[:3] for row in told] == [
        ("session.end", "ann", f"session {told[1].serial}"),
        ("session.begin", "ann", None),
    ]


def test_a_disabled_account_is_out_at_once(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    with index.database.write() as session:
        session.scalars(select(User)).one().is_disabled = True
    assert not is_in(app)
    assert log_in(app, ann).status_int == 403


def test_a_password_is_changed(
    app: TestApp, elsewhere: TestApp, index: Index, ann: str, token: str
) -> None:
    """All other sessions end, and this one has a new id; tokens stay."""
    for browser in (app, elsewhere):
        log_in(browser, ann)
    before = app.cookies["pypi_lite"]
    done = change(app).follow()
    assert "Your password is changed" in done.html.select_one("[role=status]").get_text()
    assert not app.get("/account/").html.select("[role=status]")
    assert app.cookies["pypi_lite"] != before
    assert is_in(app)
    assert not is_in(elsewhere)
    elsewhere.set_cookie("pypi_lite", before)
    assert not is_in(elsewhere)
    assert log_in(elsewhere, ann).status_int == 403
    assert log_in(elsewhere, ann, NEW).status_int == 303
    with index.database.read() as session:
        entries = session.scalars(
            select(JournalEntry).where(JournalEntry.action == "password.change")
        ).all()
        begun = session.scalars(
            select(JournalEntry.serial).where(JournalEntry.action == "session.begin")
        ).all()
    assert [(entry.actor, entry.means, entry.note) for entry in entries] == [
        ("ann", f"session {min(begun)}", "ann")
    ]
    assert token not in app.get("/account/").text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"old": "wrong"}, "The old password is wrong"),
        ({"old": ""}, "The old password is wrong"),
        ({"again": "something else"}, "not the same"),
        ({"new": PASSWORD}, "is the old one"),
        ({"new": "short"}, "at least 8 characters"),
        ({"new": "password"}, "everybody tries"),
        ({"new": "pypi_lite"}, "everybody tries"),
        ({"new": "ann" + "1" * 9}, "account's name"),
    ],
)
def test_a_password_is_not_changed(
    app: TestApp, ann: str, fields: dict[str, str], text: str
) -> None:
    log_in(app, ann)
    page = change(app, **fields)
    assert page.status_int == 400
    assert text in page.html.select_one("[role=alert]").get_text()
    assert is_in(app)
    assert log_in(TestApp(app.app), ann).status_int == 303


def test_whoever_finds_a_browser_open_can_not_guess(app: TestApp, ann: str) -> None:
    log_in(app, ann)
    for _ in range(MOST_OF_PAIR):
        assert change(app, old="wrong").status_int == 400
    page = change(app)
    assert page.status_int == 429
    assert int(page.headers["Retry-After"]) > 800
    assert "Too many" in page.html.select_one("[role=alert]").get_text()


def test_an_account_without_a_password_gets_none_here(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    form = form_for(app.get("/account/"), "/account/password/")
    with index.database.write() as session:
        session.scalars(select(User)).one().password_hash = None
    page = app.get("/account/")
    assert "Your account has no password" in page.text
    form["old"], form["new"], form["again"] = "", NEW, NEW
    assert form.submit(status=400)


def test_the_forms_addresses_show_the_page(app: TestApp, ann: str) -> None:
    paths = ("/account/sessions/end/", "/account/sessions/end-others/", "/account/password/")
    for path in paths:
        assert app.get(path).location.startswith("http://localhost/login/")
    log_in(app, ann)
    for path in paths:
        assert app.get(path).html.h1.get_text() == ann
    page = app.get(paths[0])
    assert re.fullmatch(r"[\w-]{43}", app.cookies["pypi_lite"], re.ASCII)
    assert form_for(page, paths[0])


def test_a_token_ends_no_session(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    program = TestApp(app.app)
    program.authorization = ("Basic", ("__token__", new_token(index, ann)))
    for path in ("/account/sessions/end-others/", "/account/password/"):
        answer = program.post(path, {"session": "1"}, status=303)
        assert answer.location.startswith("http://localhost/login/")
    assert is_in(app)
