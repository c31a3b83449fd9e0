"""Who is asking, and what a view needs: one policy for programs and for people.

Programs (routes named ``api.``) show a token or a password with every request. What changes something
there never knows anybody by a cookie, so that no page elsewhere can make a browser act for somebody.
People (all other routes) have a cookie with the id of their session, and their forms carry a CSRF
token. The cookie counts for reading at programs' addresses too: somebody who is logged in browses
``/simple/`` and downloads files.
"""

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.response import Response
from pyramid.security import Allowed, Denied
from sqlalchemy.orm import Session

from pypi_lite.accounts.attempts import TooManyAttemptsError
from pypi_lite.accounts.credentials import secret_of
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.log_in import PasswordAloneError, by_password_alone
from pypi_lite.accounts.people import authenticate, password_identity
from pypi_lite.accounts.permissions import Permission
from pypi_lite.accounts.proofs import Proof
from pypi_lite.accounts.sessions import (
    begin_session,
    cookie_hash,
    end_session_of_cookie,
    session_identity,
)
from pypi_lite.accounts.tokens import is_token, note_use
from pypi_lite.cookie import FormTokens, cookie_header
from pypi_lite.errors import plain
from pypi_lite.forms import drain
from pypi_lite.models import Scope, User
from pypi_lite.opening import FORM_SECRET, secret
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.reach import Reach

_IDENTITY = "pypi_lite.identity"
#: How the index calls itself when it asks for credentials.
CHALLENGE = 'Basic realm="pypi_lite", charset="UTF-8"'
#: What a program is told with it.
ASKED = "Credentials are missing or wrong: use __token__ as user name and a token as password."


def includeme(config: Any) -> None:
    """Make the policy, and protection against forged forms, the application's."""
    settings = config.registry["pypi_lite.settings"]
    config.set_csrf_storage_policy(FormTokens(secret(settings, FORM_SECRET)))
    config.set_security_policy(Policy())
    config.set_default_csrf_options(require_csrf=True)


def know(environ: dict[str, Any], identity: Identity | None) -> None:
    """Let a request within this program be *identity*'s."""
    environ[_IDENTITY] = {"identity": identity}


def check_again(request: Any, session: Session) -> None:
    """Raises HTTPForbidden unless a person who asks is who they were, now that *session* writes and
    nobody else does.

    Since the request began they may have been logged out, or be an administrator no longer. What they
    may do to a project is checked with the change itself (`repository.authority`).
    """
    before = request.identity
    if before is None:
        return
    now = _person(request, session)
    if now is None or before.is_admin > now.is_admin:
        know(request.environ, now)
        raise HTTPForbidden


class Policy:
    """Pyramid's security policy."""

    def identity(self, request: Any) -> Identity | None:
        """Who is asking, or None; found once for each request."""
        cached: dict[str, Identity | None] = request.environ.setdefault(_IDENTITY, {})
        if "identity" not in cached:
            cached["identity"] = None  # who has guessed too often is nobody, in the refusal as well
            cached["identity"] = self._found(request)
        return cached["identity"]

    @staticmethod
    def _found(request: Any) -> Identity | None:
        if _is_program(request):
            identity = _program(request)
            return identity and replace(identity, address=request.remote_addr)
        with _asking(request) as session:
            return _person(request, session)

    def authenticated_userid(self, request: Any) -> str | None:
        """The account's name."""
        identity = self.identity(request)
        return None if identity is None else identity.name

    def permits(self, request: Any, context: Any, permission: str) -> Any:
        """Whether the request may go on to a view that needs *permission*."""
        if permission == Permission.ANYBODY:
            return Allowed("it is for everybody")
        if permission == Permission.READ and request.index.settings.is_open:
            return Allowed("reading is open to everybody")
        identity = self.identity(request)
        if identity is None:
            return Denied("log in first")
        if permission == Permission.READ and identity.has_scope(Scope.READ):
            return Allowed("may read")
        if not _is_api(request) and not _is_person(identity):
            return Denied("people's pages are for people")
        if permission == Permission.UPLOAD and identity.has_scope(Scope.UPLOAD):
            return Allowed("may upload")
        if permission == Permission.ACCOUNT and identity.publisher_token_id is None:
            return Allowed("has an account")
        if permission == Permission.ADMINISTER and identity.is_admin and identity.token_id is None:
            return Allowed("administers the index")
        return Denied(f"{permission} is not granted")

    def remember(
        self, request: Any, userid: User, *, shown: Collection[Proof], **_: Any
    ) -> list[tuple[str, str]]:
        """Log *userid*, who is in the request's writing session and has *shown* that, in: headers for
        the answer.

        The id is a new one, whatever the cookie held before, and its session, if it had one, ends.
        """
        by = Identity(name=userid.name, user_id=userid.id, address=request.remote_addr)
        self._end(request, by)
        secret = begin_session(
            request.writer,
            userid,
            hours=request.index.settings.session_hours,
            address=request.remote_addr or "",
            agent=request.user_agent or "",
            by=by,
            shown=shown,
        )
        return [cookie_header(request, secret)]

    def forget(self, request: Any, **_: Any) -> list[tuple[str, str]]:
        """Log whoever it is out: headers for the answer."""
        if request.identity is not None:
            self._end(request, request.identity)
        return [cookie_header(request, None)]

    @staticmethod
    def _end(request: Any, by: Identity) -> None:
        sha256 = cookie_hash(request.environ)
        if sha256 is not None:
            end_session_of_cookie(request.writer, sha256, by=by)


def is_known(request: Any) -> bool:
    """Whether somebody has said who they are in the way that counts at the request's address."""
    identity = request.identity
    return identity is not None and (_is_api(request) or _is_person(identity))


def ask(request: Any) -> Response:
    """Ask who it is: a person by the log-in form, a program by 401 (RFC 9110, 11.6.1)."""
    if not _is_api(request):
        return HTTPSeeOther(request.route_path("web.login", _query={"next": request.path_qs}))
    drain(request.environ)
    response = plain(401, ASKED)
    response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def asks(request: Any) -> bool:
    """Whether somebody unknown, who has found nothing, might find something with credentials."""
    if request.identity is not None:
        return False
    # Only where a view has looked for something.
    reach: Reach | None = request.__dict__.get("reach")
    if reach is None:
        return False
    return reach.has_missed or request.index.settings.challenge_unknown


def _is_person(identity: Identity) -> bool:
    """Whether somebody is logged in, and shows no token, nor a password with each request."""
    shows_token = identity.token_id is not None or identity.publisher_token_id is not None
    return not shows_token and not identity.password


def _is_api(request: Any) -> bool:
    route = request.matched_route
    return route is not None and route.name.startswith("api.")


def _is_program(request: Any) -> bool:
    """Whether credentials count, and no cookie: for all that a program changes, and where it shows any
    for what it reads."""
    if _is_safe(request):
        return "HTTP_AUTHORIZATION" in request.environ
    return _is_api(request)


def _is_safe(request: Any) -> bool:
    """Whether it only reads."""
    return request.method in ("GET", "HEAD")


def _asking(request: Any) -> AbstractContextManager[Session]:
    """A session to find out in who asks.

    For reading it is the request's own, so that who somebody is and what they are shown are of one
    snapshot: nobody is shown what came after they had lost the right to it.
    """
    if _is_safe(request):
        return nullcontext(request.reader)
    found: AbstractContextManager[Session] = request.index.database.read()
    return found


def _program(request: Any) -> Identity | None:
    """Basic authentication: any user name with a token, or a user's name and password; or Bearer.

    Raises Refusal: somebody has guessed passwords too often, or a password alone does not do.
    """
    authorization = request.environ.get("HTTP_AUTHORIZATION", "")
    credentials = secret_of(authorization)
    if credentials is None:
        return None
    index, (name, shown) = request.index, credentials
    require = index.settings.require_second_factor
    if is_token(name, shown):  # nobody guesses one: they need no counting
        with _asking(request) as session:
            identity = authenticate(session, name, shown)
        if identity is not None and identity.token_id is not None:
            note_use(index.database, identity.token_id)
        return identity
    try:
        identity = by_password_alone(
            index.database, index.passwords, name, shown, request.remote_addr, require=require
        )
    except TooManyAttemptsError as error:
        if index.settings.is_open and request.method in ("GET", "HEAD"):
            return None  # who shows a wrong password with everything still reads what all read
        raise Refusal(Code.TOO_MANY_ATTEMPTS, str(error), retry_after=error.seconds) from None
    except PasswordAloneError as error:
        raise Refusal(Code.NOT_AUTHENTICATED, str(error)) from None
    if identity is None or identity.user_id is None:
        return None
    request.registry["pypi_lite.reading"].shown.remember(authorization, identity)
    if not _is_safe(request):
        return identity
    # Verifying took its time, and a snapshot of its own.
    found = password_identity(request.reader, identity.user_id)
    return found if found is not None and found.password == identity.password else None


def _person(request: Any, session: Session) -> Identity | None:
    sha256 = cookie_hash(request.environ)
    if sha256 is None:
        return None
    found = session_identity(session, sha256, request.index.settings.require_second_factor)
    return None if found is None else replace(found[0], address=request.remote_addr)
