"""The journal for programs: ``/api/journal``, as JSON lines (docs/audit.md).

All of it for administrators; of one project for whoever manages it. Streamed: an answer is longer than
memory, and no connection to the database waits for a slow client.
"""

from typing import Any

from pyramid.response import Response
from pyramid.view import exception_view_config, forbidden_view_config, view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.api.media import JSON_LINES
from pypi_lite.api.problems import HEADERS, problem
from pypi_lite.repository import journal
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.security import ASKED

JOURNAL = "api.journal"
_FILTERS = ("project", "actor", "action", "since", "until")


def includeme(config: Any) -> None:
    """Add the route."""
    config.add_route(JOURNAL, "/api/journal")
    config.scan(__name__)


@view_config(route_name=JOURNAL, request_method="GET", permission=Permission.ACCOUNT)
def entries(request: Any) -> Response:
    """The entries that the query asks for."""
    filters = dict(request.GET)
    unknown = set(filters) - set(_FILTERS)
    if unknown:
        raise Refusal(
            Code.BAD_VALUE,
            f"There is no filter {min(unknown)[:50]!r}: use one of {', '.join(_FILTERS)}.",
        )
    wanted = journal.read_wanted(**filters)
    wanted = journal.readable(request.reader, request.identity, wanted)
    response = Response(content_type=JSON_LINES)
    response.app_iter = (text.encode() for text in journal.lines(request.index.database, wanted))
    response.headers.update(HEADERS)
    return response


@view_config(route_name=JOURNAL, permission=Permission.READ, require_csrf=False)
def other_method(request: Any) -> Response:
    """405, with the methods that there are."""
    response = problem(request, 405, Code.WRONG_METHOD, "Use one of GET, HEAD.")
    response.headers["Allow"] = "GET, HEAD"
    return response


@exception_view_config(Refusal, route_name=JOURNAL)
def refused(error: Refusal, request: Any) -> Response:
    """Why not."""
    return problem(request, error.status, error.code, error.text)


@forbidden_view_config(route_name=JOURNAL)
def forbidden(request: Any) -> Response:
    """Who says nothing of themselves reads nothing of it."""
    return problem(request, 401, Code.NOT_AUTHENTICATED, ASKED)
