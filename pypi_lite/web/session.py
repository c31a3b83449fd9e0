"""Logging in and out."""

import re
from collections.abc import Collection
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.security import forget, remember
from pyramid.view import view_config

from pypi_lite.accounts import attempts
from pypi_lite.accounts.attempts import TooManyAttemptsError
from pypi_lite.accounts.log_in import by_password
from pypi_lite.accounts.permissions import Permission
from pypi_lite.accounts.proofs import Proof
from pypi_lite.models import User
from pypi_lite.web.factor_forms import lone_passkey, next_step
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form

# One slash first: "//host" and "/\host" are other hosts to a browser.
_LOCAL_PATH = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?\Z")


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.login", "/login/")
    config.add_route("web.logout", "/logout/", request_method="POST")
    config.scan(__name__)


@view_config(route_name="web.login", request_method="GET", permission=Permission.ANYBODY)
def show(request: Any) -> Response:
    """The form; whoever is logged in already goes on."""
    wanted = request.GET.get("next", "")
    if request.identity is not None:
        return _go_on(request, wanted)
    return log_in_form(request, wanted=wanted)


@view_config(route_name="web.login", request_method="POST", permission=Permission.ANYBODY)
def log_in(request: Any) -> Response:
    """Take name and password, and go on to where the person was going."""
    name, wanted = field(request, "name"), field(request, "next")
    try:
        user = _user(request, name, field(request, "password"))
    except TooManyAttemptsError as error:
        passkey = lone_passkey(request)
        return too_many_attempts(
            request, error, "login.html", next=wanted, name=name, passkey=passkey
        )
    if user is None:
        error_text = "That is not the name and password of an account here."
        return log_in_form(request, wanted=wanted, name=name, error=error_text)
    return next_step(request, user, wanted) or finish_log_in(
        request, user, wanted, shown=[Proof.PASSWORD]
    )


def log_in_form(
    request: Any, *, wanted: str = "", name: str = "", error: str | None = None
) -> Response:
    """The form, empty or again."""
    return form(
        request,
        "login.html",
        status=403 if error else 200,
        next=wanted,
        name=name,
        passkey=lone_passkey(request),
        error=error,
    )


def finish_log_in(request: Any, user: User, wanted: str, *, shown: Collection[Proof]) -> Response:
    """Log *user*, who has shown all that they have to, in, and send them on to the path *wanted*.

    *shown* is for the journal. *user* may be of any session of the database. Whoever was disabled, or
    got another password, meanwhile is sent back to the form.
    """
    current = request.writer.get(User, user.id)
    if current is None or current.is_disabled or current.password_hash != user.password_hash:
        return HTTPSeeOther(request.route_url("web.login"))
    attempts.succeeded(request.writer, current, request.remote_addr)
    return _go_on(request, wanted, remember(request, current, shown=shown))


def too_many_attempts(
    request: Any, error: TooManyAttemptsError, template: str, **values: Any
) -> Response:
    """429: the form again, which says how long to wait."""
    response = form(request, template, status=429, error=str(error), **values)
    response.headers["Retry-After"] = str(error.seconds)
    return response


@view_config(route_name="web.logout", permission=Permission.ANYBODY)
def log_out(request: Any) -> Response:
    """End the session."""
    return HTTPSeeOther(request.route_url("web.home"), headers=forget(request))


def is_local(path: str) -> bool:
    """Whether *path* leads to this very host, however a browser reads it."""
    return _LOCAL_PATH.match(path) is not None


def _user(request: Any, name: str, password: str) -> User | None:
    """Whose name and password that is. Raises TooManyAttemptsError."""
    index = request.index
    identity = by_password(index.database, index.passwords, name, password, request.remote_addr)
    if identity is None:
        return None
    user: User | None = request.reader.get(User, identity.user_id)
    return None if user is None else _renewed(request, user, password)


def _renewed(request: Any, user: User, password: str) -> User:
    """*user*, whose password's hash becomes what the settings want now."""
    old = user.password_hash
    renewed = old and request.index.passwords.renew(old, password)
    if renewed:
        current: User | None = request.writer.get(User, user.id)
        if current is not None and current.password_hash == old:
            current.password_hash = renewed
            return current
    return user


def _go_on(request: Any, wanted: str, headers: Any = ()) -> Response:
    url = request.host_url + wanted if is_local(wanted) else request.route_url("web.account")
    return HTTPSeeOther(url, headers=headers)
