"""The HTTP API of a project's roles: to see them, to give one, to take one away.

For who manages the project (`repository.roles`); a token needs the scope manage. WHO is a user's
name, or a group's with an ``@`` before it.
"""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.api.bodies import read_object
from pypi_lite.api.problems import HEADERS, problem
from pypi_lite.api.projects import answer, changing, forbidden, gone, refused
from pypi_lite.repository import roles
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.roles import RoleEntry

ROLES, ROLE = "api.roles", "api.role"
_ALLOWED = {ROLES: "GET, HEAD", ROLE: "PUT, DELETE"}


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route(ROLES, "/api/projects/{name}/roles")
    config.add_route(ROLE, "/api/projects/{name}/roles/{who}")
    for name in (ROLES, ROLE):
        config.add_exception_view(refused, context=Refusal, route_name=name)
        config.add_forbidden_view(forbidden, route_name=name)
    config.scan(__name__)


@view_config(route_name=ROLES, request_method="GET", permission=Permission.ACCOUNT)
def list_roles(request: Any) -> Response:
    """The roles, the most powerful first."""
    found = roles.listed(request.reader, request.identity, request.matchdict["name"])
    response = Response(json_body={"roles": [_json(entry) for entry in found]})
    response.headers.update(HEADERS)
    return response


@view_config(
    route_name=ROLE, request_method="PUT", permission=Permission.ACCOUNT, require_csrf=False
)
def grant(request: Any) -> Response:
    """Give the role, in place of what they were: 201 where they were nothing (RFC 9110, 9.3.4)."""
    role = read_object(request, {"role": str}, "role")["role"]
    name, who = request.matchdict["name"], roles.spelled(request.matchdict["who"])
    with changing(request) as session:
        before = {entry.who for entry in roles.listed(session, request.identity, name)}
        serial = roles.grant(session, request.identity, name, who, role)
        status = 200 if who in before else 201
        return answer(_json(RoleEntry(who, role)), serial, status)


@view_config(
    route_name=ROLE, request_method="DELETE", permission=Permission.ACCOUNT, require_csrf=False
)
def revoke(request: Any) -> Response:
    """Take the role away."""
    name, who = request.matchdict["name"], request.matchdict["who"]
    with changing(request) as session:
        return gone(roles.revoke(session, request.identity, name, who))


@view_config(route_name=ROLES, permission=Permission.ACCOUNT, require_csrf=False)
@view_config(route_name=ROLE, permission=Permission.ACCOUNT, require_csrf=False)
def other_method(request: Any) -> Response:
    """405, with the methods that there are."""
    allowed = _ALLOWED[request.matched_route.name]
    response = problem(request, 405, Code.WRONG_METHOD, f"Use one of {allowed}.")
    response.headers["Allow"] = allowed
    return response


def _json(entry: RoleEntry) -> dict[str, Any]:
    return {"who": entry.who, "role": str(entry.role)}
