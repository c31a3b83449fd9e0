"""Namespaces, for administrators: what is reserved for whom, and forms to change it."""

from contextlib import suppress
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.repository import namespaces
from pypi_lite.repository.errors import Refusal
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form

#: Projects of others that are named; of more only the number is told.
_STRANGERS_SHOWN = 5


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.namespaces", "/namespaces/")
    config.add_route("web.namespaces.revoke", "/namespaces/revoke/")
    config.scan(__name__)


# The form's own address shows the page too: the log-in form may lead back to it.
@view_config(route_name="web.namespaces", request_method="GET", permission=Permission.ADMINISTER)
@view_config(
    route_name="web.namespaces.revoke", request_method="GET", permission=Permission.ADMINISTER
)
def show(request: Any) -> Response:
    """The page."""
    return _page(request)


@view_config(route_name="web.namespaces", request_method="POST", permission=Permission.ADMINISTER)
def grant(request: Any) -> Response:
    """Grant a namespace, or give one that is granted to others."""
    name, owners = field(request, "name"), field(request, "owners")
    try:
        namespaces.grant(request.writer, request.identity, name, owners.replace(",", " ").split())
    except Refusal as refusal:
        return _page(request, error=refusal.text, name=name, owners=owners)
    return HTTPSeeOther(request.route_url("web.namespaces"))


@view_config(
    route_name="web.namespaces.revoke", request_method="POST", permission=Permission.ADMINISTER
)
def revoke(request: Any) -> Response:
    """Revoke a grant; one that is gone already is as good as revoked."""
    with suppress(Refusal):
        namespaces.revoke(request.writer, request.identity, field(request, "name"))
    return HTTPSeeOther(request.route_url("web.namespaces"))


def _page(request: Any, *, error: str | None = None, name: str = "", owners: str = "") -> Response:
    return form(
        request,
        "namespaces.html",
        status=400 if error else 200,
        grants=namespaces.grants(request.reader),
        shown=_STRANGERS_SHOWN,
        most_hyphens=namespaces.MOST_HYPHENS,
        error=error,
        name=name,
        owners=owners,
    )
