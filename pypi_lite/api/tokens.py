"""The HTTP API of one's own tokens: to see them, to make one, to revoke one.

For people, who show their password, and for programs, whose token needs the scope manage: it sees,
makes and revokes what lets do no more than itself.
"""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import refresh
from pypi_lite.accounts.permissions import Permission
from pypi_lite.accounts.tokens import (
    NotCoveredError,
    TokenError,
    covers,
    create_token,
    find_token,
    revoke_token,
    tokens_of,
)
from pypi_lite.api.bodies import read_object
from pypi_lite.api.problems import HEADERS, problem
from pypi_lite.api.projects import changing, forbidden, refused
from pypi_lite.models import Scope, Token, User
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.pages import moment_text

TOKENS, TOKEN = "api.tokens", "api.token"
_MEMBERS = {"name": str, "scopes": list, "projects": list, "days": int}


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route(TOKENS, "/api/tokens")
    config.add_route(TOKEN, "/api/tokens/{id}")
    for name in (TOKENS, TOKEN):
        config.add_exception_view(refused, context=Refusal, route_name=name)
        config.add_forbidden_view(forbidden, route_name=name)
    config.scan(__name__)


@view_config(route_name=TOKENS, request_method="GET", permission=Permission.ACCOUNT)
def list_tokens(request: Any) -> Response:
    """The tokens, the newest first."""
    maker = _maker(request.identity)
    found = tokens_of(request.reader, maker.user_id or 0)
    return _answer({"tokens": [_json(token) for token in found if covers(maker, token)]}, 200)


@view_config(
    route_name=TOKENS, request_method="POST", permission=Permission.ACCOUNT, require_csrf=False
)
def make(request: Any) -> Response:
    """Make a token, and show it, this once."""
    found = read_object(request, _MEMBERS)
    projects = _texts(found.get("projects"), "projects")
    try:
        scopes = [Scope(name) for name in _texts(found.get("scopes"), "scopes")]
    except ValueError:
        raise Refusal(Code.BAD_VALUE, f"scopes are some of {', '.join(Scope)}.") from None
    with changing(request) as session:
        maker = _maker_now(session, request.identity)
        try:
            secret = create_token(
                session,
                session.get_one(User, maker.user_id),
                name=found.get("name") or "",
                scopes=scopes,
                projects=projects,
                days=found.get("days"),
                by=maker,
            )
        except NotCoveredError as error:
            raise Refusal(Code.NOT_ALLOWED, str(error)) from None
        except TokenError as error:
            raise Refusal(Code.BAD_VALUE, str(error)) from None
        return _answer({**_json(find_token(session, secret)), "token": secret}, 201)


@view_config(
    route_name=TOKEN, request_method="DELETE", permission=Permission.ACCOUNT, require_csrf=False
)
def revoke(request: Any) -> Response:
    """Revoke a token."""
    number = request.matchdict["id"]
    with changing(request) as session:
        maker = _maker_now(session, request.identity)
        for token in tokens_of(session, maker.user_id or 0):
            if str(token.id) == number and covers(maker, token):
                revoke_token(session, token.user_id, token.id, by=maker)
                return Response(status=204, content_type=None, headerlist=list(HEADERS.items()))
    raise Refusal(Code.NOT_FOUND, "You have no such token.")


@view_config(route_name=TOKENS, permission=Permission.ACCOUNT, require_csrf=False)
@view_config(route_name=TOKEN, permission=Permission.ACCOUNT, require_csrf=False)
def other_method(request: Any) -> Response:
    """405, with the methods that there are."""
    allowed = "GET, HEAD, POST" if request.matched_route.name == TOKENS else "DELETE"
    response = problem(request, 405, Code.WRONG_METHOD, f"Use one of {allowed}.")
    response.headers["Allow"] = allowed
    return response


def _maker(identity: Identity) -> Identity:
    """Who sees to tokens. Raises Refusal: a token may not, or nobody has an account."""
    if identity.user_id is None or not identity.has_scope(Scope.MANAGE):
        raise Refusal(
            Code.NOT_ALLOWED, "Use your password, or a token of yours with the scope manage."
        )
    return identity


def _maker_now(session: Session, identity: Identity) -> Identity:
    """The same, as the database has it now that nobody else writes: a token that has just been
    revoked makes no other one. Raises Refusal."""
    current = refresh(session, identity)
    if current is None:
        raise Refusal(Code.NOT_AUTHENTICATED, "The token or account opens nothing any more.")
    return _maker(current)


def _texts(value: Any, name: str) -> list[str]:
    texts = value or []
    if not all(isinstance(text, str) for text in texts):
        raise Refusal(Code.BAD_VALUE, f"{name} has to be an array of strings.")
    return list(texts)


def _json(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted(row.scope for row in token.scopes),
        "projects": sorted(row.normalized_name for row in token.projects),
        "created": moment_text(token.created),
        "expires": moment_text(token.expires) if token.expires else None,
        "last_used": moment_text(token.last_used) if token.last_used else None,
    }


def _answer(body: dict[str, Any], status: int) -> Response:
    response = Response(json_body=body, status=status, content_type="application/json")
    response.headers.update(HEADERS)
    return response
