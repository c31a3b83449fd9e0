"""The pages on which people say which workflows elsewhere they trust, for a project or one to come."""

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.issuers import IssuerKind, Source, TrustedIssuer
from pypi_lite.names import normalize_name
from pypi_lite.repository import pages, publishers
from pypi_lite.repository.authority import why_not
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.web.fields import field, number
from pypi_lite.web.rendering import form

#: What the forms' fields are called; typed again after a refusal.
_FIELDS = ("issuer", "name", "repository", "workflow", "environment", "subject")


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.publishers", "/manage/{name}/publishers/")
    config.add_route("web.publishing", "/account/publishing/")
    config.scan(__name__)


@view_config(route_name="web.publishers", request_method="GET", permission=Permission.ACCOUNT)
def show(request: Any) -> Response:
    """A project's publishers; for who may not manage it, the page says so and has nothing else."""
    return _page(request)


@view_config(route_name="web.publishers", request_method="POST", permission=Permission.ACCOUNT)
def change(request: Any) -> Response:
    """Name a publisher, or remove one."""
    changes: dict[str, Callable[[Any], object]] = {"add": _add, "remove": _remove}
    try:
        changes.get(field(request, "do"), _refuse)(request)
    except Refusal as refusal:
        return _page(request, refusal)
    return HTTPSeeOther(request.route_url("web.publishers", name=_name(request)))


@view_config(route_name="web.publishing", request_method="GET", permission=Permission.ACCOUNT)
def show_pending(request: Any) -> Response:
    """A person's pending publishers."""
    return _pending_page(request)


@view_config(route_name="web.publishing", request_method="POST", permission=Permission.ACCOUNT)
def change_pending(request: Any) -> Response:
    """Name a pending publisher, or remove one."""
    changes = {"add": _add_pending, "remove": _remove_pending}
    try:
        changes.get(field(request, "do"), _refuse)(request)
    except Refusal as refusal:
        return _pending_page(request, refusal)
    return HTTPSeeOther(request.route_url("web.publishing"))


def _page(request: Any, refusal: Refusal | None = None) -> Response:
    project = pages.project(request.reader, _name(request), request.reach)
    if project is None:
        raise HTTPNotFound
    denied = why_not(request.reader, request.identity, project.normalized_name)
    return form(
        request,
        "publishers.html",
        status=refusal.status if refusal else 403 if denied else 200,
        project=project,
        denied=denied,
        entries=[] if denied else publishers.of(request.reader, project.normalized_name),
        **_shared(request, None if denied else refusal),
    )


def _pending_page(request: Any, refusal: Refusal | None = None) -> Response:
    return form(
        request,
        "publishing.html",
        status=refusal.status if refusal else 200,
        entries=publishers.pending(request.reader, request.identity.user_id),
        **_shared(request, refusal),
    )


def _shared(request: Any, refusal: Refusal | None) -> dict[str, Any]:
    """What both templates have: a form for each kind of issuer, and in it what was typed."""
    choices: dict[IssuerKind, list[TrustedIssuer]] = {}
    for issuer in _issuers(request):
        choices.setdefault(issuer.kind, []).append(issuer)
    typed = {name: field(request, name) if refusal else "" for name in _FIELDS}
    blank = dict.fromkeys(_FIELDS, "")
    forms = []
    for kind, issuers in choices.items():
        is_sent = typed["issuer"] in [issuer.url for issuer in issuers]
        forms.append((kind, issuers, typed if is_sent else blank))
    return {
        "forms": forms,
        "is_on": bool(request.index.settings.trusted_publishers),
        "error": refusal.text if refusal else None,
    }


def _issuers(request: Any) -> tuple[TrustedIssuer, ...]:
    found: tuple[TrustedIssuer, ...] = request.index.settings.publisher_issuers
    return found


def _source(request: Any) -> Source:
    """What the form says. Raises Refusal."""
    url = field(request, "issuer")
    issuer = next((each for each in _issuers(request) if each.url == url), None)
    if issuer is None:
        raise Refusal(
            Code.BAD_VALUE,
            "The setting trusted_publishers has no such issuer: reload the page and try again.",
        )
    if issuer.kind is IssuerKind.OTHER:
        return Source(issuer.kind, url, "", field(request, "subject").strip())
    names = ("repository", "workflow", "environment")
    return Source(issuer.kind, url, *(field(request, name).strip() for name in names))


def _add(request: Any) -> None:
    publishers.add(request.writer, request.identity, _name(request), _source(request))


def _remove(request: Any) -> None:
    row = number(request, "publisher") or 0  # which is no row's
    publishers.remove(request.writer, request.identity, _name(request), row)


def _add_pending(request: Any) -> None:
    publishers.add_pending(
        request.writer,
        request.identity,
        field(request, "name").strip(),
        _source(request),
        user_name=request.identity.name,
    )


def _remove_pending(request: Any) -> None:
    publishers.remove_pending(request.writer, request.identity, number(request, "publisher") or 0)


def _refuse(_request: Any) -> None:
    raise Refusal(Code.BAD_VALUE, "There is no such change: reload the page and try again.")


def _name(request: Any) -> str:
    return normalize_name(request.matchdict["name"])
