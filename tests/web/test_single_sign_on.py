"""Logging in by a provider: accounts, groups, administrators, connecting."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts import external, totp
from pypi_lite.models import ExternalIdentity, Group, GroupMember, JournalEntry, User, now
from pypi_lite.repository import Index
from pypi_lite.settings import Require, Settings
from tests.conftest import PASSWORD, acting, new_user
from tests.issuers import TestIssuer, running_issuer
from tests.web.helpers import below_index, form_for, log_in, newest_log_in
from tests.web.signing_on import (
    CALLBACK,
    browser,
    callback,
    is_nobody,
    refused,
    sign_on,
    with_provider,
)


@pytest.fixture
def theirs() -> Iterator[TestIssuer]:
    """A provider that answers."""
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def settings(settings: Settings, theirs: TestIssuer) -> Settings:
    """An index whose people the provider knows."""
    return with_provider(settings, theirs)


def _notes(index: Index, *actions: str) -> list[str]:
    with index.database.read() as session:
        query = select(JournalEntry).order_by(JournalEntry.serial)
        rows = [row for row in session.scalars(query) if row.action in actions]
        return [f"{row.actor} ({row.means}, {row.address}) {row.note}" for row in rows]


def test_who_is_new_gets_an_account(app: TestApp, index: Index, theirs: TestIssuer) -> None:
    theirs.person["preferred_username"] = "Rosa Díaz@example.org"
    assert "Log in with Example" in app.get("/login/").text
    assert sign_on(app, theirs).location.endswith("/account/")
    page = app.get("/account/")
    assert page.html.h1.get_text() == "rosa-diaz"
    assert "subject-1" in page.text
    assert _notes(index, "user.create") == ["rosa-diaz (single sign-on, None) rosa-diaz"]
    [note] = _notes(index, "user.change")
    assert note.endswith(f"rosa-diaz: is subject-1 at {theirs.url}")
    assert newest_log_in(index) == "rosa-diaz: single sign-on"
    # The password that there is not opens nothing.
    for password in ("", "None", PASSWORD):
        assert log_in(browser(app), "rosa-diaz", password).status_int == 403


def test_who_must_have_a_second_factor_adds_one_here(
    settings: Settings, index: Index, theirs: TestIssuer
) -> None:
    app = TestApp(make_app(replace(settings, require_second_factor=Require.EVERYBODY)))
    page = sign_on(app, theirs)
    assert is_nobody(app)
    seed = base64.b32decode(page.html.select_one(".seed").get_text())
    form = next(f for f in page.forms.values() if "code" in f.fields)
    form["code"] = totp.code_at(seed, totp.step_at(now()))
    assert form.submit().location.endswith("/account/factors/")
    assert newest_log_in(index) == "rosa: single sign-on and code of an app"
    # From now on the provider asks for what it wants to be shown, and this index for nothing more.
    other = browser(app)
    assert sign_on(other, theirs).location.endswith("/account/")
    assert newest_log_in(index) == "rosa: single sign-on"
    assert other.get("/account/").html.h1.get_text() == "rosa"


def test_the_subject_counts_whatever_the_name(
    app: TestApp, index: Index, theirs: TestIssuer
) -> None:
    sign_on(app, theirs)
    theirs.person = {"sub": "subject-1", "preferred_username": "renamed"}
    other = browser(app)
    sign_on(other, theirs)
    assert other.get("/account/").html.h1.get_text() == "rosa"
    assert len(_notes(index, "user.create")) == 1


def test_leads_back_to_where_one_was_going(app: TestApp, theirs: TestIssuer) -> None:
    page = app.get("/login/?next=%2Fupload%2F")
    link = below_index(page, page.html.find("a", class_="button")["href"])
    assert sign_on(app, theirs, link).location == "http://localhost/upload/"
    evil = sign_on(browser(app), theirs, "/login/sso/?next=//evil.test/")
    assert evil.location == "http://localhost/account/"


def test_a_name_that_is_taken_is_no_way_in(app: TestApp, theirs: TestIssuer, ann: str) -> None:
    theirs.person = {"sub": "eve", "preferred_username": "Ann", "email": "ann@index.test"}
    refused(app, sign_on(app, theirs), 403, "There is an account ann already")


@pytest.mark.parametrize("name", [None, "", "@example.org", "Роза", "---", 7, ["rosa"]])
def test_a_name_that_does_not_fit(app: TestApp, theirs: TestIssuer, name: Any) -> None:
    theirs.person["preferred_username"] = name
    refused(app, sign_on(app, theirs), 403, "what you are called")


def test_nobody_new_where_the_setting_says_so(
    settings: Settings, index: Index, theirs: TestIssuer
) -> None:
    app = TestApp(make_app(replace(settings, oidc_create=False)))
    refused(app, sign_on(app, theirs), 403, "you are subject-1 there")
    with index.database.write() as session:
        user = session.get(User, 1) or User(name="rosa", created=now())
        session.add(user)
        session.flush()
        external.connect(session, user, theirs.url, "subject-1", by=acting("test"))
    sign_on(app, theirs)
    assert app.get("/account/").html.h1.get_text() == "rosa"


def test_a_disabled_account_opens_nothing(app: TestApp, index: Index, theirs: TestIssuer) -> None:
    sign_on(app, theirs)
    with index.database.write() as session:
        session.scalars(select(User)).one().is_disabled = True
    other = browser(app)
    page = sign_on(other, theirs)
    assert page.status_int == 403
    assert "is disabled" in page.text
    assert is_nobody(other)


def test_groups_come_and_go(app: TestApp, index: Index, theirs: TestIssuer) -> None:
    with index.database.write() as session:
        session.add_all(Group(name=name, created=now()) for name in ("by-hand", "left", "team"))

    def members() -> dict[str, bool]:
        with index.database.read() as session:
            return {m.group.name: m.is_synced for m in session.scalars(select(GroupMember))}

    theirs.person["groups"] = ["Team", "left", "there-is-none-such", 7, "x" * 500, "a\0b"]
    sign_on(app, theirs)
    assert members() == {"team": True, "left": True}
    with index.database.write() as session:
        by_hand = session.scalars(select(Group).where(Group.name == "by-hand")).one()
        user = session.scalars(select(User)).one()
        session.add(GroupMember(group=by_hand, user=user))
    theirs.person["groups"] = ["team"]
    sign_on(app, theirs)
    assert members() == {"team": True, "by-hand": False}
    before = _notes(index, "group.add", "group.remove", "user.change")
    sign_on(app, theirs)  # nothing differs, nothing is written
    assert _notes(index, "group.add", "group.remove", "user.change") == before
    assert sorted(note.rpartition(") ")[2] for note in before if "subject" not in note) == [
        "left: rosa",
        "left: rosa",
        "team: rosa",
    ]
    del theirs.person["groups"]
    sign_on(app, theirs)
    assert members() == {"by-hand": False}


def test_administrators_come_and_go(app: TestApp, index: Index, theirs: TestIssuer) -> None:
    def is_admin() -> bool:
        with index.database.read() as session:
            return session.scalars(select(User).where(User.name == "rosa")).one().is_admin

    new_user(index, "boss", is_admin=True)
    for groups, expected in (
        (["users"], False),
        (["users", "admins"], True),
        ("admins", True),
        (["Admins"], False),
        ([], False),
    ):
        theirs.person["groups"] = groups
        sign_on(app, theirs)
        assert is_admin() is expected, groups
    with index.database.write() as session:
        session.scalars(select(User).where(User.name == "rosa")).one().is_admin = True
    sign_on(app, theirs)
    assert is_admin()  # somebody gave it, and the provider does not take it


def test_the_last_administrator_stays_one(
    app: TestApp, index: Index, theirs: TestIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    theirs.person["groups"] = ["admins"]
    sign_on(app, theirs)
    theirs.person["groups"] = []
    for administers in (True, False):
        sign_on(app, theirs)
        with index.database.read() as session:
            rosa = session.scalars(select(User).where(User.name == "rosa")).one()
            assert rosa.is_admin is administers
        if administers:
            assert "rosa administers still" in caplog.text
            new_user(index, "boss", is_admin=True)


def test_claims_that_only_the_userinfo_has(app: TestApp, theirs: TestIssuer) -> None:
    theirs.document["userinfo_endpoint"] = theirs.url + "/userinfo"
    del theirs.person["preferred_username"]
    told = {"sub": "somebody else", "preferred_username": "rosa", "groups": ["admins"]}
    asked = []

    def userinfo(handler: Any) -> None:
        asked.append(handler.headers["Authorization"])
        handler.answer_json(told)

    theirs.misbehaviours["/userinfo"] = userinfo
    refused(app, sign_on(app, theirs), 403, "another person")
    told["sub"] = "subject-1"
    sign_on(app, theirs)
    assert "You administer this index" in app.get("/account/").text
    assert asked == ["Bearer token-of-access"] * 2


@pytest.mark.parametrize("how", ["public", "post"])
def test_other_ways_to_say_who_asks(settings: Settings, theirs: TestIssuer, how: str) -> None:
    secret = "" if how == "public" else theirs.client_secret
    theirs.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    sent = []

    def exchange(form: dict[str, str], authorization: str | None) -> tuple[Any, int]:
        sent.append((form.get("client_id"), form.get("client_secret", ""), authorization))
        return {"error": "invalid_client"}, 401

    theirs.exchange = exchange  # type: ignore[method-assign]
    app = TestApp(make_app(replace(settings, oidc_client_secret=secret)))
    refused(app, sign_on(app, theirs), 403, "invalid_client")
    assert sent == [("pypi-lite", secret, None)]


# Connecting


def _connect_form(app: TestApp, theirs: TestIssuer) -> Any:
    return form_for(sign_on(app, theirs, "/account/sso/"), "/account/sso/")


def test_an_account_is_connected_by_its_owner(
    app: TestApp, index: Index, theirs: TestIssuer, ann: str
) -> None:
    log_in(app, ann)
    page = app.get("/account/")
    assert any(link["href"].endswith("account/sso/") for link in page.html.find_all("a"))
    form = _connect_form(app, theirs)
    form["password"] = "not her password"
    page = form.submit(status=403)
    assert "not your password" in page.text
    assert is_nobody(browser(app))
    form = form_for(page, "/account/sso/")
    form["password"] = PASSWORD
    form.submit(status=303)
    other = browser(app)
    sign_on(other, theirs)
    assert other.get("/account/").html.h1.get_text() == "ann"
    assert _notes(index, "user.change")[-1].endswith(f"ann: is subject-1 at {theirs.url}")
    # A second account can't be the same person's.
    new_user(index, "bob")
    third = browser(app)
    log_in(third, "bob")
    form = _connect_form(third, theirs)
    form["password"] = PASSWORD
    assert "account here is connected" in form.submit(status=403).text


def test_coming_back_connects_nothing_by_itself(
    app: TestApp, index: Index, theirs: TestIssuer, ann: str
) -> None:
    log_in(app, ann)
    _connect_form(app, theirs)
    with index.database.read() as session:
        assert session.scalars(select(ExternalIdentity)).all() == []


def test_an_offer_is_for_one_account(
    app: TestApp, index: Index, theirs: TestIssuer, ann: str
) -> None:
    log_in(app, ann)
    offer = _connect_form(app, theirs)["offer"].value
    new_user(index, "bob")
    other = browser(app)
    log_in(other, "bob")
    form = _connect_form(other, theirs)
    for value in (offer, "", "x", other.cookies.get("pypi_lite_sso", "y")):
        form["offer"], form["password"] = value, PASSWORD
        assert "too old" in form.submit(status=400).text


def test_connecting_needs_the_same_account_all_the_way(
    app: TestApp, index: Index, theirs: TestIssuer, ann: str
) -> None:
    assert app.get("/account/sso/").location.startswith("http://localhost/login/")
    log_in(app, ann)
    url = callback(theirs, app.get("/account/sso/").location)
    form_for(app.get("/account/"), "/logout/").submit()
    page = app.get(url, status=403)
    assert "no longer logged in" in page.text


def test_disconnecting_takes_what_came_with_it(
    app: TestApp, index: Index, theirs: TestIssuer, ann: str
) -> None:
    with index.database.write() as session:
        session.add(Group(name="team", created=now()))
        user = session.scalars(select(User)).one()
        external.connect(session, user, theirs.url, "subject-1", by=acting("test"))
    theirs.person["groups"] = ["team", "admins"]
    sign_on(app, theirs)
    form = form_for(app.get("/account/"), "/account/sso/disconnect/")
    assert "last administrator" in form.submit(status="*").text
    new_user(index, "boss", is_admin=True)
    form.submit(status=303)
    with index.database.read() as session:
        assert session.scalars(select(ExternalIdentity)).all() == []
        assert session.scalars(select(GroupMember)).all() == []
        assert session.scalars(select(User).where(User.name == ann)).one().is_admin is False


def test_who_administers_alone_stays_connected(
    app: TestApp, index: Index, theirs: TestIssuer, ann: str
) -> None:
    with index.database.write() as session:
        user = session.scalars(select(User)).one()
        external.connect(session, user, theirs.url, "subject-1", by=acting("test"))
    theirs.person["groups"] = ["admins"]
    sign_on(app, theirs)
    before = _notes(index, "user.change")
    page = form_for(app.get("/account/"), "/account/sso/disconnect/").submit(status=403)
    assert "is the last administrator" in page.html.find(role="alert").get_text()
    with index.database.read() as session:
        assert session.scalars(select(ExternalIdentity)).one().is_admin_synced
        assert session.scalars(select(User)).one().is_admin
    assert _notes(index, "user.change") == before


def test_who_has_no_password_stays_connected(app: TestApp, theirs: TestIssuer) -> None:
    sign_on(app, theirs)
    form = form_for(app.get("/account/"), "/account/sso/disconnect/")
    assert "Without a password" in form.submit(status=403).text


# The log-in page


def test_the_form_for_passwords_can_be_hidden(settings: Settings, theirs: TestIssuer) -> None:
    app = TestApp(make_app(replace(settings, oidc_only=True)))
    assert app.get("/login/").html.find("details").find("form") is not None
    assert not app.get("/login/").html.find("details").has_attr("open")
    page = log_in(app, "nobody")
    assert page.html.find("details").has_attr("open")
    assert theirs.asked == []


def test_nothing_of_it_where_there_is_no_issuer(settings: Settings, ann: str) -> None:
    app = TestApp(
        make_app(replace(settings, oidc_issuer="", oidc_client_id="", oidc_client_secret=""))
    )
    assert "sso" not in app.get("/login/").text
    log_in(app, ann)
    assert "sso" not in app.get("/account/").text
    for path in ("/login/sso/", CALLBACK, "/account/sso/"):
        app.get(path, status=404)
