"""Logging in and out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from webtest import TestApp, TestRequest

from pypi_lite import make_app
from pypi_lite.accounts.attempts import MOST_OF_PAIR
from pypi_lite.models import FailedAttempt, User, WebSession
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from pypi_lite.web.session import finish_log_in, is_local
from tests.conftest import PASSWORD, new_token, new_user
from tests.web.helpers import BROWSER, form_for, log_in


def test_logs_in_and_out(app: TestApp, ann: str) -> None:
    assert log_in(app, ann).location == "http://localhost/account/"
    page = app.get("/account/")
    assert page.html.h1.get_text() == "ann"
    assert form_for(page, "/logout/").submit().location == "http://localhost/"
    assert app.get("/account/").location == "http://localhost/login/?next=%2Faccount%2F"


def test_leads_back_to_where_one_was_going(app: TestApp, ann: str) -> None:
    form = app.get("/upload/").follow().form
    form["name"], form["password"] = ann, PASSWORD
    assert form.submit().location == "http://localhost/upload/"
    assert app.get("/login/?next=/upload/").location == "http://localhost/upload/"


def test_leads_back_with_the_query(app: TestApp, index: Index) -> None:
    wanted = "/admin/journal/?actor=ann&since=2026-01-01&project=a%26b%C3%A4"
    asked = app.get(wanted)
    assert asked.location.startswith("http://localhost/login/?next=%2Fadmin%2Fjournal%2F%3F")
    form = asked.follow().form
    form["name"], form["password"] = new_user(index, "root", is_admin=True), PASSWORD
    assert form.submit().location == f"http://localhost{wanted}"


@pytest.mark.parametrize(
    ("query", "leads_to"),
    [
        ("next=//evil.test/", "/account/?next=//evil.test/"),
        ("a=%0D%0AX:%20y", "/account/?a=%0D%0AX:%20y"),
        ("a=\\evil.test", "/account/"),
        ("a=\r\nX: y", "/account/"),
    ],
)
def test_no_query_leads_to_another_host(app: TestApp, ann: str, query: str, leads_to: str) -> None:
    environ = TestRequest.blank("/account/").environ
    asked = app.do_request(TestRequest({**environ, "QUERY_STRING": query}))
    form = asked.follow().form
    form["name"], form["password"] = ann, PASSWORD
    assert form.submit().location == f"http://localhost{leads_to}"


def test_under_a_prefix(app: TestApp, ann: str) -> None:
    app.extra_environ = {"SCRIPT_NAME": "/index"}
    asked = app.get("/upload/")
    assert asked.location == "http://localhost/index/login/?next=%2Findex%2Fupload%2F"
    form = app.get("/login/?next=%2Findex%2Fupload%2F").form
    form["name"], form["password"] = ann, PASSWORD
    done = app.post("/login/", form.submit_fields())
    assert done.location == "http://localhost/index/upload/"


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.test/",
        "/\\evil.test/",
        "\\\\evil.test",
        "https://evil.test/",
        "https:evil.test",
        "javascript:alert(1)",
        "evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        " //evil.test",
        "/ä",
        "",
    ],
)
def test_leads_to_no_other_host(app: TestApp, ann: str, wanted: str) -> None:
    assert not is_local(wanted)
    form = app.get("/login/", {"next": wanted}).form
    form["name"], form["password"] = ann, PASSWORD
    assert form.submit().location == "http://localhost/account/"
    assert app.get("/login/", {"next": wanted}).location == "http://localhost/account/"


@pytest.mark.parametrize("wanted", ["/", "/upload/", "/project/foo/?a=b#c", "/a//b"])
def test_local_paths(wanted: str) -> None:
    assert is_local(wanted)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "wrong password"),
        ("nobody", PASSWORD),
        ("ann", ""),
        ("", ""),
        ("ann\0", PASSWORD),
        ("ann", "x" * 5000),
        ("__token__", PASSWORD),
    ],
)
def test_refuses_what_is_wrong(app: TestApp, ann: str, name: str, password: str) -> None:
    page = log_in(app, name, password)
    assert page.status_int == 403
    assert "not the name and password" in page.text
    assert password not in page.text or not password
    app.get("/account/", status=303)


def test_who_guesses_too_often_waits(app: TestApp, ann: str) -> None:
    """From there, and at that name, whether there is such an account or not."""
    for name in (ann, "nobody"):
        for _ in range(MOST_OF_PAIR):
            assert log_in(app, name, "wrong").status_int == 403
        for password in ("wrong", PASSWORD):
            page = log_in(app, name, password)
            assert page.status_int == 429
            assert 800 < int(page.headers["Retry-After"]) <= 900
            assert "wait 15 minutes" in page.html.select_one("[role=alert]").get_text()
            assert page.form["name"].value == name
            assert password not in page.text
    app.get("/account/", status=303)
    app.extra_environ = {"REMOTE_ADDR": "192.0.2.9"}
    assert log_in(app, ann).status_int == 303


def test_a_log_in_forgets_what_failed_before(app: TestApp, index: Index, ann: str) -> None:
    for _ in range(3):
        for _ in range(MOST_OF_PAIR - 1):
            assert log_in(app, ann, "wrong").status_int == 403
        assert log_in(app, ann).status_int == 303
        app.reset()
    with index.database.read() as session:
        assert session.scalars(select(FailedAttempt)).all() == []


def test_log_ins_at_the_same_time(app: TestApp, index: Index, ann: str) -> None:
    """Each is a session of its own; and of wrong ones at once no more are answered than may be."""

    def attempt(number: int) -> int:
        browser = TestApp(app.app)
        browser.extra_environ = {"REMOTE_ADDR": f"192.0.2.{1 if number % 2 else 2}"}
        return int(log_in(browser, ann, "wrong" if number % 2 else PASSWORD).status_int)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(attempt, range(16)))
    assert statuses[::2] == [303] * 8
    assert sorted(statuses[1::2]) == [403] * MOST_OF_PAIR + [429] * (8 - MOST_OF_PAIR)
    with index.database.read() as session:
        assert len({row.sha256 for row in session.scalars(select(WebSession))}) == 8


def test_a_hash_is_renewed_at_the_log_in(settings: Settings, index: Index, ann: str) -> None:
    application = make_app(replace(settings, argon2_time=2, argon2_memory=1024))
    browser = TestApp(application)
    assert log_in(browser, ann).status_int == 303
    with index.database.read() as session:
        renewed = session.scalars(select(User.password_hash)).one()
    assert renewed is not None
    assert "$m=1024,t=2," in renewed
    assert browser.get("/account/").status_int == 200
    assert log_in(TestApp(application), ann).status_int == 303
    with index.database.read() as session:
        assert session.scalars(select(User.password_hash)).one() == renewed
    application.registry["pypi_lite.index"].database.dispose()


@pytest.mark.parametrize(
    ("change", "value", "where"),
    [
        ("email", "a@b.test", "/account/"),
        ("password_hash", "another", "/login/"),
        ("is_disabled", True, "/login/"),
    ],
)
def test_what_has_changed_since_the_password_was_verified_counts(
    app: TestApp,
    index: Index,
    ann: str,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    value: object,
    where: str,
) -> None:
    def finish(request: Any, user: User, wanted: str, **shown: Any) -> Any:
        with index.database.write() as session:
            setattr(session.scalars(select(User)).one(), change, value)
        return finish_log_in(request, user, wanted, **shown)

    monkeypatch.setattr("pypi_lite.web.session.finish_log_in", finish)
    assert log_in(app, ann).location == f"http://localhost{where}"
    assert app.get("/account/").status_int == (200 if where == "/account/" else 303)


def test_a_token_is_no_password_for_people(app: TestApp, index: Index, ann: str) -> None:
    assert log_in(app, ann, new_token(index, ann)).status_int == 403
    assert log_in(app, "__token__", new_token(index, ann)).status_int == 403


def test_a_name_is_spelled_as_one_likes(app: TestApp, ann: str) -> None:
    assert log_in(app, " Ann ").status_int == 303


def test_files_in_the_place_of_text_are_nothing(app: TestApp, ann: str) -> None:
    token = app.get("/login/").form["csrf_token"].value
    files = [("name", "a.txt", b"ann"), ("password", "b.txt", PASSWORD.encode())]
    app.post("/login/", {"csrf_token": token}, upload_files=files, status=403)


def test_the_name_that_was_typed_is_escaped(app: TestApp) -> None:
    page = log_in(app, '"><script>alert(1)</script>')
    assert "<script>alert" not in page.text


def test_forms_need_their_token(app: TestApp, ann: str) -> None:
    app.get("/login/")
    fields = {"name": ann, "password": PASSWORD}
    for more in ({}, {"csrf_token": ""}, {"csrf_token": "0" * 40}):
        page = app.post("/login/", fields | more, headers=BROWSER, status=400)
        assert "Please try again" in page.text
    log_in(app, ann)
    for path in ("/logout/", "/account/tokens/", "/account/tokens/revoke/"):
        app.post(path, {"csrf_token": "0" * 40}, status=400)
    app.get("/account/", status=200)


def test_over_https_forms_come_from_here(app: TestApp, ann: str) -> None:
    app.extra_environ = {"wsgi.url_scheme": "https", "HTTP_HOST": "index.test"}
    form = app.get("/login/").form
    fields = {"name": ann, "password": PASSWORD, "csrf_token": form["csrf_token"].value}
    app.post("/login/", fields, headers={"Origin": "https://evil.test"}, status=400)
    app.post("/login/", fields, headers={"Origin": "null"}, status=400)
    app.post("/login/", fields, headers={"Origin": "https://index.test"}, status=303)


def test_the_session_is_a_new_one_after_logging_in(app: TestApp, ann: str) -> None:
    before = app.get("/login/").form["csrf_token"].value
    log_in(app, ann)
    assert form_for(app.get("/account/"), "/logout/")["csrf_token"].value != before


def test_the_cookie_is_for_this_site_alone(app: TestApp, ann: str) -> None:
    cookie = log_in(app, ann).headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_pages_with_forms_are_kept_by_nobody(app: TestApp, ann: str) -> None:
    for page in (app.get("/login/"), log_in(app, ann, "wrong")):
        assert page.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
