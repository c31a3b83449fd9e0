"""Addresses that try to lead elsewhere: out of a folder, to another host, into another header."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.people import create_user
from pypi_lite.opening import FORM_SECRET, migrate
from pypi_lite.repository import changes
from pypi_lite.settings import Settings
from pypi_lite.web.session import is_local
from tests.api.forms import CLIENTS, post
from tests.conftest import PASSWORD, acting, new_token
from tests.distributions.build import wheel
from tests.hardening.routes import address, parts, routes
from tests.web.helpers import log_in, put

#: What a part of an address might be, as it is sent.
PARTS = (
    *("%2e%2e", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2fsession-secret", "..%5c..%5cx", "%2e"),
    *(
        "%2fetc%2fpasswd",
        "c%3a%5cx",
        "foo%00",
        "%00",
        "foo%0d%0aX-Injected:%201",
        "%c0%ae%c0%ae%c0%af",
    ),
    *("%e0%80%ae", "foo%2f..%2ffoo", "foo%20", "%7e", "-", "foo%ff", "%f0%9f%92%a9", "a" * 3000),
    *(
        "%25%32%65%25%32%65",
        "foo;x",
        "foo%3fx=y",
        "foo%23x",
        "*",
        "con",
        "foo.",
        ".foo",
        "%e2%80%ae",
    ),
)
#: Addresses that are of another host to some reader.
ELSEWHERE = (
    *(
        "//evil.test/",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
    ),
    *("https://evil.test/", "HTTPS:evil.test", "javascript:alert(1)", "//evil.test@index.test/"),
    *("http:/evil.test", "/\r\nSet-Cookie: x=y", " //evil.test", "/ /evil.test"),
    *("/\x00/evil.test", "/\u2028//evil.test", "/é", "", ".", "evil.test", "?x"),
)
HOSTS = ("evil.test", "evil.test:8080", "[2001:db8::1]:8080", "index.test.evil.test")
NO_HOSTS = (
    *("evil.test/x", "evil.test?x", "a@evil.test", "evil.test#x", "evil test", "evil.test, x", ""),
    *("evil.test:port", "evil.test:999999", "<script>", "[::1", "evil.test\\x", "\u00e9vil.test"),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """An index with the project foo, and an administrator ann."""
    settings = Settings(
        data=tmp_path_factory.mktemp("served"), url="http://index.test/", reading="open"
    )
    migrate(settings)
    application = make_app(settings)
    index = application.registry["pypi_lite.index"]
    put(index, wheel("foo", "1.0"))
    with index.database.write() as session:
        create_user(session, "ann", password=PASSWORD, is_admin=True, by=acting("test"))
    yield TestApp(application)
    index.database.dispose()


@pytest.fixture
def app(served: TestApp) -> TestApp:
    """Without cookies: WebTest has none for an address that is no text."""
    served.reset()
    return served


def test_no_part_of_an_address_leads_out_of_it(app: TestApp) -> None:
    """By every route, in each of its parts, for each method that reads or changes."""
    secret = (app.app.registry["pypi_lite.settings"].data / FORM_SECRET).read_text()
    asked = 0
    for name, pattern in routes(app.app).items():
        for part in parts(pattern):
            for value in PARTS:
                path = address(pattern, **{part: value})
                answer = app.get(path, status="*")
                what = (name, path, answer.status)
                assert answer.status_int in {200, 301, 303, 400, 401, 403, 404, 405, 406}, what
                assert "root:" not in answer.text, what
                assert secret not in answer.text, what
                assert "X-Injected" not in answer.headers, what
                if answer.status_int == 200:
                    # Static files alone have a part that is for browsers' caches only.
                    assert (name, part) == ("web.static", "digest"), what
                asked += 1
    assert asked > 500


@pytest.mark.parametrize("host", HOSTS)
def test_every_redirect_leads_to_the_host_that_was_asked(app: TestApp, host: str) -> None:
    """Whatever else a request says about hosts. X-Forwarded-* is the server's to believe, or not."""
    headers = {
        "Host": host,
        "X-Forwarded-Host": "other.test",
        "Forwarded": "host=other.test",
        "X-Original-URL": "//other.test/",
        "X-Rewrite-URL": "//other.test/",
        "Referer": "http://other.test/",
    }
    found = 0
    for pattern in routes(app.app).values():
        for value in ("Foo", "//other.test", "foo"):
            path = address(pattern, name=value, path=f"/other.test/{value}")
            for asked in (path, path.rstrip("/"), f"{path}?next=//other.test&x=http://other.test"):
                answer = app.get(asked or "/", headers=headers, status="*")
                if answer.location is None:
                    continue
                found += 1
                assert urlsplit(answer.location)[:2] == ("http", host), (asked, answer.location)
                assert urlsplit(answer.location).path[:2] != "//", (asked, answer.location)
    assert found > 10


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_is_no_host_is_refused(app: TestApp, host: str) -> None:
    answer = app.get("/simple", extra_environ={"HTTP_HOST": host}, status=400)
    assert answer.location is None
    assert host == "" or host not in answer.text


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_logging_in_leads_nowhere_else(app: TestApp, wanted: str) -> None:
    assert not is_local(wanted)
    page = app.get("/login/", {"next": wanted})
    page.form["name"], page.form["password"] = "ann", PASSWORD
    page.form["next"].force_value(wanted)
    answer = page.form.submit(status=303)
    assert answer.location == "http://localhost/account/"
    # And with a session already.
    assert app.get("/login/", {"next": wanted}, status=303).location == "http://localhost/account/"
    assert answer.headers.getall("Set-Cookie") == [
        value for value in answer.headers.getall("Set-Cookie") if value.startswith("pypi_lite=")
    ]


def test_logging_in_leads_on_within_the_index(app: TestApp) -> None:
    log_in(app, "ann")
    for wanted in ("/", "/upload/", "/manage/foo/", "/manage/x%2f%2fy/"):
        answer = app.get("/login/", {"next": wanted}, status=303)
        assert answer.location == f"http://localhost{wanted}"


# Values that reach a header

INJECTED = (
    "x\r\nX-Injected: 1",
    "x\nX-Injected: 1",
    "x\rX-Injected: 1",
    "\u2028X",
    "h\u00e9\U0001f4a9",
)


@pytest.mark.parametrize("value", INJECTED)
def test_a_reason_phrase_is_one_line_of_latin_1(app: TestApp, value: str) -> None:
    """A refusal of an upload says why in its first line, with what the form says."""
    index = app.app.registry["pypi_lite.index"]
    token = new_token(index, "ann")
    file = wheel("bar", "1.0")
    form = CLIENTS["twine"](file)
    for changed in (
        form.having(name=value),
        form.having(version=value),
        form.having(filetype=value),
        form.having(action=value),
        form.having(pyversion=value).having(name=value),
        form.holding((quote(value), file[1])),
    ):
        answer = post(app, changed, token, status="*")
        assert 400 <= answer.status_int < 500, answer.status
        check_lines(answer)


@pytest.mark.parametrize("value", INJECTED)
def test_no_value_of_an_address_ends_a_header(app: TestApp, value: str) -> None:
    text = quote(value)
    for path in (
        *(
            f"/simple/Foo?{text}",
            f"/simple/Foo?x={text}",
            f"/simple/{text}",
            f"/project/Foo/?{text}",
        ),
        *(
            f"/project/foo/1.00/?{text}",
            f"/project/foo/{text}/",
            f"/packages/{text}",
            f"/files/{text}",
        ),
        *(
            f"/manage/{text}/",
            f"/login/?next={text}",
            f"/simple/namespace/{text}",
            f"/api/files/{text}",
        ),
    ):
        check_lines(app.get(path, status="*"))


def test_no_reason_ends_a_header(app: TestApp) -> None:
    index = app.app.registry["pypi_lite.index"]
    with index.database.write() as session:
        changes.yank(session, OPERATOR, "foo", "1.0", "h\u00e9\U0001f4a9 <x>")
    for path in ("/simple/foo/", "/pypi/foo/json", "/project/foo/", "/api/projects/foo"):
        check_lines(app.get(path))
    with index.database.write() as session:
        changes.unyank(session, OPERATOR, "foo", "1.0")


def check_lines(answer: Any) -> None:
    assert "X-Injected" not in answer.headers
    for text in (answer.status, *(value for header in answer.headerlist for value in header)):
        assert text.isprintable(), repr(text)
        text.encode("latin-1")
