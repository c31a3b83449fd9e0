"""The stylesheet and its like."""

import pytest
from webtest import TestApp

from tests.web.helpers import addresses, below_index


def test_are_kept_for_ever_under_their_own_address(app: TestApp) -> None:
    page = app.get("/")
    found = [below_index(page, a) for a in addresses(page) if "static/" in a]
    assert {path.rsplit("/", 1)[1] for path in found} == {"style.css", "icon.svg", "copy.js"}
    for path in found:
        answer = app.get(path)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers


def test_another_builds_address_is_not_kept(app: TestApp) -> None:
    answer = app.get("/static/0123456789abcdef/style.css")
    assert answer.content_type == "text/css"
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["base.html", "..%2Fsetup.cfg", "nothing.css", "__init__.py"])
def test_nothing_else_is_served(app: TestApp, name: str) -> None:
    digest = app.get("/").html.find("link")["href"].split("/")[-2]
    app.get(f"/static/{digest}/{name}", status=404)
