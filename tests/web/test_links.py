"""One-time links as people open them, registration, and forgotten passwords."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts import links, users
from pypi_lite.accounts.people import find_user
from pypi_lite.models import OneTimeLink, User
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.accounts.test_users import count
from tests.conftest import PASSWORD, acting
from tests.postbox import Postbox, postbox
from tests.web.helpers import ATTACK, log_in

ROOT = acting("root")
NEW = "an other horse battery"
GONE = "This link does not work"


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as box:
        yield box


@pytest.fixture
def open_app(settings: Settings) -> Iterator[TestApp]:
    """An index where anybody may make an account, and that sends no mail."""
    yield from _app(replace(settings, registration=True))


@pytest.fixture
def mailing(settings: Settings, box: Postbox) -> Iterator[TestApp]:
    """An index where anybody may make an account, and that sends mail."""
    yield from _app(
        replace(
            settings,
            registration=True,
            smtp_host="127.0.0.1",
            smtp_port=box.port,
            smtp_tls="none",
            mail_from="index@example.org",
        )
    )


def _app(settings: Settings) -> Iterator[TestApp]:
    application = make_app(settings)
    yield TestApp(application)
    notifier = application.registry["pypi_lite.notifier"]
    if notifier is not None:
        notifier.post.close()
    application.registry["pypi_lite.index"].database.dispose()


def path(secret: str) -> str:
    return f"/link/?secret={secret}"


def invitation(index: Index, **keywords: Any) -> str:
    with index.database.write() as session:
        return links.invite(session, by=ROOT, **keywords).secret


def reset(index: Index, name: str) -> str:
    with index.database.write() as session:
        return links.reset(session, name, by=ROOT).secret


def fill(page: Any, password: str = NEW, again: str | None = None, **fields: str) -> Any:
    form = page.form
    form["password"], form["again"] = password, password if again is None else again
    for name, value in fields.items():
        form[name] = value
    return form.submit(status="*")


def path_in(box: Postbox, number: int = 1) -> str:
    text = box.wait(number)[number - 1].get_content()
    return re.findall(r"http://index.test(/link/\S+)", text)[0]


def alert(page: Any) -> str:
    return str(page.html.select_one("[role=alert]").get_text())


def test_an_invitation_is_accepted_once(app: TestApp, index: Index) -> None:
    secret = invitation(index, email="bo@example.org")
    page = app.get(path(secret))
    assert "bo@example.org" in page.text
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == (
        "no-store",
        "strict-origin",
    )
    app.get(path(secret), status=200)  # looking uses nothing
    app.head(path(secret), status="*")
    done = fill(page, name="Bo")
    assert "You may log in as" in done.text
    assert GONE in app.get(path(secret), status=404).text
    assert GONE in fill(page, name="eve").text
    assert log_in(app, "bo", NEW).location == "http://localhost/account/"
    assert count(index, User) == 1


def test_a_password_is_reset_once_and_sessions_end(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    app.get("/account/", status=200)
    secret = reset(index, ann)
    other = TestApp(app.app)
    done = fill(other.get(path(secret)))
    assert "Your password is set" in done.text
    app.get("/account/", status=303)
    app.reset()
    assert log_in(app, ann, PASSWORD).status_int == 403
    assert log_in(app, ann, NEW).status_int == 303
    other.get(path(secret), status=404)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "short"}, "at least 8"),
        ({"again": "something else"}, "not the same"),
        ({"name": "ann"}, "already"),
        ({"name": ATTACK}, "can't be a user name"),
        ({"name": ""}, "can't be a user name"),
    ],
)
def test_what_will_not_do_is_said_and_uses_nothing(
    app: TestApp, index: Index, ann: str, fields: dict[str, str], words: str
) -> None:
    secret = invitation(index)
    page = fill(app.get(path(secret)), **{"name": "bo", **fields})
    assert page.status_int == 400
    assert words in alert(page)
    assert not page.html.select("main script, main img")
    assert page.form["name"].value == {"name": "bo", **fields}["name"]
    assert count(index, User) == 1
    assert "You may log in" in fill(app.get(path(secret)), name="bo").text


@pytest.mark.parametrize("secret", ["", "x", "%00", "%C3%A4", "%FF", "x" * 3000])
def test_what_is_no_link_opens_nothing(app: TestApp, secret: str) -> None:
    app.get(f"/link/?secret={secret}", status="4*")
    app.get("/link/", status=404)


def test_forms_need_their_token(app: TestApp, mailing: TestApp, index: Index) -> None:
    secret = invitation(index)
    fields = {"secret": secret, "name": "bo", "password": NEW, "again": NEW}
    app.post("/link/", fields, status=400)
    mailing.post("/forgotten/", {"name": "bo"}, status=400)
    mailing.post("/register/", {"email": "bo@example.org"}, status=400)
    assert count(index, User) == 0


def test_without_mail_nothing_can_be_forgotten(app: TestApp) -> None:
    app.get("/forgotten/", status=404)
    assert "Forgotten?" not in app.get("/login/").text
    token = app.get("/login/").form["csrf_token"].value
    app.post("/forgotten/", {"csrf_token": token, "name": "ann"}, status=404)


def test_registration_is_closed_unless_it_is_set(app: TestApp) -> None:
    app.get("/register/", status=404)
    page = app.get("/login/")
    assert "user create" in page.text
    assert "register/" not in page.text
    fields = {"name": "bo", "password": NEW, "again": NEW}
    app.post("/register/", fields | {"csrf_token": page.form["csrf_token"].value}, status=404)


def test_anybody_registers_where_they_may(open_app: TestApp, index: Index, ann: str) -> None:
    asking = open_app.get("/login/")
    assert "register/" in asking.text
    assert "user create" not in asking.text
    page = open_app.get("/register/")
    assert "already" in alert(fill(page, name=ann))
    assert "not the same" in alert(fill(page, again="x", name="bo"))
    assert "You may log in as" in fill(page, name="bo").text
    assert log_in(open_app, "bo", NEW).status_int == 303
    with index.database.read() as session:
        assert not find_user(session, "bo").is_admin


def test_with_mail_the_address_comes_first(mailing: TestApp, box: Postbox, index: Index) -> None:
    form = mailing.get("/register/").form
    assert "password" not in form.fields
    form["email"] = "no address"
    assert "no mail address" in alert(form.submit(status=400))
    form["email"] = "Bo@example.org"
    assert "on its way" in form.submit().text
    link = path_in(box)
    assert count(index, User) == 0
    assert "You may log in as" in fill(mailing.get(link), name="bo").text
    with index.database.read() as session:
        assert find_user(session, "bo").email == "bo@example.org"


def test_a_forgotten_password_is_reset_by_mail(
    mailing: TestApp, box: Postbox, index: Index, ann: str
) -> None:
    with index.database.write() as session:
        users.set_email(session, ann, "ann@example.org", by=ROOT)
    mailing.extra_environ = {"HTTP_HOST": "evil.test"}
    form = mailing.get("/login/").click("Forgotten").form
    form["name"] = "Ann"
    form.submit()
    mailing.extra_environ = {}
    link = path_in(box)
    assert box.messages[0]["To"] == "ann@example.org"
    fill(mailing.get(link))
    assert log_in(mailing, ann, NEW).status_int == 303


def test_the_answer_does_not_tell_who_is_there(
    mailing: TestApp, box: Postbox, index: Index, ann: str
) -> None:
    with index.database.write() as session:
        users.set_email(session, ann, "ann@example.org", by=ROOT)

    def answer(page: str, field: str, value: str) -> tuple[int, str]:
        form = mailing.get(page).form
        form[field] = value
        answer = form.submit()
        return answer.status_int, answer.text.replace(value, "*")

    # Not "ann", which is in other words of the page.
    assert answer("/forgotten/", "name", "ann@example.org") == answer(
        "/forgotten/", "name", "nobody@example.org"
    )
    assert answer("/register/", "email", "ann@example.org") == answer(
        "/register/", "email", "new@example.org"
    )
    assert len(box.wait(3)) == 3
    assert count(index, OneTimeLink) == 3


@pytest.mark.parametrize("name", [ATTACK, "\0", "x" * 5000, "a\r\nBcc: x@example.org"])
def test_wild_names_are_no_trouble(mailing: TestApp, index: Index, name: str) -> None:
    form = mailing.get("/forgotten/").form
    form["name"] = name
    page = form.submit(status="*")
    assert page.status_int in (200, 400)
    assert not page.html.select("main script, main img")


def test_an_address_is_changed_with_the_password_and_confirmed(
    mailing: TestApp, box: Postbox, index: Index, ann: str
) -> None:
    log_in(mailing, ann)
    form = mailing.get("/account/mail/").forms[0]
    form["email"], form["password"] = "ann@example.org", "wrong"
    assert "not your password" in alert(form.submit(status=400))
    form["password"] = PASSWORD
    assert "on its way" in form.submit().text
    with index.database.read() as session:
        assert find_user(session, ann).email is None
    assert "Your address is confirmed" in mailing.get(path_in(box)).form.submit().text
    page = mailing.get("/account/mail/")
    assert "ann@example.org" in page.text
    form = page.forms[1]
    form["wants"] = False
    form.submit(status=303)
    assert not mailing.get("/account/mail/").forms[1]["wants"].checked
    with index.database.read() as session:
        assert not find_user(session, ann).wants_mail


def test_without_mail_no_address_is_confirmed(app: TestApp, index: Index, ann: str) -> None:
    assert app.get("/account/mail/").location.startswith("http://localhost/login/")
    log_in(app, ann)
    form = app.get("/account/mail/").forms[0]
    form["email"], form["password"] = "ann@example.org", PASSWORD
    assert "sends no mail" in alert(form.submit(status=400))
    form["email"] = ""
    form.submit(status=303)
