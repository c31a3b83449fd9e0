"""The HTTP API of a project's roles."""

import json
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.accounts.groups import create_group
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.models import JournalEntry, RoleName, Scope
from pypi_lite.repository import Index, changes, roles
from tests.api.test_currency import FOO, HOME, Reader
from tests.api.test_projects import ask, fits, problem
from tests.conftest import acting, new_token, new_user
from tests.distributions.build import wheel
from tests.repository.test_status import new_person, owned
from tests.web.helpers import log_in, put

ROLES = "/api/projects/foo-bar/roles"
#: Each request: method, address and body.
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", ROLES, None),
    ("PUT", f"{ROLES}/eve", {"role": "owner"}),
    ("DELETE", f"{ROLES}/ann", None),
]


@pytest.fixture
def filled(index: Index) -> Index:
    """The project Foo.Bar, which ann owns, another one, eve, and the group devs."""
    owned(index, new_person(index, "ann"), wheel("Foo.Bar", "1.0"))
    put(index, wheel("other", "1.0"))
    new_person(index, "eve")
    with index.database.write() as session:
        create_group(session, "devs", by=acting("test"))
    return index


@pytest.fixture
def token(filled: Index) -> str:
    """A token of ann's for everything."""
    return new_token(filled, "ann")


def listed(app: TestApp, token: str) -> list[tuple[str, str]]:
    """Who is what, as the API lists it."""
    found = fits("Roles", ask(app, "GET", ROLES, token).json)
    return [(entry["who"], entry["role"]) for entry in found["roles"]]


def kept(index: Index, name: str = "foo-bar") -> list[tuple[str, str]]:
    """The same as it is in the database."""
    with index.database.read() as session:
        return [(entry.who, entry.role.value) for entry in roles.of(session, name)]


def entries(index: Index) -> list[tuple[Any, ...]]:
    """The journal's rows of roles, without their serials and moments."""
    with index.database.read() as session:
        found = session.query(JournalEntry).order_by(JournalEntry.serial)
        return [
            (row.action, row.actor, row.means, row.address, row.project, row.note)
            for row in found
            if row.action.startswith("role.") and row.actor != "test"
        ]


def test_roles_are_listed_given_and_taken_away(app: TestApp, filled: Index, token: str) -> None:
    assert listed(app, token) == kept(filled) == [("ann", "owner")]
    for who, role, status in (
        ("EVE", "reader", 201),
        ("eve", "maintainer", 200),
        ("@devs", "uploader", 201),
    ):
        answer = ask(app, "PUT", f"{ROLES}/{who}", token, {"role": role}, status=status)
        assert fits("Role", answer.json) == {"who": who.lower(), "role": role}
        assert answer.headers["Cache-Control"] == "no-store"
    expected = [("ann", "owner"), ("eve", "maintainer"), ("@devs", "uploader")]
    assert listed(app, token) == kept(filled) == expected
    answer = ask(app, "DELETE", "/api/projects/Foo._Bar/roles/%40devs", token, status=204)
    assert answer.body == b""
    assert listed(app, token) == kept(filled) == expected[:2]
    problem(ask(app, "DELETE", f"{ROLES}/@devs", token, status="*"), 404, "not-found")


def test_the_journal_says_what_it_says_of_the_form(app: TestApp, filled: Index, token: str) -> None:
    before = len(entries(filled))
    ask(app, "PUT", f"{ROLES}/eve", token, {"role": "reader"}, status=201)
    ask(app, "DELETE", f"{ROLES}/eve", token, status=204)
    by_token = entries(filled)[before:]
    assert by_token[0][2].startswith("token ")
    with filled.database.write() as session:
        roles.grant(session, OPERATOR, "foo-bar", "eve", "reader")
        roles.revoke(session, OPERATOR, "foo-bar", "eve")
    by_operator = entries(filled)[before + 2 :]
    assert [(row[0], *row[4:]) for row in by_token] == [(row[0], *row[4:]) for row in by_operator]
    assert {row[1] for row in by_token} == {"ann"}


def test_every_page_shows_it_when_the_answer_is_there(
    app: TestApp, filled: Index, token: str
) -> None:
    reader = Reader(app, filled)
    for method, body in (("PUT", {"role": "reader"}), ("DELETE", None)):
        reader.read_all()
        answer = ask(app, method, f"{ROLES}/eve", token, body, status="*")
        assert answer.status_int in (201, 204)
        assert reader.changed() == set(FOO + HOME)
        shown = app.get("/simple/foo-bar/")
        assert shown.headers["X-PyPI-Last-Serial"] == answer.headers["X-PyPI-Last-Serial"]


def test_what_a_role_opens_is_open_at_once(app: TestApp, filled: Index, token: str) -> None:
    with filled.database.write() as session:
        changes.set_visibility(session, OPERATOR, "foo-bar", "private")
    eve = new_token(filled, "eve")
    ask(app, "GET", "/simple/foo-bar/", eve, status=404)
    ask(app, "PUT", f"{ROLES}/eve", token, {"role": "reader"}, status=201)
    ask(app, "GET", "/simple/foo-bar/", eve, status=200)
    ask(app, "DELETE", f"{ROLES}/eve", token, status=204)
    ask(app, "GET", "/simple/foo-bar/", eve, status=404)


def test_a_project_keeps_an_owner(app: TestApp, filled: Index, token: str) -> None:
    for method, body in (("DELETE", None), ("PUT", {"role": "reader"})):
        answer = ask(app, method, f"{ROLES}/ann", token, body, status="*")
        assert "no owner" in problem(answer, 422, "bad-value")
    ask(app, "PUT", f"{ROLES}/eve", token, {"role": "owner"}, status=201)
    ask(app, "DELETE", f"{ROLES}/ann", token, status=204)
    assert kept(filled) == [("eve", "owner")]
    problem(ask(app, "GET", ROLES, token, status="*"), 403, "not-allowed")


def test_without_credentials(app: TestApp, filled: Index) -> None:
    for method, url, body in REQUESTS:
        for path in (url, url.replace("foo-bar", "nothing")):
            for secret in (None, "nonsense", "pypi-lite-nonsense"):
                answer = ask(app, method, path, secret, body, status="*")
                problem(answer, 401, "not-authenticated")
    assert kept(filled) == [("ann", "owner")]


def test_who_may_not(app: TestApp, filled: Index) -> None:
    with filled.database.write() as session:
        roles.grant(session, OPERATOR, "foo-bar", new_person(filled, "max"), RoleName.MAINTAINER)
    without = new_token(filled, "ann", Scope.READ, Scope.UPLOAD, Scope.YANK)
    elsewhere = new_token(filled, "ann", projects=["other"])
    before = kept(filled)
    for method, url, body in REQUESTS:
        for secret, words in (
            (new_token(filled, "eve"), "ask one of its owners"),
            (new_token(filled, "max"), "ask one of its owners"),
            (without, "scope manage"),
            (elsewhere, "limited to other projects"),
        ):
            answer = ask(app, method, url, secret, body, status="*")
            assert words in problem(answer, 403, "not-allowed")
    assert kept(filled) == before


def test_what_one_may_not_see_is_not_there(app: TestApp, filled: Index) -> None:
    """The very same answer as for a project that nobody has."""
    with filled.database.write() as session:
        changes.set_visibility(session, OPERATOR, "foo-bar", "private")
    for secret, status in (
        (new_token(filled, "eve"), 404),
        (new_token(filled, "eve", Scope.READ), 403),
        (new_token(filled, "ann", projects=["other"]), 403),
    ):
        for method, url, body in REQUESTS:
            hidden = ask(app, method, url, secret, body, status=status)
            url = url.replace("foo-bar", "nothing")
            absent = ask(app, method, url, secret, body, status=status)
            assert hidden.text == absent.text.replace("nothing", "foo-bar")
    assert kept(filled) == [("ann", "owner")]


def test_a_person_who_is_logged_in_looks_and_changes_nothing(app: TestApp, filled: Index) -> None:
    new_user(filled, "root", is_admin=True)
    log_in(app, "root")
    fits("Roles", app.get(ROLES).json)
    for method, url, body in REQUESTS[1:]:
        problem(ask(app, method, url, None, body, status="*"), 401, "not-authenticated")
    assert kept(filled) == [("ann", "owner")]


def test_what_is_no_role_and_nobody(app: TestApp, filled: Index, token: str) -> None:
    for body, words in (
        ({"role": "boss"}, "owner, maintainer, uploader, reader"),
        ({"role": None}, "role is missing"),
        ({}, "role is missing"),
        ({"role": 1}, "role has to be a string"),
        ({"role": "reader", "who": "eve"}, "no member 'who'"),
        (["reader"], "JSON object"),
    ):
        answer = ask(app, "PUT", f"{ROLES}/eve", token, body, status="*")
        assert words in problem(answer, 422, "bad-value")
    for who in ("nobody", "@nobody", "@eve", "devs", "@", "%F0%9F%98%80"):
        for method, body in (("PUT", {"role": "reader"}), ("DELETE", None)):
            answer = ask(app, method, f"{ROLES}/{who}", token, body, status="*")
            problem(answer, 404, "not-found")
    for name in ("%F0%9F%98%80", "-"):
        for method, url, body in REQUESTS:
            answer = ask(app, method, url.replace("foo-bar", name), token, body, status="*")
            problem(answer, 404, "not-found")
    assert kept(filled) == [("ann", "owner")]


def test_bodies_that_are_no_json(app: TestApp, filled: Index, token: str) -> None:
    app.authorization = ("Basic", ("x", token))
    headers = {"Content-Type": "application/json"}
    problem(app.put(f"{ROLES}/eve", "{", headers=headers, status=400), 400, "bad-form")
    headers = {"Content-Type": "text/plain"}
    body = json.dumps({"role": "reader"})
    answer = app.put(f"{ROLES}/eve", body, headers=headers, status=415)
    problem(answer, 415, "wrong-type")
    assert answer.headers["Accept"] == "application/json"


def test_other_methods(app: TestApp, filled: Index, token: str) -> None:
    for url, allowed in ((ROLES, "GET, HEAD"), (f"{ROLES}/eve", "PUT, DELETE")):
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(allowed.split(", ")):
            answer = ask(app, method, url, token, {}, status="*")
            assert allowed in problem(answer, 405, "wrong-method")
            assert answer.headers["Allow"] == allowed
    assert app.head(ROLES, headers={}, status=401).body == b""
