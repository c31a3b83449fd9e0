"""The page on which owners and administrators change a project: its status, its releases, its files.

It is not part of the project's own page, whose bytes are the same for everybody.
"""

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.models import ProjectStatus, RoleName, Visibility
from pypi_lite.names import normalize_name
from pypi_lite.repository import changes, pages, roles
from pypi_lite.repository.authority import why_not
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.reasons import LONGEST_REASON
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form


def includeme(config: Any) -> None:
    """Add the route."""
    config.add_route("web.manage", "/manage/{name}/")
    config.scan(__name__)


@view_config(route_name="web.manage", request_method="GET", permission=Permission.ACCOUNT)
def show(request: Any) -> Response:
    """The page; for who may not manage the project, it says so and has no forms."""
    return _page(request)


@view_config(route_name="web.manage", request_method="POST", permission=Permission.ACCOUNT)
def change(request: Any) -> Response:
    """Make the change that the form names, and show what has become of the project."""
    do = field(request, "do")
    try:
        _CHANGES.get(do, _refuse)(request)
    except Refusal as refusal:
        return _page(request, refusal)
    if do == _DELETE:
        return HTTPSeeOther(request.route_url("web.home"))
    return HTTPSeeOther(request.route_url("web.manage", name=_name(request)))


def _page(request: Any, refusal: Refusal | None = None) -> Response:
    project = pages.project(request.reader, _name(request), request.reach)
    if project is None:
        raise HTTPNotFound
    denied = why_not(request.reader, request.identity, project.normalized_name)
    status = refusal.status if refusal else 403 if denied else 200
    return form(
        request,
        "manage.html",
        status=status,
        project=project,
        denied=denied,
        error=refusal.text if refusal and not denied else None,
        statuses=_statuses(request),
        visibilities=list(Visibility),
        roles=roles.of(request.reader, project.normalized_name),
        role_names=list(RoleName),
        longest=LONGEST_REASON,
        typed={name: field(request, name) if refusal else "" for name in _TYPED},
    )


def _statuses(request: Any) -> list[ProjectStatus]:
    """Those that the person may set."""
    is_admin = request.identity.is_admin
    return [s for s in ProjectStatus if is_admin or s is not ProjectStatus.QUARANTINED]


def _set_status(request: Any) -> None:
    status, reason = field(request, "status"), field(request, "reason")
    if status == ProjectStatus.ACTIVE:
        reason = ""  # the field still has the one of the status before
    changes.set_status(request.writer, request.identity, _name(request), status, reason)


def _set_visibility(request: Any) -> None:
    wanted = field(request, "visibility")
    changes.set_visibility(request.writer, request.identity, _name(request), wanted)


def _grant_role(request: Any) -> None:
    who, role = field(request, "who"), field(request, "role")
    roles.grant(request.writer, request.identity, _name(request), who, role)


def _revoke_role(request: Any) -> None:
    roles.revoke(request.writer, request.identity, _name(request), field(request, "who"))


def _yank(request: Any) -> None:
    version, reason = field(request, "version"), field(request, "reason")
    changes.yank(request.writer, request.identity, _name(request), version, reason)


def _unyank(request: Any) -> None:
    changes.unyank(request.writer, request.identity, _name(request), field(request, "version"))


def _delete_project(request: Any) -> None:
    if normalize_name(field(request, "name")) != _name(request):
        raise Refusal(
            Code.BAD_VALUE, "Nothing was deleted: type the project's name, since it is for ever."
        )
    changes.delete_project(request.writer, request.identity, _name(request))


def _delete_release(request: Any) -> None:
    _check_is_sure(request)
    version = field(request, "version")
    changes.delete_release(request.writer, request.identity, _name(request), version)


def _delete_file(request: Any) -> None:
    _check_is_sure(request)
    changes.delete_file(request.writer, request.identity, field(request, "filename"))


def _refuse(_request: Any) -> None:
    raise Refusal(Code.BAD_VALUE, "There is no such change: reload the page and try again.")


_DELETE = "delete-project"
#: Fields that keep what was typed where it is not taken.
_TYPED = ("do", "status", "reason", "visibility", "who", "role", "name", "version")
#: By the value of the form's field ``do``.
_CHANGES: dict[str, Callable[[Any], None]] = {
    "status": _set_status,
    "visibility": _set_visibility,
    "grant-role": _grant_role,
    "revoke-role": _revoke_role,
    "yank": _yank,
    "unyank": _unyank,
    _DELETE: _delete_project,
    "delete-release": _delete_release,
    "delete-file": _delete_file,
}


def _check_is_sure(request: Any) -> None:
    if not field(request, "sure"):
        raise Refusal(
            Code.BAD_VALUE, "Nothing was deleted: tick the box first, since it is for ever."
        )


def _name(request: Any) -> str:
    return normalize_name(request.matchdict["name"])
