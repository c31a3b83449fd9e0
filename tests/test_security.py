"""Sessions of people, credentials of programs."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.attempts import MOST_OF_PAIR
from pypi_lite.accounts.sessions import begin_session
from pypi_lite.application import Request
from pypi_lite.models import Group, OneTimeLink, Token, User, WebSession
from pypi_lite.repository import Index
from pypi_lite.security import Policy
from pypi_lite.settings import Settings
from tests.conftest import PASSWORD, acting, new_user
from tests.distributions.build import wheel
from tests.web.helpers import form_for, log_in, put

SECRET_PAGE = "/account/"


def plant(app: TestApp, value: str) -> None:
    """Let the browser have the cookie *value*, as if the index had set it."""
    app.reset()
    app.get("/login/")
    (cookie,) = app.cookiejar
    cookie.value = value


def is_in(app: TestApp) -> bool:
    return bool(app.get(SECRET_PAGE).status_int == 200)


def csrf_token(page: Any) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


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


def test_the_cookie_of_a_session_has_the_same_flags(settings: Settings, ann: str) -> None:
    """And holds one id, of which the database has no more than a hash."""
    for url, secure in (("http://index.test/", False), ("https://index.test/", True)):
        application = make_app(replace(settings, url=url))
        browser = TestApp(application)
        browser.extra_environ = {
            "wsgi.url_scheme": url.split(":")[0],
            "HTTP_HOST": "index.test",
            "HTTP_ORIGIN": url.rstrip("/"),
        }
        cookie = log_in(browser, ann).headers["Set-Cookie"]
        value, *flags = [part.strip() for part in cookie.split(";")]
        assert re.fullmatch(r"pypi_lite=[\w-]{43}", value, re.ASCII)
        expected = {"HttpOnly", "SameSite=Lax", "Path=/"} | ({"secure"} if secure else set())
        assert set(flags) == expected
        application.registry["pypi_lite.index"].database.dispose()


def test_over_https_the_cookie_is_secure_whatever_the_setting_says(app: TestApp) -> None:
    app.extra_environ = {"wsgi.url_scheme": "https"}
    assert "secure" in app.get("/login/").headers["Set-Cookie"].lower()


def test_a_session_ends_when_the_account_goes(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    with index.database.write() as session:
        session.delete(session.scalars(select(User)).one())
    assert not is_in(app)


def test_a_cookie_that_was_tampered_with_is_no_session(app: TestApp, ann: str) -> None:
    log_in(app, ann)
    value = app.cookies["pypi_lite"]
    for wrong in (value[:-1] + ("A" if value[-1] != "A" else "B"), value[1:], "x", "", value + "x"):
        plant(app, wrong)
        assert not is_in(app)


def test_a_session_is_never_fixed(app: TestApp, ann: str) -> None:
    """Who has planted an id in somebody's browser is not logged in with them: a visitor's id, one of
    the form that sessions have, and one's own session."""
    attacker = TestApp(app.app)
    log_in(attacker, ann)
    own = attacker.cookies["pypi_lite"]
    attacker.reset()
    attacker.get("/login/")
    for planted in (attacker.cookies["pypi_lite"], "A" * 43, own):
        plant(app, planted)
        # Where somebody is logged in the form is not shown: the token is another form's.
        page = app.get("/login/") if planted != own else app.get(SECRET_PAGE)
        fields = {"name": ann, "password": PASSWORD, "csrf_token": csrf_token(page)}
        app.post("/login/", fields, status=303)
        assert app.cookies["pypi_lite"] != planted
        assert is_in(app)
        plant(attacker, planted)
        assert not is_in(attacker)


def test_logging_in_begins_a_new_session(app: TestApp, ann: str) -> None:
    """And its forms have another token."""
    page = app.get("/login/")
    before = app.cookies["pypi_lite"]
    token = page.form["csrf_token"].value
    log_in(app, ann)
    assert app.cookies["pypi_lite"] != before
    assert form_for(app.get(SECRET_PAGE), "/logout/")["csrf_token"].value != token


def test_a_visitor_leaves_nothing_behind(app: TestApp, index: Index) -> None:
    """Forms are bound to a cookie that is in no row; what shows no form sets none."""
    assert "Set-Cookie" not in app.get("/").headers
    app.get("/login/")
    cookie = app.cookies["pypi_lite"]
    assert "Set-Cookie" not in app.get("/login/").headers
    assert cookie == app.cookies["pypi_lite"]
    with index.database.read() as session:
        assert session.scalars(select(WebSession)).all() == []


def test_another_visitors_token_is_worth_nothing(app: TestApp, ann: str) -> None:
    """Nor is one with no cookie at all."""
    other = TestApp(app.app)
    fields = {"name": ann, "password": PASSWORD}
    theirs = other.get("/login/").form["csrf_token"].value
    app.post("/login/", fields | {"csrf_token": theirs}, status=400)
    app.get("/login/")
    app.post("/login/", fields | {"csrf_token": theirs}, status=400)
    own = app.get("/login/").form["csrf_token"].value
    for wrong in (own[:-1], own + "0", own.upper(), "ä", ""):
        app.post("/login/", fields | {"csrf_token": wrong}, status=400)
    app.post("/login/", fields | {"csrf_token": own}, status=303)


def test_a_form_of_one_process_is_good_in_another(
    app: TestApp, settings: Settings, ann: str
) -> None:
    fields = {"name": ann, "password": PASSWORD}
    fields["csrf_token"] = app.get("/login/").form["csrf_token"].value
    application = make_app(settings)
    browser = TestApp(application)
    plant(browser, app.cookies["pypi_lite"])
    browser.post("/login/", fields, status=303)
    application.registry["pypi_lite.index"].database.dispose()


def test_programs_addresses_change_nothing_for_a_cookie(app: TestApp, index: Index) -> None:
    """A07: a page elsewhere could make the browser ask."""
    log_in(app, new_user(index, "root", is_admin=True))
    put(index, wheel("foo", "1.0"))
    app.post("/legacy/", {":action": "file_upload"}, status=401)
    app.delete("/api/projects/foo", status=401)
    app.get("/simple/foo/", status=200)


def test_who_is_known_where(app: TestApp, index: Index, ann: str, token: str) -> None:
    """By the cookie for reading at programs' addresses too, unless there are credentials."""
    new_user(index, "eve")
    with index.database.write() as session:
        secret = begin_session(
            session,
            session.scalars(select(User).where(User.name == "eve")).one(),
            hours=1,
            address="",
            agent="",
            by=acting("eve"),
        )

    def who(route: str, method: str, *, basic: bool) -> str | None:
        environ = {"HTTP_COOKIE": f"pypi_lite={secret}", "REMOTE_ADDR": "192.0.2.1"}
        if basic:
            shown = base64.b64encode(f"__token__:{token}".encode()).decode()
            environ["HTTP_AUTHORIZATION"] = f"Basic {shown}"
        request = Request.blank("/", environ=environ, method=method)
        request.registry = app.app.registry
        request.matched_route = SimpleNamespace(name=route)
        with request.tm:
            identity = Policy().identity(request)
        assert identity is None or identity.address == "192.0.2.1"
        return identity and f"{identity.name} by {identity.means}"

    with index.database.read() as session:
        session_of_eve = f"eve by session {session.scalars(select(WebSession.id)).one()}"
        token_of_ann = f"ann by token {session.scalars(select(Token.id)).one()}"
    assert who("api.simple", "GET", basic=False) == session_of_eve
    assert who("api.simple", "HEAD", basic=False) == session_of_eve
    assert who("api.simple", "GET", basic=True) == token_of_ann
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert who("api.upload.0", method, basic=False) is None
        assert who("api.upload.0", method, basic=True) == token_of_ann
    assert who("web.account", "POST", basic=False) == session_of_eve
    assert who("web.account", "GET", basic=True) == token_of_ann  # as for pages of the cache
    assert who("web.account", "POST", basic=True) == session_of_eve


def test_programs_that_guess_passwords_are_told_to_wait(
    app: TestApp, index: Index, ann: str, token: str
) -> None:
    """In the reason, and where problems are; tokens and requests without credentials never count."""
    put(index, wheel("foo", "1.0"))
    for _ in range(MOST_OF_PAIR * 2):
        app.post("/legacy/", {"x": "y"}, status=401)
        for wrong in ("pypi-lite-wrong", token[:-1]):
            app.authorization = ("Basic", ("__token__", wrong))
            app.post("/legacy/", {"x": "y"}, status=401)
        app.authorization = None
    app.authorization = ("Basic", (ann, "wrong"))
    for _ in range(MOST_OF_PAIR):
        app.post("/legacy/", {"x": "y"}, status=401)
    for shown in ("wrong", PASSWORD):
        app.authorization = ("Basic", (ann, shown))
        refused = app.post("/legacy/", {"x": "y"}, status=429)
        assert "Too many log-ins failed" in refused.status
        assert "Too many log-ins failed" in refused.text
        assert int(refused.headers["Retry-After"]) > 800
        problem = app.delete("/api/projects/foo", status=429)
        assert problem.json["code"] == "too-many-attempts"
        assert int(problem.headers["Retry-After"]) > 800
    app.authorization = ("Basic", (ann, token))
    app.post("/legacy/", {"x": "y"}, status=400)  # let in, and told what the form lacks
    app.authorization = None
    assert log_in(app, ann).status_int == 429  # the form knows too
    app.extra_environ = {"REMOTE_ADDR": "192.0.2.77"}
    assert log_in(app, ann).status_int == 303


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


def end(session: Any) -> None:
    session.delete(session.query(WebSession).one())


def disable(session: Any) -> None:
    session.query(User).filter_by(name="boss").one().is_disabled = True


def demote(session: Any) -> None:
    session.query(User).filter_by(name="boss").one().is_admin = False


@pytest.mark.parametrize(("loses", "asks"), [(end, True), (disable, True), (demote, False)])
@pytest.mark.parametrize(
    ("page", "action", "fields", "made"),
    [
        ("/account/", "/account/tokens/", {"scope": "read"}, Token),
        ("/admin/people/", "/admin/people/", {"do": "invite", "days": "7"}, OneTimeLink),
        ("/admin/groups/", "/admin/groups/", {}, Group),
    ],
    ids=["token", "invitation", "group"],
)
def test_a_form_under_way_does_nothing_for_who_has_lost_what_let_them_in(
    app: TestApp,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    action: str,
    fields: dict[str, str],
    made: type,
    loses: Callable[[Any], None],
    asks: bool,
) -> None:
    """It has been let in, and waits for another to have written."""
    new_user(index, "boss", is_admin=True)
    log_in(app, "boss")
    form = {**fields, "name": "late", "csrf_token": csrf_token(app.get(page))}
    database = app.app.registry["pypi_lite.index"].database
    writer = database.writer

    def after_another() -> Session:
        monkeypatch.undo()
        with writer() as session:
            loses(session)
            session.commit()
        return writer()

    monkeypatch.setattr(database, "writer", after_another)
    response = app.post(action, form, status="*")
    assert database.writer is writer  # the other one has come between
    if asks:
        assert response.status_int == 303
        assert "/login/" in response.location
    else:
        assert response.status_int == 403
    with index.database.read() as session:
        assert session.query(made).count() == 0


def test_reading_is_open_to_everybody(app: TestApp) -> None:
    """A04, A02: and wrong credentials keep nobody from it, nor cost a hash."""
    for path in ("/", "/simple/", "/login/"):
        app.get(path, status=200)
        app.get(path, headers={"Authorization": "Basic nonsense"}, status=200)


def test_programs_are_asked_in_one_text(settings: Settings) -> None:
    application = make_app(replace(settings, reading="accounts"))
    app = TestApp(application)
    told = {
        app.get("/simple/", status=401).text.strip(),
        app.post("/legacy/", {"x": "y"}, status=401).text.strip(),
        app.delete("/api/projects/foo", status=401).json["detail"],
        app.get("/api/journal", status=401).json["detail"],
    }
    assert len(told) == 1
    assert "a token as password" in told.pop()
    application.registry["pypi_lite.index"].database.dispose()
