"""Who is asking, and what a view needs: one policy for programs and for people.

Programs (routes named ``api.``) show a token or a password with every request, and are never known
by a cookie, so that no page elsewhere can make a browser act for somebody. People (all other routes)
have a signed cookie, and their forms carry a CSRF token.
"""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pyramid.authentication import extract_http_basic_credentials
from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.response import Response
from pyramid.security import Allowed, Denied
from pyramid.session import JSONSerializer, SignedCookieSessionFactory

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import authenticate, identity_of
from pypi_lite.accounts.permissions import Permission
from pypi_lite.models import Scope, User
from pypi_lite.opening import SESSION_SECRET, secret

_USER, _STAMP = "user", "stamp"
_SESSION_SECONDS = int(timedelta(hours=12).total_seconds())
#: How the index calls itself when it asks for credentials.
CHALLENGE = 'Basic realm="pypi_lite", charset="UTF-8"'


def includeme(config: Any) -> None:
    """Make the policy, the session's cookie and CSRF protection the application's."""
    settings = config.registry["pypi_lite.settings"]
    config.set_session_factory(
        SignedCookieSessionFactory(
            secret(settings, SESSION_SECRET),
            cookie_name="pypi_lite",
            serializer=JSONSerializer(),
            timeout=_SESSION_SECONDS,
            max_age=None,
            httponly=True,
            samesite="Lax",
            secure=settings.url.startswith("https:"),
        )
    )
    config.set_security_policy(Policy())
    config.set_default_csrf_options(require_csrf=True)
    config.add_forbidden_view(forbidden)


class Policy:
    """Pyramid's security policy."""

    def identity(self, request: Any) -> Identity | None:
        """Who is asking, or None; found once for each request."""
        cached: dict[str, Identity | None] = request.environ.setdefault("pypi_lite.identity", {})
        if "identity" not in cached:
            identity = _program(request) if _is_api(request) else _person(request)
            cached["identity"] = identity and replace(identity, address=request.remote_addr)
        return cached["identity"]

    def authenticated_userid(self, request: Any) -> str | None:
        """The account's name."""
        identity = self.identity(request)
        return None if identity is None else identity.name

    def permits(self, request: Any, context: Any, permission: str) -> Any:
        """Whether the request may go on to a view that needs *permission*."""
        if permission in (Permission.ANYBODY, Permission.READ):
            return Allowed("reading is open to everybody")
        identity = self.identity(request)
        if identity is None:
            return Denied("log in first")
        if permission == Permission.UPLOAD and identity.has_scope(Scope.UPLOAD):
            return Allowed("may upload")
        if permission == Permission.ACCOUNT:
            return Allowed("has an account")
        if permission == Permission.ADMINISTER and identity.is_admin and identity.token_id is None:
            return Allowed("administers the index")
        return Denied(f"{permission} is not granted")

    def remember(self, request: Any, userid: Any, **_: Any) -> list[tuple[str, str]]:
        """Log *userid*, a `User`, in. A new session: nothing of the visitor's before goes along."""
        request.session.invalidate()
        request.session[_USER] = userid.id
        request.session[_STAMP] = _stamp(userid)
        request.session.new_csrf_token()
        return []

    def forget(self, request: Any, **_: Any) -> list[tuple[str, str]]:
        """Log whoever it is out."""
        request.session.invalidate()
        return []


def forbidden(request: Any) -> Response:
    """Send a person to the log-in form, or say no. Programs are told by their own views."""
    if request.identity is not None or _is_api(request):
        return HTTPForbidden(detail="You may not do that.")
    return HTTPSeeOther(request.route_path("web.login", _query={"next": request.path}))


def _is_api(request: Any) -> bool:
    route = request.matched_route
    return route is not None and route.name.startswith("api.")


def _program(request: Any) -> Identity | None:
    """Basic authentication: any user name with a token, or a user's name and password."""
    credentials = extract_http_basic_credentials(request)
    if credentials is None:
        return None
    with request.index.database.read() as session:
        return authenticate(session, credentials.username, credentials.password)


def _person(request: Any) -> Identity | None:
    user_id = request.session.get(_USER)
    if user_id is None:
        return None
    with request.index.database.read() as session:
        user = session.get(User, user_id)
        if user is None or request.session.get(_STAMP) != _stamp(user):
            return None  # the account is gone, or its password has changed since
        return identity_of(user, means="session")


def _stamp(user: User) -> str:
    return hashlib.sha256(f"{user.id}:{user.password_hash}".encode()).hexdigest()[:16]
