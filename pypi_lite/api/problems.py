"""Errors of the HTTP API: problem details (RFC 9457), as ``application/problem+json``."""

from typing import Any

from pyramid.response import Response

from pypi_lite import errors
from pypi_lite.forms import drain
from pypi_lite.repository.errors import Code
from pypi_lite.security import CHALLENGE

#: Of everything that the API answers: it is of this moment, and nobody keeps it.
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def problem(request: Any, status: int, code: Code, text: str) -> Response:
    """A problem, as `errors.problem`; what was sent is read to its end."""
    drain(request.environ)
    response = errors.problem(status, code, text)
    if status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response
