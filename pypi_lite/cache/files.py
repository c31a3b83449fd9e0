"""Files that never change, as answers: whole, in part, or not again.

A page may be a link to such a file, which is named after its content: its name is its strong tag.
RFC 9110, 13 and 14 (conditional and range requests).
"""

import os
import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from webob.etag import ETagMatcher

from pypi_lite.cache import accel
from pypi_lite.cache.answer import Answer, Headers, says
from pypi_lite.cache.pages import Page

_YEARS = "max-age=365000000, immutable"
_YEARS_PRIVATE = f"private, {_YEARS}"
# Reading so much and sending it with the head is faster than sending it from the file.
_SMALL = 64 * 1024
# One range of bytes (RFC 9110, 14.1.2). WebOb's parser takes "bytes=-" and "bytes=-0" for the whole.
_RANGE = re.compile(
    r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<suffix>[0-9]{1,18}))\Z"
)


class Files:
    """The files below one folder."""

    def __init__(self, folder: str, *, accel: bool = False) -> None:
        """*accel* is whether nginx in front sends the files that it asks to send."""
        self._folder = folder
        self._accel = accel

    def answer(self, page: Page, path: str, environ: Mapping[str, Any], status: str) -> Answer:
        """200, 206, 304 or 416: the file *path* as *page*. Raises OSError where it can't be read."""
        found = _answer(page, path, environ, status)
        if self._accel and found.code in (200, 206) and accel.sends_files(environ):
            place = accel.Place.WHOLE if found.code == 200 else accel.Place.PART
            without = ("Content-Length", "Content-Range", "Accept-Ranges")
            return accel.redirect(
                found, place, os.path.relpath(path, self._folder), without=without
            )
        return found


def _answer(page: Page, path: str, environ: Mapping[str, Any], status: str) -> Answer:
    # No Content-Encoding, whatever the name says: installers check the digest of what they get.
    etag = f'"{os.path.basename(path)}"'
    headers: Headers = (
        ("Accept-Ranges", "bytes"),
        ("ETag", etag),
        ("Cache-Control", _YEARS_PRIVATE if page.is_private else _YEARS),
        *page.headers,
        says(status),
    )
    known = environ.get("HTTP_IF_NONE_MATCH")
    if known and etag.strip('"') in ETagMatcher.parse(known, strong=False):
        return Answer(304, headers, None, 0)
    headers = (("Content-Type", page.content_type), *headers)
    file = open(path, "rb", buffering=0)  # noqa: SIM115  a large one is closed by who sends it
    size = os.fstat(file.fileno()).st_size
    wanted = _range(environ, etag)
    if wanted is None:
        return _part(200, headers, file, 0, size)
    span = _span(wanted, size)
    if span is None:
        file.close()
        none = (("Content-Range", f"bytes */{size}"), ("Content-Length", "0"))
        return Answer(416, (*headers, *none), b"", 0)
    start, end = span
    headers = (*headers, ("Content-Range", f"bytes {start}-{end - 1}/{size}"))
    return _part(206, headers, file, start, end)


def _part(code: int, headers: Headers, file: BinaryIO, start: int, end: int) -> Answer:
    length = end - start
    headers = (*headers, ("Content-Length", str(length)))
    if start:
        file.seek(start)
    if length > _SMALL:
        return Answer(code, headers, file, length)
    with file:
        return Answer(code, headers, file.read(length), length)


def _range(environ: Mapping[str, Any], etag: str) -> re.Match[str] | None:
    """The one range that is asked for and may be given, or None: the whole file.

    Several ranges are answered with the whole file, as RFC 9110, 14.2 allows. ``If-Range`` counts
    with this very tag only; files have no date.
    """
    condition = environ.get("HTTP_IF_RANGE")
    if environ["REQUEST_METHOD"] != "GET" or (condition is not None and condition.strip() != etag):
        return None
    found = _RANGE.match(environ.get("HTTP_RANGE", ""))
    if found is not None and found["last"] and int(found["last"]) < int(found["first"]):
        return None
    return found


def _span(wanted: re.Match[str], size: int) -> tuple[int, int] | None:
    """Start and end in a file of *size* bytes, or None: unsatisfiable."""
    if wanted["suffix"]:
        start, end = max(0, size - int(wanted["suffix"])), size
    else:
        start = int(wanted["first"])
        end = min(size, int(wanted["last"]) + 1) if wanted["last"] else size
    return (start, end) if start < end else None
