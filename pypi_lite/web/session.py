"""Logging in and out."""

import re
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.security import forget, remember
from pyramid.view import view_config

from pypi_lite.accounts.people import authenticate
from pypi_lite.accounts.permissions import Permission
from pypi_lite.models import User
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form

# One slash first: "//host" and "/\host" are other hosts to a browser.
_LOCAL_PATH = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?\Z")


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.login", "/login/")
    config.add_route("web.logout", "/logout/", request_method="POST")
    config.scan(__name__)


@view_config(route_name="web.login", request_method="GET", permission=Permission.READ)
def show(request: Any) -> Response:
    """The form; whoever is logged in already goes on."""
    wanted = request.GET.get("next", "")
    if request.identity is not None:
        return _go_on(request, wanted)
    return form(request, "login.html", next=wanted, name="")


@view_config(route_name="web.login", request_method="POST", permission=Permission.READ)
def log_in(request: Any) -> Response:
    """Take name and password, and go on to where the person was going."""
    name, wanted = field(request, "name"), field(request, "next")
    user = _user(request, name, field(request, "password"))
    if user is None:
        error = "That is not the name and password of an account here."
        return form(request, "login.html", status=403, next=wanted, name=name, error=error)
    return finish_log_in(request, user, wanted)


def finish_log_in(request: Any, user: User, wanted: str) -> Response:
    """Log *user*, who has shown all that they have to, in, and send them on to the path *wanted*."""
    remember(request, user)
    return _go_on(request, wanted)


@view_config(route_name="web.logout", permission=Permission.READ)
def log_out(request: Any) -> Response:
    """End the session."""
    forget(request)
    return HTTPSeeOther(request.route_url("web.home"))


def is_local(path: str) -> bool:
    """Whether *path* leads to this very host, however a browser reads it."""
    return _LOCAL_PATH.match(path) is not None


def _user(request: Any, name: str, password: str) -> User | None:
    identity = authenticate(request.reader, name, password)
    # A token is for programs: in a browser it would become all that its owner may do.
    if identity is None or identity.token_id is not None:
        return None
    user: User | None = request.reader.get(User, identity.user_id)
    return user


def _go_on(request: Any, wanted: str) -> Response:
    url = request.host_url + wanted if is_local(wanted) else request.route_url("web.account")
    return HTTPSeeOther(url)
