"""The API of projects, releases and files: what it answers, who may, what it says when not."""

import json
from typing import Any

import jsonschema
import pytest
from webtest import TestApp

from pypi_lite import errors
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.api.bodies import LONGEST_BODY
from pypi_lite.api.description import describe
from pypi_lite.models import Scope
from pypi_lite.repository import Index, changes, pages
from pypi_lite.repository.reach import EVERYTHING
from pypi_lite.repository.reasons import LONGEST_REASON
from pypi_lite.settings import Settings
from tests.api.conftest import status_of
from tests.api.forms import basic
from tests.api.test_currency import FOO, HOME, ROOT, Reader
from tests.api.test_files import url_of
from tests.api.test_media import JSON
from tests.conftest import new_token, new_user
from tests.distributions.build import sdist, wheel
from tests.repository.test_status import new_person, owned
from tests.web.helpers import log_in, put

WHEEL, SDIST = wheel("Foo.Bar", "1.0"), sdist("Foo.Bar", "1.0")
PROJECT, RELEASE = "/api/projects/foo-bar", "/api/projects/foo-bar/releases/1.0"
FILE = f"/api/files/{WHEEL[0]}"
#: Each change: method, address and body.
CHANGES: list[tuple[str, str, Any]] = [
    ("PATCH", PROJECT, {"status": "archived"}),
    ("DELETE", PROJECT, None),
    ("PATCH", RELEASE, {"yanked": True}),
    ("PATCH", RELEASE, {"yanked": False}),
    ("DELETE", RELEASE, None),
    ("DELETE", FILE, None),
]
SCHEMAS = describe(Settings(), "1")["components"]


@pytest.fixture
def filled(index: Index) -> Index:
    """The project Foo.Bar, which ann owns, and another one."""
    owned(index, new_person(index, "ann"), WHEEL)
    put(index, SDIST)
    put(index, wheel("other", "1.0"))
    return index


@pytest.fixture
def token(filled: Index) -> str:
    """A token of ann's for everything."""
    return new_token(filled, "ann")


def ask(
    app: TestApp, method: str, url: str, token: str | None, body: Any = None, status: Any = 200
) -> Any:
    """One request; *body* is sent as JSON."""
    headers = {} if token is None else {"Authorization": basic("__token__", token)}
    sent = b"" if body is None else json.dumps(body).encode()
    if body is not None:
        headers["Content-Type"] = "application/json"
    return app.request(url, method=method, headers=headers, body=sent, status=status)


def fits(schema: str, document: Any) -> Any:
    """*document*, which is what the description says."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": SCHEMAS}
    jsonschema.validate(document, whole, format_checker=jsonschema.FormatChecker())
    return document


def problem(answer: Any, status: int, code: str) -> str:
    """What a problem says (RFC 9457)."""
    assert answer.status_int == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    found = fits("Problem", answer.json)
    assert (found["status"], found["code"]) == (status, code)
    assert (status == 401) == ("WWW-Authenticate" in answer.headers)
    return str(found["detail"])


def project_of(index: Index) -> pages.ProjectEntry:
    with index.database.read() as session:
        found = pages.project(session, "foo-bar", EVERYTHING)
    assert found is not None
    return found


# To look at


def test_what_is_there_can_be_looked_at(app: TestApp, filled: Index) -> None:
    for url in (PROJECT, "/api/projects/Foo._Bar"):
        found = fits("Project", app.get(url).json)
        assert (found["name"], found["normalized_name"]) == ("Foo.Bar", "foo-bar")
        assert (found["status"], found["status_reason"]) == ("active", None)
        assert [(r["version"], r["yanked"]) for r in found["releases"]] == [("1.0", False)]
    for url in (RELEASE, "/api/projects/foo.bar/releases/1.0.0"):
        answer = app.get(url)
        found = fits("Release", answer.json)
        assert [file["filename"] for file in found["files"]] == [WHEEL[0], SDIST[0]]
        assert answer.headers["X-PyPI-Last-Serial"] == str(project_of(filled).facts.serial)
    found = fits("File", app.get(FILE).json)
    assert found["url"] == "http://index.test" + url_of(WHEEL)
    assert found["size"] == len(WHEEL[1])
    assert app.head(FILE).body == b""


def test_what_is_not_there(app: TestApp, filled: Index, token: str) -> None:
    for url in (
        "/api/projects/nothing",
        "/api/projects/f%C3%B6%C3%B6",
        "/api/projects/nothing/releases/1.0",
        "/api/projects/foo-bar/releases/9.0",
        "/api/projects/foo-bar/releases/latest",
        "/api/files/nothing.whl",
    ):
        problem(ask(app, "GET", url, None, status=404), 404, "not-found")
        body = {"yanked": True} if "/releases/" in url else {"status": "archived"}
        method = "DELETE" if "/files/" in url else "PATCH"
        problem(ask(app, method, url, token, body, status=404), 404, "not-found")


def test_quarantine_hides_files_here_too(app: TestApp, filled: Index) -> None:
    with filled.database.write() as session:
        changes.set_status(session, OPERATOR, "foo-bar", "quarantined", "stolen")
    found = fits("Project", app.get(PROJECT).json)
    assert (found["status"], found["status_reason"]) == ("quarantined", "stolen")
    assert fits("Release", app.get(RELEASE).json)["files"] == []
    problem(app.get(FILE, status=404), 404, "not-found")


def test_an_address_of_nothing(app: TestApp) -> None:
    for url in ("/api/", "/api/projects/", "/api/projects/foo/releases/", "/api/nothing"):
        assert app.get(url, status=404).content_type == "text/plain"


# To change


def test_a_status_is_set(app: TestApp, filled: Index, token: str) -> None:
    answer = ask(app, "PATCH", PROJECT, token, {"status": "deprecated", "status_reason": "use x"})
    found = fits("Project", answer.json)
    assert (found["status"], found["status_reason"]) == ("deprecated", "use x")
    project = project_of(filled)
    assert (project.status, project.status_reason) == ("deprecated", "use x")
    assert answer.headers["X-PyPI-Last-Serial"] == str(project.facts.serial)
    for body in ({"status": "archived"}, {"status": "archived", "status_reason": None}):
        assert ask(app, "PATCH", PROJECT, token, body).json["status_reason"] is None


def test_a_release_is_yanked_and_unyanked(app: TestApp, filled: Index, token: str) -> None:
    url = "/api/projects/FOO_bar/releases/1.0.0"
    found = ask(app, "PATCH", url, token, {"yanked": True, "yanked_reason": "oh"}).json
    assert (found["yanked"], found["yanked_reason"]) == (True, "oh")
    page = app.get("/simple/foo-bar/", headers={"Accept": JSON}).json
    assert [file["yanked"] for file in page["files"]] == ["oh", "oh"]
    found = ask(app, "PATCH", url, token, {"yanked": True, "yanked_reason": ""}).json
    assert (found["yanked"], found["yanked_reason"]) == (True, None)
    found = ask(app, "PATCH", url, token, {"yanked": False, "yanked_reason": None}).json
    assert (found["yanked"], found["yanked_reason"]) == (False, None)
    assert project_of(filled).releases[0].yanked is False


def test_a_file_and_a_release_are_deleted(app: TestApp, filled: Index, token: str) -> None:
    app.get(url_of(SDIST), status=200)
    answer = ask(app, "DELETE", f"/api/files/{SDIST[0]}", token, status=204)
    assert answer.body == b""
    assert "Content-Type" not in answer.headers
    assert answer.headers["X-PyPI-Last-Serial"] == str(project_of(filled).facts.serial)
    app.get(url_of(SDIST), status=404)
    assert [file.filename for file in project_of(filled).releases[0].files] == [WHEEL[0]]
    ask(app, "DELETE", RELEASE, token, status=204)
    assert project_of(filled).releases == ()
    for file in (WHEEL, SDIST):  # U26: the names stay taken
        with pytest.raises(Exception, match="was used by a file that has since been deleted"):
            put(filled, (file[0], file[1]))
    problem(ask(app, "DELETE", RELEASE, token, status="*"), 404, "not-found")


def test_a_project_is_deleted(app: TestApp, filled: Index, token: str) -> None:
    reader = Reader(app, filled)
    reader.read_all()
    answer = ask(app, "DELETE", "/api/projects/Foo_Bar", token, status=204)
    assert answer.headers["X-PyPI-Last-Serial"].isdigit()
    assert reader.changed() == set(FOO + HOME + ROOT)
    for url in ("/simple/foo-bar/", url_of(WHEEL), PROJECT):
        app.get(url, status=404)
    problem(ask(app, "DELETE", PROJECT, token, status="*"), 404, "not-found")
    with pytest.raises(Exception, match="was used by a file that has since been deleted"):
        put(filled, WHEEL)


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("PATCH", PROJECT, {"status": "deprecated", "status_reason": "use other"}),
        ("PATCH", RELEASE, {"yanked": True, "yanked_reason": "it eats files"}),
        ("DELETE", FILE, None),
        ("DELETE", RELEASE, None),
    ],
)
def test_every_page_shows_it_when_the_answer_is_there(
    app: TestApp, filled: Index, token: str, method: str, url: str, body: Any
) -> None:
    reader = Reader(app, filled)
    reader.read_all()
    answer = ask(app, method, url, token, body, status="*")
    assert answer.status_int in (200, 204)
    assert reader.changed() == set(FOO + HOME)
    shown = app.get("/simple/foo-bar/")
    assert shown.headers["X-PyPI-Last-Serial"] == answer.headers["X-PyPI-Last-Serial"]
    assert status_of(shown) == "hit"


# Refusals


def test_without_credentials(app: TestApp, filled: Index) -> None:
    before = project_of(filled)
    for method, url, body in CHANGES:
        for secret in (None, "nonsense", "pypi-lite-nonsense"):
            answer = ask(app, method, url, secret, body, status="*")
            assert "__token__" in problem(answer, 401, "not-authenticated")
    assert project_of(filled) == before


def test_who_may_not(app: TestApp, filled: Index) -> None:
    before = project_of(filled)
    eve = new_token(filled, new_person(filled, "eve"))
    elsewhere = new_token(filled, "ann", projects=["other"])
    without = {
        scope: new_token(filled, "ann", *(other for other in Scope if other is not scope))
        for scope in (Scope.YANK, Scope.MANAGE)
    }
    for method, url, body in CHANGES:
        scope = Scope.YANK if body and "yanked" in body else Scope.MANAGE
        for secret, words in (
            (eve, "ask one of its owners"),
            (without[scope], f"scope {scope.value}"),
            (elsewhere, "limited to other projects"),
        ):
            answer = ask(app, method, url, secret, body, status="*")
            assert words in problem(answer, 403, "not-allowed")
    assert project_of(filled) == before


def test_what_one_may_not_see_is_not_there(app: TestApp, filled: Index) -> None:
    """Each change is refused as if nobody had it, to an account and to a token for something else."""
    with filled.database.write() as session:
        changes.set_visibility(session, OPERATOR, "foo-bar", "private")
    new_person(filled, "eve")
    secrets = [
        new_token(filled, "eve"),
        new_token(filled, "eve", Scope.READ),
        new_token(filled, "eve", projects=["other"]),
        new_token(filled, "ann", projects=["other"]),
    ]
    asked = [*CHANGES, ("PATCH", RELEASE.replace("1.0", "9.9"), {"yanked": True})]
    asked += [("DELETE", PROJECT.replace("foo-bar", "Foo.bar"), None)]
    for secret in secrets:
        for method, url, body in asked:
            hidden = ask(app, method, url, secret, body, status="*")
            url = url.replace("bar", "xyz")
            absent = ask(app, method, url, secret, body, status="*")
            assert hidden.status_int in (403, 404)
            assert hidden.text == absent.text.replace("xyz", "bar")


def test_an_owner_does_not_quarantine_but_an_administrator_does(
    app: TestApp, filled: Index, token: str
) -> None:
    body = {"status": "quarantined"}
    text = problem(ask(app, "PATCH", PROJECT, token, body, status="*"), 403, "not-allowed")
    assert "administrator" in text
    root = new_token(filled, new_person(filled, "root", is_admin=True))
    assert ask(app, "PATCH", PROJECT, root, body).json["status"] == "quarantined"
    body = {"status": "active"}
    problem(ask(app, "PATCH", PROJECT, token, body, status="*"), 403, "not-allowed")
    assert ask(app, "PATCH", PROJECT, root, body).json["status"] == "active"


UNFIT: list[tuple[str, Any, str]] = [
    (PROJECT, {}, "status is missing"),
    (PROJECT, {"status": None}, "status is missing"),
    (PROJECT, {"status": 1}, "status has to be a string"),
    (PROJECT, {"status": "retired"}, "active, archived, deprecated, quarantined"),
    (PROJECT, {"status": "active", "status_reason": "x"}, "needs no reason"),
    (PROJECT, {"status": "archived", "reason": "x"}, "no member 'reason'"),
    (PROJECT, {"status": "archived", "status_reason": "a\nb"}, "one line"),
    (PROJECT, {"status": "archived", "status_reason": "\ud800"}, "one line"),
    (PROJECT, {"status": "archived", "status_reason": []}, "has to be a string"),
    (RELEASE, {"yanked": "true"}, "yanked has to be a boolean"),
    (RELEASE, {"yanked": 1}, "yanked has to be a boolean"),
    (RELEASE, {"yanked_reason": "x"}, "yanked is missing"),
    (RELEASE, {"yanked": False, "yanked_reason": "x"}, "needs no reason"),
    (RELEASE, {"yanked": True, "yanked_reason": "x" * (LONGEST_REASON + 1)}, "longer than"),
    (RELEASE, {"yanked": True, "yanked_reason": "\0"}, "control character"),
    (RELEASE, ["yanked"], "JSON object"),
    (RELEASE, "yanked", "JSON object"),
    (RELEASE, None, "JSON object"),
]


def test_unfit_values(app: TestApp, filled: Index, token: str) -> None:
    before = project_of(filled)
    headers = {"Authorization": basic("x", token), "Content-Type": "application/json"}
    for url, body, words in UNFIT:
        answer = app.patch(url, json.dumps(body), headers=headers, status="*")
        assert words in problem(answer, 422, "bad-value")
    assert project_of(filled) == before


def test_bodies_that_are_no_json(app: TestApp, filled: Index, token: str) -> None:
    for body, kind, status, code in (
        (b"", "application/json", 400, "bad-form"),
        (b"{", "application/json", 400, "bad-form"),
        (b"\xff", "application/json", 400, "bad-form"),
        (b"[" * 60_000, "application/json", 400, "bad-form"),
        (b'{"yanked": ' + b"1" * 5000 + b"}", "application/json", 400, "bad-form"),
        (b" " * (LONGEST_BODY + 1), "application/json", 413, "too-large"),
        (b" " * (errors.LONGEST_BODY + 1), "application/json", 413, "too-large"),
        (b'{"yanked": true}', "text/plain", 415, "wrong-type"),
        (b"yanked=true", "application/x-www-form-urlencoded", 415, "wrong-type"),
        (b'{"yanked": true}', "application/merge-patch+json", 415, "wrong-type"),
    ):
        headers = {"Authorization": basic("x", token), "Content-Type": kind}
        answer = app.patch(RELEASE, body, headers=headers, status="*")
        detail = problem(answer, status, code)
        assert status != 413 or detail == f"The body is longer than {LONGEST_BODY} bytes."
        assert (status == 415) == ("Accept-Patch" in answer.headers)
    headers = {"Authorization": basic("x", token), "Content-Type": "application/json;charset=utf-8"}
    app.patch(RELEASE, b'{"yanked": true}', headers=headers, status=200)


def test_other_methods(app: TestApp, filled: Index, token: str) -> None:
    for url, allowed in (
        (PROJECT, "GET, HEAD, PATCH, DELETE"),
        (RELEASE, "GET, HEAD, PATCH, DELETE"),
        (FILE, "GET, HEAD, DELETE"),
    ):
        for method in {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - set(allowed.split(", ")):
            answer = ask(app, method, url, token, {}, status="*")
            assert allowed in problem(answer, 405, "wrong-method")
            assert answer.headers["Allow"] == allowed


def test_a_person_who_is_logged_in_changes_nothing_here(app: TestApp, filled: Index) -> None:
    """No cookie counts for programs' addresses, so that no page elsewhere can use one."""
    new_user(filled, "root", is_admin=True)
    log_in(app, "root")
    problem(
        ask(app, "PATCH", PROJECT, None, {"status": "archived"}, status="*"),
        401,
        "not-authenticated",
    )
    assert project_of(filled).status == "active"


def test_a_change_that_cannot_be_swept_is_not_made(
    app: TestApp, filled: Index, token: str, settings: Settings
) -> None:
    holds = settings.cache_folder / "holds"
    for path in sorted(holds.rglob("*"), reverse=True):
        path.rmdir()
    holds.rmdir()
    holds.write_text("a file where the folder should be")
    answer = ask(app, "PATCH", PROJECT, token, {"status": "archived"}, status="*")
    assert "not made" in problem(answer, 503, "busy")
    assert answer.headers["Retry-After"]
    assert project_of(filled).status == "active"
