"""One-time links: invitations, registrations, password resets, confirmed mail addresses.

Only the SHA-256 of a link's secret is kept. Using a link deletes it in the same transaction, and one
writes at a time, so that of two who use it at once one wins. Links that have an address are mailed to it
after the commit (`pypi_lite.notifying`). What can't be done raises AccountError, with a text for a person.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.groups import add_member, find_group
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.log_in import change_password
from pypi_lite.accounts.passwords import DEFAULT, Passwords
from pypi_lite.accounts.people import AccountError, create_user, find_user
from pypi_lite.accounts.users import mailbox
from pypi_lite.models import Action, JournalEntry, LinkPurpose, OneTimeLink, User, now
from pypi_lite.models.journal import append

_SECRET_BYTES = 32
#: The longest that an invitation lasts, and how long it does unless it is said.
MOST_DAYS, DAYS = 90, 7
#: How long all other links last. Not less than the hour in which they are counted.
LIFETIME = timedelta(hours=24)
#: Links that strangers may have sent in an hour: to one mail address, and from one network address.
MOST_TO_ONE, MOST_FROM_ONE = 3, 20
#: Accounts that may be made in an hour from one network address, where no mail confirms them.
MOST_ACCOUNTS = 10
_HOUR = timedelta(hours=1)
_BY_REGISTRATION = "registration"


def invite(
    session: Session,
    *,
    email: str = "",
    groups: Iterable[str] = (),
    days: int = DAYS,
    by: Identity,
) -> OneTimeLink:
    """A link for somebody who has no account; whoever opens it is in *groups*."""
    if not 1 <= days <= MOST_DAYS:
        raise AccountError(f"An invitation lasts at least one day, and at most {MOST_DAYS}.")
    names = sorted({find_group(session, name).name for name in groups})
    link = _make(
        session,
        LinkPurpose.INVITE,
        email=mailbox(email),
        data={"groups": names},
        lifetime=timedelta(days=days),
    )
    note = f"invitation {link.id}: {', '.join([link.email or 'anybody', *names])}"
    append(session, Action.USER_INVITE, by=by, note=note)
    return link


def invitations(session: Session) -> Sequence[OneTimeLink]:
    """Those that nobody has accepted yet, the newest first."""
    query = select(OneTimeLink).where(OneTimeLink.purpose == LinkPurpose.INVITE, _is_alive())
    return session.scalars(query.order_by(OneTimeLink.id.desc())).all()


def revoke_invitation(session: Session, number: int, *, by: Identity) -> None:
    """Let an invitation be good for nothing; one that is gone already is as good as revoked."""
    link = session.get(OneTimeLink, number)
    if link is not None and link.purpose == LinkPurpose.INVITE:
        session.delete(link)
        append(session, Action.USER_INVITE, by=by, note=f"invitation {number}: revoked")


def reset(session: Session, name: str, *, by: Identity) -> OneTimeLink:
    """A link with which somebody chooses a new password, for an administrator to pass on."""
    user = find_user(session, name)
    if user.is_disabled:
        raise AccountError(f"The account {user.name!r} is disabled.")
    append(session, Action.USER_RESET, by=by, note=user.name)
    return _make(session, LinkPurpose.RESET, user=user)


def forgotten(session: Session, name: str, address: str | None) -> int:
    """Links for all accounts whose name or mail address is *name*, sent by mail; how many there are.

    For a stranger, who comes from the network address *address* and must not learn the number. Accounts
    with no password and no mail address get none, nor do those that have got some lately.
    """
    name = name.strip().lower().replace("\0", "")
    found = session.scalars(
        select(User).where(
            or_(User.name == name, User.email == name),
            User.is_disabled.is_(False),
            User.email.is_not(None),
            User.password_hash.is_not(None),
        )
    ).all()
    made = 0
    for user in found:
        if _are_enough(session, user.email, address):
            continue
        by = Identity(name=_FORGOTTEN, user_id=None, address=address)
        append(session, Action.USER_RESET, by=by, note=user.name)
        _make(session, LinkPurpose.RESET, user=user, email=user.email, address=address)
        made += 1
    return made


_FORGOTTEN = "forgotten password"


def request_account(session: Session, email: str, address: str | None) -> int:
    """A link to make an account with, sent to *email*; how many there are, 0 or 1.

    For a stranger, as `forgotten` is, which is what is done where the address has an account.
    """
    email = email.strip().lower()
    if session.scalar(select(User.id).where(User.email == email).limit(1)) is not None:
        return forgotten(session, email, address)
    if _are_enough(session, email, address):
        return 0
    _make(session, LinkPurpose.REGISTER, email=email, address=address)
    return 1


def confirm_email(session: Session, user: User, email: str) -> OneTimeLink:
    """A link, sent to *email*, that lets the person's mail go there."""
    address = mailbox(email)
    if address is None:
        raise AccountError("Write the mail address.")
    if _are_enough(session, address, None):
        raise AccountError("That address has got mail from here lately: try again in an hour.")
    return _make(session, LinkPurpose.EMAIL, user=user, email=address)


def find(session: Session, secret: str) -> OneTimeLink:
    """The link with this secret, while it is good for something."""
    query = select(OneTimeLink).where(OneTimeLink.sha256 == _hash(secret), _is_alive())
    link = session.scalar(query)
    if link is None or (link.user is not None and link.user.is_disabled):
        raise AccountError("This link is used, too old, or was never one. Ask for another one.")
    return link


def accept(
    session: Session,
    secret: str,
    name: str,
    password: str,
    *,
    address: str | None,
    passwords: Passwords = DEFAULT,
) -> User:
    """The account that an invitation or a registration promised."""
    link = find(session, secret)
    if link.purpose not in (LinkPurpose.INVITE, LinkPurpose.REGISTER):
        raise AccountError("This link makes no account.")
    means = f"{link.purpose} link {link.id}"
    user = _new_user(session, passwords, name, password, link.email, means=means, address=address)
    by = Identity(name=user.name, user_id=user.id, means=means, address=address)
    for group in link.data.get("groups", ()):
        try:
            add_member(session, group, user.name, by=by)
        except AccountError:
            continue  # the group is gone by now
    session.delete(link)
    return user


def register(
    session: Session,
    name: str,
    password: str,
    *,
    address: str | None,
    passwords: Passwords = DEFAULT,
) -> User:
    """An account for a stranger, where no mail can be sent to confirm an address."""
    recent = select(func.count()).where(
        JournalEntry.action == Action.USER_CREATE,
        JournalEntry.means == _BY_REGISTRATION,
        JournalEntry.address == address,
        JournalEntry.moment > now() - _HOUR,
    )
    if (session.scalar(recent) or 0) >= MOST_ACCOUNTS:
        raise AccountError("Too many accounts were made from your address: try again in an hour.")
    means = _BY_REGISTRATION
    return _new_user(session, passwords, name, password, None, means=means, address=address)


def set_password(
    session: Session,
    secret: str,
    password: str,
    *,
    address: str | None,
    passwords: Passwords = DEFAULT,
) -> User:
    """Give the account that a reset is for a new password: all its sessions end."""
    link = find(session, secret)
    user = link.user
    if link.purpose != LinkPurpose.RESET or user is None:
        raise AccountError("This link sets no password.")
    try:
        password_hash = passwords.hash(password, name=user.name)
    except ValueError as error:
        raise AccountError(str(error)) from None
    by = Identity(name=user.name, user_id=user.id, means=f"reset link {link.id}", address=address)
    change_password(session, user, password_hash, by=by)
    return user


def set_confirmed_email(session: Session, secret: str, *, address: str | None) -> User:
    """Let the person's mail go where the link was sent."""
    link = find(session, secret)
    user = link.user
    if link.purpose != LinkPurpose.EMAIL or user is None:
        raise AccountError("This link confirms no address.")
    user.email = link.email
    by = Identity(name=user.name, user_id=user.id, means=f"email link {link.id}", address=address)
    append(session, Action.USER_CHANGE, by=by, note=f"{user.name}: mail address")
    session.delete(link)
    return user


def _new_user(
    session: Session,
    passwords: Passwords,
    name: str,
    password: str,
    email: str | None,
    *,
    means: str,
    address: str | None,
) -> User:
    by = Identity(name=_journal_name(name), user_id=None, means=means, address=address)
    user = create_user(session, name, password=password, is_admin=False, by=by, passwords=passwords)
    user.email = email
    session.flush()
    return user


def _journal_name(name: str) -> str:
    return name.strip().lower()[:64]


def _make(
    session: Session,
    purpose: LinkPurpose,
    *,
    user: User | None = None,
    email: str | None = None,
    address: str | None = None,
    data: dict[str, list[str]] | None = None,
    lifetime: timedelta = LIFETIME,
) -> OneTimeLink:
    for old in session.scalars(select(OneTimeLink).where(~_is_alive()).limit(100)):
        session.delete(old)
    link = OneTimeLink(
        purpose=purpose,
        user=user,
        email=email,
        address=address,
        data=data or {},
        created=now(),
        expires=now() + lifetime,
    )
    link.secret = secrets.token_urlsafe(_SECRET_BYTES)
    link.sha256 = _hash(link.secret)
    session.add(link)
    session.flush()
    return link


def _are_enough(session: Session, email: str | None, address: str | None) -> bool:
    """Whether a stranger from *address* must not have another link sent to *email* now."""
    recent = select(func.count()).where(OneTimeLink.created > now() - _HOUR)
    to_one = session.scalar(recent.where(OneTimeLink.email == email)) or 0
    if to_one >= MOST_TO_ONE:
        return True
    if address is None:
        return False
    return (session.scalar(recent.where(OneTimeLink.address == address)) or 0) >= MOST_FROM_ONE


def _is_alive() -> ColumnElement[bool]:
    return OneTimeLink.expires > now()


def _hash(secret: str) -> str:
    # 32 random bytes need no slow hash; what timing could tell of a hash helps nobody.
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
