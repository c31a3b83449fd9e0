"""Downloads as installers make them that go on, that look into a wheel first, or that cache."""

from urllib.parse import urljoin

import pytest

from tests.clients import raw
from tests.clients.conftest import Served
from tests.distributions.build import sdist, wheel


@pytest.fixture(params=["wheel", "sdist"])
def file(request: pytest.FixtureRequest, served: Served, name: str) -> tuple[str, bytes]:
    """The address of a file of the index, and the file."""
    filename, content = (wheel if request.param == "wheel" else sdist)(name, "1.0")
    served.upload((filename, content))
    entry = served.page_of(name)[filename]
    return urljoin(f"{served.running.simple_url}{name}/", entry["url"]), content


def test_the_whole_file_never_encoded_and_for_ever(file: tuple[str, bytes]) -> None:
    url, content = file
    answer = raw.get(url, {"Accept-Encoding": "gzip, deflate"})
    assert answer.status == 200
    assert answer.body == content
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "immutable" in answer.headers["cache-control"]
    assert not answer.headers["etag"].startswith("W/")
    assert "content-encoding" not in answer.headers
    assert "transfer-encoding" not in answer.headers
    head = raw.request("HEAD", url)
    assert (head.status, head.body) == (200, b"")
    for header in "content-length", "accept-ranges", "etag", "content-type", "cache-control":
        assert head.headers[header] == answer.headers[header]
    assert raw.get(url, {"If-None-Match": answer.headers["etag"]}).status == 304


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=-10000000", 0, None),
        ("bytes=10-10000000", 10, None),
    ],
)
def test_a_part_of_it(file: tuple[str, bytes], wanted: str, start: int, end: int | None) -> None:
    url, content = file
    answer = raw.get(url, {"Range": wanted})
    part = content[start:end]
    first = content.index(part)
    assert (answer.status, answer.body) == (206, part)
    assert answer.headers["content-length"] == str(len(part))
    last = first + len(part) - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(content)}"


def test_no_part_beyond_the_end(file: tuple[str, bytes]) -> None:
    url, content = file
    answer = raw.get(url, {"Range": f"bytes={len(content)}-"})
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{len(content)}"


def test_a_part_of_this_very_file_only(file: tuple[str, bytes]) -> None:
    url, content = file
    etag = raw.request("HEAD", url).headers["etag"]
    answer = raw.get(url, {"Range": "bytes=100-", "If-Range": etag})
    assert (answer.status, answer.body) == (206, content[100:])
    for other in '"other"', f"W/{etag}", "Wed, 21 Oct 2026 07:28:00 GMT":
        answer = raw.get(url, {"Range": "bytes=100-", "If-Range": other})
        assert (answer.status, answer.body) == (200, content)
