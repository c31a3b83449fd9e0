"""The HTTP API of one's own tokens."""

from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.accounts.people import authenticate, find_user
from pypi_lite.accounts.tokens import find_token, is_wellformed, revoke_token
from pypi_lite.models import Scope
from pypi_lite.repository import Index
from tests.api.test_projects import fits, problem
from tests.conftest import PASSWORD, acting, new_token, new_user

URL = "/api/tokens"
WANTED = {"name": "CI of foo", "scopes": ["upload"]}


def make(app: TestApp, **members: Any) -> Any:
    return app.post_json(URL, {**WANTED, **members}, status="*")


def show(app: TestApp, secret: str, name: str = "__token__") -> None:
    app.authorization = ("Basic", (name, secret))


def names(app: TestApp) -> list[str]:
    """Those of the tokens that are listed."""
    return [token["name"] for token in fits("Tokens", app.get(URL).json)["tokens"]]


def test_a_person_makes_sees_and_revokes_tokens(app: TestApp, index: Index, ann: str) -> None:
    show(app, PASSWORD, ann)
    answer = make(app, projects=["Foo.Bar"], days=7)
    assert answer.status_int == 201
    assert answer.headers["Cache-Control"] == "no-store"
    made = fits("NewToken", answer.json)
    secret = made.pop("token")
    assert is_wellformed(secret)
    assert fits("Tokens", app.get(URL).json) == {"tokens": [made]}
    assert (made["name"], made["scopes"], made["projects"]) == (
        "CI of foo",
        ["upload"],
        ["foo-bar"],
    )
    assert (made["expires"][:4] >= "2024", made["last_used"]) == (True, None)
    with index.database.read() as session:
        found = authenticate(session, "x", secret)
    assert found is not None
    assert (found.name, found.scopes, found.projects) == (ann, {Scope.UPLOAD}, {"foo-bar"})
    assert app.delete(f"{URL}/{made['id']}").status_int == 204
    assert names(app) == []
    with index.database.read() as session:
        assert authenticate(session, "x", secret) is None
    problem(app.delete(f"{URL}/{made['id']}", status=404), 404, "not-found")


def test_a_token_needs_the_scope(app: TestApp, index: Index, ann: str) -> None:
    secret = new_token(index, ann, Scope.READ, Scope.UPLOAD, Scope.YANK)
    show(app, secret)
    number = 1
    for answer in (
        app.get(URL, status="*"),
        make(app),
        app.delete(f"{URL}/{number}", status="*"),
    ):
        assert "manage" in problem(answer, 403, "not-allowed")


def test_a_token_hands_on_no_more_than_it_has(app: TestApp, index: Index, ann: str) -> None:
    limits = {"projects": ["foo"], "days": 3, "name": "maker"}
    secret = new_token(index, ann, Scope.UPLOAD, Scope.MANAGE, **limits)
    new_token(index, ann, name="mightier")
    show(app, secret)
    problem(make(app, scopes=["read"]), 403, "not-allowed")
    problem(make(app, projects=["bar"]), 403, "not-allowed")
    problem(make(app, projects=["foo", "bar"]), 403, "not-allowed")
    made = fits("NewToken", make(app, days=100).json)
    assert made["projects"] == ["foo"]
    tokens = app.get(URL).json["tokens"]
    assert [token["name"] for token in tokens] == ["CI of foo", "maker"]
    assert tokens[0]["expires"] == tokens[1]["expires"] is not None
    # What it could not have made is not there for it.
    problem(app.delete(f"{URL}/2", status=404), 404, "not-found")
    app.delete(f"{URL}/{made['id']}", status=204)
    assert names(app) == ["maker"]


def test_others_tokens_are_not_there(app: TestApp, index: Index, ann: str) -> None:
    hers = new_token(index, new_user(index, "eve"), name="hers")
    with index.database.read() as session:
        number = find_token(session, hers).id
    for secret, name in ((PASSWORD, ann), (new_token(index, ann, name="mine"), "x")):
        show(app, secret, name)
        assert "hers" not in names(app)
        problem(app.delete(f"{URL}/{number}", status=404), 404, "not-found")
    root = new_user(index, "root", is_admin=True)
    show(app, PASSWORD, root)
    assert names(app) == []
    with index.database.read() as session:
        assert find_token(session, str(number)).user is find_user(session, "eve")


def test_without_credentials(app: TestApp) -> None:
    for secret in (None, "nonsense", "pypi_lite_nonsense"):
        app.authorization = ("Basic", ("x", secret)) if secret else None
        for answer in (
            app.get(URL, status="*"),
            make(app),
            app.put(URL, status="*"),
            app.delete(f"{URL}/1", status="*"),
        ):
            problem(answer, 401, "not-authenticated")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_token(app: TestApp, index: Index, token: str) -> None:
    show(app, token)
    for members, word in (
        ({"name": None}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": 7}, "name"),
        ({"scopes": None}, "Choose"),
        ({"scopes": []}, "Choose"),
        ({"scopes": ["everything"]}, "read, upload, yank, manage"),
        ({"scopes": [["read"]]}, "scopes"),
        ({"scopes": "read"}, "array"),
        ({"projects": [None]}, "projects"),
        ({"projects": ["a b"]}, "project"),
        ({"days": 0}, "day"),
        ({"days": 10**12}, "day"),
        ({"days": True}, "number"),
        ({"days": "7"}, "number"),
        ({"more": 1}, "more"),
    ):
        assert word in problem(make(app, **members), 422, "bad-value"), members
    problem(app.post(URL, "[", content_type="application/json", status=400), 400, "bad-form")
    wrong_type = app.post(URL, {"name": "x"}, status=415)
    problem(wrong_type, 415, "wrong-type")
    assert wrong_type.headers["Accept-Post"] == "application/json"
    for number in ("0", "x", "-1", "9" * 40, "%F0%9F%98%80"):
        problem(app.delete(f"{URL}/{number}", status=404), 404, "not-found")
    assert names(app) == ["token"]


def test_other_methods(app: TestApp, token: str) -> None:
    show(app, token)
    for url, method, allowed in (
        (URL, "PUT", "GET, HEAD, POST"),
        (f"{URL}/1", "GET", "DELETE"),
        (f"{URL}/1", "PATCH", "DELETE"),
    ):
        answer = app.request(url, method=method, status="*")
        problem(answer, 405, "wrong-method")
        assert answer.headers["Allow"] == allowed


def test_a_token_that_was_just_revoked_makes_none(
    app: TestApp, index: Index, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revoked after it was looked at and before the new one is written."""
    token = new_token(index, ann)
    write = index.database.__class__.write
    done: list[bool] = []

    def write_after_a_revocation(database: Any) -> Any:
        if not done:
            done.append(True)
            with write(index.database) as session:
                user = find_user(session, ann)
                revoke_token(session, user.id, find_token(session, token).id, by=acting("x"))
        return write(database)

    show(app, token)
    monkeypatch.setattr(index.database.__class__, "write", write_after_a_revocation)
    problem(make(app), 401, "not-authenticated")
    show(app, PASSWORD, ann)
    assert names(app) == []
