"""The simple API's documents: what stands in them (S01-S23, H01-H12), and at which addresses (N08-N11)."""

import hashlib
import html
import json
import re
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin

import pytest

from pypi_lite.models import now
from tests.api.conftest import (
    DELETED,
    LOCAL,
    OLD_SDIST,
    SDIST,
    WHEEL,
    YANKED,
    YANKED_WITHOUT_REASON,
    Shelf,
)
from tests.api.test_media import HTML, JSON
from tests.web.helpers import ATTACK

PAGE = "/simple/foo-bar/"
_ANCHOR = re.compile(r"<a [^>]+>([^<]+)</a>")


def get_json(shelf: Shelf, url: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shelf.app.get(url, headers={"Accept": JSON}).body)
    return document


def files_of(shelf: Shelf) -> dict[str, dict[str, Any]]:
    return {file["filename"]: file for file in get_json(shelf, PAGE)["files"]}


def get_html(shelf: Shelf, url: str, accept: str = "text/html") -> str:
    return str(shelf.app.get(url, headers={"Accept": accept}).body.decode())


def anchors(page: str) -> dict[str, dict[str, str | None]]:
    """The attributes of each anchor, by its text."""

    class Parser(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: dict[str, dict[str, str | None]] = {}
            self.open: dict[str, str | None] | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert len(attrs) == len(dict(attrs))
            self.open = dict(attrs) if tag == "a" else None

        def handle_data(self, data: str) -> None:
            if self.open is not None:
                self.found[data] = self.open
                self.open = None

    parser = Parser()
    parser.feed(page)
    return parser.found


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(nulls(v) for v in value.values())
    return any(nulls(v) for v in value) if isinstance(value, list) else value is None


def test_every_document_tells_its_version(shelf: Shelf) -> None:
    """S01, S02, H01, H12: 1.4 is what is implemented; HTML has no other (PEP 833)."""
    for url in ("/simple/", PAGE):
        assert get_json(shelf, url)["meta"] == {"api-version": "1.4"}
        for accept in ("text/html", HTML):
            page = get_html(shelf, url, accept)
            assert page.startswith("<!DOCTYPE html>")
            assert '<meta name="pypi:repository-version" content="1.4">' in page
            assert "pypi:tracks" not in page
            assert "alternate-locations" not in page


def test_the_root_list_names_every_project(shelf: Shelf) -> None:
    """S03, H02: poetry takes a link's address, without slashes, for the name."""
    assert get_json(shelf, "/simple/")["projects"] == [{"name": "Foo.Bar"}, {"name": "other"}]
    found = anchors(get_html(shelf, "/simple/"))
    assert {text: a["href"] for text, a in found.items()} == {
        "Foo.Bar": "foo-bar/",
        "other": "other/",
    }
    for attributes in found.values():
        shelf.app.get(urljoin("/simple/", attributes["href"]), status=200)


def test_a_project_has_the_keys_that_clients_cannot_do_without(shelf: Shelf) -> None:
    """S04, S05, S06, S19: each file's version is listed; a version may have no files."""
    document = get_json(shelf, PAGE)
    assert set(document) == {"meta", "name", "files", "versions", "project-status"}
    assert document["name"] == "foo-bar"
    assert document["project-status"] == {"status": "active"}
    assert document["versions"] == ["0.1", "1.0", "2.0", "3.0", "4.0rc1", "5.0+local.1"]
    assert DELETED[0] not in files_of(shelf)
    for file in document["files"]:
        assert set(file) >= {"filename", "url", "hashes", "size"}


def test_no_value_is_null(shelf: Shelf) -> None:
    """S07: uv refuses the whole page for a null."""
    for url in ("/simple/", PAGE, "/simple/other/"):
        assert not nulls(get_json(shelf, url))


def test_hashes_are_sha256_alone(shelf: Shelf) -> None:
    """S08, S09: pip and uv refuse what they don't know, and digests of another length."""
    files = files_of(shelf)
    for name, content in (WHEEL, SDIST, OLD_SDIST, LOCAL):
        assert files[name]["hashes"] == {"sha256": hashlib.sha256(content).hexdigest()}
        assert files[name]["size"] == len(content)


def test_requires_python_is_raw_in_json_and_escaped_in_html(shelf: Shelf) -> None:
    """S10, H05."""
    files = files_of(shelf)
    assert files[WHEEL[0]]["requires-python"] == ">=3.8,<4"
    assert "requires-python" not in files[YANKED[0]]
    page = get_html(shelf, PAGE)
    assert 'data-requires-python="&gt;=3.8,&lt;4"' in page
    found = anchors(page)
    assert found[WHEEL[0]]["data-requires-python"] == ">=3.8,<4"
    assert "data-requires-python" not in found[YANKED[0]]


def test_upload_times_are_in_utc_with_a_z(shelf: Shelf) -> None:
    """S16."""
    for file in files_of(shelf).values():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", file["upload-time"])
        moment = datetime.fromisoformat(file["upload-time"])
        assert moment.tzinfo == timezone.utc  # noqa: UP017
        assert timedelta(0) <= now() - moment < timedelta(hours=1)


def test_yanked_is_false_true_or_a_reason(shelf: Shelf) -> None:
    """S15, H06."""
    files = files_of(shelf)
    assert files[WHEEL[0]]["yanked"] is False
    assert files[YANKED_WITHOUT_REASON[0]]["yanked"] is True
    assert files[YANKED[0]]["yanked"] == files[OLD_SDIST[0]]["yanked"] == ATTACK
    found = anchors(get_html(shelf, PAGE))
    assert "data-yanked" not in found[WHEEL[0]]
    assert found[YANKED_WITHOUT_REASON[0]]["data-yanked"] == ""
    assert found[YANKED[0]]["data-yanked"] == ATTACK


def test_a_yanks_reason_is_text_and_never_markup(shelf: Shelf) -> None:
    """H05."""
    for accept in ("text/html", HTML):
        page = get_html(shelf, PAGE, accept)
        assert "<script" not in page
        assert "<img" not in page
        assert html.escape(ATTACK).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page


def test_links_lead_to_the_files(shelf: Shelf) -> None:
    """S21, S22, D08: relative, below the same host, the last part of the path is the filename."""
    for file in files_of(shelf).values():
        assert file["url"].startswith("../../files/")
        assert unquote(file["url"].rsplit("/", 1)[1]) == file["filename"]
        body = shelf.app.get(urljoin(PAGE, file["url"])).body
        assert hashlib.sha256(body).hexdigest() == file["hashes"]["sha256"]


def test_the_metadata_beside_a_file_have_the_hash_that_the_page_says(shelf: Shelf) -> None:
    """S11-S14, D01: under both names; pip and uv fail where it is another."""
    files = files_of(shelf)
    for name in (WHEEL[0], SDIST[0], YANKED[0], LOCAL[0]):
        entry = files[name]
        body = shelf.app.get(urljoin(PAGE, entry["url"] + ".metadata")).body
        wanted = {"sha256": hashlib.sha256(body).hexdigest()}
        assert entry["core-metadata"] == wanted
        assert entry["data-dist-info-metadata"] == wanted
        assert "dist-info-metadata" not in entry  # pip 22.3 fails with it
        assert b"Name: " in body


def test_metadata_that_are_not_served_are_not_promised(shelf: Shelf) -> None:
    """S11: absent, and in HTML not "false", which pip takes for a promise (H07)."""
    entry = files_of(shelf)[OLD_SDIST[0]]
    assert not [key for key in entry if "metadata" in key]
    shelf.app.get(urljoin(PAGE, entry["url"] + ".metadata"), status=404)
    attributes = anchors(get_html(shelf, PAGE))[OLD_SDIST[0]]
    assert not [name for name in attributes if "metadata" in name]


def test_html_has_one_anchor_a_file_and_a_line(shelf: Shelf) -> None:
    """H03, H11: hatch reads the page with a regular expression."""
    files = files_of(shelf)
    for accept in ("text/html", HTML):
        page = get_html(shelf, PAGE, accept)
        lines = [line for line in page.splitlines() if "<a" in line]
        assert [_ANCHOR.search(line)[1] for line in lines] == list(files)  # type: ignore[index]
        assert page.count("<a ") == page.count("href=") == len(files)


def test_html_says_the_same_as_json(shelf: Shelf) -> None:
    """H03, H04, H07: text, last part of the address and filename are one; the hash goes along."""
    found = anchors(get_html(shelf, PAGE))
    for name, file in files_of(shelf).items():
        attributes = found[name]
        address, fragment = str(attributes["href"]).split("#")
        assert address == file["url"]
        assert address.rsplit("/", 1)[1] == name
        assert fragment == f"sha256={file['hashes']['sha256']}"
        if "core-metadata" in file:
            wanted = f"sha256={file['core-metadata']['sha256']}"
            assert attributes["data-core-metadata"] == wanted
            assert attributes["data-dist-info-metadata"] == wanted


def test_html_is_utf_8_with_nothing_to_run(shelf: Shelf) -> None:
    """H01."""
    answer = shelf.app.get(PAGE, headers={"Accept": "text/html"})
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert '<meta name="pypi:project-status" content="active">' in answer.text


@pytest.mark.parametrize("media", ["text/html", HTML, JSON])
def test_a_page_is_the_same_wherever_the_index_stands(shelf: Shelf, media: str) -> None:
    """Links are relative, so that bytes and tags know neither host, nor scheme, nor prefix."""
    for url in ("/simple/", PAGE):
        plain = shelf.app.get(url, headers={"Accept": media})
        environ = {
            "SCRIPT_NAME": "/a/prefix",
            "wsgi.url_scheme": "https",
            "HTTP_HOST": "other.test",
        }
        for at in (url, url + "?x=1"):
            other = shelf.app.get(at, headers={"Accept": media}, extra_environ=environ)
            assert other.body == plain.body
            assert other.headers["ETag"] == plain.headers["ETag"]


@pytest.mark.parametrize("media", ["text/html", HTML, JSON])
@pytest.mark.parametrize("url", ["/simple/", PAGE, PAGE + "?query"])
def test_head_is_get_without_the_body(shelf: Shelf, url: str, media: str) -> None:
    got = shelf.app.get(url, headers={"Accept": media})
    got = shelf.app.get(url, headers={"Accept": media})  # both from the cache, if at all
    head = shelf.app.head(url, headers={"Accept": media})
    assert head.body == b""
    assert dict(head.headers) == dict(got.headers)
    assert int(head.headers["Content-Length"]) == len(got.body)


@pytest.mark.parametrize("asked", ["/simple/Foo.Bar", "/simple/foo_bar", "/simple/FOO---BAR"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_other_spellings_are_redirected_to_the_canonical_address(
    shelf: Shelf, asked: str, slash: str
) -> None:
    """N08: with the query, and without asking whether there is such a project."""
    moved = shelf.app.get(f"{asked}{slash}?a=b%20c&d", status=301)
    assert moved.location == "http://localhost/simple/foo-bar/?a=b%20c&d"
    assert shelf.app.get(asked + slash, status=301).location == "http://localhost" + PAGE


def test_a_missing_slash_is_added(shelf: Shelf) -> None:
    """N08, N09: the redirect keeps scheme, host and prefix as the client sees them."""
    assert shelf.app.get("/simple", status=301).location == "http://localhost/simple/"
    assert shelf.app.get("/simple?a", status=301).location == "http://localhost/simple/?a"
    environ = {"SCRIPT_NAME": "/pre", "wsgi.url_scheme": "https", "HTTP_HOST": "pkg.test"}
    moved = shelf.app.get("/simple/foo-bar", extra_environ=environ, status=301)
    assert moved.location == "https://pkg.test/pre" + PAGE


def test_a_name_that_is_percent_encoded_is_the_name(shelf: Shelf) -> None:
    assert shelf.app.get("/simple/foo%2Dbar/", status=200).body == shelf.app.get(PAGE).body


@pytest.mark.parametrize("accept", ["text/html", JSON, "*/*"])
def test_an_unknown_project_is_404_in_a_line_of_text(shelf: Shelf, accept: str) -> None:
    """N11: uv goes on to the next index for a 404 only."""
    answer = shelf.app.get("/simple/no-such-thing/", headers={"Accept": accept}, status=404)
    assert answer.content_type == "text/plain"
    assert "no-such-thing" in answer.text
    assert "ETag" not in answer.headers


@pytest.mark.parametrize(
    "name", ["-foo", "foo-", "f%C3%B6%C3%B6", "foo%00", "foo%0A", "a%2F..%2Fb", "a%20b", "..", "_"]
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_what_can_be_no_name_is_404(shelf: Shelf, name: str, slash: str) -> None:
    """N10."""
    shelf.app.get(f"/simple/{name}{slash}", status=404)


@pytest.mark.parametrize("path", ["/simple/foo-bar/", "/simple/foo-bar", "/simple/Foo/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_projects_page_takes_nothing(shelf: Shelf, path: str, method: str) -> None:
    answer = shelf.app.request(path, method=method, status="*")
    assert answer.status_int in (404, 405)
