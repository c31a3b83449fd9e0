"""Accounts, for administrators: who has one, who is to have one, and what becomes of it."""

import re
from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts import groups, links, users
from pypi_lite.accounts.people import AccountError, create_user, find_user
from pypi_lite.accounts.permissions import Permission
from pypi_lite.models import OneTimeLink
from pypi_lite.notifying import link_url
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form

#: Accounts on one page.
_MOST = 50
#: Fields that keep what was typed where it is not taken.
_TYPED = ("do", "name", "email", "invited", "days", "admin")
# Nine digits fit into any database's integers.
_NUMBER = re.compile(r"[0-9]{1,9}\Z", re.ASCII)


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.people", "/admin/people/")
    config.add_route("web.person", "/admin/people/{name}/")
    config.scan(__name__)


@view_config(route_name="web.people", request_method="GET", permission=Permission.ADMINISTER)
def show(request: Any) -> Response:
    """All accounts, or those that are searched for, and the invitations."""
    return _page(request, request.reader)


@view_config(route_name="web.people", request_method="POST", permission=Permission.ADMINISTER)
def change(request: Any) -> Response:
    """Make an account, invite somebody, or take an invitation back."""
    try:
        link = _CHANGES.get(field(request, "do"), _refuse)(request)
    except AccountError as error:
        return _page(request, request.reader, error=str(error))
    if link is None:
        return HTTPSeeOther(request.route_url("web.people"))
    return _page(request, request.writer, link=link)


@view_config(route_name="web.person", request_method="GET", permission=Permission.ADMINISTER)
def show_person(request: Any) -> Response:
    """One account."""
    return _person(request, request.reader)


@view_config(route_name="web.person", request_method="POST", permission=Permission.ADMINISTER)
def change_person(request: Any) -> Response:
    """Change the account as the form says."""
    name = request.matchdict["name"]
    try:
        link = _OF_PERSON.get(field(request, "do"), _refuse)(request)
    except AccountError as error:
        return _person(request, request.reader, error=str(error))
    if link is None:
        return HTTPSeeOther(request.route_url("web.person", name=name))
    return _person(request, request.writer, link=link)


def _page(
    request: Any, session: Any, *, error: str | None = None, link: OneTimeLink | None = None
) -> Response:
    text, after = request.GET.get("q", ""), request.GET.get("after", "")
    found = users.users(session, text=text, after=after, most=_MOST + 1)
    return form(
        request,
        "people.html",
        status=400 if error else 200,
        people=found[:_MOST],
        more=found[_MOST - 1].name if len(found) > _MOST else None,
        text=text,
        invitations=links.invitations(session),
        groups=groups.groups(session),
        days=links.DAYS,
        most_days=links.MOST_DAYS,
        error=error,
        typed=_typed(request, error),
        **_shown(request, link),
    )


def _typed(request: Any, error: str | None) -> dict[str, Any]:
    typed: dict[str, Any] = {name: field(request, name) if error else "" for name in _TYPED}
    return {**typed, "groups": request.POST.getall("group") if error else []}


def _person(
    request: Any, session: Any, *, error: str | None = None, link: OneTimeLink | None = None
) -> Response:
    try:
        user = find_user(session, request.matchdict["name"])
    except AccountError:
        raise HTTPNotFound from None
    return form(
        request,
        "person.html",
        status=400 if error else 200,
        person=user,
        groups=groups.groups_of(session, user),
        roles=groups.roles_of(session, user),
        error=error,
        **_shown(request, link),
    )


def _shown(request: Any, link: OneTimeLink | None) -> dict[str, Any]:
    """A link that was just made: this once."""
    if link is None:
        return {"link": None, "link_url": None, "is_sent": False}
    settings = request.index.settings
    is_sent = settings.sends_mail and link.email is not None
    return {"link": link, "link_url": link_url(settings, link.secret), "is_sent": is_sent}


def _create(request: Any) -> OneTimeLink:
    """The account has no password: nobody but its person ever knows it."""
    session, by = request.writer, request.identity
    is_admin = bool(field(request, "admin"))
    user = create_user(session, field(request, "name"), password=None, is_admin=is_admin, by=by)
    user.email = users.mailbox(field(request, "email"))
    session.flush()
    return links.reset(session, user.name, by=by)


def _invite(request: Any) -> OneTimeLink:
    days = field(request, "days").strip()
    if not _NUMBER.match(days):
        raise AccountError("An invitation lasts a whole number of days.")
    return links.invite(
        request.writer,
        email=field(request, "invited"),
        groups=request.POST.getall("group"),
        days=int(days),
        by=request.identity,
    )


def _revoke(request: Any) -> None:
    number = field(request, "number")
    if _NUMBER.match(number):
        links.revoke_invitation(request.writer, int(number), by=request.identity)


def _reset(request: Any) -> OneTimeLink:
    return links.reset(request.writer, request.matchdict["name"], by=request.identity)


def _disable(request: Any) -> None:
    users.disable_user(request.writer, request.matchdict["name"], by=request.identity)


def _enable(request: Any) -> None:
    users.enable_user(request.writer, request.matchdict["name"], by=request.identity)


def _promote(request: Any) -> None:
    users.set_admin(request.writer, request.matchdict["name"], True, by=request.identity)


def _demote(request: Any) -> None:
    users.set_admin(request.writer, request.matchdict["name"], False, by=request.identity)


def _set_email(request: Any) -> None:
    name, email = request.matchdict["name"], field(request, "email")
    users.set_email(request.writer, name, email, by=request.identity)


def _refuse(_request: Any) -> None:
    raise AccountError("There is no such change: reload the page and try again.")


#: By the value of the form's field ``do``; what they return is a link to show.
_CHANGES: dict[str, Callable[[Any], OneTimeLink | None]] = {
    "create": _create,
    "invite": _invite,
    "revoke": _revoke,
}
_OF_PERSON: dict[str, Callable[[Any], OneTimeLink | None]] = {
    "reset": _reset,
    "disable": _disable,
    "enable": _enable,
    "promote": _promote,
    "demote": _demote,
    "email": _set_email,
}
