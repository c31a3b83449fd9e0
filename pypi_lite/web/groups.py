"""Groups, for administrators: who is in which, and what each is to which project."""

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts import groups
from pypi_lite.accounts.people import AccountError
from pypi_lite.accounts.permissions import Permission
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.groups", "/admin/groups/")
    config.add_route("web.group", "/admin/groups/{name}/")
    config.scan(__name__)


@view_config(route_name="web.groups", request_method="GET", permission=Permission.ADMINISTER)
def show(request: Any) -> Response:
    """All groups."""
    return _page(request)


@view_config(route_name="web.groups", request_method="POST", permission=Permission.ADMINISTER)
def create(request: Any) -> Response:
    """Make a group, and show it."""
    name = field(request, "name")
    try:
        group = groups.create_group(request.writer, name, by=request.identity)
    except AccountError as error:
        return _page(request, error=str(error), name=name)
    return HTTPSeeOther(request.route_url("web.group", name=group.name))


@view_config(route_name="web.group", request_method="GET", permission=Permission.ADMINISTER)
def show_group(request: Any) -> Response:
    """One group."""
    return _group(request)


@view_config(route_name="web.group", request_method="POST", permission=Permission.ADMINISTER)
def change(request: Any) -> Response:
    """Change the group as the form says."""
    do = field(request, "do")
    try:
        _CHANGES.get(do, _refuse)(request)
    except AccountError as error:
        typed = field(request, "user") if do == _ADD else ""
        return _group(request, error=str(error), user=typed)
    if do == _DELETE:
        return HTTPSeeOther(request.route_url("web.groups"))
    return HTTPSeeOther(request.route_url("web.group", name=request.matchdict["name"]))


def _page(request: Any, *, error: str | None = None, name: str = "") -> Response:
    return form(
        request,
        "groups.html",
        status=400 if error else 200,
        groups=groups.groups(request.reader),
        projects=groups.numbers_of_projects(request.reader),
        error=error,
        name=name,
    )


def _group(request: Any, *, error: str | None = None, user: str = "") -> Response:
    try:
        group = groups.find_group(request.reader, request.matchdict["name"])
    except AccountError:
        raise HTTPNotFound from None
    return form(
        request,
        "group.html",
        status=400 if error else 200,
        group=group,
        members=sorted(group.members, key=lambda member: member.user.name),
        roles=groups.roles_of(request.reader, group),
        error=error,
        user=user,
    )


def _add(request: Any) -> None:
    name, user = request.matchdict["name"], field(request, "user")
    groups.add_member(request.writer, name, user, by=request.identity)


def _remove(request: Any) -> None:
    name, user = request.matchdict["name"], field(request, "user")
    groups.remove_member(request.writer, name, user, by=request.identity)


def _delete(request: Any) -> None:
    if not field(request, "sure"):
        raise AccountError("Nothing was deleted: tick the box first.")
    groups.delete_group(request.writer, request.matchdict["name"], by=request.identity)


def _refuse(_request: Any) -> None:
    raise AccountError("There is no such change: reload the page and try again.")


_ADD, _DELETE = "add", "delete"
#: By the value of the form's field ``do``.
_CHANGES: dict[str, Callable[[Any], None]] = {_ADD: _add, "remove": _remove, _DELETE: _delete}
