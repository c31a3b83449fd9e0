"""A person's own page, and their tokens."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from webtest import TestApp

from pypi_lite.accounts import groups
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.people import authenticate
from pypi_lite.accounts.tokens import TOKEN_PREFIX, find_token
from pypi_lite.models import Action, JournalEntry, Scope, Token
from pypi_lite.repository import Index, changes, roles
from tests.conftest import new_token, new_user
from tests.distributions.build import wheel
from tests.repository.test_status import owned
from tests.web.helpers import form_for, log_in, put


@pytest.fixture(autouse=True)
def logged_in(app: TestApp, ann: str) -> None:
    log_in(app, ann)


def make(app: TestApp, **fields: str) -> Any:
    form = form_for(app.get("/account/"), "/account/tokens/")
    form["name"] = "laptop"
    for name, value in fields.items():
        form[name] = value
    return form.submit(status="*")


def shown_token(page: Any) -> str:
    (token,) = re.findall(TOKEN_PREFIX + r"[\w-]+", page.html.get_text())
    return str(token)


def test_a_token_is_shown_once_and_works(app: TestApp, index: Index, ann: str) -> None:
    page = make(app)
    assert page.headers["Cache-Control"] == "no-store"
    token = shown_token(page)
    with index.database.read() as session:
        identity = authenticate(session, "__token__", token)
    assert identity is not None
    assert (identity.name, identity.scopes, identity.projects) == (ann, {Scope.UPLOAD}, None)
    assert token not in app.get("/account/").text


def test_a_token_with_limits(app: TestApp, index: Index) -> None:
    page = make(app, project="Foo.Bar", days="30")
    row = page.html.select_one("ul.rows li").get_text(" ", strip=True)
    assert "foo-bar" in row
    assert "expires" in row
    with index.database.read() as session:
        identity = authenticate(session, "__token__", shown_token(page))
    assert identity is not None
    assert identity.projects == {"foo-bar"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"days": "0"}, "at least one day"),
        ({"days": "3651"}, "at most 3650"),
        ({"days": "9" * 40}, "whole number"),
        ({"days": "-1"}, "whole number"),
        ({"days": "٣"}, "whole number"),
        ({"name": ""}, "a name"),
        ({"name": "x" * 101}, "at most 100"),
        ({"project": "no/slash"}, "be a project"),
        ({"project": "x" * 201}, "be a project"),
        ({"project": "<script>alert(1)</script>"}, "be a project"),
    ],
)
def test_says_what_is_wrong(app: TestApp, index: Index, fields: dict[str, str], text: str) -> None:
    page = make(app, **fields)
    assert page.status_int == 400
    form = form_for(page, "/account/tokens/")
    # In the form itself, which is far down below many tokens.
    assert text in form.html.select_one("[role=alert]").get_text()
    kept = {name: form[name].value for name in ("name", "project", "days")}
    assert kept == {"name": "laptop", "project": "", "days": "", **fields}
    with index.database.read() as session:
        assert session.scalars(select(Token)).all() == []


def test_a_token_may_do_something(app: TestApp) -> None:
    form = form_for(app.get("/account/"), "/account/tokens/")
    form["name"] = "laptop"
    form.set("scope", False, index=0)
    page = form.submit(status=400)
    assert "Choose what" in page.text
    again = form_for(page, "/account/tokens/")
    assert [again.get("scope", index=number).checked for number in range(4)] == [False] * 4
    token = form["csrf_token"].value
    app.post(
        "/account/tokens/", {"csrf_token": token, "name": "x", "scope": "everything"}, status=400
    )


def test_a_token_is_revoked(app: TestApp, index: Index) -> None:
    token = shown_token(make(app, project="foo"))
    assert form_for(app.get("/account/"), "/account/tokens/revoke/").submit().status_int == 303
    assert "You have no tokens" in app.get("/account/").text
    with index.database.read() as session:
        assert authenticate(session, "__token__", token) is None
        entry = session.scalars(
            select(JournalEntry).where(JournalEntry.action == Action.TOKEN_REVOKE)
        ).one()
        assert (entry.actor, entry.note) == ("ann", f"ann: token {entry.serial - 1} (laptop)")


def test_tokens_have_names_and_say_when_they_were_used(app: TestApp, index: Index) -> None:
    token = shown_token(make(app, name=" <b>CI</b> "))
    row = app.get("/account/").html.select_one("ul.rows li").get_text(" ", strip=True)
    assert "<b>CI</b>" in row
    assert "never used" in row
    with index.database.write() as session:
        found = find_token(session, token)
        number = found.id
        found.name, found.last_used = "", datetime(2026, 5, 4, 3, tzinfo=UTC)  # as of before
    row = app.get("/account/").html.select_one("ul.rows li").get_text(" ", strip=True)
    assert row.startswith(f"Token {number}")
    assert "last used 2026-05-04" in row


def test_all_tokens_are_revoked(app: TestApp, index: Index) -> None:
    hers = new_token(index, new_user(index, "bo"))
    tokens = [shown_token(make(app)) for _ in range(3)]
    page = app.get("/account/")
    (form,) = [f for f in page.forms.values() if "token" in f.fields and f["token"].value == "all"]
    assert form.submit().status_int == 303
    assert "You have no tokens" in app.get("/account/").text
    with index.database.read() as session:
        assert [authenticate(session, "x", token) for token in tokens] == [None] * 3
        assert authenticate(session, "x", hers) is not None


@pytest.mark.parametrize("number", ["", "x", "-1", "999", "9" * 30, "1' OR 1=1"])
def test_revoking_nothing_is_fine(app: TestApp, number: str) -> None:
    make(app)
    token = form_for(app.get("/account/"), "/logout/")["csrf_token"].value
    fields = {"csrf_token": token, "token": number}
    app.post("/account/tokens/revoke/", fields, status=303)
    form_for(app.get("/account/"), "/account/tokens/revoke/")


def test_others_tokens_are_neither_seen_nor_revoked(app: TestApp, index: Index) -> None:
    token = new_token(index, new_user(index, "bo"))
    page = app.get("/account/")
    assert "You have no tokens" in page.text
    csrf = form_for(page, "/logout/")["csrf_token"].value
    app.post("/account/tokens/revoke/", {"csrf_token": csrf, "token": "1"}, status=303)
    with index.database.read() as session:
        assert authenticate(session, "__token__", token) is not None


def test_one_finds_ones_projects(app: TestApp, index: Index, ann: str) -> None:
    assert "You have no role on any project" in app.get("/account/").text
    owned(index, ann, wheel("Foo.Bar", "1.0"))
    put(index, wheel("theirs", "1.0"))
    put(index, wheel("nobodys", "1.0"))
    with index.database.write() as session:
        groups.create_group(session, "devs", by=OPERATOR)
        groups.add_member(session, "devs", ann, by=OPERATOR)
        roles.grant(session, OPERATOR, "foo-bar", "@devs", "reader")
        roles.grant(session, OPERATOR, "theirs", "@devs", "maintainer")
        changes.set_visibility(session, OPERATOR, "theirs", "private")
    page = app.get("/account/")
    section = page.html.find("h2", string="Your projects").parent
    assert [row.get_text(" ", strip=True) for row in section.select("li")] == [
        "Foo.Bar owner, reader as @devs Manage Foo.Bar",
        "theirs private maintainer as @devs",
    ]
    assert page.click(href="manage/foo-bar/").html.h1.get_text() == "Manage Foo.Bar"


def test_many_projects_are_folded(app: TestApp, index: Index, ann: str) -> None:
    for number in range(22):
        owned(index, ann, wheel(f"one-{number}", "1.0"))
    section = app.get("/account/").html.find("h2", string="Your projects").parent
    assert len(section.select("li")) == 22
    assert len(section.select("details li")) == 2


def test_needs_a_login(app: TestApp) -> None:
    app.reset()
    for path in ("/account/", "/account/tokens/"):
        assert app.get(path).location.startswith("http://localhost/login/")


def test_a_token_is_no_login(app: TestApp, index: Index, ann: str) -> None:
    app.reset()
    app.authorization = ("Basic", ("__token__", new_token(index, ann)))
    for path in ("/account/", "/upload/"):
        app.get(path, status=303)
