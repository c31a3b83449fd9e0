"""What is not found, and who is told in which way."""

import pytest
from webtest import TestApp

from pypi_lite.models import Scope
from pypi_lite.repository import Index
from tests.conftest import new_token
from tests.web.helpers import BROWSER, addresses, below_index, log_in

PIP = {"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.01"}


@pytest.mark.parametrize("path", ["/nothing", "/nothing/", "/a/b/c/d", "/project/", "/static/x/y"])
def test_a_browser_gets_a_page(app: TestApp, path: str) -> None:
    page = app.get(path, headers=BROWSER, status=404)
    assert page.content_type == "text/html"
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in page.headers
    for address in addresses(page):
        if not address.startswith("#"):
            assert app.get(below_index(page, address), status="*").status_int < 400


@pytest.mark.parametrize("path", ["/nothing", "/simple/a/b/c", "/files/x", "/pypi/", "/legacy/x"])
@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, PIP])
def test_a_program_gets_a_line(app: TestApp, path: str, headers: dict[str, str]) -> None:
    if headers is PIP and path == "/nothing":
        return  # nobody else asks so
    answer = app.get(path, headers=headers, status=404)
    assert answer.content_type == "text/plain"
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize("path", ["/simple/a/b/c", "/files/x", "/pypi/x", "/legacy/"])
def test_the_addresses_of_programs_never_answer_with_a_page(app: TestApp, path: str) -> None:
    assert app.get(path, headers=BROWSER, status=404).content_type == "text/plain"


@pytest.mark.parametrize("path", ["/%ff", "/project/%ff/", "/login/?next=%ff", "/simple/%ff/"])
@pytest.mark.parametrize("headers", [{}, BROWSER])
def test_an_address_that_is_no_text(app: TestApp, path: str, headers: dict[str, str]) -> None:
    assert app.get(path, headers=headers, status=400).text == "The address is not UTF-8.\n"


def test_a_person_is_told_who_may(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    page = app.get("/admin/people/", headers=BROWSER, status=403)
    assert page.html.h1.get_text() == "You may not do that"
    assert "ann" in page.html.main.get_text()
    assert page.headers["Cache-Control"] == "no-store"
    plain = app.get("/admin/people/", headers={"Accept": "text/plain"}, status=403)
    assert plain.text == "You may not do that.\n"
    program = TestApp(app.app)
    program.authorization = ("Basic", ("__token__", new_token(index, ann, Scope.UPLOAD)))
    assert program.get("/admin/people/").location.startswith("http://localhost/login/")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_pages_are_only_read(app: TestApp, method: str) -> None:
    answer = app.request("/project/foo/", method=method, status=404)
    assert answer.text == "There is nothing here.\n"


def test_the_address_is_not_markup(app: TestApp) -> None:
    for headers in (BROWSER, {}):
        answer = app.get("/<script>alert(1)</script>", headers=headers, status=404)
        assert answer.content_type == "text/plain" or "<script>alert" not in answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
