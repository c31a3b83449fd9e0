"""Files and their ``.metadata`` siblings: immutable, in ranges, never run by a browser.

RFC 9110, 13 and 14 (conditional and range requests); core metadata beside the file: PEP 658, 714.
"""

import os
import re
from collections.abc import Iterator
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import FileIter, Response
from pyramid.view import view_config

from pypi_lite import accel
from pypi_lite.repository import pages
from pypi_lite.security import Permission

_METADATA = ".metadata"
_CHUNK = 256 * 1024
_YEARS = "max-age=365000000, immutable"
# One range of bytes (RFC 9110, 14.1.2). WebOb's parser takes "bytes=-" and "bytes=-0" for the whole.
_RANGE = re.compile(
    r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<suffix>[0-9]{1,18}))\Z"
)


def includeme(config: Any) -> None:
    """Add the route. The digest stands in the path, so that a blob can be found without asking.

    No file's name has other characters (`pypi_lite.distributions.filename`).
    """
    config.add_route(
        "api.file",
        "/files/{sha256:[0-9a-f]{64}}/{filename:[A-Za-z0-9._+!-]+}",
        request_method=("GET", "HEAD"),
    )
    config.scan(__name__)


@view_config(route_name="api.file", permission=Permission.READ)
def file(request: Any) -> Response:
    """A file, or the metadata beside it. What is not in the index any more is not found."""
    filename, digest = request.matchdict["filename"], request.matchdict["sha256"]
    is_metadata = filename.endswith(_METADATA)
    stored = pages.stored_file(request.reader, filename.removesuffix(_METADATA))
    if stored is None or stored.sha256 != digest:
        raise HTTPNotFound(detail=f"There is no file {filename!r} here.")
    sha256 = stored.metadata_sha256 if is_metadata else stored.sha256
    if sha256 is None:
        raise HTTPNotFound(detail=f"{filename!r} is not offered here.")
    descriptor = os.open(request.index.blobs.path(sha256), os.O_RDONLY)
    answer = _answer(request, descriptor, _headers(filename, sha256))
    if request.index.settings.accel and accel.sends_files(request.environ):
        return _sent_by_nginx(answer, request.index.blobs.relative_path(sha256))
    return answer


def _headers(filename: str, sha256: str) -> list[tuple[str, str]]:
    return [
        # No Content-Encoding, whatever the name says: installers check the digest of what they get.
        ("Content-Type", "application/octet-stream"),
        ("Content-Disposition", f'attachment; filename="{filename}"'),
        ("Accept-Ranges", "bytes"),
        ("ETag", f'"{sha256}"'),
        ("Cache-Control", _YEARS),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
        ("Access-Control-Allow-Origin", "*"),
    ]


def _answer(request: Any, descriptor: int, headers: list[tuple[str, str]]) -> Response:
    """200, 206, 304 or 416; *descriptor* is closed with the response."""
    size = os.fstat(descriptor).st_size
    etag = dict(headers)["ETag"].strip('"')
    if "HTTP_IF_NONE_MATCH" in request.environ and etag in request.if_none_match:
        os.close(descriptor)
        kept = [h for h in headers if h[0] not in ("Content-Type", "Content-Disposition")]
        return Response(status=304, headerlist=kept, app_iter=[])
    wanted = _range(request, etag)
    if wanted is None:
        headers.append(("Content-Length", str(size)))
        wrapper = request.environ.get("wsgi.file_wrapper", FileIter)
        body = wrapper(os.fdopen(descriptor, "rb"), _CHUNK)
        return Response(status=200, headerlist=headers, app_iter=body)
    span = _span(wanted, size)
    if span is None:
        os.close(descriptor)
        headers += [("Content-Range", f"bytes */{size}"), ("Content-Length", "0")]
        return Response(status=416, headerlist=headers, app_iter=[])
    start, end = span
    headers.append(("Content-Range", f"bytes {start}-{end - 1}/{size}"))
    headers.append(("Content-Length", str(end - start)))
    return Response(status=206, headerlist=headers, app_iter=_Span(descriptor, start, end))


def _sent_by_nginx(answer: Response, path: str) -> Response:
    """The 200 or 206 *answer* without its body. Other answers have none."""
    if answer.status_int not in (200, 206):
        return answer
    answer.app_iter.close()
    place = accel.Place.WHOLE if answer.status_int == 200 else accel.Place.PART
    # nginx tells both itself, and would tell the second twice.
    dropped = ("Content-Length", "Content-Range", "Accept-Ranges")
    headers = [h for h in answer.headerlist if h[0] not in dropped]
    return Response(status=200, headerlist=[*headers, place.redirect(path)], app_iter=[])


def _range(request: Any, etag: str) -> re.Match[str] | None:
    """The one range that is asked for and may be given, or None: the whole file.

    Several ranges are answered with the whole file, as RFC 9110, 14.2 allows. ``If-Range`` counts
    with this very tag only; files have no date.
    """
    condition = request.environ.get("HTTP_IF_RANGE")
    if request.method != "GET" or (condition is not None and condition.strip() != f'"{etag}"'):
        return None
    found = _RANGE.match(request.environ.get("HTTP_RANGE", ""))
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


class _Span:
    """The bytes of a file from *start* up to *end*, as a WSGI body."""

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        self._descriptor = descriptor
        self._start = start
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        position = self._start
        while position < self._end:
            chunk = os.pread(self._descriptor, min(_CHUNK, self._end - position), position)
            if not chunk:
                return
            position += len(chunk)
            yield chunk

    def close(self) -> None:
        """Called by the server when the response is sent or given up."""
        os.close(self._descriptor)
