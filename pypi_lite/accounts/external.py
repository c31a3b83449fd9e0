"""Accounts of people whom an issuer of single sign-on knows.

What counts is the issuer's subject, never a name or an address of mail: those are what somebody there
may choose. Each change takes a writing session and writes its journal rows. Raises AccountError.
"""

import logging
import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import AccountError, check_not_last, create_user, is_last_admin
from pypi_lite.models import Action, ExternalIdentity, Group, GroupMember, User, now
from pypi_lite.models.journal import append

log = logging.getLogger(__name__)

#: What the journal says of who came in this way.
MEANS = "single sign-on"
#: The longest subject (OpenID Connect Core 1.0, 2).
LONGEST_SUBJECT = 255
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as their issuer describes them."""

    issuer: str
    subject: str
    #: What they are called there; empty: the issuer does not say.
    name: str = ""
    groups: frozenset[str] = frozenset()
    #: Whether they are in the group that administers the index.
    is_admin: bool = False


def sign_on(session: Session, person: Person, *, may_create: bool, address: str | None) -> User:
    """The account of *person*, made if need be and *may_create*, with the groups that they have there."""
    row = _row(session, person.issuer, person.subject)
    if row is None:
        if not may_create:
            raise AccountError(
                "You have no account here yet. An administrator can make one and connect it with "
                f"you: you are {person.subject} there."
            )
        row = _create(session, person, address)
    user = row.user
    if user.is_disabled:
        raise AccountError("Your account here is disabled.")
    by = Identity(name=user.name, user_id=user.id, means=MEANS, address=address)
    _sync_groups(session, user, person.groups, by)
    _sync_admin(session, row, person.is_admin, by)
    return user


def identity_at(session: Session, issuer: str, user_id: int) -> ExternalIdentity | None:
    """Who the account is at the issuer; None: nobody."""
    return session.scalar(
        select(ExternalIdentity).where(
            ExternalIdentity.issuer == issuer, ExternalIdentity.user_id == user_id
        )
    )


def connect(session: Session, user: User, issuer: str, subject: str, *, by: Identity) -> None:
    """Let whoever is *subject* at the issuer be *user* here."""
    if not is_subject(subject):
        raise AccountError("That can't be anybody's subject at an issuer.")
    if _row(session, issuer, subject) is not None:
        raise AccountError("Somebody's account here is connected with this already.")
    if identity_at(session, issuer, user.id) is not None:
        raise AccountError("The account is connected already: disconnect it first.")
    _add(session, user, issuer, subject, by)


def disconnect(session: Session, user: User, issuer: str, *, by: Identity) -> None:
    """Let *user* be nobody at the issuer. What they have from there, groups and all, is theirs no more."""
    row = identity_at(session, issuer, user.id)
    if row is None:
        raise AccountError("The account is not connected.")
    if row.is_admin_synced:
        check_not_last(session, user)
    _sync_groups(session, user, frozenset(), by)
    _sync_admin(session, row, False, by)
    session.delete(row)
    note = f"{user.name}: no longer {row.subject} at {issuer}"
    append(session, Action.USER_CHANGE, by=by, note=note)


def is_subject(text: object) -> bool:
    """Whether *text* can be a subject, and a database can keep it."""
    return isinstance(text, str) and 0 < len(text) <= LONGEST_SUBJECT and text.isprintable()


def account_name(name: str) -> str:
    """What somebody who is called *name* elsewhere is called here; empty: nothing fits.

    An address of mail gives what is before its @.
    """
    plain = unicodedata.normalize("NFKD", name.strip().partition("@")[0])
    lower = plain.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", lower)[:_LONGEST_NAME].strip("._-")


def _create(session: Session, person: Person, address: str | None) -> ExternalIdentity:
    name = account_name(person.name)
    if not name:
        raise AccountError("The provider does not say what you are called, or nothing that fits.")
    # No other name is made up: the account may be this very person's, who has to show it.
    if session.scalar(select(exists().where(User.name == name))):
        raise AccountError(
            f"There is an account {name} already. If it is yours, log in with its password and connect "
            "it on your account page; if not, ask an administrator."
        )
    by = Identity(name=name, user_id=None, means=MEANS, address=address)
    user = create_user(session, name, password=None, is_admin=False, by=by)
    session.flush()
    return _add(session, user, person.issuer, person.subject, by)


def _add(session: Session, user: User, issuer: str, subject: str, by: Identity) -> ExternalIdentity:
    row = ExternalIdentity(user=user, issuer=issuer, subject=subject, created=now())
    row.is_admin_synced = False
    session.add(row)
    append(session, Action.USER_CHANGE, by=by, note=f"{user.name}: is {subject} at {issuer}")
    session.flush()
    return row


def _row(session: Session, issuer: str, subject: str) -> ExternalIdentity | None:
    return session.scalar(
        select(ExternalIdentity).where(
            ExternalIdentity.issuer == issuer, ExternalIdentity.subject == subject
        )
    )


def _sync_groups(session: Session, user: User, names: frozenset[str], by: Identity) -> None:
    """Put *user* into the groups that there are of *names*, and out of the others that this put them in.

    Memberships that somebody gave stay. As rows, not in bulk: pages may depend on each.
    """
    lower = {name.lower() for name in names}
    groups = session.scalars(select(Group).where(Group.name.in_(lower))).all() if lower else ()
    wanted = {group.id: group for group in groups}
    members = session.scalars(select(GroupMember).where(GroupMember.user_id == user.id)).all()
    for member in members:
        if member.group_id not in wanted and member.is_synced:
            append(session, Action.GROUP_REMOVE, by=by, note=f"{member.group.name}: {user.name}")
            session.delete(member)
    for group_id in wanted.keys() - {member.group_id for member in members}:
        session.add(GroupMember(group=wanted[group_id], user=user, is_synced=True))
        append(session, Action.GROUP_ADD, by=by, note=f"{wanted[group_id].name}: {user.name}")


def _sync_admin(session: Session, row: ExternalIdentity, is_admin: bool, by: Identity) -> None:
    """Let the account administer, or no longer, as the issuer says; what somebody gave stays.

    The last administrator stays one, until the first log-in at which there is another.
    """
    user = row.user
    if is_admin and not user.is_admin:
        user.is_admin = row.is_admin_synced = True
        append(session, Action.USER_CHANGE, by=by, note=f"{user.name}: administrator")
    elif row.is_admin_synced and not is_admin:
        if is_last_admin(session, user):
            log.warning(
                "%s administers still, whatever the issuer says: nobody else does", user.name
            )
            return
        row.is_admin_synced = False
        if not user.is_admin:  # somebody took it away meanwhile
            return
        user.is_admin = False
        append(session, Action.USER_CHANGE, by=by, note=f"{user.name}: no administrator")
