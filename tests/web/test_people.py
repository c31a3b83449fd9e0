"""People and groups, for administrators alone."""

import re
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.accounts.people import find_user
from pypi_lite.models import Group, OneTimeLink, Project, Role, RoleName, User
from pypi_lite.repository import Index
from tests.accounts.test_users import count, new_people
from tests.conftest import PASSWORD, new_token, new_user
from tests.distributions.build import wheel
from tests.web.helpers import ATTACK, form_for, log_in, put

PEOPLE, GROUPS = "/admin/people/", "/admin/groups/"


@pytest.fixture
def root(app: TestApp, index: Index) -> str:
    """An administrator, who is logged in."""
    name = new_user(index, "root", is_admin=True)
    log_in(app, name)
    return name


def form_to(page: Any, do: str) -> Any:
    """The first form of *page* whose field ``do`` says so."""
    return next(f for f in page.forms.values() if "do" in f.fields and f["do"].value == do)


def act(app: TestApp, path: str, do: str, status: int = 303, **fields: str) -> Any:
    form = form_to(app.get(path), do)
    for name, value in fields.items():
        form[name] = value
    return form.submit(status=status)


def names(page: Any) -> list[str]:
    return [e.get_text() for e in page.html.select("ul.rows a.name")]


def shown_path(page: Any) -> str:
    (path,) = re.findall(r"http://index\.test(/link/\S+)", page.html.get_text())
    return str(path)


def alert(page: Any) -> str:
    return str(page.html.select_one("[role=alert]").get_text())


def test_an_account_is_made_and_its_person_chooses_the_password(
    app: TestApp, index: Index, root: str
) -> None:
    page = act(app, PEOPLE, "create", 200, name="Bo", email="Bo@example.org", admin="yes")
    assert page.headers["Cache-Control"] == "no-store"
    path = shown_path(page)
    assert path not in app.get(PEOPLE).text
    other = TestApp(app.app)
    form = other.get(path).form
    form["password"] = form["again"] = PASSWORD
    form.submit()
    assert log_in(other, "bo").status_int == 303
    with index.database.read() as session:
        user = find_user(session, "bo")
        assert (user.is_admin, user.email) == (True, "bo@example.org")


def test_an_invitation_is_made_shown_and_revoked(app: TestApp, index: Index, root: str) -> None:
    form = form_for(app.get(GROUPS), GROUPS)
    form["name"] = "devs"
    form.submit(status=303)
    page = act(app, PEOPLE, "invite", 200, invited="bo@example.org", days="3", group="devs")
    path = shown_path(page)
    assert "to be in devs" in page.html.get_text(" ", strip=True)
    TestApp(app.app).get(path, status=200)
    act(app, PEOPLE, "revoke")
    TestApp(app.app).get(path, status=404)
    assert "Invitations" not in app.get(PEOPLE).text


@pytest.mark.parametrize(
    ("do", "fields", "words"),
    [
        ("create", {"name": "root"}, "already"),
        ("create", {"name": ATTACK}, "be a user name"),
        ("create", {"name": "bo", "email": ATTACK}, "no mail address"),
        ("invite", {"invited": ATTACK, "days": "7"}, "no mail address"),
        ("invite", {"days": "0"}, "at least one day"),
        ("invite", {"days": "many"}, "whole number"),
        ("invite", {"days": "9" * 30}, "whole number"),
    ],
)
def test_says_what_is_wrong(
    app: TestApp, index: Index, root: str, do: str, fields: dict[str, str], words: str
) -> None:
    page = act(app, PEOPLE, do, 400, **fields)
    assert words in alert(page)
    assert not page.html.select("main script[src=x], main img")
    form = form_to(page, do)
    assert {f: form[f].value for f in fields} == fields
    assert words in form.html.select_one("[role=alert]").get_text()
    assert (count(index, User), count(index, OneTimeLink)) == (1, 0)


def test_an_account_is_changed(app: TestApp, index: Index, root: str, ann: str) -> None:
    path, person = f"{PEOPLE}{ann}/", TestApp(app.app)
    token = new_token(index, ann)
    assert log_in(person, ann).status_int == 303
    act(app, path, "promote")
    person.get(PEOPLE, status=200)
    act(app, path, "demote")
    person.get(PEOPLE, status=403)
    act(app, path, "email", email="Ann@example.org")
    assert "no mail address" in alert(act(app, path, "email", 400, email=ATTACK))
    link = shown_path(act(app, path, "reset", 200))
    act(app, path, "disable")
    person.get("/account/", status=303)
    person.reset()
    assert log_in(person, ann).status_int == 403
    person.get(link, status=404)
    person.authorization = ("Basic", ("__token__", token))
    person.post("/legacy/", {}, status=401)
    person.authorization = ("Basic", (ann, PASSWORD))
    person.post("/legacy/", {}, status=401)
    person.reset()
    assert "disabled" in app.get(path).text
    act(app, path, "enable")
    person.authorization = None
    assert log_in(person, ann).status_int == 303
    app.get(f"{PEOPLE}nobody/", status=404)


def test_the_last_administrator_stays(app: TestApp, root: str) -> None:
    for do in ("demote", "disable"):
        page = act(app, f"{PEOPLE}{root}/", do, 400)
        assert "last administrator" in alert(page)
    app.get(PEOPLE, status=200)


def test_people_are_searched_a_page_at_a_time(app: TestApp, index: Index, root: str) -> None:
    new_people(index, *(f"user{number:03}" for number in range(60)))
    page = app.get(PEOPLE)
    assert len(names(page)) == 50
    rest = page.click("More")
    assert len(names(rest)) == 11
    assert set(names(page)).isdisjoint(names(rest))
    form = page.forms[0]
    form["q"] = "USER05"
    assert names(form.submit()) == [f"user05{number}" for number in range(10)]
    for text in ("%", "_", ATTACK, "\0x"):
        page = app.get(PEOPLE, {"q": text, "after": text})
        assert "Nobody is called that" in page.text
        assert not page.html.select("main script[src=x], main img")


def test_a_group_is_made_filled_and_deleted(
    app: TestApp, index: Index, root: str, ann: str
) -> None:
    form = form_for(app.get(GROUPS), GROUPS)
    form["name"] = "@Devs"
    assert form.submit().location == "http://localhost/admin/groups/devs/"
    assert "already" in alert(form.submit(status=400))
    path = f"{GROUPS}devs/"
    act(app, path, "add", user=ann)
    assert "no user" in alert(act(app, path, "add", 400, user="nobody"))
    put(index, wheel("foo", "1.0"))
    with index.database.write() as session:
        session.add(
            Role(
                group=session.query(Group).one(),
                project=session.query(Project).one(),
                role=RoleName.READER,
            )
        )
    assert "1 project" in app.get(GROUPS).html.select_one("ul.rows li").get_text(" ", strip=True)
    assert "reader" in app.get(path).text
    assert "devs" in app.get(f"{PEOPLE}{ann}/").text
    act(app, path, "remove")
    assert "Nobody is in it" in app.get(path).text
    token = form_to(app.get(path), "add")["csrf_token"].value
    gone = app.post(path, {"csrf_token": token, "do": "remove", "user": ann}, status=400)
    assert "not in the group" in alert(gone)
    unsure = app.post(path, {"csrf_token": token, "do": "delete"}, status=400)
    assert "tick the box" in alert(unsure)
    act(app, path, "delete", sure="yes")
    app.get(path, status=404)
    assert "There are no groups" in app.get(GROUPS).text
    assert count(index, Role) == 0


def test_for_administrators_alone(app: TestApp, index: Index, ann: str) -> None:
    new_people(index, "root", is_admin=True)
    paths = (PEOPLE, f"{PEOPLE}{ann}/", GROUPS, f"{GROUPS}devs/")
    for path in paths:
        assert app.get(path).location.startswith("http://localhost/login/")
    log_in(app, ann)
    page = app.get("/account/")
    assert "admin/" not in page.text
    token = form_for(page, "/logout/")["csrf_token"].value
    for path in paths:
        app.get(path, status=403)
        for do in ("create", "promote", "add"):
            app.post(path, {"csrf_token": token, "do": do, "name": "x", "user": ann}, status=403)
    app.reset()
    app.authorization = ("Basic", ("__token__", new_token(index, "root")))
    for path in paths:
        app.get(path, status=303)


def test_a_form_from_elsewhere_changes_nothing(app: TestApp, index: Index, root: str) -> None:
    for path in (PEOPLE, f"{PEOPLE}{root}/", GROUPS):
        app.post(path, {"do": "create", "name": "bo"}, status=400)
    assert (count(index, User), count(index, Group)) == (1, 0)


def test_unknown_changes_are_refused(app: TestApp, root: str) -> None:
    token = form_to(app.get(PEOPLE), "create")["csrf_token"].value
    for path in (PEOPLE, f"{PEOPLE}{root}/"):
        page = app.post(path, {"csrf_token": token, "do": "dance"}, status=400)
        assert "no such change" in alert(page)
