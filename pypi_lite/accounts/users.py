"""Accounts as administrators see to them. All changes raise AccountError, with a text for a person."""

from collections.abc import Sequence

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import AccountError, check_not_last, find_user
from pypi_lite.accounts.sessions import end_sessions
from pypi_lite.mailboxes import clean_mailbox
from pypi_lite.models import Action, LinkPurpose, OneTimeLink, User
from pypi_lite.models.journal import append


def users(session: Session, *, text: str = "", after: str = "", most: int) -> Sequence[User]:
    """At most *most* accounts, by name, those after *after*; with *text* in name or mail address."""
    return session.scalars(_users(text, after).limit(most)).all()


def all_users(session: Session) -> Sequence[User]:
    """All accounts, by name."""
    return session.scalars(_users("", "")).all()


def disable_user(session: Session, name: str, *, by: Identity) -> None:
    """Let the account open nothing from now on. Its sessions and links are gone for good."""
    user = find_user(session, name)
    if user.is_disabled:
        return
    check_not_last(session, user)
    user.is_disabled = True
    _delete_links(session, user)
    append(session, Action.USER_DISABLE, by=by, note=user.name)
    end_sessions(session, user.id, by=by)


def enable_user(session: Session, name: str, *, by: Identity) -> None:
    """Let the account, and its tokens, open again what they did."""
    user = find_user(session, name)
    if user.is_disabled:
        user.is_disabled = False
        append(session, Action.USER_ENABLE, by=by, note=user.name)


def set_admin(session: Session, name: str, is_admin: bool, *, by: Identity) -> None:
    """Make somebody an administrator, or one no longer."""
    user = find_user(session, name)
    if user.is_admin == is_admin:
        return
    if not is_admin:
        check_not_last(session, user)
    user.is_admin = is_admin
    what = "an administrator" if is_admin else "no administrator any more"
    append(session, Action.USER_CHANGE, by=by, note=f"{user.name}: {what}")


def set_email(session: Session, name: str, address: str, *, by: Identity) -> None:
    """Say where somebody's mail goes; with an empty *address* nowhere."""
    user = find_user(session, name)
    email = mailbox(address)
    if user.email == email:
        return
    user.email = email
    _delete_links(session, user)  # what was sent to the address of before
    append(session, Action.USER_CHANGE, by=by, note=f"{user.name}: mail address")


def set_wants_mail(session: Session, name: str, wants: bool, *, by: Identity) -> None:
    """Whether somebody is told by mail what happens to their account and projects."""
    user = find_user(session, name)
    if user.wants_mail != wants:
        user.wants_mail = wants
        note = f"{user.name}: {'wants' if wants else 'does not want'} mail"
        append(session, Action.USER_CHANGE, by=by, note=note)


def mailbox(address: str) -> str | None:
    """*address* as it is kept, or None for none. Raises AccountError."""
    if not address.strip():
        return None
    try:
        return clean_mailbox(address)
    except ValueError as error:
        raise AccountError(str(error)) from None


def _users(text: str, after: str) -> Select[User]:
    query = select(User).where(User.name > after.replace("\0", "")).order_by(User.name)
    if text := _plain(text):
        found = [c.contains(text, autoescape=True) for c in (User.name, User.email)]
        query = query.where(or_(*found))
    return query


def _plain(text: str) -> str:
    # A NUL is in no name, and PostgreSQL refuses to be asked for it.
    return text.strip().lower().replace("\0", "")


def _delete_links(session: Session, user: User) -> None:
    purposes = [LinkPurpose.RESET, LinkPurpose.EMAIL]
    links = select(OneTimeLink).where(
        OneTimeLink.user_id == user.id, OneTimeLink.purpose.in_(purposes)
    )
    for link in session.scalars(links):
        session.delete(link)
