"""How the pages of programs are cached, here and by clients (K01-K08)."""

import gzip
from dataclasses import replace
from typing import Any

import pytest
from pyramid.request import Request
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.api.conftest import Shelf, cached, status_of
from tests.api.test_media import HTML, JSON
from tests.distributions.build import wheel
from tests.web.helpers import put

#: Each page of a project, and the lists that it stands in: address, accepted type.
PAGES = [
    ("/simple/foo-bar/", "text/html"),
    ("/simple/foo-bar/", HTML),
    ("/simple/foo-bar/", JSON),
    ("/pypi/foo-bar/json", "*/*"),
    ("/pypi/foo-bar/1.0/json", "*/*"),
    ("/simple/", "text/html"),
    ("/simple/", HTML),
    ("/simple/", JSON),
]
STORED, HIT = "fwd=uri-miss; stored", "hit"
GZIP = "gzip, deflate"


def get(app: TestApp, url: str, accept: str = "*/*", encoding: str = "", **keywords: Any) -> Any:
    headers = {"Accept": accept, "Accept-Encoding": encoding, **keywords.pop("headers", {})}
    return app.get(url, headers=headers, **keywords)


def raw(app: TestApp, url: str, accept: str, encoding: str) -> Any:
    """The answer as it is sent: WebTest unpacks what is compressed."""
    headers = {"Accept": accept, "Accept-Encoding": encoding}
    return Request.blank(url, headers=headers).get_response(app.app)


def test_the_first_request_makes_the_page_and_the_next_ones_find_it(
    app: TestApp, index: Index
) -> None:
    """K08: the serial that the upload was told is the one that each of its pages tells."""
    serial = put(index, wheel("Foo.Bar", "1.0")).serial
    for url, accept in PAGES:
        first = get(app, url, accept)
        assert status_of(first) == STORED
        hit = get(app, url, accept)
        assert status_of(hit) == HIT
        assert hit.body == first.body
        assert without_status(hit) == without_status(first)
        known = get(app, url, accept, headers={"If-None-Match": hit.headers["ETag"]}, status=304)
        assert status_of(known) == HIT
        # The root list's own last change is the project's beginning, which comes before its file.
        wanted = str(serial) if url != "/simple/" else str(serial - 2)
        assert {a.headers["X-PyPI-Last-Serial"] for a in (first, hit, known)} == {wanted}


def without_status(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "Cache-Status"}


@pytest.mark.parametrize(("url", "accept"), PAGES)
@pytest.mark.parametrize("encoding", ["", GZIP])
def test_a_page_is_revalidated_with_a_strong_tag(
    shelf: Shelf, url: str, accept: str, encoding: str
) -> None:
    """K01-K03: uv asks again with strong tags alone; the 304 repeats what RFC 9110 wants of it."""
    sent = get(shelf.app, url, accept, encoding)
    tag = sent.headers["ETag"]
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert sent.headers["Last-Modified"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = get(shelf.app, url, accept, encoding, headers={"If-None-Match": known}, status=304)
        assert answer.body == b""
        assert "Content-Length" not in answer.headers
        for name in ("ETag", "Cache-Control", "Vary", "Last-Modified"):
            assert answer.headers[name] == sent.headers[name]
    for unknown in ('"other"', tag.strip('"') + "x", ""):
        get(shelf.app, url, accept, encoding, headers={"If-None-Match": unknown}, status=200)


@pytest.mark.parametrize(("url", "accept"), PAGES)
@pytest.mark.parametrize("encoding", ["", GZIP])
def test_clients_ask_each_time(shelf: Shelf, url: str, accept: str, encoding: str) -> None:
    """K01, K04: pip and uv obey a max-age, and guess one where nothing is said."""
    for at in (url, f"{url}?a"):
        for _ in range(2):
            sent = get(shelf.app, at, accept, encoding)
            assert sent.headers["Cache-Control"] == "no-cache"
            assert "Expires" not in sent.headers


@pytest.mark.parametrize(("url", "accept"), PAGES)
def test_neither_user_agents_nor_cookies_choose_a_page(shelf: Shelf, url: str, accept: str) -> None:
    """C15: what pip and uv tell of themselves changes nothing, and is not asked for by Vary."""
    plain = get(shelf.app, url, accept)
    headers = {
        "User-Agent": 'pip/26.3 {"ci":null,"cpu":"x86_64","python":"3.13.0"}',
        "Cookie": "session=x",
        "Accept-Language": "fr",
        "Authorization": "Basic bm9ib2R5Og==",
    }
    other = get(shelf.app, url, accept, headers=headers)
    assert status_of(other) == HIT
    assert other.body == plain.body
    assert without_status(other) == without_status(plain)
    varied = {name.strip() for name in other.headers["Vary"].split(",")}
    assert varied <= {"Accept", "Accept-Encoding"}


def test_a_date_alone_is_not_enough_for_a_304(shelf: Shelf) -> None:
    """K04: two changes may come within one second."""
    moment = get(shelf.app, "/simple/foo-bar/").headers["Last-Modified"]
    get(shelf.app, "/simple/foo-bar/", headers={"If-Modified-Since": moment}, status=200)


def test_no_two_representations_share_a_tag(shelf: Shelf) -> None:
    """K03."""
    pages = [*PAGES, ("/simple/other/", "text/html"), ("/simple/other/", JSON)]
    sent = [get(shelf.app, url, accept, e) for url, accept in pages for e in ("", GZIP)]
    assert len({(a.request.path, a.headers["ETag"]) for a in sent}) == 2 * len(pages)
    per_page = {}
    for answer in sent:
        per_page.setdefault(answer.request.path, set()).add(answer.headers["ETag"])
    assert len(per_page["/simple/foo-bar/"]) == 6


@pytest.mark.parametrize(("url", "accept"), PAGES)
def test_the_compressed_page_is_the_page(shelf: Shelf, url: str, accept: str) -> None:
    """K07."""
    plain, packed = raw(shelf.app, url, accept, "identity"), raw(shelf.app, url, accept, GZIP)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert int(packed.headers["Content-Length"]) == len(packed.body)
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", True),
        ("gzip, deflate, zstd", True),
        ("deflate", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("identity, gzip;q=0.5", False),
    ],
)
def test_a_page_is_compressed_for_who_likes_it(shelf: Shelf, encoding: str, packed: bool) -> None:
    answer = raw(shelf.app, "/simple/foo-bar/", JSON, encoding)
    assert answer.headers.get("Content-Encoding") == ("gzip" if packed else None)


def test_a_query_goes_past_the_cache(app: TestApp, index: Index, settings: Settings) -> None:
    put(index, wheel("Foo.Bar", "1.0"))
    for url in ("/simple/?a=b", "/simple/foo-bar/?a=b", "/pypi/foo-bar/json?a=b"):
        answer = get(app, url)
        assert status_of(answer) == "fwd=bypass; detail=query"
    assert cached(settings) == []


def test_with_the_cache_off_all_is_the_same(settings: Settings, index: Index) -> None:
    """Bytes, validators and headers, so that switching it off changes nothing for anybody."""
    put(index, wheel("Foo.Bar", "1.0"))
    on = make_app(settings)
    off = make_app(replace(settings, cache=False))
    for url, accept in PAGES:
        for encoding in ("", GZIP):
            made, hit, answer = (raw(TestApp(app), url, accept, encoding) for app in (on, on, off))
            assert status_of(answer) == "fwd=bypass; detail=off"
            assert answer.body == made.body == hit.body
            for sent in (answer, made, hit):
                del sent.headers["Cache-Status"]
            assert dict(answer.headers) == dict(made.headers) == dict(hit.headers)
            known = {"If-None-Match": answer.headers["ETag"]}
            get(TestApp(off), url, accept, encoding, headers=known, status=304)
    for application in (on, off):
        application.registry["pypi_lite.index"].database.dispose()


def test_a_flood_of_unknown_names_leaves_nothing_behind(app: TestApp, settings: Settings) -> None:
    for number in range(30):
        for url in (f"/simple/x{number}/", f"/pypi/x{number}/json", f"/pypi/x{number}/1.0/json"):
            assert status_of(get(app, url, status=404)) == "fwd=uri-miss"
    for url in ("/simple/Foo/", "/simple/foo", "/pypi/Foo/json", "/simple/" + "x" * 4000 + "/"):
        get(app, url, status="*")
    get(app, "/simple/foo/", "image/png", status=406)
    left = [p for p in settings.cache_folder.rglob("*") if "pages" in p.parts or "holds" in p.parts]
    assert {p.name for p in left} <= {"pages", "project", "holds"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_large_page_is_sent_from_its_file(app: TestApp, index: Index, method: str) -> None:
    """More than what is read into memory at once."""
    for number in range(8):
        put(index, wheel("foo", f"1.{number}", requires_python=",".join([">=3.9"] * 4000)))
    first = get(app, "/simple/foo/", JSON)
    assert len(first.body) > 128 * 1024
    hit = app.request("/simple/foo/", method=method, headers={"Accept": JSON})
    assert status_of(hit) == HIT
    assert hit.body == (first.body if method == "GET" else b"")
    assert hit.headers["Content-Length"] == first.headers["Content-Length"]
