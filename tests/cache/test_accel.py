"""What the application answers nginx that is ready to send. deploy/ is tested with a real one."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.cache.accel import Place
from pypi_lite.settings import Settings
from tests.api.test_files import url_of
from tests.distributions.build import wheel
from tests.web.helpers import put

FILE = wheel("foo", "1.0")
ALL, FILES = {"X-Pypi-Lite-Accel": "all"}, {"X-Pypi-Lite-Accel": "files"}


@pytest.fixture
def accelerated(settings: Settings) -> Iterator[TestApp]:
    """The application behind nginx, with a file."""
    yield from _serving(replace(settings, accel=True))


@pytest.fixture
def alone(settings: Settings) -> Iterator[TestApp]:
    """The application with nothing in front, with a file."""
    yield from _serving(settings)


def _serving(settings: Settings) -> Iterator[TestApp]:
    application = make_app(settings)
    index = application.registry["pypi_lite.index"]
    put(index, FILE)
    yield TestApp(application)
    index.database.dispose()


def test_a_published_page_is_left_to_nginx(accelerated: TestApp, settings: Settings) -> None:
    made = accelerated.get("/simple/foo/", headers=ALL)
    assert made.headers["Cache-Status"] == "pypi_lite; fwd=uri-miss; stored"
    assert made.body
    answer = accelerated.get("/simple/foo/", headers=ALL)
    location = answer.headers["X-Accel-Redirect"]
    assert location.startswith(Place.PAGES)
    file = settings.cache_folder / "pages" / location.removeprefix(Place.PAGES)
    assert file.read_bytes() == made.body
    assert answer.body == b""
    assert answer.headers["Cache-Status"] == "pypi_lite; hit"
    assert answer.headers["Content-Type"] == made.headers["Content-Type"]
    assert answer.headers["Content-Security-Policy"] == made.headers["Content-Security-Policy"]
    # What nginx would send twice, were it to ask again for want of the file.
    assert "Cache-Control" not in answer.headers


def test_a_file_is_left_to_nginx(accelerated: TestApp, settings: Settings) -> None:
    plain = accelerated.get(url_of(FILE)).headers
    for headers, place in ((FILES, Place.WHOLE), ({**ALL, "Range": "bytes=1-2"}, Place.PART)):
        answer = accelerated.get(url_of(FILE), headers=headers, status=200)
        location = answer.headers["X-Accel-Redirect"]
        assert location.startswith(place)
        assert (settings.blobs / location.removeprefix(place)).read_bytes() == FILE[1]
        assert answer.body == b""
        for header in "ETag", "Content-Type", "Content-Disposition", "Cache-Control":
            assert answer.headers[header] == plain[header]
    accelerated.get(url_of(FILE), headers={**ALL, "Range": "bytes=9999999-"}, status=416)


@pytest.mark.parametrize("condition", ["If-None-Match", "If-Match", "If-Unmodified-Since"], ids=str)
def test_conditions_are_judged_by_the_application(accelerated: TestApp, condition: str) -> None:
    for url in "/simple/foo/", url_of(FILE):
        for _ in range(2):
            answer = accelerated.get(url, headers={**ALL, condition: '"other"'}, status=200)
            assert "X-Accel-Redirect" not in answer.headers
            assert answer.body


def test_only_what_nginx_asks_for_is_left_to_it(accelerated: TestApp, alone: TestApp) -> None:
    for app, headers in (
        (accelerated, {}),
        (accelerated, {"X-Pypi-Lite-Accel": "none"}),
        (accelerated, FILES),  # no page
        (alone, ALL),
    ):
        for url in "/simple/foo/", *(() if headers is FILES else (url_of(FILE),)):
            for _ in range(2):
                answer = app.get(url, headers=headers)
                assert "X-Accel-Redirect" not in answer.headers
                assert answer.body
