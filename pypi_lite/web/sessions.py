"""The parts of a person's own page that say where they are logged in, and change their password."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.security import remember
from pyramid.view import view_config

from pypi_lite.accounts.attempts import TooManyAttemptsError
from pypi_lite.accounts.log_in import by_password, change_password
from pypi_lite.accounts.permissions import Permission
from pypi_lite.accounts.proofs import Proof
from pypi_lite.accounts.sessions import cookie_hash, end_session, end_sessions
from pypi_lite.models import User
from pypi_lite.web.account import account_page
from pypi_lite.web.fields import field, number

_PAGES = ("web.sessions.end", "web.sessions.end_others", "web.password")


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.sessions.end", "/account/sessions/end/")
    config.add_route("web.sessions.end_others", "/account/sessions/end-others/")
    config.add_route("web.password", "/account/password/")
    for name in _PAGES:
        # The forms' own addresses show the page too: the log-in form may lead back to them.
        config.add_view(show, route_name=name, request_method="GET", permission=Permission.ACCOUNT)
    config.scan(__name__)


def show(request: Any) -> Response:
    """The page."""
    return account_page(request, request.reader)


@view_config(route_name="web.sessions.end", request_method="POST", permission=Permission.ACCOUNT)
def end(request: Any) -> Response:
    """End a session of one's own; one that has ended already is as good."""
    identity, found = request.identity, number(request, "session")
    if found is not None:
        end_session(request.writer, identity.user_id, found, by=identity)
    return HTTPSeeOther(request.route_url("web.account"))


@view_config(
    route_name="web.sessions.end_others", request_method="POST", permission=Permission.ACCOUNT
)
def end_others(request: Any) -> Response:
    """End all sessions of one's own but this one."""
    identity, this = request.identity, cookie_hash(request.environ)
    end_sessions(request.writer, identity.user_id, by=identity, but_sha256=this)
    return HTTPSeeOther(request.route_url("web.account"))


@view_config(route_name="web.password", request_method="POST", permission=Permission.ACCOUNT)
def password(request: Any) -> Response:
    """Change the password, for who knows the old one. All sessions end; this one goes on as a new one.

    Wrong ones are counted as at the log-in: whoever finds a browser open can't guess here.
    """
    index, identity, new = request.index, request.identity, field(request, "new")
    if new != field(request, "again"):
        return _refused(request, "The two new passwords are not the same.")
    old, address = field(request, "old"), request.remote_addr
    if new == old:
        return _refused(request, "The new password is the old one: choose another.")
    try:
        found = by_password(index.database, index.passwords, identity.name, old, address)
    except TooManyAttemptsError as error:
        response = _refused(request, str(error), status=429)
        response.headers["Retry-After"] = str(error.seconds)
        return response
    if found is None:
        return _refused(request, "The old password is wrong.")
    verified = request.reader.get(User, identity.user_id)
    try:
        password_hash = index.passwords.hash(new, name=identity.name)
    except ValueError as error:
        return _refused(request, str(error))
    user = request.writer.get(User, identity.user_id)
    if user is None or verified is None or user.password_hash != verified.password_hash:
        return _refused(request, "The password was changed meanwhile: log in again.")
    change_password(request.writer, user, password_hash, by=identity)
    headers = remember(request, user, shown=[Proof.PASSWORD])
    done = request.route_url("web.account", _query={"done": "password"})
    return HTTPSeeOther(done, headers=headers)


def _refused(request: Any, text: str, status: int = 400) -> Response:
    return account_page(request, request.reader, status=status, password_error=text)
