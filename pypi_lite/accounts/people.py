"""Accounts: making them, and telling who somebody is."""

import hashlib
import re
from dataclasses import replace

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.passwords import DEFAULT, Passwords
from pypi_lite.accounts.publisher_tokens import publisher_identity
from pypi_lite.accounts.tokens import (
    by_token,
    identity_of_token,
    is_token,
    is_wellformed,
    token_hash,
)
from pypi_lite.models import Action, PublisherToken, User, WebSession, now
from pypi_lite.models.journal import append

_USER_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?\Z", re.ASCII)
#: What the journal calls the program itself, where an account could be called so as well.
_PROGRAM = frozenset({"migration"})


class AccountError(ValueError):
    """An account can't be made; the text is for a person."""


def is_user_name(name: str) -> bool:
    """Whether an account, or a group, can have this name."""
    return _USER_NAME.match(name) is not None


def create_user(
    session: Session,
    name: str,
    *,
    password: str | None,
    is_admin: bool,
    by: Identity,
    passwords: Passwords = DEFAULT,
) -> User:
    """A new account. Raises AccountError for a name or password that won't do."""
    name = name.strip().lower()
    if not is_user_name(name):
        raise AccountError(
            f"{name!r} can't be a user name: use letters, digits, and between them . _ -"
        )
    if name in _PROGRAM:
        raise AccountError(f"{name!r} is what the journal calls the program: choose another name.")
    if session.scalar(select(exists().where(User.name == name))):
        raise AccountError(f"There is a user {name!r} already.")
    try:
        password_hash = None if password is None else passwords.hash(password, name=name)
    except ValueError as error:
        raise AccountError(str(error)) from None
    user = User(name=name, password_hash=password_hash, is_admin=is_admin, created=now())
    session.add(user)
    append(session, Action.USER_CREATE, by=by, note=name)
    return user


def find_user(session: Session, name: str) -> User:
    """The account of that name, however it is spelled. Raises AccountError."""
    # A NUL is in no name, and PostgreSQL refuses to be asked for it.
    wanted = name.strip().lower().replace("\0", "")
    user = session.scalar(select(User).where(User.name == wanted))
    if user is None:
        raise AccountError(f"There is no user {name!r}.")
    return user


def has_admin(session: Session) -> bool:
    """Whether anybody administers the index yet."""
    return bool(session.scalar(select(exists().where(User.is_admin))))


def is_last_admin(session: Session, user: User) -> bool:
    """Whether *user* administers the index, and nobody else does whose account opens anything.

    In a writing session nobody else writes, so that of two who remove each other the second one can't.
    """
    others = select(exists().where(User.is_admin, User.is_disabled.is_(False), User.id != user.id))
    return user.is_admin and not user.is_disabled and not session.scalar(others)


def check_not_last(session: Session, user: User) -> None:
    """Raises AccountError where nobody would administer the index without *user*."""
    if is_last_admin(session, user):
        raise AccountError(
            f"{user.name!r} is the last administrator: make somebody else one first."
        )


def authenticate(
    session: Session, user_name: str, secret: str, passwords: Passwords = DEFAULT
) -> Identity | None:
    """Who shows *secret*: a token under any user name, or the user's own password.

    Nothing is counted here: `pypi_lite.accounts.log_in` does.
    """
    if is_token(user_name, secret):
        if not is_wellformed(secret):
            return None
        publisher = PublisherToken.sha256 == token_hash(secret)
        return by_token(session, secret) or publisher_identity(session, publisher)
    name = user_name.strip().lower()
    # What can be no user's name is not asked for: databases refuse some of it, such as a NUL.
    user = session.scalar(select(User).where(User.name == name)) if is_user_name(name) else None
    if not passwords.verify(user.password_hash if user else None, secret):
        return None
    return with_password(user) if user else None


def with_password(user: User) -> Identity | None:
    """*user*, who has shown the password; None: it opens nothing, since the account is disabled."""
    identity = identity_of(user, means="password")
    if identity is None or user.password_hash is None:
        return None
    return replace(identity, password=_which(user.password_hash))


def password_identity(session: Session, user_id: int) -> Identity | None:
    """Whom the password of the account stands for, now; which one it is, is in the identity."""
    user = session.get(User, user_id)
    return with_password(user) if user else None


def identity_of(user: User, *, means: str | None, address: str | None = None) -> Identity | None:
    """*user*, who has shown who they are by *means*; None: the account is disabled."""
    if user.is_disabled:
        return None
    return Identity(
        name=user.name, user_id=user.id, is_admin=user.is_admin, means=means, address=address
    )


def refresh(session: Session, identity: Identity) -> Identity | None:
    """*identity* as the database has it now, or None: what it showed opens nothing any more, be it a
    token, a session or a password, or its account does not."""
    if identity.token_id is not None:
        found = identity_of_token(session, identity.token_id)
        return found and replace(found, address=identity.address)
    if identity.publisher_token_id is not None:
        found = publisher_identity(session, PublisherToken.id == identity.publisher_token_id)
        return found and replace(found, address=identity.address)
    if identity.user_id is None:
        return identity
    user = session.scalar(_account(identity))
    if user is None or user.is_disabled:
        return None
    if identity.password and identity.password != _which(user.password_hash or ""):
        return None
    return replace(identity, name=user.name, is_admin=user.is_admin)


def _account(identity: Identity) -> Select[User]:
    """The account, while the session lasts by which *identity* is known, if it is by one."""
    query = select(User).where(User.id == identity.user_id)
    if identity.session_id is None:
        return query
    return query.join(WebSession, WebSession.user_id == User.id).where(
        WebSession.id == identity.session_id, WebSession.expires > now()
    )


def _which(password_hash: str) -> str:
    """Which password it is, for `Identity.password`: nothing from which one could find the password."""
    return hashlib.sha256(password_hash.encode()).hexdigest()
