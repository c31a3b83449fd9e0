"""The journal for people: administrators read all of it, owners their project's, everybody their own."""

from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.models import Action
from pypi_lite.names import normalize_name
from pypi_lite.repository import journal
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.web.rendering import answer

#: The form's fields, which are filters.
_FIELDS = ("project", "actor", "action", "since", "until")


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.journal", "/admin/journal/")
    config.add_route("web.journal.project", "/manage/{name}/journal/")
    config.add_route("web.journal.account", "/account/journal/")
    config.scan(__name__)


@view_config(route_name="web.journal", request_method="GET", permission=Permission.ADMINISTER)
def everything(request: Any) -> Response:
    """All that was done."""
    return _page(request, "Journal", "Who did what on this index, the newest first.", {})


@view_config(route_name="web.journal.project", request_method="GET", permission=Permission.ACCOUNT)
def of_project(request: Any) -> Response:
    """What was done to a project."""
    name = normalize_name(request.matchdict["name"])
    lead = f"Who did what to {name}, the newest first."
    return _page(request, f"Journal of {name}", lead, {"project": name})


@view_config(route_name="web.journal.account", request_method="GET", permission=Permission.ACCOUNT)
def of_account(request: Any) -> Response:
    """What somebody has done themselves."""
    lead = "What you have done here, and whoever has a token of yours, the newest first."
    return _page(request, "Your journal", lead, {"actor": request.identity.name})


def _page(request: Any, title: str, lead: str, fixed: dict[str, str]) -> Response:
    """The entries that the query asks for; *fixed* are filters that the page itself sets."""
    try:
        wanted = journal.read_wanted(**{**_filled(request), **fixed})
        before = journal.read_serial(_value(request, "before"))
        if "actor" not in fixed:  # what one has done oneself one may read
            wanted = journal.readable(request.reader, request.identity, wanted)
    except Refusal as refusal:
        if refusal.code is Code.NOT_FOUND:
            raise HTTPNotFound from None
        return _answer(request, title, lead, fixed, refusal)
    part = journal.part(request.reader, wanted, before)
    return _answer(request, title, lead, fixed, part=part, is_first=before is None)


def _answer(
    request: Any,
    title: str,
    lead: str,
    fixed: dict[str, str],
    refusal: Refusal | None = None,
    *,
    part: journal.Part | None = None,
    is_first: bool = True,
) -> Response:
    filled = _filled(request)
    return answer(
        request,
        "journal.html",
        status=refusal.status if refusal else 200,
        title=title,
        lead=lead,
        fixed=fixed,
        filled=filled,
        filters=_query(filled),
        # Which the export answers for who may read all of it, or all of a project's.
        export=None if fixed.keys() == {"actor"} else _query({**filled, **fixed}),
        actions=sorted(Action),
        part=part,
        is_first=is_first,
        error=refusal.text if refusal else None,
        denied=refusal is not None and refusal.code is not Code.BAD_VALUE,
    )


def _query(filters: dict[str, str]) -> str:
    return urlencode({name: text for name, text in filters.items() if text})


def _filled(request: Any) -> dict[str, str]:
    """What the form's fields say."""
    return {name: _value(request, name) for name in _FIELDS}


def _value(request: Any, name: str) -> str:
    return str(request.GET.get(name, "")).strip()
