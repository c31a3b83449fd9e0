"""Publishers on the web: of a project for its owners, pending ones for everybody with an account."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.repository import Index, publishers
from pypi_lite.settings import Settings
from tests.conftest import new_user
from tests.distributions.build import wheel
from tests.repository.test_status import owned
from tests.web.helpers import ATTACK, addresses, below_index, log_in

PUBLISHERS, PUBLISHING = "/manage/foo/publishers/", "/account/publishing/"
OTHER = "https://ci.test/x"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Of an index that trusts issuers of each kind, and of one kind two."""
    trusted = ("github", "gitlab", "gitlab https://git.test", OTHER)
    return replace(settings, trusted_publishers=trusted)


@pytest.fixture
def person(app: TestApp, index: Index, ann: str) -> str:
    """ann, who owns the project foo and is logged in."""
    owned(index, ann, wheel("foo", "1.0"))
    log_in(app, ann)
    return ann


def form_of(page: Any, heading: str) -> Any:
    """The form of *page* whose heading ends so."""
    (found,) = [
        form
        for form in page.forms.values()
        if form.html.h2 is not None and form.html.h2.get_text().endswith(heading)
    ]
    return found


def submit(page: Any, heading: str, **values: str) -> Any:
    """Fill that form in, and send it."""
    form = form_of(page, heading)
    for name, value in values.items():
        form[name] = value
    return form.submit(status="*")


def rows(page: Any) -> list[str]:
    return [" ".join(row.get_text(" ").split()) for row in page.html.select("ul.rows li")]


def problem(page: Any) -> str:
    (found,) = page.html.select('[role="alert"]')
    return str(found.get_text(" ", strip=True))


def test_the_projects_owner_names_and_removes_them(app: TestApp, person: str) -> None:
    (link,) = [a for a in app.get("/manage/foo/").html.select("main a") if a.text == "Publishers"]
    assert below_index(app.get("/manage/foo/"), link["href"]) == PUBLISHERS
    page = app.get(PUBLISHERS)
    assert "Nobody publishes this project but people" in page.text
    github = {"repository": " acme/foo ", "workflow": "release.yml", "environment": "live"}
    assert submit(page, "GitHub", **github).location == f"http://localhost{PUBLISHERS}"
    gitlab = {"issuer": "https://git.test", "repository": "a/b/foo", "workflow": "ci/x.yml"}
    submit(page, "GitLab", **gitlab)
    submit(page, "ci.test/x", subject="pipeline:foo")
    page = app.get(PUBLISHERS)
    shown = [" ".join(row.split("named")[0].split()) for row in rows(page)]
    assert shown == [
        "acme/foo GitHub workflow release.yml environment live",
        "a/b/foo GitLab at git.test workflow ci/x.yml any environment",
        "pipeline:foo ci.test/x",
    ]
    remove = [form for form in page.forms.values() if form["do"].value == "remove"]
    assert remove[0].submit().status_int == 303
    assert [row.split()[0] for row in rows(app.get(PUBLISHERS))] == ["a/b/foo", "pipeline:foo"]
    answer = remove[0].submit(status=404)
    assert f"foo has no publisher {remove[0]['publisher'].value}" in problem(answer)


def test_what_is_wrong_is_said_and_what_was_typed_stays(app: TestApp, person: str) -> None:
    wrong = {"repository": ATTACK, "workflow": "release.yml", "environment": "live"}
    page = submit(app.get(PUBLISHERS), "GitHub", **wrong)
    assert (page.status_int, problem(page)) == (
        400,
        "Write a repository on GitHub as OWNER/REPOSITORY.",
    )
    assert form_of(page, "GitHub")["repository"].value == ATTACK
    assert form_of(page, "GitLab")["repository"].value == ""
    assert rows(page) == []
    for values in ({"do": "dance"}, {"do": "add", "issuer": "https://evil.test"}, {}):
        token = form_of(page, "GitHub")["csrf_token"].value
        answer = app.post(PUBLISHERS, {"csrf_token": token, **values}, status=422)
        assert "reload the page" in problem(answer)
        assert ("trusted_publishers" in problem(answer)) == ("issuer" in values)


def test_nobody_else_names_them(app: TestApp, index: Index, person: str) -> None:
    token = form_of(app.get(PUBLISHERS), "GitHub")["csrf_token"].value
    app.reset()
    app.get(PUBLISHERS, status=303)
    log_in(app, new_user(index, "eve"))
    page = app.get(PUBLISHERS, status=403)
    assert "may not manage" in problem(page)
    assert page.forms == {}
    token = form_of(app.get(PUBLISHING), "GitHub")["csrf_token"].value
    values = {"do": "add", "issuer": "https://gitlab.com", "repository": "e/v", "workflow": "e.yml"}
    app.post(PUBLISHERS, {"csrf_token": token, **values}, status=403)
    app.post(PUBLISHERS, values, status=400)
    with index.database.read() as session:
        assert publishers.of(session, "foo") == []
    app.get("/manage/no-project/publishers/", status=404)


def test_pending_ones_are_a_persons_own(app: TestApp, index: Index, person: str) -> None:
    account = app.get("/account/")
    link = account.html.select_one("main a[href$='account/publishing/']")
    assert below_index(account, link["href"]) == PUBLISHING
    values = {"repository": "acme/bar", "workflow": "release.yml"}
    page = submit(app.get(PUBLISHING), "GitHub", name="foo", **values)
    assert "There is a project 'foo'" in problem(page)
    page = submit(page, "GitHub", name="Bar", **values)
    assert page.location == f"http://localhost{PUBLISHING}"
    page = app.get(PUBLISHING)
    assert rows(page)[0].startswith("bar: acme/bar GitHub workflow release.yml any")
    (remove,) = [f for f in page.forms.values() if f["do"].value == "remove"]
    number = remove["publisher"].value
    app.reset()
    log_in(app, new_user(index, "eve"))
    page = app.get(PUBLISHING)
    assert rows(page) == []
    token = form_of(page, "GitHub")["csrf_token"].value
    values = {"csrf_token": token, "do": "remove", "publisher": number}
    assert "it is not you" in problem(app.post(PUBLISHING, values, status=404))
    app.reset()
    log_in(app, person)
    (remove,) = [f for f in app.get(PUBLISHING).forms.values() if f["do"].value == "remove"]
    assert remove.submit().status_int == 303
    assert rows(app.get(PUBLISHING)) == []
    remove.submit(status=404)


def test_links_lead_somewhere_and_ids_are_unique(app: TestApp, person: str) -> None:
    for path in (PUBLISHERS, PUBLISHING):
        page = app.get(path)
        assert page.headers["Cache-Control"] == "no-store"
        ids = [element["id"] for element in page.html.find_all(id=True)]
        assert len(set(ids)) == len(ids)
        assert {label["for"] for label in page.html.find_all("label")} <= set(ids)
        for address in addresses(page):
            if not address.startswith("#"):
                assert app.get(below_index(page, address), status="*").status_int < 400


def test_where_it_is_off_the_pages_say_so(
    settings: Settings, index: Index, person: str, app: TestApp
) -> None:
    assert "need none" in app.get("/account/").text
    submit(app.get(PUBLISHERS), "GitHub", repository="acme/foo", workflow="release.yml")
    application = make_app(replace(settings, trusted_publishers=()))
    app = TestApp(application)
    log_in(app, person)
    assert "need none" not in app.get("/account/").text
    assert "no trusted publishing" in app.get(PUBLISHING).text
    page = app.get(PUBLISHERS)
    assert "no trusted publishing" in page.text
    assert [form["do"].value for form in page.forms.values() if "do" in form.fields] == ["remove"]
    (form,) = page.forms.values()
    values = {"do": "add", "issuer": "https://gitlab.com", "repository": "a/b", "workflow": "x.yml"}
    values["csrf_token"] = form["csrf_token"].value
    assert "trusted_publishers" in problem(app.post(PUBLISHERS, values, status=422))
    form.submit()
    page = app.get(PUBLISHERS)
    assert page.forms == {}
    assert "Nobody publishes" not in page.text
    application.registry["pypi_lite.index"].database.dispose()


def test_where_it_is_off_workflows_may_still_attest(
    settings: Settings, index: Index, ann: str, root: Path
) -> None:
    application = make_app(replace(settings, trusted_publishers=(), attestations=str(root)))
    app = TestApp(application)
    owned(index, ann, wheel("foo", "1.0"))
    log_in(app, ann)
    page = app.get(PUBLISHERS)
    assert "It can't publish" in page.text
    submit(page, "GitHub", repository="acme/foo", workflow="release.yml")
    assert len(rows(app.get(PUBLISHERS))) == 1
    application.registry["pypi_lite.index"].database.dispose()
