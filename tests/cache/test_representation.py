"""A page in one encoding: its tag, and which encoding a request wants."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypi_lite.cache.pages import Facts, Page
from pypi_lite.cache.representation import Representation, suffix_for
from pypi_lite.models import now

PAGE = Page(key="project/sample", name="page.txt", content_type="text/plain")


def test_representations_of_equal_size_have_different_tags() -> None:
    other = Page(key=PAGE.key, name="other.txt", content_type="text/html")
    tags = {
        Representation(page, "build", 10**9, 100, suffix).etag
        for page in (PAGE, other)
        for suffix in ("", ".gz")
    }
    assert len(tags) == 4


@given(st.integers(min_value=1, max_value=10**8), st.integers(min_value=0, max_value=10**9))
def test_a_front_server_can_make_the_tag_of_the_file_that_it_has_open(
    serial: int, size: int
) -> None:
    """From nginx's own tag, which is whole seconds and size, both hexadecimal."""
    mtime_ns = Facts(serial, now()).mtime_ns
    nginx = f'"{mtime_ns // 10**9:x}-{size:x}"'
    parts = re.fullmatch(r'"([0-9]+)-([0-9a-f]+)"', nginx)
    assert parts is not None
    shown = Representation(PAGE, "build", mtime_ns, size, ".gz")
    assert shown.etag == f"build-{parts[1]}-{parts[2]}-page.txt.gz"
    assert dict(shown.validators)["X-PyPI-Last-Serial"] == parts[1]


@pytest.mark.parametrize(
    ("header", "suffix"),
    [
        (None, ""),
        ("", ""),
        ("gzip", ".gz"),
        ("gzip, deflate", ".gz"),
        ("gzip, deflate, zstd", ".gz"),
        ("*", ".gz"),
        ("identity", ""),
        ("gzip;q=0", ""),
        ("br", ""),
        ("identity;q=1, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip;q=0.6", ".gz"),
    ],
)
def test_the_encoding_is_the_one_that_the_client_likes_best(
    header: str | None, suffix: str
) -> None:
    environ = {} if header is None else {"HTTP_ACCEPT_ENCODING": header}
    assert suffix_for(environ) == suffix
