"""The first administrator, made by whoever can read the server's output."""

import hmac
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.passwords import SHORTEST
from pypi_lite.accounts.people import AccountError, create_user, has_admin
from pypi_lite.accounts.permissions import Permission
from pypi_lite.accounts.proofs import Proof
from pypi_lite.opening import burn_setup_secret, setup_secret
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form
from pypi_lite.web.session import finish_log_in


def includeme(config: Any) -> None:
    """Add the route."""
    config.add_route("web.setup", "/setup/")
    config.scan(__name__)


@view_config(route_name="web.setup", request_method="GET", permission=Permission.ANYBODY)
def show(request: Any) -> Response:
    """The form, for who has the secret, while there is no administrator."""
    _require(request, request.reader, request.GET.get("secret", ""))
    return _form(request, request.GET["secret"])


@view_config(route_name="web.setup", request_method="POST", permission=Permission.ANYBODY)
def make_administrator(request: Any) -> Response:
    """Make the administrator and log them in. Who comes second finds nothing here."""
    given, name = field(request, "secret"), field(request, "name")
    password = field(request, "password")
    # In the writing transaction: nobody else can become the administrator meanwhile.
    _require(request, request.writer, given)
    if password != field(request, "again"):
        return _form(request, given, name, "The two passwords are not the same.")
    try:
        user = create_user(
            request.writer,
            name,
            password=password,
            is_admin=True,
            by=Identity(name="setup link", user_id=None, address=request.remote_addr),
            passwords=request.index.passwords,
        )
    except AccountError as error:
        return _form(request, given, name, str(error))
    request.writer.flush()
    # Before the commit: if that fails, the next start prints another link.
    burn_setup_secret(request.index.settings)
    return finish_log_in(request, user, "", shown=[Proof.SETUP_LINK])


def _require(request: Any, session: Any, given: str) -> None:
    """Raises HTTPNotFound unless the link is good."""
    if not has_admin(session):
        wanted = setup_secret(request.index.settings)
        if wanted and hmac.compare_digest(given.encode(), wanted.encode()):
            return
    raise HTTPNotFound


def _form(request: Any, given: str, name: str = "", error: str | None = None) -> Response:
    response = form(
        request,
        "setup.html",
        status=400 if error else 200,
        secret=given,
        name=name,
        shortest=SHORTEST,
        error=error,
    )
    # The secret is in the address: no referrer carries it. Not "no-referrer", which makes browsers
    # send "Origin: null" with the form, and https forms need their origin.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
