"""Which representation of a simple page a client gets (N01-N06)."""

from typing import Any

import pytest
from pyramid.request import Request
from webtest import TestApp

from pypi_lite.api.media import Media, choose
from tests.api.conftest import Shelf

HTML, JSON = "application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+json"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
#: What each real client sends (N02).
CLIENTS = {
    "pip": (f"{JSON}, {HTML}; q=0.1, text/html; q=0.01", Media.JSON),
    "uv": (f"{JSON}, {HTML};q=0.2, text/html;q=0.01", Media.JSON),
    "poetry": (f"{JSON}, */*;q=0.1", Media.JSON),
    "hatch": ("*/*", Media.TEXT_HTML),
    "bandersnatch": (JSON, Media.JSON),
    "browser": (BROWSER, Media.TEXT_HTML),
    "curl": ("*/*", Media.TEXT_HTML),
    "an old pip": ("text/html", Media.TEXT_HTML),
}


def chosen(accept: str | None, url: str = "/simple/") -> Media | None:
    headers = {} if accept is None else {"Accept": accept}
    return choose(Request.blank(url, headers=headers).environ)


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_gets_what_it_prefers(client: str) -> None:
    """N02."""
    accept, media = CLIENTS[client]
    assert chosen(accept) is media


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (f"{JSON};q=0.1, {HTML};q=0.9", Media.HTML),
        (f"{JSON};q=0.5, text/html;q=0.6", Media.TEXT_HTML),
        (f"{JSON};q=0, text/html;q=0.1", Media.TEXT_HTML),
        (f"{JSON};q=0, */*", Media.TEXT_HTML),
        ("text/html;q=0, */*", Media.HTML),
        ("application/*", Media.HTML),
        ("text/*;q=0.1, application/*;q=0.2", Media.HTML),
        (JSON.upper(), Media.JSON),
        ("application/json, " + JSON, Media.JSON),
    ],
)
def test_quality_values_decide(accept: str, media: Media) -> None:
    """N02."""
    assert chosen(accept) is media


@pytest.mark.parametrize("accept", [None, "", "*/*"])
def test_without_a_preference_it_is_html(accept: str | None) -> None:
    """N03."""
    assert chosen(accept) is Media.TEXT_HTML


@pytest.mark.parametrize("accept", ["nonsense", "text/html;;;q=", "a/b/c", "text/html;q=7"])
def test_a_malformed_header_is_as_good_as_none(accept: str) -> None:
    """N04: RFC 9110, 12.5.1 lets a server disregard it."""
    assert chosen(accept) is Media.TEXT_HTML


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/vnd.pypi.simple.latest+json", Media.JSON),
        ("application/vnd.pypi.simple.latest+html", Media.HTML),
        (f"application/vnd.pypi.simple.latest+json;q=0.1, {HTML};q=0.9", Media.HTML),
    ],
)
def test_the_latest_version_is_answered_as_the_version_that_it_is(
    shelf: Shelf, accept: str, media: Media
) -> None:
    """N04."""
    answer = shelf.app.get("/simple/foo-bar/", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == media.value


@pytest.mark.parametrize("url", ["/simple/", "/simple/foo-bar/"])
@pytest.mark.parametrize(
    "accept",
    [
        *("image/png", "application/json", "application/xml;q=0.5"),
        "application/vnd.pypi.simple.v2+json",
    ],
)
def test_nothing_acceptable_is_406(shelf: Shelf, url: str, accept: str) -> None:
    """N05."""
    answer = shelf.app.get(url, headers={"Accept": accept}, status=406)
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("url", ["/simple/", "/simple/foo-bar/"])
@pytest.mark.parametrize("media", Media)
def test_the_content_type_is_always_one_that_installers_know(
    shelf: Shelf, url: str, media: Media
) -> None:
    """N01: pip and pdm compare its beginning, uv and poetry what comes before the semicolon."""
    answer = shelf.app.get(url, headers={"Accept": media.value})
    assert answer.headers["Content-Type"].split(";")[0] == media.value
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("media", Media)
def test_format_beats_the_header(shelf: Shelf, media: Media) -> None:
    """N06."""
    params: Any = {"format": media.value}
    answer = shelf.app.get("/simple/foo-bar/", params, headers={"Accept": "image/png"})
    assert answer.headers["Content-Type"] == media.content_type
    latest = params["format"].replace(".v1+", ".latest+")
    assert shelf.app.get("/simple/", {"format": latest}).content_type == media.value


@pytest.mark.parametrize("wanted", ["json", "", "*/*", "image/png", f"{JSON};q=1"])
def test_an_unknown_format_is_406(shelf: Shelf, wanted: str) -> None:
    """N06: one exact type, and nothing that would have to be negotiated."""
    shelf.app.get("/simple/foo-bar/", {"format": wanted}, status=406)


def test_other_parameters_choose_nothing(shelf: Shelf) -> None:
    app: TestApp = shelf.app
    answer = app.get("/simple/foo-bar/?a=b&Format=json", headers={"Accept": JSON})
    assert answer.content_type == JSON
