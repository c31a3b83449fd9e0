"""Errors that no view has answered: a line of text for the client, the traceback for the log."""

import logging
from collections.abc import Callable
from typing import Any

from pyramid.response import Response
from pyramid.tweens import INGRESS
from sqlalchemy.exc import OperationalError

from pypi_lite.cache.writing import ChangeRefused

log = logging.getLogger(__name__)

#: Seconds after which a client may try again what could not be done now.
RETRY_AFTER = "5"

Handler = Callable[[Any], Response]


def includeme(config: Any) -> None:
    """Put the tween outside all others: a commit can fail when every view is done."""
    config.add_tween(
        "pypi_lite.errors.factory", under=INGRESS, over="pypi_lite.cache.tween.factory"
    )


def factory(handler: Handler, _registry: Any) -> Handler:
    """Pyramid's tween factory."""

    def answer(request: Any) -> Response:
        if not _is_text(request):
            return plain(400, "The address is not UTF-8.")
        if "\0" in request.environ["PATH_INFO"]:
            return plain(404, "There is nothing here.")  # and PostgreSQL could not be asked
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


def plain(status: int, text: str) -> Response:
    """An error as a line of text, which nobody keeps."""
    response = Response(text + "\n", status=status, content_type="text/plain", charset="UTF-8")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response
