"""Sessions of people, credentials of programs."""

import re
from dataclasses import replace

from sqlalchemy import select
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.passwords import hash_password
from pypi_lite.models import Token, User
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.web.helpers import form_for, log_in

SECRET_PAGE = "/account/"


def is_in(app: TestApp) -> bool:
    return bool(app.get(SECRET_PAGE).status_int == 200)


def test_the_cookie_is_for_this_index_alone(settings: Settings) -> None:
    """No script reads it, no other site sends it along with a form; over https never without."""
    for url, secure in (("http://index.test/", False), ("https://index.test/", True)):
        application = make_app(replace(settings, url=url))
        cookie = TestApp(application).get("/login/").headers["Set-Cookie"]
        assert cookie.startswith("pypi_lite=")
        flags = [part.strip().lower() for part in cookie.split(";")[1:]]
        assert "httponly" in flags
        assert "samesite=lax" in flags
        assert "path=/" in flags
        assert ("secure" in flags) is secure
        assert not [flag for flag in flags if flag.startswith(("domain", "max-age", "expires"))]
        application.registry["pypi_lite.index"].database.dispose()


def test_a_session_ends_when_the_password_changes(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    assert is_in(app)
    with index.database.write() as session:
        session.scalars(select(User)).one().password_hash = hash_password("another password")
    assert not is_in(app)


def test_a_session_ends_when_the_account_goes(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    with index.database.write() as session:
        session.delete(session.scalars(select(User)).one())
    assert not is_in(app)


def test_a_cookie_that_was_tampered_with_is_no_session(app: TestApp, ann: str) -> None:
    log_in(app, ann)
    value = app.cookies["pypi_lite"]
    for wrong in (value[:-1] + ("A" if value[-1] != "A" else "B"), value[1:], "x", ""):
        app.reset()
        app.set_cookie("pypi_lite", wrong)
        assert not is_in(app)


def test_logging_in_begins_a_new_session(app: TestApp, ann: str) -> None:
    """What somebody put into the visitor's session before does not go along."""
    page = app.get("/login/")
    before = app.cookies["pypi_lite"]
    token = page.form["csrf_token"].value
    log_in(app, ann)
    assert app.cookies["pypi_lite"] != before
    assert form_for(app.get(SECRET_PAGE), "/logout/")["csrf_token"].value != token


def test_a_form_from_elsewhere_does_nothing(app: TestApp, index: Index, ann: str) -> None:
    """Without the session's token; with another one; from another origin."""
    log_in(app, ann)
    token = re.search(r'name="csrf_token" value="([^"]+)"', app.get(SECRET_PAGE).text)
    assert token is not None
    environ = {"wsgi.url_scheme": "https", "HTTP_ORIGIN": "https://evil.test"}
    for url in ("/account/tokens/", "/account/tokens/revoke/", "/logout/", "/upload/"):
        fields = {"scope": "read"}
        file = {"upload_files": [("content", "x.whl", b"x")]} if url == "/upload/" else {}
        app.post(url, fields, status=400, **file)
        app.post(url, {"csrf_token": "x", **fields}, status=400, **file)
        fields = {"csrf_token": token[1], **fields}
        app.post(url, fields, extra_environ=environ, status="*", **file)
    with index.database.read() as session:
        assert session.scalars(select(Token)).all() == []
    assert is_in(app)


def test_a_token_in_a_header_logs_nobody_in(app: TestApp, token: str) -> None:
    """People's pages know cookies alone, as programs' addresses know credentials alone."""
    app.authorization = ("Basic", ("__token__", token))
    assert app.get(SECRET_PAGE, status=303).location.startswith("http://localhost/login/")


def test_reading_is_open_to_everybody(app: TestApp) -> None:
    """A04, A02: and wrong credentials keep nobody from it, nor cost a hash."""
    for path in ("/", "/simple/", "/login/"):
        app.get(path, status=200)
        app.get(path, headers={"Authorization": "Basic nonsense"}, status=200)
