"""Namespaces on the web: for administrators alone."""

from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.repository import Index
from tests.conftest import new_token, new_user
from tests.distributions.build import wheel
from tests.web.helpers import ATTACK, below_index, form_for, log_in, put


@pytest.fixture
def root(app: TestApp, index: Index) -> str:
    """An administrator, who is logged in."""
    name = new_user(index, "root", is_admin=True)
    log_in(app, name)
    return name


def grant(app: TestApp, name: str, owners: str) -> Any:
    form = form_for(app.get("/namespaces/"), "/namespaces/")
    form["name"], form["owners"] = name, owners
    return form.submit(status="*")


def shown(app: TestApp) -> list[str]:
    rows = app.get("/namespaces/").html.select("ul.rows li")
    return [row.select_one(".name").get_text() for row in rows]


def test_granted_shown_and_revoked(app: TestApp, index: Index, root: str, ann: str) -> None:
    link = app.get("/account/").html.select_one("main a[href$='namespaces/']")
    assert below_index(app.get("/account/"), link["href"]) == "/namespaces/"
    assert "No names are reserved" in app.get("/namespaces/").text
    for number in range(7):
        put(index, wheel(f"acme-{number}", "1.0"))
    assert grant(app, "Acme-*", "Ann, root").status_int == 303
    page = app.get("/namespaces/")
    assert "owned by ann, root" in page.text
    assert "and 2 more" in page.text
    assert shown(app) == ["acme-*"]
    assert app.get("/simple/namespaces").json == [{"name": "acme"}]
    assert form_for(page, "/namespaces/revoke/").submit().status_int == 303
    assert shown(app) == []
    app.get("/simple/namespaces", status=404)
    assert form_for(page, "/namespaces/revoke/").submit().status_int == 303  # gone already


@pytest.mark.parametrize(
    ("name", "owners", "text"),
    [
        (ATTACK, "ann", "be a namespace"),
        ("acme", ATTACK.lower(), "There is no user"),
        ("acme", " , ", "whose the namespace"),
        ("other-x", "ann", "overlap"),
    ],
)
def test_says_what_is_wrong_and_keeps_what_was_typed(
    app: TestApp, root: str, ann: str, name: str, owners: str, text: str
) -> None:
    grant(app, "other", "root")
    page = grant(app, name, owners)
    assert page.status_int == 400
    assert text in page.html.select_one("[role=alert]").get_text()
    form = form_for(page, "/namespaces/")
    assert (form["name"].value, form["owners"].value) == (name, owners)
    assert not page.html.select("main script, main img")
    assert shown(app) == ["other-*"]


def test_for_administrators_alone(app: TestApp, index: Index, ann: str) -> None:
    for path in ("/namespaces/", "/namespaces/revoke/"):
        assert app.get(path).location.startswith("http://localhost/login/")
    log_in(app, ann)
    page = app.get("/account/")
    assert "namespaces/" not in page.text
    token = form_for(page, "/logout/")["csrf_token"].value
    for path in ("/namespaces/", "/namespaces/revoke/"):
        app.get(path, status=403)
        app.post(path, {"csrf_token": token, "name": "acme", "owners": "ann"}, status=403)
    app.reset()
    secret = new_token(index, new_user(index, "root", is_admin=True))
    app.authorization = ("Basic", ("__token__", secret))
    app.get("/namespaces/", status=303)


def test_a_form_from_elsewhere_changes_nothing(app: TestApp, root: str) -> None:
    app.post("/namespaces/", {"name": "acme", "owners": "root"}, status=400)
    assert shown(app) == []
