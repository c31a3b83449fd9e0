"""Errors that no view has answered: a line of text for the client, the traceback for the log.

What is no request for any view is refused here too, before anything looks at it.
"""

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from pyramid.response import Response
from pyramid.tweens import INGRESS
from sqlalchemy.exc import OperationalError

from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.forms import drain
from pypi_lite.repository.errors import Code

log = logging.getLogger(__name__)

#: Seconds after which a client may try again what could not be done now.
RETRY_AFTER = "5"

#: Bytes of a body, but where files are uploaded: forms are read into memory.
LONGEST_BODY = 256 * 1024
#: The same of JSON, of which the HTTP API reads no more.
LONGEST_JSON = 64 * 1024
#: The media type of problem details (RFC 9457).
PROBLEM = "application/problem+json"
# RFC 9112, 3.2: what is no host and port is a bad request. Redirects name it.
_HOST = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
_TAKING_FILES = "pypi_lite.taking_files"

Handler = Callable[[Any], Response]


def includeme(config: Any) -> None:
    """Put the tween outside all others: a commit can fail when every view is done."""
    config.add_directive("add_upload_path", _add_upload_path)
    config.add_tween(
        "pypi_lite.errors.factory", under=INGRESS, over="pypi_lite.cache.tween.factory"
    )


def _add_upload_path(config: Any, path: str) -> None:
    """Pyramid's directive: bodies that are sent to *path* are streams, and may be long."""
    config.registry.setdefault(_TAKING_FILES, set()).add(path)


def factory(handler: Handler, registry: Any) -> Handler:
    """Pyramid's tween factory."""
    taking_files = registry.setdefault(_TAKING_FILES, set())

    def answer(request: Any) -> Response:
        if not _is_text(request):
            return plain(400, "The address is not UTF-8.")
        if "\0" in request.environ["PATH_INFO"]:
            return plain(404, "There is nothing here.")  # and PostgreSQL could not be asked
        if not _HOST.fullmatch(request.environ.get("HTTP_HOST", "localhost")):
            return plain(400, "The Host header names no host.")
        if (request.content_length or 0) > LONGEST_BODY and not (
            request.method == "POST" and request.environ["PATH_INFO"] in taking_files
        ):
            drain(request.environ)
            if request.environ["PATH_INFO"].startswith("/api/"):
                return problem(413, Code.TOO_LARGE, too_long_json())
            return plain(413, "The body is too long. Files are uploaded to /legacy/.")
        try:
            return handler(request)
        except ChangeRefused as error:
            log.exception("a change was refused")
            return plain(503, f"The change was not made: {error}. Try again.")
        except OperationalError:
            log.exception("the database does not answer")
            return plain(503, "The database does not answer. Try again.")
        except Exception:
            log.exception("a request failed")
            return plain(500, "Something went wrong here; the server's log says what.")

    return answer


def _is_text(request: Any) -> bool:
    """Whether path and query are UTF-8."""
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode()  # PEP 3333
        if request.environ.get("QUERY_STRING"):
            request.GET  # noqa: B018  parsed now, or never
    except UnicodeError:
        return False
    return True


def too_long_json() -> str:
    """What the HTTP API says of a body that it does not read."""
    return f"The body is longer than {LONGEST_JSON} bytes."


def problem(status: int, code: Code, text: str) -> Response:
    """An error as problem details: *code* for programs, *text*, which says what to do, for people.

    ``type`` is "about:blank", of which the status says all that there is to say, as RFC 9457, 4.2.1
    has it; ``code`` is a member of our own.
    """
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": text,
        "code": code.value,
    }
    return _alone(Response(json_body=body, status=status, content_type=PROBLEM))


def plain(status: int, text: str) -> Response:
    """An error as a line of text, which nobody keeps."""
    return _alone(Response(text + "\n", status=status, content_type="text/plain", charset="UTF-8"))


def _alone(response: Response) -> Response:
    """*response*, which is of this moment."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    if response.status_int == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response
