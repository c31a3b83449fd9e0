"""The page on which a project is managed."""

from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index, changes, pages
from pypi_lite.repository.reach import EVERYTHING
from tests.conftest import new_user
from tests.distributions.build import sdist, wheel
from tests.repository.test_status import owned
from tests.web.helpers import ATTACK, BROWSER, addresses, below_index, log_in, put

URL = "/manage/foo-bar/"
WHEEL, SDIST = wheel("Foo.Bar", "1.0"), sdist("Foo.Bar", "1.0")


@pytest.fixture
def filled(index: Index, ann: str) -> Index:
    """The project Foo.Bar, which ann owns."""
    owned(index, ann, WHEEL)
    put(index, SDIST)
    put(index, wheel("Foo.Bar", "2.0"))
    return index


@pytest.fixture
def page(app: TestApp, filled: Index, ann: str) -> Any:
    """The page, as ann sees it."""
    log_in(app, ann)
    return app.get(URL)


def form_of(page: Any, **values: str) -> Any:
    """The one form of *page* whose hidden fields have these values; ``do`` is one of them."""
    (form,) = [
        form
        for form in page.forms.values()
        if all(name in form.fields and form[name].value == v for name, v in values.items())
    ]
    return form


def project_of(index: Index) -> pages.ProjectEntry:
    with index.database.read() as session:
        found = pages.project(session, "foo-bar", EVERYTHING)
    assert found is not None
    return found


def problem(page: Any) -> str:
    (found,) = page.html.select('[role="alert"]')
    return str(found.get_text(" ", strip=True))


def test_the_projects_page_leads_to_it(app: TestApp, page: Any) -> None:
    for path in ("/project/foo-bar/", "/project/foo-bar/1.0/"):
        shown = app.get(path)
        (link,) = [e for e in shown.html.select("a") if e.get_text() == "Manage"]
        assert below_index(shown, link["href"]) == URL


def test_links_lead_somewhere_and_nobody_keeps_it(app: TestApp, page: Any) -> None:
    assert page.headers["Cache-Control"] == "no-store"
    for address in addresses(page):
        if not address.startswith("#"):
            assert app.get(below_index(page, address), status="*").status_int < 400


def test_a_status_is_set(app: TestApp, filled: Index, page: Any) -> None:
    form = form_of(page, do="status")
    assert form["status"].value == "active"
    assert [value for value, *_ in form["status"].options] == ["active", "archived", "deprecated"]
    form["status"], form["reason"] = "archived", "it is over"
    assert form.submit(status=303).location == f"http://localhost{URL}"
    project = project_of(filled)
    assert (project.status, project.status_reason) == ("archived", "it is over")
    assert "it is over" in app.get("/project/foo-bar/").text
    form = form_of(app.get(URL), do="status")
    assert (form["status"].value, form["reason"].value) == ("archived", "it is over")
    form["status"] = "active"
    form.submit(status=303)
    assert project_of(filled).status == "active"


def test_a_release_is_yanked_and_unyanked(app: TestApp, filled: Index, page: Any) -> None:
    form = form_of(page, do="yank", version="1.0")
    form["reason"] = ATTACK
    page = form.submit(status=303).follow()
    assert f"Reason: {ATTACK}" in page.html.get_text()
    assert not page.html.find_all("script")
    release = project_of(filled).release("1.0")
    assert release is not None
    assert (release.yanked, release.yanked_reason) == (True, ATTACK)
    assert "has been yanked" in app.get("/project/foo-bar/1.0/").text
    form_of(page, do="unyank", version="1.0").submit(status=303)
    assert "has been yanked" not in app.get("/project/foo-bar/1.0/").text
    form_of(app.get(URL), do="yank", version="1.0")


def test_what_is_deleted_is_deleted_by_who_is_sure(app: TestApp, filled: Index, page: Any) -> None:
    for values, gone in (
        ({"do": "delete-file", "filename": SDIST[0]}, SDIST[0]),
        ({"do": "delete-release", "version": "1.0"}, WHEEL[0]),
    ):
        assert gone in app.get("/simple/foo-bar/").text
        form = form_of(app.get(URL), **values)
        assert "tick the box" in problem(form.submit(status=422))
        assert gone in app.get("/simple/foo-bar/").text
        form["sure"] = True
        form.submit(status=303)
        assert gone not in app.get("/simple/foo-bar/").text
    assert [str(release.version) for release in project_of(filled).releases] == ["2.0"]


def test_a_project_is_deleted_by_who_types_its_name(app: TestApp, filled: Index, page: Any) -> None:
    for name in ("", "foo"):
        form = form_of(app.get(URL), do="delete-project")
        form["name"] = name
        assert "type the project" in problem(form.submit(status=422))
    app.get("/simple/foo-bar/", status=200)
    form = form_of(app.get(URL), do="delete-project")
    form["name"] = "Foo.Bar"
    assert form.submit(status=303).headers["Location"].endswith("/")
    for url in (URL, "/simple/foo-bar/", "/project/foo-bar/"):
        app.get(url, status=404)


def test_what_is_unfit_is_said_above_the_forms(app: TestApp, filled: Index, page: Any) -> None:
    before = project_of(filled)
    token = form_of(page, do="status")["csrf_token"].value
    for values, status, words in (
        ({"do": "status", "status": "archived", "reason": "x" * 501}, 422, "longer than"),
        ({"do": "status", "status": "retired"}, 422, "no status"),
        ({"do": "status", "status": "quarantined"}, 403, "administrator"),
        ({"do": "yank", "version": "1.0", "reason": "a\tb"}, 422, "control character"),
        ({"do": "yank", "version": "9.0"}, 404, "no version"),
        ({"do": "delete-file", "filename": "x", "sure": "yes"}, 404, "no file"),
        ({"do": "dance"}, 422, "no such change"),
        ({}, 422, "no such change"),
    ):
        answer = app.post(URL, {"csrf_token": token, **values}, status=status)
        assert words in problem(answer)
        form_of(answer, do="status")
    assert project_of(filled) == before


def test_what_was_typed_is_kept_in_its_form(app: TestApp, filled: Index, page: Any) -> None:
    form = form_of(page, do="grant-role")
    form["who"], form["role"] = "@nobody", "maintainer"
    again = form_of(form.submit(status=404), do="grant-role")
    assert (again["who"].value, again["role"].value) == ("@nobody", "maintainer")
    assert "no group" in again.html.select_one('[role="alert"]').get_text()
    form = form_of(page, do="status")
    form["status"], form["reason"] = "archived", "a\tb"
    again = form_of(form.submit(status=422), do="status")
    assert (again["status"].value, again["reason"].value) == ("archived", "a\tb")
    assert "control character" in again.html.select_one('[role="alert"]').get_text()
    form = form_of(page, do="yank", version="2.0")
    form["reason"] = "a\tb"
    refused = form.submit(status=422)
    assert form_of(refused, do="yank", version="2.0")["reason"].value == "a\tb"
    assert form_of(refused, do="yank", version="1.0")["reason"].value == ""
    opened = [e.summary.get_text() for e in refused.html.select("details[open]")]
    assert opened == ["Yank"]
    form = form_of(page, do="delete-project")
    form["name"] = "other"
    again = form_of(form.submit(status=422), do="delete-project")
    assert again["name"].value == "other"
    assert "Nothing was deleted" in again.html.select_one('[role="alert"]').get_text()


def test_a_form_from_elsewhere_does_nothing(app: TestApp, filled: Index, page: Any) -> None:
    app.post(URL, {"do": "status", "status": "archived"}, status=400)
    app.post(URL, {"csrf_token": "x", "do": "status", "status": "archived"}, status=400)
    assert project_of(filled).status == "active"


def test_who_may_not_sees_no_forms(app: TestApp, filled: Index) -> None:
    assert app.get(URL, status=303).location.endswith("/login/?next=%2Fmanage%2Ffoo-bar%2F")
    log_in(app, new_user(filled, "eve"))
    page = app.get(URL, status=403)
    assert "ask one of its owners" in problem(page)
    assert not page.forms
    token = app.get("/account/").forms[0]["csrf_token"].value
    values = {"csrf_token": token, "do": "status", "status": "archived"}
    answer = app.post(URL, values, status=403)
    assert "ask one of its owners" in problem(answer)
    assert project_of(filled).status == "active"


def test_quarantine_is_an_administrators(app: TestApp, filled: Index, ann: str) -> None:
    log_in(app, new_user(filled, "root", is_admin=True))
    form = form_of(app.get(URL), do="status")
    form["status"], form["reason"] = "quarantined", "stolen"
    form.submit(status=303)
    assert WHEEL[0] not in app.get("/simple/foo-bar/").text
    app.reset()
    log_in(app, ann)
    page = app.get(URL, status=403)
    assert "only an administrator" in problem(page)
    assert not page.forms


@pytest.mark.parametrize("path", ["/manage/nothing/", "/manage/f%C3%B6%C3%B6/", "/manage/foo%00/"])
def test_the_unknown_is_not_found(app: TestApp, ann: str, path: str) -> None:
    log_in(app, ann)
    app.get(path, headers=BROWSER, status=404)


def test_another_spelling_of_the_name_will_do(app: TestApp, page: Any) -> None:
    assert "Manage Foo.Bar" in app.get("/manage/Foo_Bar/").text


def test_a_project_without_releases(app: TestApp, filled: Index, page: Any) -> None:
    with filled.database.write() as session:
        for version in ("1.0", "2.0"):
            changes.delete_release(session, OPERATOR, "foo-bar", version)
    page = app.get(URL)
    assert "no releases" in page.text
    assert [form["do"].value for form in page.forms.values()] == [
        "status",
        "visibility",
        "revoke-role",
        "grant-role",
        "delete-project",
    ]
