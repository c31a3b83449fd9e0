"""What the pages about second factors have in common: tickets, QR codes, what browsers are asked."""

import hashlib
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from pyramid.csrf import get_csrf_token
from pyramid.response import Response

from pypi_lite.accounts import factors, passkeys, tickets, totp
from pypi_lite.accounts.passkeys import Party, party_at
from pypi_lite.accounts.proofs import Proof
from pypi_lite.accounts.tickets import Purpose, Ticket
from pypi_lite.models import User
from pypi_lite.opening import FACTOR_SECRET, secret
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import form

# A ticket is no place for more.
_LONGEST_PATH = 1000


@dataclass(frozen=True, slots=True)
class NewApp:
    """An authenticator app to add: what its form shows."""

    seed: str
    #: An SVG element.
    qr: Markup


@dataclass(frozen=True, slots=True)
class LonePasskey:
    """What the form carries that logs in with a passkey alone."""

    ticket: str
    #: JSON, for the script.
    options: str


def key(request: Any) -> str:
    """The secret that tickets are signed with, and seeds are made of."""
    return secret(request.index.settings, FACTOR_SECRET)


def party(request: Any) -> Party:
    """The index, as authenticators know it."""
    settings = request.index.settings
    return party_at(settings.url, settings.title)


def issue(request: Any, purpose: Purpose, **values: Any) -> tuple[str, Ticket]:
    """A new ticket for this browser, and what it says."""
    return tickets.issue(key(request), purpose, visitor=get_csrf_token(request), **values)


def read(request: Any, purpose: Purpose) -> Ticket | None:
    """The ticket in the form, if it is for *purpose* and this browser, and not too old."""
    text = field(request, "ticket")
    return tickets.read(key(request), purpose, text, visitor=get_csrf_token(request))


def issue_for_new(request: Any, purpose: Purpose, user: User, **values: Any) -> tuple[str, Ticket]:
    """A ticket to add a factor with: `new_app` and `passkey_to_create` are made of it."""
    return issue(request, purpose, user=user.id, salt=totp.new_salt(), **values)


def new_app(request: Any, user: User, ticket: Ticket) -> NewApp:
    """What the form that adds an app shows."""
    import segno

    seed = totp.seed_of(key(request), ticket.values["salt"])
    uri = totp.app_uri(seed, issuer=request.index.settings.title, account=user.name)
    # With its own white: cameras read dark on light.
    qr = segno.make(uri, micro=False).svg_inline(scale=5, border=4, dark="#000", light="#fff")
    return NewApp(totp.seed_text(seed), Markup(qr))  # noqa: S704  squares alone


def passkey_to_create(request: Any, user: User, ticket: Ticket) -> str | None:
    """What the browser is asked to make, as JSON; None: it makes none for this address."""
    if not party(request).can_have_passkeys:
        return None
    return passkeys.creation_options(
        party(request),
        handle=factors.handle_of(key(request), user.id),
        user_name=user.name,
        challenge=ticket.challenge,
        existing=[p.credential_id for p in factors.factors_of(request.reader, user.id).passkeys],
    )


def lone_passkey(request: Any) -> LonePasskey | None:
    """What the log-in form asks of a passkey; None: there is none for this address."""
    if not party(request).can_have_passkeys:
        return None
    text, ticket = issue(request, Purpose.PASSKEY)
    options = passkeys.request_options(
        party(request), challenge=ticket.challenge, allowed=[], must_verify=True
    )
    return LonePasskey(text, options)


def ask(
    request: Any,
    user: User,
    ticket: tuple[str, Ticket],
    *,
    status: int = 200,
    error: str | None = None,
) -> Response:
    """The page that asks for *user*'s second factor."""
    found = factors.factors_of(request.reader, user.id)
    options = None
    if found.passkeys:
        names = [passkey.credential_id for passkey in found.passkeys]
        options = passkeys.request_options(
            party(request), challenge=ticket[1].challenge, allowed=names
        )
    return form(
        request,
        "factors/ask.html",
        status=status,
        name=user.name,
        ticket=ticket[0],
        options=options,
        has_app=found.app is not None,
        must_wait=found.app is not None and bool(factors.wait_for_codes(found.app)),
        error=error,
    )


def issue_to_enrol(request: Any, user: User, wanted: str, *, shown: Proof) -> tuple[str, Ticket]:
    """A ticket for *user*, who must have a second factor, to add the first one with.

    *shown* is what they have shown so far: the ticket keeps it, for the journal.
    """
    values = {"stamp": stamp(user), "wanted": wanted[:_LONGEST_PATH], "shown": shown}
    return issue_for_new(request, Purpose.ENROL, user, **values)


def ask_to_enrol(
    request: Any, user: User, ticket: tuple[str, Ticket], *, error: str | None = None
) -> Response:
    """The page on which *user* adds the factor that they must have.

    After a mistake with the same ticket: an app that has scanned its seed still fits.
    """
    return form(
        request,
        "factors/enrol.html",
        status=400 if error else 200,
        ticket=ticket[0],
        app=new_app(request, user, ticket[1]),
        options=passkey_to_create(request, user, ticket[1]),
        error=error,
    )


def next_step(request: Any, user: User, wanted: str) -> Response | None:
    """What *user*, who has given the right password, is asked before they are logged in; or None."""
    require = request.index.settings.require_second_factor
    if factors.has_factor(request.reader, user.id):
        values = {"user": user.id, "stamp": stamp(user), "wanted": wanted[:_LONGEST_PATH]}
        return ask(request, user, issue(request, Purpose.FACTOR, **values))
    if factors.must_have_factor(require, is_admin=user.is_admin):
        ticket = issue_to_enrol(request, user, wanted, shown=Proof.PASSWORD)
        return ask_to_enrol(request, user, ticket)
    return None


def stamp(user: User) -> str:
    """What changes with the password: with it, tickets end."""
    return hashlib.sha256(f"{user.id}:{user.password_hash}".encode()).hexdigest()
