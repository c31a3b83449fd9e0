"""Trusted publishing: the addresses at which a job exchanges its issuer's token for one of ours.

``/_/oidc/audience`` and ``/_/oidc/mint-token`` are what uv, pdm, twine and the publishing action speak,
and no standard; they ask at the root of the upload address's host, whatever path the index has. Whatever
goes wrong, the answer has ``errors``, which some of them read without looking whether it is there.
"""

import logging
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config
from sqlalchemy.exc import OperationalError

from pypi_lite.accounts.assertions import Assertion, Assertions
from pypi_lite.accounts.permissions import Permission
from pypi_lite.api.bodies import LONGEST_BODY, parse
from pypi_lite.api.problems import HEADERS
from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.errors import RETRY_AFTER
from pypi_lite.forms import drain
from pypi_lite.jwts import IssuerError, JwtError
from pypi_lite.repository import publishing
from pypi_lite.repository.errors import Code, Refusal

log = logging.getLogger(__name__)

_FAILED = "Token request failed"
_OFF = "This index has no trusted publishing."


def includeme(config: Any) -> None:
    """Add the routes, and what verifies tokens, where the settings name an issuer."""
    settings = config.registry["pypi_lite.settings"]
    trusted = settings.trusted_issuers
    config.registry["pypi_lite.assertions"] = (
        Assertions(trusted, settings.audience) if trusted else None
    )
    config.add_route("api.oidc.audience", "/_/oidc/audience", request_method=("GET", "HEAD"))
    config.add_route("api.oidc.mint", "/_/oidc/mint-token", request_method="POST")
    config.add_route("api.oidc.burn", "/_/oidc/burn-token", request_method="POST")
    config.scan(__name__)


@view_config(route_name="api.oidc.audience", permission=Permission.ANYBODY)
def audience(request: Any) -> Response:
    """Whom a token has to be for. uv asks each time that it has no credentials: a 404 is cheap."""
    if _assertions(request) is None:
        return _failure(request, Refusal(Code.NOT_FOUND, _OFF))
    return _answer({"audience": request.index.settings.audience})


@view_config(route_name="api.oidc.mint", permission=Permission.ANYBODY, require_csrf=False)
def mint(request: Any) -> Response:
    """Exchange an issuer's token for one of ours; ``expires`` is in seconds since 1970."""
    try:
        assertion = _verified(request)
        with request.index.database.write() as session:
            minted = publishing.mint(session, assertion, address=request.remote_addr)
    except Refusal as refusal:
        return _failure(request, refusal)
    except (ChangeRefused, OperationalError):
        log.exception("no token was made")
        return _failure(request, Refusal(Code.BUSY, "The token could not be stored. Try again."))
    expires = int(minted.expires.timestamp())
    return _answer({"success": True, "token": minted.secret, "expires": expires})


@view_config(route_name="api.oidc.burn", permission=Permission.ANYBODY, require_csrf=False)
def burn(request: Any) -> Response:
    """Take a token of ours back, as uv asks for when it has published: whoever has it may."""
    try:
        secret = _token(request)
        with request.index.database.read() as session:
            is_known = publishing.is_known(session, secret)
        if is_known:  # or anybody could keep writers waiting
            with request.index.database.write() as session:
                publishing.burn(session, secret)
    except Refusal as refusal:
        return _failure(request, refusal)
    except (ChangeRefused, OperationalError):
        log.exception("a token was not taken back")
        return _failure(request, Refusal(Code.BUSY, "The token could not be removed. Try again."))
    return Response(status=204, headerlist=list(HEADERS.items()))


def _verified(request: Any) -> Assertion:
    """What the token in the request says. Before a transaction begins: an issuer may be asked."""
    assertions = _assertions(request)
    if assertions is None:
        raise Refusal(Code.NOT_FOUND, _OFF)
    token = _token(request)
    try:
        return assertions.verify(token)
    except IssuerError as error:
        log.warning("a token of a publisher can't be verified: %s", error)
        raise Refusal(Code.BUSY, f"The issuer's keys can't be read now: {error}.") from error
    except JwtError as error:
        raise Refusal(Code.INVALID_TOKEN, f"The identity token is refused: {error}.") from error


def _token(request: Any) -> str:
    """The member ``token`` of the body, whatever else is there, and whatever its type is called."""
    found = parse(request.environ["wsgi.input"].read(LONGEST_BODY + 1))
    token = found.get("token") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token.isascii():
        raise Refusal(Code.BAD_VALUE, 'Send a JSON object with the member "token", a string.')
    return token


def _assertions(request: Any) -> Assertions | None:
    assertions: Assertions | None = request.registry["pypi_lite.assertions"]
    return assertions


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    response = Response(json_body=body, status=status, content_type="application/json")
    response.headers.update(HEADERS)
    return response


def _failure(request: Any, refusal: Refusal) -> Response:
    """422 unless trusted publishing is off (404) or it may go well later (503)."""
    drain(request.environ)
    status = refusal.status if refusal.code in (Code.NOT_FOUND, Code.BUSY) else 422
    errors = [{"code": refusal.code.value, "description": refusal.text}]
    response = _answer({"message": _FAILED, "errors": errors}, status)
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response
