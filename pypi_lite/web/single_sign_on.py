"""Logging in by the provider that the settings name, and connecting an account with it.

Only links lead to the provider, no form: the Content Security Policy keeps forms here. What an attempt
needs to be recognised lies in a signed cookie of the browser that began it, for ten minutes and once.
"""

import logging
import time
from dataclasses import asdict
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.session import JSONSerializer
from pyramid.view import view_config
from webob.cookies import SignedSerializer

from pypi_lite.accounts import external
from pypi_lite.accounts.attempts import TooManyAttemptsError
from pypi_lite.accounts.factors import lacks_factor
from pypi_lite.accounts.log_in import by_password
from pypi_lite.accounts.people import AccountError
from pypi_lite.accounts.permissions import Permission
from pypi_lite.accounts.proofs import Proof
from pypi_lite.accounts.provider import CALLBACK, Attempt, Provider
from pypi_lite.jwts import IssuerError, JwtError
from pypi_lite.models import User
from pypi_lite.opening import SINGLE_SIGN_ON_SECRET, secret
from pypi_lite.web.factor_forms import ask_to_enrol, issue_to_enrol
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import answer, form
from pypi_lite.web.session import finish_log_in, too_many_attempts

COOKIE = "pypi_lite_sso"
_SECONDS = 600
_PROVIDER, _COOKIES, _OFFERS = "pypi_lite.sso", "pypi_lite.sso.cookies", "pypi_lite.sso.offers"

_log = logging.getLogger(__name__)


def includeme(config: Any) -> None:
    """Add the routes, and the provider, which is asked for nothing yet."""
    settings = config.registry["pypi_lite.settings"]
    key = secret(settings, SINGLE_SIGN_ON_SECRET)
    config.registry[_PROVIDER] = Provider(settings)
    config.registry[_COOKIES] = SignedSerializer(key, "attempt", serializer=JSONSerializer())
    config.registry[_OFFERS] = SignedSerializer(key, "offer", serializer=JSONSerializer())
    config.add_route("web.sso", "/login/sso/", request_method="GET")
    config.add_route("web.sso.callback", f"/{CALLBACK}", request_method="GET")
    config.add_route("web.sso.connect", "/account/sso/")
    config.add_route("web.sso.disconnect", "/account/sso/disconnect/", request_method="POST")
    config.scan(__name__)


@view_config(route_name="web.sso", permission=Permission.ANYBODY)
def begin(request: Any) -> Response:
    """Send the browser to the provider."""
    return _begin(request, wanted=request.GET.get("next", ""))


@view_config(route_name="web.sso.connect", request_method="GET", permission=Permission.ACCOUNT)
def begin_connecting(request: Any) -> Response:
    """Send the browser to the provider, to learn whom to connect the account with."""
    return _begin(request, user=request.identity.user_id)


@view_config(route_name="web.sso.callback", permission=Permission.ANYBODY)
def come_back(request: Any) -> Response:
    """Take what the provider says of the browser. It counts once: the attempt is over then."""
    kept = _load(request, _COOKIES, request.cookies.get(COOKIE, ""))
    if kept is None or request.GET.get("state") != kept["attempt"]["state"]:
        text = "This browser has not begun to log in, or too long ago, or in another window since."
        return _over(_problem(request, 400, text))
    attempt = Attempt(**kept["attempt"])
    try:
        # Nothing of the database is held meanwhile.
        person = request.registry[_PROVIDER].identify(attempt, request.GET)
    except IssuerError as error:
        _log.warning("single sign-on: the provider can't be asked: %s", error)
        text = "The provider can't be asked at this moment. Try again in a minute."
        return _over(_problem(request, 503, text))
    except JwtError as error:
        _log.warning("single sign-on: the provider is not believed: %s", error)
        return _over(_problem(request, 403, f"The provider's answer does not log you in: {error}."))
    if kept["user"] is not None:
        return _over(_offer(request, kept["user"], person))
    return _over(_log_in(request, person, kept["wanted"]))


@view_config(route_name="web.sso.connect", request_method="POST", permission=Permission.ACCOUNT)
def connect(request: Any) -> Response:
    """Connect the account with the person of an offer; who has its password may."""
    identity, issuer = request.identity, request.index.settings.oidc_issuer
    offer = _load(request, _OFFERS, field(request, "offer"))
    if offer is None or offer["user"] != identity.user_id:
        return _problem(request, 400, "The form is too old. Begin again on your account page.")
    password = field(request, "password")
    try:
        shown = by_password(
            request.index.database,
            request.index.passwords,
            identity.name,
            password,
            request.remote_addr,
        )
    except TooManyAttemptsError as error:
        return too_many_attempts(request, error, "connect.html", **_values(request, offer))
    if shown is None or shown.user_id != identity.user_id:
        error_text = "That is not your password here."
        return form(
            request, "connect.html", status=403, error=error_text, **_values(request, offer)
        )
    try:
        user = request.writer.get(User, identity.user_id)
        external.connect(request.writer, user, issuer, offer["subject"], by=identity)
    except AccountError as error:
        return _problem(request, 403, str(error))
    return HTTPSeeOther(request.route_url("web.account"))


@view_config(route_name="web.sso.disconnect", permission=Permission.ACCOUNT)
def disconnect(request: Any) -> Response:
    """Take the connection away from an account that has a password to log in with."""
    identity, issuer = request.identity, request.index.settings.oidc_issuer
    user = request.writer.get(User, identity.user_id)
    if user.password_hash is None:
        return _problem(request, 403, "Without a password you could not log in any more.")
    try:
        external.disconnect(request.writer, user, issuer, by=identity)
    except AccountError as error:
        return _problem(request, 403, str(error))
    return HTTPSeeOther(request.route_url("web.account"))


def _begin(request: Any, *, wanted: str = "", user: int | None = None) -> Response:
    attempt = Attempt.begin()
    try:
        url = request.registry[_PROVIDER].authorization_url(attempt)
    except IssuerError as error:
        _log.warning("single sign-on: the provider can't be asked: %s", error)
        text = "The provider can't be asked at this moment. Try again in a minute."
        return _problem(request, 503, text)
    kept = {"attempt": asdict(attempt), "wanted": wanted[:1000], "user": user}
    response = HTTPSeeOther(url, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        COOKIE,
        _dump(request, _COOKIES, kept),
        max_age=_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.index.settings.url.startswith("https:"),
    )
    return response


def _log_in(request: Any, person: external.Person, wanted: str) -> Response:
    may_create = request.index.settings.oidc_create
    try:
        user = external.sign_on(
            request.writer, person, may_create=may_create, address=request.remote_addr
        )
    except AccountError as error:
        return _problem(request, 403, str(error))
    request.writer.flush()
    # The provider asks for what it wants to be shown; but an account that must have a second factor
    # here has no session without one.
    if lacks_factor(request.writer, request.index.settings.require_second_factor, user):
        ticket = issue_to_enrol(request, user, wanted, shown=Proof.SINGLE_SIGN_ON)
        return ask_to_enrol(request, user, ticket)
    return finish_log_in(request, user, wanted, shown=[Proof.SINGLE_SIGN_ON])


def _offer(request: Any, user_id: int, person: external.Person) -> Response:
    """Ask whether the account is to be connected with *person*: somebody may have led the browser here."""
    identity = request.identity
    if identity is None or identity.user_id != user_id:
        return _problem(request, 403, "You are no longer logged in to the account to be connected.")
    offer = {"user": user_id, "subject": person.subject, "name": person.name}
    return form(request, "connect.html", **_values(request, offer))


def _values(request: Any, offer: dict[str, Any]) -> dict[str, Any]:
    """What the form needs to make the offer again."""
    return {"offer": _dump(request, _OFFERS, offer), "who": offer["name"] or offer["subject"]}


def _problem(request: Any, status: int, text: str) -> Response:
    return answer(request, "error/single_sign_on.html", status=status, text=text)


def _over(response: Response) -> Response:
    """*response*, after which the attempt counts no more."""
    response.delete_cookie(COOKIE)
    return response


def _dump(request: Any, kind: str, content: dict[str, Any]) -> str:
    signed: bytes = request.registry[kind].dumps({**content, "until": time.time() + _SECONDS})
    return signed.decode()


def _load(request: Any, kind: str, text: str) -> dict[str, Any] | None:
    """What `_dump` wrote less than ten minutes ago; None: it did not."""
    try:
        content: dict[str, Any] = request.registry[kind].loads(text.encode())
    except ValueError:
        return None
    return content if content["until"] > time.time() else None
