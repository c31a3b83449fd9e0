"""The second step of logging in: a factor beside the password, or a passkey in its place.

Until the step is done there is no session, not even half of one: the browser has a ticket. A factor
is looked at in a transaction of its own, which is committed whatever comes of it: wrong ones are
counted, and right ones are used up.
"""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config
from sqlalchemy.orm import Session

from pypi_lite.accounts import attempts, factors, passkeys
from pypi_lite.accounts.attempts import TooManyAttemptsError
from pypi_lite.accounts.factors import FactorError
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.passkeys import PasskeyError
from pypi_lite.accounts.permissions import Permission
from pypi_lite.accounts.proofs import Proof
from pypi_lite.accounts.tickets import Purpose, Ticket
from pypi_lite.models import User
from pypi_lite.web import factor_forms
from pypi_lite.web.fields import field
from pypi_lite.web.session import finish_log_in, log_in_form

_TOO_LATE = "That took too long, or was done already. Log in again."


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.login.factor", "/login/factor/")
    config.add_route("web.login.enrol", "/login/enrol/")
    config.add_route("web.login.passkey", "/login/passkey/")
    config.scan(__name__)


@view_config(route_name="web.login.factor", request_method="GET", permission=Permission.ANYBODY)
@view_config(route_name="web.login.enrol", request_method="GET", permission=Permission.ANYBODY)
@view_config(route_name="web.login.passkey", request_method="GET", permission=Permission.ANYBODY)
def begin(request: Any) -> Response:
    """Nobody comes here but by a form: to the first step."""
    return HTTPSeeOther(request.route_url("web.login"))


@view_config(route_name="web.login.factor", request_method="POST", permission=Permission.ANYBODY)
def show_factor(request: Any) -> Response:
    """Log in who has given the password, and now gives a code, or a passkey's answer."""
    begun = _begun(request, Purpose.FACTOR)
    if begun is None:
        return log_in_form(request, error=_TOO_LATE)
    ticket, user = begun
    asked = field(request, "ticket"), ticket
    try:
        with request.index.database.write() as session:
            shown = _shown(request, session, user, ticket)
            is_fresh = shown is not None and factors.spend(session, ticket)
    except TooManyAttemptsError as error:
        response = factor_forms.ask(request, user, asked, status=429, error=str(error))
        response.headers["Retry-After"] = str(error.seconds)
        return response
    if shown is None:
        return factor_forms.ask(request, user, asked, status=403, error="That did not fit.")
    if not is_fresh:
        return log_in_form(request, error=_TOO_LATE)
    return finish_log_in(request, user, ticket.values["wanted"], shown=[Proof.PASSWORD, shown])


@view_config(route_name="web.login.enrol", request_method="POST", permission=Permission.ANYBODY)
def enrol(request: Any) -> Response:
    """Log in who has given the password, and now adds the factor that they must have."""
    begun = _begun(request, Purpose.ENROL)
    # Somebody who has a factor by now shows it.
    if begun is None or factors.has_factor(request.writer, begun[1].id):
        return log_in_form(request, error=_TOO_LATE)
    ticket, user = begun
    first = Proof(ticket.values["shown"])
    try:
        added = _add(request, user, ticket)
    except (FactorError, PasskeyError) as error:
        asked = field(request, "ticket"), ticket
        return factor_forms.ask_to_enrol(request, user, asked, error=str(error))
    # Where the recovery codes are made.
    return finish_log_in(request, user, request.route_path("web.factors"), shown=[first, added])


@view_config(route_name="web.login.passkey", request_method="POST", permission=Permission.ANYBODY)
def show_passkey(request: Any) -> Response:
    """Log in whom a passkey alone speaks for: it has asked for a fingerprint, a PIN or the like."""
    ticket = factor_forms.read(request, Purpose.PASSKEY)
    if ticket is None or not factors.spend(request.writer, ticket):
        return log_in_form(request, error=_TOO_LATE)
    passkey = factors.shows_passkey(
        request.writer,
        factor_forms.party(request),
        field(request, "passkey"),
        challenge=ticket.challenge,
        of=None,
    )
    user = None if passkey is None else request.writer.get(User, passkey.user_id)
    if user is None or user.is_disabled:
        return log_in_form(request, error="No account here knows this passkey.")
    return finish_log_in(request, user, field(request, "next"), shown=[Proof.PASSKEY])


def _begun(request: Any, purpose: Purpose) -> tuple[Ticket, User] | None:
    """The form's ticket, and whose password was given for it.

    None: there is no good ticket, or the password is another one by now, or the account is disabled.
    """
    ticket = factor_forms.read(request, purpose)
    if ticket is None:
        return None
    user = request.reader.get(User, ticket.values["user"])
    if user is None or user.is_disabled or ticket.values["stamp"] != factor_forms.stamp(user):
        return None
    return ticket, user


def _shown(request: Any, session: Session, user: User, ticket: Ticket) -> Proof | None:
    """The factor of the account that the form has in it; None: it has none, which is counted.

    Raises TooManyAttemptsError.
    """
    attempts.check(session, user.name, request.remote_addr)
    if answer := field(request, "passkey"):
        party = factor_forms.party(request)
        passkey = factors.shows_passkey(
            session, party, answer, challenge=ticket.challenge, of=user.id
        )
        shown = None if passkey is None else Proof.PASSKEY
    else:
        shown = factors.shows_code(
            session,
            user,
            field(request, "code"),
            key=factor_forms.key(request),
            by=_acting(request, user),
        )
    if shown is None:
        attempts.failed(session, user.name, request.remote_addr)
    return shown


def _add(request: Any, user: User, ticket: Ticket) -> Proof:
    """Add the app or the passkey that the form is about: which. Raises FactorError, PasskeyError."""
    by = _acting(request, user)
    if answer := field(request, "passkey"):
        party = factor_forms.party(request)
        new = passkeys.check_created(party, answer, challenge=ticket.challenge)
        factors.add_passkey(request.writer, user, new, name=field(request, "name"), by=by)
        return Proof.PASSKEY
    factors.add_app(
        request.writer,
        user,
        key=factor_forms.key(request),
        salt=ticket.values["salt"],
        code=field(request, "code"),
        by=by,
    )
    return Proof.APP


def _acting(request: Any, user: User) -> Identity:
    """Who the journal says it is, before there is a session."""
    return Identity(name=user.name, user_id=user.id, means="password", address=request.remote_addr)
