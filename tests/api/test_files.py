"""Downloads (D01-D08, D11; K05, K06)."""

import hashlib
from typing import Any
from urllib.parse import urljoin

import pytest
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.names import normalize_name
from pypi_lite.repository import Index, changes
from tests.api.conftest import DELETED, LOCAL, OLD_SDIST, SDIST, WHEEL, YANKED, Shelf
from tests.api.test_media import JSON
from tests.distributions.build import metadata, wheel
from tests.web.helpers import put

SIZE = len(WHEEL[1])


def url_of(file: tuple[str, bytes]) -> str:
    project = normalize_name(file[0].split("-")[0])
    digest = hashlib.sha256(file[1]).hexdigest()
    return f"/files/{project}/{digest}/{file[0].replace('+', '%2B')}"


URL = url_of(WHEEL)
DIGEST = URL.split("/")[3]


def get(shelf: Shelf, status: int, **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return shelf.app.get(URL, headers=sent, status=status)


@pytest.mark.parametrize("file", [WHEEL, SDIST, OLD_SDIST, YANKED, LOCAL], ids=lambda f: f[0])
def test_a_file_arrives_as_it_was_uploaded(shelf: Shelf, file: tuple[str, bytes]) -> None:
    """D02, D03, D07: no encoding is added, whatever name and client say; yanked ones too (D11)."""
    answer = shelf.app.get(url_of(file), headers={"Accept-Encoding": "gzip, deflate"})
    assert answer.body == file[1]
    headers = answer.headers
    assert "Content-Encoding" not in headers
    assert headers["Content-Length"] == str(len(file[1]))
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == f'attachment; filename="{file[0]}"'
    assert headers["ETag"] == f'"{hashlib.sha256(file[1]).hexdigest()}"'


def test_what_a_browser_gets_is_never_run(shelf: Shelf) -> None:
    """D07."""
    for url in (URL, URL + ".metadata"):
        headers = shelf.app.get(url).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in headers["Content-Security-Policy"]
        assert "Set-Cookie" not in headers


def test_a_file_is_for_ever(shelf: Shelf) -> None:
    """K05."""
    for answer in (get(shelf, 200), get(shelf, 206, Range="bytes=0-1")):
        assert "immutable" in answer.headers["Cache-Control"]
        assert "max-age=" in answer.headers["Cache-Control"]


def test_the_metadata_lie_beside_the_file(shelf: Shelf) -> None:
    """D01, S13: byte for byte what the archive has, of wheels and of sdists from 2.2 on."""
    wanted = {
        WHEEL: metadata(
            "Foo.Bar", "1.0", requires=["six>=1.0"], requires_python=">=3.8,<4", summary="Näh"
        ),
        SDIST: metadata("Foo.Bar", "1.0", metadata_version="2.2", requires_python=">=3.8,<4"),
        LOCAL: metadata("foo_bar", "5.0+local.1"),
    }
    for file, content in wanted.items():
        answer = shelf.app.get(url_of(file) + ".metadata")
        assert answer.body == content
        assert answer.headers["Content-Length"] == str(len(content))
        assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
        assert answer.headers["Content-Disposition"].endswith(f'"{file[0]}.metadata"')
    shelf.app.get(url_of(OLD_SDIST) + ".metadata", status=404)


def test_head_says_what_get_would_send(shelf: Shelf) -> None:
    """D03, D04: without Accept-Ranges pip and uv never ask for a part."""
    for url in (URL, URL + ".metadata"):
        shelf.app.get(url)  # both of the others from the cache, if at all
        got, head = shelf.app.get(url), shelf.app.head(url)
        assert head.body == b""
        assert dict(head.headers) == dict(got.headers)
        assert head.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=5-5", 5, 6),
        ("bytes=10-", 10, SIZE),
        ("bytes=0-", 0, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        (f"bytes=-{SIZE}", 0, SIZE),
        ("bytes=-10000000", 0, SIZE),
        (f"bytes={SIZE - 4}-{SIZE + 100}", SIZE - 4, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
    ],
)
def test_one_range_is_sent(shelf: Shelf, asked: str, start: int, end: int) -> None:
    """D05: from the start, from the middle, and the suffix with which poetry begins."""
    answer = get(shelf, 206, Range=asked)
    assert answer.body == WHEEL[1][start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["Content-Length"] == str(end - start)
    assert answer.headers["ETag"] == get(shelf, 200).headers["ETag"]


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=0-1,", "bytes=5-2", "bytes=a-b", "bytes=-", "bytes", "lines=0-1", ""],
)
def test_what_is_no_single_range_gets_the_whole_file(shelf: Shelf, asked: str) -> None:
    """D05: RFC 9110, 14.2 lets a server ignore several ranges, and has it ignore nonsense."""
    answer = get(shelf, 200, Range=asked)
    assert answer.body == WHEEL[1]
    assert "Content-Range" not in answer.headers


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_range_beyond_the_end_is_416(shelf: Shelf, asked: str) -> None:
    """D05."""
    answer = get(shelf, 416, Range=asked)
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
    assert answer.body == b""


def test_a_range_counts_for_get_alone(shelf: Shelf) -> None:
    """RFC 9110, 14.2."""
    head = shelf.app.head(URL, headers={"Range": "bytes=0-9"}, status=200)
    assert head.headers["Content-Length"] == str(SIZE)


def test_a_download_is_resumed_only_if_the_file_is_the_same(shelf: Shelf) -> None:
    """D06: pip resumes with If-Range, and fails if the wrong part comes."""
    tag = get(shelf, 200).headers["ETag"]
    answer = get(shelf, 206, Range="bytes=10-", If_Range=tag)
    assert answer.body == WHEEL[1][10:]
    date = "Mon, 01 Jan 2029 00:00:00 GMT"
    for condition in ('"other"', f"W/{tag}", date, tag.strip('"')):
        assert get(shelf, 200, Range="bytes=10-", If_Range=condition).body == WHEEL[1]
    # A condition without a range says nothing.
    get(shelf, 200, If_Range=tag)


def test_a_file_that_is_known_is_not_sent_again(shelf: Shelf) -> None:
    """K05; If-None-Match comes before a range (RFC 9110, 13.2.2)."""
    tag = get(shelf, 200).headers["ETag"]
    for known in (tag, f'"other", {tag}', "*"):
        answer = get(shelf, 304, If_None_Match=known)
        assert answer.body == b""
        assert answer.headers["ETag"] == tag
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Content-Type" not in answer.headers
    get(shelf, 304, If_None_Match=tag, Range="bytes=0-9")
    get(shelf, 200, If_None_Match='"other"')


@pytest.mark.parametrize(
    "url",
    [
        URL.replace(f"/{DIGEST}/", f"/{DIGEST[::-1]}/"),
        URL.replace("/foo-bar/", "/foo/"),
        URL.replace("/foo-bar/", "/foo.bar/"),
        URL[:-4] + "zip",
        URL + ".asc",
        URL + ".metadata.metadata",
        URL.rsplit("/", 1)[0] + "/",
        URL.rsplit("/", 1)[0] + "/..%2F..%2Fpypi_lite.sqlite",
        url_of((SDIST[0], WHEEL[1])),
        url_of(DELETED),
        url_of(DELETED) + ".metadata",
        URL.upper(),
        "/files/",
        "/files/incoming/x",
    ],
)
def test_only_what_is_in_the_index_is_found(shelf: Shelf, url: str) -> None:
    """D11: the digest must be this file's own; what was deleted is gone from here as well."""
    answer = shelf.app.get(url, status=404)
    assert answer.content_type == "text/plain"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_name_with_a_nul_is_not_found(shelf: Shelf) -> None:
    """PostgreSQL could not even be asked."""
    shelf.app.get(URL + "%00", status=404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_files_are_only_read(shelf: Shelf, method: str) -> None:
    shelf.app.request(URL, method=method, status=404)


def test_a_file_goes_at_once_when_it_is_deleted(app: TestApp, index: Index) -> None:
    """D11."""
    file = wheel("foo", "1.0")
    put(index, file)
    app.get(url_of(file), status=200)
    with index.database.write() as session:
        changes.delete_file(session, OPERATOR, file[0])
    app.get(url_of(file), status=404)


def test_the_address_of_a_file_never_changes(app: TestApp, index: Index) -> None:
    """C10: locks keep it, whatever becomes of the project around the file."""
    file = wheel("Foo.Bar", "1.0")
    put(index, file)

    def address() -> str:
        page = app.get("/simple/foo-bar/", headers={"Accept": JSON}).json
        (url,) = [entry["url"] for entry in page["files"] if entry["filename"] == file[0]]
        return str(url)

    before = address()
    put(index, wheel("foo_bar", "2.0"))
    with index.database.write() as session:
        changes.yank(session, OPERATOR, "foo-bar", "1.0", "broken")
        changes.delete_release(session, OPERATOR, "foo-bar", "2.0")
    assert address() == before
    assert app.get(urljoin("/simple/foo-bar/", before)).body == file[1]


def test_a_file_is_a_hit_from_its_second_request_on(app: TestApp, index: Index) -> None:
    """Until the project changes; whatever part of it is asked for."""
    file = wheel("foo", "1.0")
    put(index, file)
    for ending in ("", ".metadata"):
        url = url_of(file) + ending
        first, second = app.get(url), app.get(url, headers={"Range": "bytes=0-4"}, status=206)
        assert first.headers["Cache-Status"] == "pypi_lite; fwd=uri-miss; stored"
        assert second.headers["Cache-Status"] == "pypi_lite; hit"
        assert second.body == first.body[:5]
        assert app.get(f"{url}?x").headers["Cache-Status"] == "pypi_lite; fwd=bypass; detail=query"
    put(index, wheel("foo", "2.0"))
    again = app.get(url_of(file))
    assert again.headers["Cache-Status"] == "pypi_lite; fwd=uri-miss; stored"
    assert again.body == file[1]


def test_a_file_of_many_chunks(app: TestApp, index: Index) -> None:
    content = bytes(range(256)) * 4096
    file = wheel(
        "big", "1.0", extra_files={"big/data.bin": hashlib.sha256(content).digest() * 25000}
    )
    put(index, file)
    assert app.get(url_of(file)).body == file[1]
    answer = app.get(url_of(file), headers={"Range": "bytes=1-"}, status=206)
    assert answer.body == file[1][1:]
