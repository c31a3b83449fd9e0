"""A person's own page: who they are, and their tokens."""

import re
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.external import identity_at
from pypi_lite.accounts.passwords import SHORTEST
from pypi_lite.accounts.permissions import Permission
from pypi_lite.accounts.sessions import cookie_hash, sessions_of
from pypi_lite.accounts.tokens import (
    LONGEST_NAME,
    MOST_DAYS,
    TokenError,
    create_token,
    revoke_token,
    revoke_tokens,
    tokens_of,
)
from pypi_lite.models import Scope, User, now
from pypi_lite.repository import roles
from pypi_lite.web.browsers import browser_of
from pypi_lite.web.fields import field, number
from pypi_lite.web.rendering import form

#: Projects that are listed at once; the others are unfolded.
_PROJECTS_SHOWN = 20
# Nine digits fit into any database's integers.
_NUMBER = re.compile(r"[0-9]{1,9}\Z")


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.account", "/account/")
    config.add_route("web.tokens", "/account/tokens/")
    config.add_route("web.tokens.revoke", "/account/tokens/revoke/")
    config.scan(__name__)


# The forms' own addresses show the page too: the log-in form may lead back to them.
@view_config(route_name="web.account", request_method="GET", permission=Permission.ACCOUNT)
@view_config(route_name="web.tokens", request_method="GET", permission=Permission.ACCOUNT)
@view_config(route_name="web.tokens.revoke", request_method="GET", permission=Permission.ACCOUNT)
def account(request: Any) -> Response:
    """The page."""
    return account_page(request, request.reader)


@view_config(route_name="web.tokens", request_method="POST", permission=Permission.ACCOUNT)
def make_token(request: Any) -> Response:
    """Make a token and show it, this once."""
    try:
        token = create_token(
            request.writer,
            request.writer.get_one(User, request.identity.user_id),
            name=field(request, "name"),
            scopes=_scopes(request.POST.getall("scope")),
            projects=field(request, "project").split(),
            days=_days(field(request, "days")),
            by=request.identity,
        )
    except TokenError as error:
        return account_page(request, request.reader, status=400, token_error=str(error))
    request.writer.flush()
    return account_page(request, request.writer, token=token)


@view_config(route_name="web.tokens.revoke", request_method="POST", permission=Permission.ACCOUNT)
def revoke(request: Any) -> Response:
    """Revoke one or ``all`` of one's own tokens; one that is gone already is as good as revoked."""
    identity = request.identity
    found = number(request, "token")
    if field(request, "token") == "all":
        revoke_tokens(request.writer, identity.user_id, by=identity)
    elif found is not None:
        revoke_token(request.writer, identity.user_id, found, by=identity)
    return HTTPSeeOther(request.route_url("web.account"))


def account_page(
    request: Any,
    session: Any,
    *,
    status: int = 200,
    token: str | None = None,
    token_error: str | None = None,
    password_error: str | None = None,
) -> Response:
    """The page, with what *session* has now; the errors are those of its forms."""
    return form(
        request,
        "account.html",
        status=status,
        tokens=tokens_of(session, request.identity.user_id),
        external=identity_at(session, request.index.settings.oidc_issuer, request.identity.user_id),
        token=token,
        token_error=token_error,
        typed=_typed(request, token_error),
        projects=roles.of_person(session, request.identity.user_id),
        projects_shown=_PROJECTS_SHOWN,
        password_error=password_error,
        password_changed=request.GET.get("done") == "password",
        shortest=SHORTEST,
        has_password=session.get(User, request.identity.user_id).password_hash is not None,
        sessions=sessions_of(session, request.identity.user_id),
        this_session=cookie_hash(request.environ),
        browser_of=browser_of,
        now=now(),
        most_days=MOST_DAYS,
        longest_name=LONGEST_NAME,
    )


def _typed(request: Any, error: str | None) -> dict[str, Any]:
    """What the form that makes a token has in it: what it had, if it was refused."""
    names = ("name", "project", "days")
    if error is None:
        return {**dict.fromkeys(names, ""), "scopes": [Scope.UPLOAD]}
    return {
        **{name: field(request, name) for name in names},
        "scopes": request.POST.getall("scope"),
    }


def _scopes(names: list[str]) -> list[Scope]:
    try:
        return [Scope(name) for name in names]
    except ValueError:
        raise TokenError("There is no such scope.") from None


def _days(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not _NUMBER.match(text):
        raise TokenError("A token lasts a whole number of days.")
    return int(text)
