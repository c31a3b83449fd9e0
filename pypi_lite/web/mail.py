"""A person's own mail: where it goes, and whether they want it."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts import links, users
from pypi_lite.accounts.attempts import TooManyAttemptsError
from pypi_lite.accounts.log_in import by_password
from pypi_lite.accounts.people import AccountError, find_user
from pypi_lite.accounts.permissions import Permission
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.mail", "/account/mail/")
    config.scan(__name__)


@view_config(route_name="web.mail", request_method="GET", permission=Permission.ACCOUNT)
def show(request: Any) -> Response:
    """The page."""
    return _page(request)


@view_config(route_name="web.mail", request_method="POST", permission=Permission.ACCOUNT)
def change(request: Any) -> Response:
    """Set what the form says; a new address has to be confirmed, or anybody's could be written."""
    email = field(request, "email")
    try:
        return _CHANGES.get(field(request, "do"), _refuse)(request)
    except TooManyAttemptsError as error:
        response = _page(request, status=429, error=str(error), email=email)
        response.headers["Retry-After"] = str(error.seconds)
        return response
    except AccountError as error:
        return _page(request, status=400, error=str(error), email=email)


def _set_wants(request: Any) -> Response:
    wants = bool(field(request, "wants"))
    users.set_wants_mail(request.writer, request.identity.name, wants, by=request.identity)
    return HTTPSeeOther(request.route_url("web.mail"))


def _set_address(request: Any) -> Response:
    _check_password(request)
    name, email = request.identity.name, field(request, "email")
    if not email.strip():
        users.set_email(request.writer, name, "", by=request.identity)
        return HTTPSeeOther(request.route_url("web.mail"))
    if not request.index.settings.sends_mail:
        raise AccountError("This index sends no mail that could confirm the address.")
    link = links.confirm_email(request.writer, find_user(request.writer, name), email)
    return _page(request, email=email, sent=link.email)


def _check_password(request: Any) -> None:
    """Raises AccountError, TooManyAttemptsError: it is not the person's password.

    Whoever has the address can have a new password sent: a browser left alone is not enough. Wrong ones
    are counted as at the log-in, in transactions of their own, before the request's.
    """
    index, name, password = request.index, request.identity.name, field(request, "password")
    if find_user(request.reader, name).password_hash is None:
        return
    if by_password(index.database, index.passwords, name, password, request.remote_addr) is None:
        raise AccountError("That is not your password.")


def _refuse(_request: Any) -> Response:
    raise AccountError("There is no such change: reload the page and try again.")


#: By the value of the form's field ``do``.
_CHANGES = {"address": _set_address, "wants": _set_wants}


def _page(
    request: Any,
    *,
    status: int = 200,
    error: str | None = None,
    email: str = "",
    sent: str | None = None,
) -> Response:
    return form(
        request,
        "mail.html",
        status=status,
        user=find_user(request.reader, request.identity.name),
        error=error,
        email=email,
        sent=sent,
    )
