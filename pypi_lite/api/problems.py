"""Errors of the HTTP API: problem details (RFC 9457), as ``application/problem+json``."""

from http import HTTPStatus
from typing import Any

from pyramid.response import Response

from pypi_lite.errors import RETRY_AFTER
from pypi_lite.forms import drain
from pypi_lite.repository.errors import Code
from pypi_lite.security import CHALLENGE

PROBLEM = "application/problem+json"
#: Of everything that the API answers: it is of this moment, and nobody keeps it.
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def problem(request: Any, status: int, code: Code, text: str) -> Response:
    """A problem: *code* for programs, *text*, which says what to do, for people.

    ``type`` is "about:blank", of which the status says all that there is to say, as RFC 9457, 4.2.1
    has it; ``code`` is a member of our own.
    """
    drain(request.environ)
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": text,
        "code": code.value,
    }
    response = Response(json_body=body, status=status, content_type=PROBLEM)
    response.headers.update(HEADERS)
    if status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response
