"""A person's second factors: added, removed, and their recovery codes."""

import re
from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts import attempts, factors, passkeys
from pypi_lite.accounts.attempts import TooManyAttemptsError
from pypi_lite.accounts.factors import FactorError
from pypi_lite.accounts.passkeys import PasskeyError
from pypi_lite.accounts.permissions import Permission
from pypi_lite.accounts.tickets import Purpose, Ticket
from pypi_lite.models import User
from pypi_lite.web import factor_forms
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form

_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_TOO_LATE = "That took too long, or was done already. Here is a new form: try again."


@dataclass(frozen=True, slots=True)
class _Asked:
    """What somebody shows again before something changes."""

    #: The label of the field.
    label: str
    #: What is said of anything else.
    wrong: str


_PASSWORD = _Asked("Your password", "That is not your password.")
_CODE = _Asked("A code of yours", "That is not a code of yours.")
_EITHER = _Asked("Your password, or a code", "That is neither your password nor a code of yours.")


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.factors", "/account/factors/")
    config.add_route("web.factors.app", "/account/factors/app/")
    config.add_route("web.factors.passkey", "/account/factors/passkey/")
    config.add_route("web.factors.recovery", "/account/factors/recovery/")
    config.add_route("web.factors.remove", "/account/factors/remove/")
    config.scan(__name__)


# The forms' own addresses show the page too: the log-in form may lead back to them.
@view_config(route_name="web.factors", request_method="GET", permission=Permission.ACCOUNT)
@view_config(route_name="web.factors.recovery", request_method="GET", permission=Permission.ACCOUNT)
@view_config(route_name="web.factors.remove", request_method="GET", permission=Permission.ACCOUNT)
def show(request: Any) -> Response:
    """What the account has."""
    return _page(request, request.reader)


@view_config(route_name="web.factors.app", request_method="GET", permission=Permission.ACCOUNT)
def show_app(request: Any) -> Response:
    """A new seed, as a QR code and as text."""
    return _app_page(request)


@view_config(route_name="web.factors.app", request_method="POST", permission=Permission.ACCOUNT)
def add_app(request: Any) -> Response:
    """Add the app, which shows a code of the seed; each seed once."""
    ticket = _ticket(request)
    if ticket is None:
        return _app_page(request, _TOO_LATE)
    try:
        _check_proof(request)
        factors.add_app(
            request.writer,
            _user(request, request.writer),
            key=factor_forms.key(request),
            salt=ticket.values["salt"],
            code=field(request, "code"),
            by=request.identity,
        )
    except FactorError as error:
        return _app_page(request, str(error), (field(request, "ticket"), ticket))
    if not factors.spend(request.writer, ticket):
        return _app_page(request, _TOO_LATE)
    return HTTPSeeOther(request.route_url("web.factors"))


@view_config(route_name="web.factors.passkey", request_method="GET", permission=Permission.ACCOUNT)
def show_passkey(request: Any) -> Response:
    """What the browser's authenticator is asked to make."""
    return _passkey_page(request)


@view_config(route_name="web.factors.passkey", request_method="POST", permission=Permission.ACCOUNT)
def add_passkey(request: Any) -> Response:
    """Add the passkey that an authenticator has made."""
    ticket = _ticket(request)
    if ticket is None:
        return _passkey_page(request, _TOO_LATE)
    try:
        _check_proof(request)
        new = passkeys.check_created(
            factor_forms.party(request), field(request, "passkey"), challenge=ticket.challenge
        )
        factors.add_passkey(
            request.writer,
            _user(request, request.writer),
            new,
            name=field(request, "name"),
            by=request.identity,
        )
    except (FactorError, PasskeyError) as error:
        return _passkey_page(request, str(error))
    return HTTPSeeOther(request.route_url("web.factors"))


@view_config(
    route_name="web.factors.recovery", request_method="POST", permission=Permission.ACCOUNT
)
def make_recovery_codes(request: Any) -> Response:
    """Make new recovery codes and show them, this once."""
    try:
        _check_proof(request)
        user = _user(request, request.writer)
        codes = factors.renew_recovery_codes(request.writer, user, by=request.identity)
    except FactorError as error:
        return _page(request, request.reader, error=str(error))
    request.writer.flush()
    return _page(request, request.writer, codes=codes)


@view_config(route_name="web.factors.remove", request_method="POST", permission=Permission.ACCOUNT)
def remove(request: Any) -> Response:
    """Remove a factor of one's own; one that is gone already is as good as removed."""
    which, require = field(request, "factor"), request.index.settings.require_second_factor
    try:
        _check_proof(request)
        user = _user(request, request.writer)
        if which == "app":
            factors.remove_app(request.writer, user, require=require, by=request.identity)
        elif _NUMBER.match(which):
            factors.remove_passkey(
                request.writer, user, int(which), require=require, by=request.identity
            )
    except FactorError as error:
        return _page(request, request.reader, error=str(error))
    return HTTPSeeOther(request.route_url("web.factors"))


def _page(
    request: Any, session: Any, *, codes: list[str] | None = None, error: str | None = None
) -> Response:
    user = _user(request, session)
    require = request.index.settings.require_second_factor
    return form(
        request,
        "factors/page.html",
        status=400 if error else 200,
        factors=factors.factors_of(session, user.id),
        is_required=factors.must_have_factor(require, is_admin=user.is_admin),
        can_have_passkeys=factor_forms.party(request).can_have_passkeys,
        proof=_asked_proof(session, user),
        codes=codes,
        error=error,
    )


def _app_page(
    request: Any, error: str | None = None, asked: tuple[str, Ticket] | None = None
) -> Response:
    """The form; with the ticket *asked* again, since an app has scanned its seed, or with a new one."""
    user = _user(request, request.reader)
    text, ticket = asked or factor_forms.issue_for_new(request, Purpose.ADD, user)
    return form(
        request,
        "factors/app.html",
        status=400 if error else 200,
        ticket=text,
        app=factor_forms.new_app(request, user, ticket),
        proof=_asked_proof(request.reader, user),
        error=error,
    )


def _passkey_page(request: Any, error: str | None = None) -> Response:
    user = _user(request, request.reader)
    text, ticket = factor_forms.issue_for_new(request, Purpose.ADD, user)
    options = factor_forms.passkey_to_create(request, user, ticket)
    if options is None:
        return HTTPSeeOther(request.route_url("web.factors"))
    return form(
        request,
        "factors/passkey.html",
        status=400 if error else 200,
        ticket=text,
        options=options,
        proof=_asked_proof(request.reader, user),
        error=error,
    )


def _user(request: Any, session: Any) -> User:
    user: User = session.get_one(User, request.identity.user_id)
    return user


def _ticket(request: Any) -> Ticket | None:
    """The form's ticket; None: it is not this person's, or too old."""
    ticket = factor_forms.read(request, Purpose.ADD)
    if ticket is None or ticket.values["user"] != request.identity.user_id:
        return None
    return ticket


def _asked_proof(session: Any, user: User) -> _Asked | None:
    """What the person is asked to show again; None: there is nothing that they could."""
    found = factors.factors_of(session, user.id)
    if user.password_hash is None:
        return _CODE if found.count else None
    return _EITHER if found.app or found.recovery_codes else _PASSWORD


def _check_proof(request: Any) -> None:
    """Raises FactorError unless it is still the person, and not who has found their browser open.

    In transactions of its own, before the request's: what fails is counted, though it is refused.
    """
    user, proof, index = _user(request, request.reader), field(request, "proof"), request.index
    asked = _asked_proof(request.reader, user)
    if asked is None:
        return
    try:
        attempts.check(request.reader, user.name, request.remote_addr)
        if index.passwords.verify(user.password_hash, proof):
            return
        with index.database.write() as session:
            attempts.check(session, user.name, request.remote_addr)
            if factors.shows_code(
                session, user, proof, key=factor_forms.key(request), by=request.identity
            ):
                return
            attempts.failed(session, user.name, request.remote_addr)
    except TooManyAttemptsError as error:
        raise FactorError(str(error)) from None
    raise FactorError(asked.wrong)
