"""What every response tells a browser: by every route, and of every kind."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyramid.httpexceptions import HTTPNotAcceptable
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.headers import HSTS_HEADER, at_once_of
from pypi_lite.opening import migrate
from pypi_lite.settings import Settings, SettingsError
from tests.distributions.build import wheel
from tests.hardening.routes import address, routes
from tests.web.helpers import BROWSER, put

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ACCEPTS = ({}, BROWSER, {"Accept": "application/json"}, {"Accept": "image/png"})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """An index over https, told to stay there, with the project foo."""
    app = new_app(
        Settings(
            data=tmp_path_factory.mktemp("served"),
            url="https://index.test/",
            hsts=1000,
            reading="open",
        )
    )
    yield app
    app.app.registry["pypi_lite.index"].database.dispose()


def new_app(settings: Settings) -> TestApp:
    migrate(settings)
    application = make_app(settings)
    index = application.registry["pypi_lite.index"]
    put(index, wheel("foo", "1.0", description="![x](https://images.test/x.png)"))
    return TestApp(application)


def check(headers: Any, what: object) -> None:
    """The least that every response says, each of it once."""
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"):
        assert len(headers.getall(name)) == 1, (what, name)
    policy = [part.strip() for part in headers["Content-Security-Policy"].split(";")]
    assert "default-src 'none'" in policy, what
    assert "frame-ancestors 'none'" in policy, what
    assert "unsafe" not in str(policy), what
    assert headers["X-Content-Type-Options"] == "nosniff", what
    assert headers["Referrer-Policy"] in {"no-referrer", "same-origin", "strict-origin"}, what
    assert headers.getall(HSTS_HEADER) == ["max-age=1000"], what


def test_every_route_says_it(served: TestApp) -> None:
    """Whatever comes of it, twice: of pages, the second is the published one."""
    seen = set()
    for name, pattern in routes(served.app).items():
        for method in METHODS:
            for accept in ACCEPTS:
                for _ in range(2):
                    path = address(pattern)
                    answer = served.request(path, method=method, headers=accept, status="*")
                    check(answer.headers, (name, method, accept))
                    seen.add(answer.status_int)
    # The table is no empty one.
    assert {200, 301, 303, 400, 401, 404, 405, 406} <= seen


@pytest.mark.parametrize("path", ["/%ff", "/a%00b", "/nothing", "/simple/x/", "/login/?next=%ff"])
def test_what_leads_nowhere_says_it(served: TestApp, path: str) -> None:
    served.reset()  # WebTest itself has no cookies for an address that is no text
    check(served.get(path, status="*").headers, path)


def test_an_error_says_it(served: TestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr("pypi_lite.repository.namespaces.names", fail)
    answer = served.get("/simple/namespaces", status=500)
    check(answer.headers, 500)
    assert "fire" not in answer.text


def test_pyramids_own_errors_say_it(served: TestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise HTTPNotAcceptable

    monkeypatch.setattr("pypi_lite.repository.namespaces.names", fail)
    check(served.get("/simple/namespaces", status=406).headers, 406)


def test_a_hit_without_the_application_says_the_same(served: TestApp) -> None:
    at_once = at_once_of(served.app.registry)
    found = 0
    for path in ("/", "/simple/", "/simple/foo/", "/project/foo/", "/pypi/foo/json"):
        made = served.get(path)
        served.get(path)
        answer = at_once({"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": ""})
        assert answer is not None
        sent = {name.lower(): value for name, value in answer.headers}
        names = (HSTS_HEADER, "Content-Security-Policy", "Referrer-Policy")
        assert all(sent[name.lower()] == made.headers[name] for name in names)
        tag = made.headers["ETag"]
        again = at_once(
            {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": path,
                "QUERY_STRING": "",
                "HTTP_IF_NONE_MATCH": tag,
            }
        )
        assert again is not None
        assert again.code == 304
        same = served.get(path, headers={"If-None-Match": tag}, status=304).headers
        assert {name.lower() for name, _ in again.headers} == {name.lower() for name in same}
        found += 1
    assert found == 5


@pytest.mark.parametrize(
    ("url", "hsts", "value"),
    [
        ("https://index.test/", 60, "max-age=60"),
        ("https://index.test/", 0, ""),
        ("http://index.test/", 0, ""),
    ],
)
def test_browsers_are_kept_on_https_only_where_that_is_said(
    url: str, hsts: int, value: str
) -> None:
    assert Settings(url=url, hsts=hsts).hsts_value == value


# Pictures in descriptions


def images(app: TestApp, path: str) -> list[str]:
    policy = app.get(path).headers["Content-Security-Policy"]
    (found,) = [part.split() for part in policy.split(";") if part.split()[0] == "img-src"]
    return found[1:]


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("allow", ["https:", "data:"]),
        ("block", []),
        (
            "images.test, *.example.org:8443, http://lan",
            ["https://images.test", "https://*.example.org:8443", "http://lan"],
        ),
    ],
)
def test_descriptions_have_pictures_from_where_the_setting_says(
    tmp_path: Path, text: str, sources: list[str]
) -> None:
    settings = Settings.from_ini({"pypi_lite.description_images": text}, data=tmp_path)
    app = new_app(settings)
    for _ in range(2):
        assert images(app, "/project/foo/") == ["'self'", *sources]
        assert images(app, "/project/foo/1.0/") == ["'self'", *sources]
        assert images(app, "/") == ["'self'"]
        assert images(app, "/login/") == ["'self'"]
    # Browsers and nginx that know the page ask again where the setting has changed.
    other = replace(settings, description_images=("elsewhere.test",))
    assert settings.shaping_pages != other.shaping_pages
    # What nginx is told.
    told = (settings.cache_folder / "nginx-build.conf").read_text()
    assert f'pypi_lite_images {{ default "{" ".join(sources)}"; }}' in told
    app.app.registry["pypi_lite.index"].database.dispose()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "allow, block",
        "images.test allow",
        "*",
        "https:",
        "a.test;script-src *",
        'a.test"',
        "a.test/path",
        "'unsafe-inline'",
        "a.test$b",
        "javascript:x",
    ],
)
def test_pictures_come_from_hosts_alone(text: str) -> None:
    with pytest.raises(SettingsError, match="description_images"):
        Settings.from_ini({"pypi_lite.description_images": text})
