"""The upload form: files straight from a browser, several at once, with or without JavaScript.

The body is read as a stream, so that Pyramid's own CSRF check, which has WebOb parse the body, can't
be had: the token comes in a header or in the form's first field, and is checked before any file.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyramid.csrf import check_csrf_origin, get_csrf_token
from pyramid.exceptions import BadCSRFToken
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.forms import FormError, Part, drain, read_parts
from pypi_lite.repository.errors import Refusal
from pypi_lite.repository.upload import Published, Submission, arriving, publish, receive
from pypi_lite.web.headers import UNCACHED_HEADERS
from pypi_lite.web.rendering import form

_JSON = "application/json"
_FILES, _TOKEN, _TOKEN_HEADER = "content", "csrf_token", "X-CSRF-Token"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one file: `published`, or a `text` that says why not."""

    filename: str
    text: str
    published: Published | None = None

    @property
    def path(self) -> str | None:
        """The release's page, below the index."""
        found = self.published
        return f"project/{found.project}/{found.version}/" if found else None

    def as_json(self) -> dict[str, Any]:
        """The result for the page's script."""
        return {
            "filename": self.filename,
            "ok": self.published is not None,
            "text": self.text,
            "path": self.path,
        }


def includeme(config: Any) -> None:
    """Add the route."""
    config.add_upload_path("/upload/")
    config.add_route("web.upload", "/upload/")
    config.scan(__name__)


@view_config(route_name="web.upload", request_method="GET", permission=Permission.UPLOAD)
def show(request: Any) -> Response:
    """The form."""
    return form(request, "upload.html", results=[])


@view_config(
    route_name="web.upload",
    request_method="POST",
    permission=Permission.UPLOAD,
    require_csrf=False,  # `_check_token` does it
)
def upload(request: Any) -> Response:
    """Take the files, each for itself: one that is refused does not keep the others out."""
    check_csrf_origin(request)
    results: list[Result] = []
    error = None
    try:
        parts = read_parts(request.environ)
        _check_token(request, parts)
        for part in parts:
            if part.filename:  # browsers send an empty one for no file at all
                results.append(_take(request, part))
        if not results:
            error = "Choose a file first."
    except FormError as fault:
        drain(request.environ)
        error = f"The form did not arrive as it should: {fault}. Try again."
    return _answer(request, results, error)


def _check_token(request: Any, parts: Iterator[Part]) -> None:
    """Raises BadCSRFToken unless the form is from here."""
    given = request.headers.get(_TOKEN_HEADER)
    if given is None:
        first = next(parts, None)
        given = first.text() if first is not None and first.name == _TOKEN else ""
    if not hmac.compare_digest(given.encode(), get_csrf_token(request).encode()):
        raise BadCSRFToken("the form's first field is not this session's token")


def _take(request: Any, part: Part) -> Result:
    filename = part.filename or ""
    if part.name != _FILES:
        return Result(filename, f"Files are taken as {_FILES!r}, not as {part.name!r}.")
    try:
        with arriving(request.index) as incoming:
            receive(request.index, incoming, part.chunks())
            submission = Submission(
                identity=request.identity,
                filename=filename,
                incoming=incoming,
                digests=incoming.finish(),
            )
            published = publish(request.index, submission)
    except Refusal as refusal:
        return Result(filename, refusal.text)
    text = "Published." if published.is_new else "It was here already, the very same file."
    return Result(filename, text, published)


def _answer(request: Any, results: list[Result], error: str | None) -> Response:
    status = 400 if error else 200
    offers = request.accept.acceptable_offers(["text/html", _JSON])
    if not offers or offers[0][0] != _JSON:
        return form(request, "upload.html", status=status, results=results, error=error)
    body = {"results": [result.as_json() for result in results], "error": error}
    response = Response(json_body=body, status=status, content_type=_JSON)
    response.headers.update(UNCACHED_HEADERS)
    return response
