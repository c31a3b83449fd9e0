"""The link that makes the first administrator."""

import threading
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.models import User
from pypi_lite.opening import SETUP_SECRET, secret, welcome
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.conftest import PASSWORD, new_user
from tests.web.helpers import newest_log_in


@pytest.fixture
def link(settings: Settings) -> str:
    return f"/setup/?secret={secret(settings, SETUP_SECRET)}"


def fill(app: TestApp, link: str, *, again: str = PASSWORD, **fields: str) -> object:
    form = app.get(link).form
    for name, value in ({"name": "root", "password": PASSWORD, "again": again} | fields).items():
        form[name] = value
    return form.submit(status="*")


def test_makes_an_administrator_who_is_logged_in(app: TestApp, index: Index, link: str) -> None:
    done = fill(app, link)
    assert done.location == "http://localhost/account/"
    assert "You administer this index" in done.follow().text
    assert newest_log_in(index) == "root: setup link"
    with index.database.read() as session:
        (user,) = session.query(User).all()
        assert (user.name, user.is_admin) == ("root", True)


def test_works_once(app: TestApp, link: str) -> None:
    form = app.get(link).form
    fill(app, link)
    app.get(link, status=404)
    form["name"], form["password"], form["again"] = "second", PASSWORD, PASSWORD
    form["csrf_token"] = app.get("/account/").forms[0]["csrf_token"].value
    form.submit(status=404)


def test_of_two_at_once_one_administers(app: TestApp, index: Index, link: str) -> None:
    forms = [TestApp(app.app).get(link).form for _ in range(2)]
    barrier, answers = threading.Barrier(2), []

    def submit(form: Any, name: str) -> None:
        form["name"], form["password"], form["again"] = name, PASSWORD, PASSWORD
        barrier.wait(60)
        answers.append(form.submit(status="*").status_int)

    threads = [
        threading.Thread(target=submit, args=each)
        for each in zip(forms, ("one", "two"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [303, 404]
    with index.database.read() as session:
        assert session.query(User).count() == 1


def test_works_never_again_whatever_becomes_of_the_administrator(
    app: TestApp, index: Index, settings: Settings, link: str
) -> None:
    fill(app, link)
    assert not (settings.data / SETUP_SECRET).exists()
    with index.database.write() as session:
        session.query(User).one().is_admin = False
    app.reset()
    app.get(link, status=404)


def test_a_link_that_made_nobody_is_gone_with_the_next_start(
    index: Index, settings: Settings, link: str
) -> None:
    said: list[str] = []
    welcome(settings, said.append)
    assert any(link in text for text in said)
    new_user(index, "boss", is_admin=True)
    welcome(settings, said.append)
    assert not (settings.data / SETUP_SECRET).exists()


def test_does_not_work_where_there_is_an_administrator(
    app: TestApp, index: Index, link: str
) -> None:
    new_user(index, "boss", is_admin=True)
    app.get(link, status=404)


def test_others_do_not_hinder_it(app: TestApp, link: str, ann: str) -> None:
    app.get(link, status=200)


@pytest.mark.parametrize("given", ["", "?secret=", "?secret=wrong", "?secret=%C3%A4", "?x=y"])
def test_needs_the_secret(app: TestApp, index: Index, given: str) -> None:
    app.get("/setup/" + given, status=404)


def test_the_form_needs_the_secret_too(app: TestApp, link: str) -> None:
    form = app.get(link).form
    form["secret"], form["name"] = "wrong", "root"
    form["password"] = form["again"] = PASSWORD
    form.submit(status=404)
    app.get(link, status=200)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"again": "something else"}, "not the same"),
        ({"password": "short", "again": "short"}, "at least 8 characters"),
        ({"name": "no spaces"}, "can&#39;t be a user name"),
        ({"name": ""}, "can&#39;t be a user name"),
    ],
)
def test_says_what_is_wrong(app: TestApp, link: str, fields: dict[str, str], text: str) -> None:
    page = fill(app, link, **fields)
    assert page.status_int == 400
    assert text in page.text
    assert fill(app, link).status_int == 303


def test_the_secret_stays_here(app: TestApp, link: str) -> None:
    page = app.get(link)
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert page.headers["Cache-Control"] == "no-store"


def test_works_over_https(app: TestApp, link: str) -> None:
    app.extra_environ = {"wsgi.url_scheme": "https", "HTTP_HOST": "index.test"}
    form = app.get(link).form
    form["name"], form["password"], form["again"] = "root", PASSWORD, PASSWORD
    form.submit(headers={"Origin": "https://index.test"}, status=303)
