"""A person's own page about their mail."""

from typing import Any

from webtest import TestApp

from pypi_lite.accounts.attempts import MOST_OF_PAIR
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
