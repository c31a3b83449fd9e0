"""The journal for programs."""

import json
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.models import Scope
from pypi_lite.repository import Index, changes
from tests.api.forms import basic
from tests.api.test_projects import fits, problem
from tests.conftest import PASSWORD, new_token, new_user
from tests.distributions.build import wheel
from tests.repository.test_status import new_person, owned
from tests.web.helpers import ATTACK, put

URL = "/api/journal"


@pytest.fixture
def filled(index: Index) -> Index:
    """The project foo, which ann owns, bar, which she does not, and the administrator root."""
    owned(index, new_person(index, "ann"), wheel("foo", "1.0"))
    put(index, wheel("bar", "1.0"))
    new_person(index, "root", is_admin=True)
    with index.database.write() as session:
        changes.yank(session, OPERATOR, "foo", "1.0", ATTACK)
    return index


def ask(app: TestApp, token: str, query: str = "", status: int = 200) -> Any:
    headers = {"Authorization": basic("__token__", token)}
    return app.get(URL + query, headers=headers, status=status)


def entries(answer: Any) -> list[dict[str, Any]]:
    return [fits("JournalEntry", json.loads(line)) for line in answer.text.splitlines()]


def test_an_administrator_reads_all(app: TestApp, filled: Index) -> None:
    answer = ask(app, new_token(filled, "root"))
    assert answer.content_type == "application/x-ndjson"
    assert answer.headers["Cache-Control"] == "no-store"
    found = entries(answer)
    assert [entry["serial"] for entry in found] == list(range(1, len(found) + 1))
    assert {"foo", "bar", None} == {entry["project"] for entry in found}
    assert found[-1]["action"] == "token.create"
    since = ask(app, new_token(filled, "root"), f"?since={found[-1]['serial']}")
    assert [entry["serial"] for entry in entries(since)] == [found[-1]["serial"] + 1]


def test_an_owner_reads_a_projects(app: TestApp, filled: Index) -> None:
    token = new_token(filled, "ann", Scope.MANAGE, projects=["foo"])
    found = entries(ask(app, token, "?project=Foo&action=release.yank"))
    assert [entry["note"] for entry in found] == [ATTACK]
    assert {entry["project"] for entry in entries(ask(app, token, "?project=foo"))} == {"foo"}


def test_a_password_will_do(app: TestApp, index: Index) -> None:
    name = new_user(index, "boss", is_admin=True)
    answer = app.get(URL, headers={"Authorization": basic(name, PASSWORD)})
    assert len(entries(answer)) >= 2


def test_the_others_are_told_why_not(app: TestApp, filled: Index) -> None:
    problem(app.get(URL, status="*"), 401, "not-authenticated")
    problem(app.get(URL + "?project=foo", status="*"), 401, "not-authenticated")
    ann = new_token(filled, "ann")
    assert "a project of yours" in problem(ask(app, ann, status=403), 403, "not-allowed")
    problem(ask(app, ann, "?project=bar", 403), 403, "not-allowed")
    problem(ask(app, ann, "?project=absent", 404), 404, "not-found")
    weak = new_token(filled, "root", Scope.READ, Scope.UPLOAD)
    assert "manage" in problem(ask(app, weak, status=403), 403, "not-allowed")


@pytest.mark.parametrize(
    "query",
    ["?since=x", "?colour=red", "?project=%00", "?action=file", "?until=5", "?project=a%0Ab"],
)
def test_what_is_no_filter_is_said(app: TestApp, filled: Index, query: str) -> None:
    problem(ask(app, new_token(filled, "root"), query, 422), 422, "bad-value")


def test_of_a_filter_that_comes_twice_one_counts(app: TestApp, filled: Index) -> None:
    found = entries(ask(app, new_token(filled, "root"), "?project=bar&project=foo"))
    assert {entry["project"] for entry in found} == {"foo"}


def test_other_methods(app: TestApp, filled: Index) -> None:
    answer = app.post(URL, status=405)
    assert answer.headers["Allow"] == "GET, HEAD"
    headers = {"Authorization": basic("__token__", new_token(filled, "root"))}
    assert app.head(URL, headers=headers).body == b""
