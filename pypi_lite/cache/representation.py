"""A page in one encoding: what it answers with beside its bytes, and whether a client has it already."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property, lru_cache
from typing import Any, BinaryIO

from webob.acceptparse import create_accept_encoding_header
from webob.etag import ETagMatcher

from pypi_lite.cache.answer import Answer, Headers, says
from pypi_lite.cache.pages import Page, file_name, moment_of, serial_of
from pypi_lite.cache.store import GZIP

SERIAL_HEADER = "X-PyPI-Last-Serial"


@dataclass(frozen=True)
class Representation:
    """A page in one encoding; all of its headers follow from the page, its time and its size."""

    page: Page
    build: str
    mtime_ns: int
    size: int
    suffix: str

    @cached_property
    def etag(self) -> str:
        """The strong tag, without quotes. Two versions of a page never share a serial, nor a tag."""
        name = file_name(self.page.name) + self.suffix
        return f"{self.build}-{serial_of(self.mtime_ns)}-{self.size:x}-{name}"

    def is_known_to(self, environ: Mapping[str, Any]) -> bool:
        """Whether the request's ``If-None-Match`` names this version.

        ``If-Modified-Since`` is not looked at: two changes may come within one of its seconds.
        """
        known = environ.get("HTTP_IF_NONE_MATCH")
        if not known:
            return False
        return known == f'"{self.etag}"' or self.etag in ETagMatcher.parse(known, strong=False)

    @cached_property
    def validators(self) -> Headers:
        """The headers of a 304 (RFC 9110, 15.4.5)."""
        return (
            ("ETag", f'"{self.etag}"'),
            ("Last-Modified", formatdate(moment_of(self.mtime_ns), usegmt=True)),
            ("Cache-Control", "private, no-cache" if self.page.is_private else "no-cache"),
            ("Vary", self.page.vary),
            (SERIAL_HEADER, str(serial_of(self.mtime_ns))),
        )

    @cached_property
    def headers(self) -> Headers:
        """The headers of the 200."""
        encoding = (("Content-Encoding", "gzip"),) if self.suffix else ()
        return (
            *self.validators,
            ("Content-Type", self.page.content_type),
            ("Content-Length", str(self.size)),
            *encoding,
            *self.page.headers,
        )

    def answer(self, status: str, body: bytes | BinaryIO) -> Answer:
        """The 200."""
        return Answer(200, (*self.headers, says(status)), body, self.size)

    def not_modified(self, status: str) -> Answer:
        """The 304."""
        return Answer(304, (*self.validators, says(status)), None, 0)


def suffix_for(environ: Mapping[str, Any]) -> str:
    """Which of a page's two files the request wants: `GZIP`, or nothing for the page itself."""
    header = environ.get("HTTP_ACCEPT_ENCODING")
    return GZIP if header and _takes_gzip(header) else ""


@lru_cache(maxsize=256)
def _takes_gzip(header: str) -> bool:
    """Whether ``Accept-Encoding`` likes gzip at least as much as no encoding (RFC 9110, 12.5.3)."""
    accept = create_accept_encoding_header(header)
    offers = accept.acceptable_offers(["gzip", "identity"])
    return bool(offers) and offers[0][0] == "gzip"
