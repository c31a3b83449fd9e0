"""A person's own page about their mail."""

from typing import Any

from webtest import TestApp

from pypi_lite.accounts.attempts import MOST_OF_PAIR
from pypi_lite.accounts.people import find_user
from pypi_lite.repository import Index
from tests.conftest import PASSWORD
from tests.web.helpers import log_in

PAGE = "/account/mail/"


def alert(page: Any) -> str:
    return str(page.html.select_one("[role=alert]").get_text())


def test_whoever_finds_a_browser_open_can_not_guess_the_password(app: TestApp, ann: str) -> None:
    log_in(app, ann)
    form = app.get(PAGE).forms[0]
    form["password"] = "wrong"
    for _ in range(MOST_OF_PAIR):
        assert "not your password" in alert(form.submit(status=400))
    form["password"] = PASSWORD
    page = form.submit(status=429)
    assert int(page.headers["Retry-After"]) > 800
    assert "Too many" in alert(page)


def test_unknown_changes_are_refused(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    token = app.get(PAGE).forms[1]["csrf_token"].value
    for do in ({}, {"do": ""}, {"do": "dance"}):
        page = app.post(PAGE, {"csrf_token": token, **do}, status=400)
        assert "no such change" in alert(page)
    with index.database.read() as session:
        assert find_user(session, ann).wants_mail
