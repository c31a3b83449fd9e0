"""Errors that no view answers."""

from pathlib import Path

import pytest
from pyramid.request import Request
from pyramid.response import Response
from webtest import TestApp

from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.errors import factory
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.distributions.build import wheel
from tests.web.helpers import put

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
def test_a_fault_is_one_line_for_the_client_and_all_of_it_for_the_log(
    app: TestApp, index: Index, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A blob that somebody has taken away."""
    filename, content = wheel("foo", "1.0")
    put(index, (filename, content))
    url = app.get("/pypi/foo/json").json["urls"][0]["url"].removeprefix("http://index.test")
    for path in settings.blobs.rglob("*"):
        if path.is_file():
            path.unlink()
    answer = app.get(url, status=500)
    assert answer.content_type == "text/plain"
    assert answer.text.count("\n") == 1
    assert "Errno" not in answer.text
    assert str(settings.blobs) not in answer.text
    assert "FileNotFoundError" in caplog.text
    assert "Traceback" in caplog.text


@on_sqlite
def test_a_database_that_does_not_answer_is_503(
    app: TestApp, settings: Settings, database_url: str
) -> None:
    """Clients try again later."""
    path = Path(database_url.removeprefix("sqlite:///"))
    app.app.registry["pypi_lite.index"].database.dispose()
    path.write_bytes(b"")
    answer = app.get("/simple/foo/", status=503)
    assert answer.headers["Retry-After"]
    assert answer.content_type == "text/plain"
    assert "sqlite" not in answer.text.lower()


def test_a_change_that_is_refused_is_503(caplog: pytest.LogCaptureFixture) -> None:
    """A request's own session is committed when every view is done."""

    def handler(_request: object) -> Response:
        raise ChangeRefused("its pages could not be swept")

    answer = factory(handler, {})(Request.blank("/"))
    assert answer.status_int == 503
    assert answer.headers["Retry-After"]
    assert "not made" in answer.text
    assert "ChangeRefused" in caplog.text
