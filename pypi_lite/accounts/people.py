"""Accounts and tokens: making them, and telling who somebody is."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, selectinload

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.passwords import DEFAULT, Passwords
from pypi_lite.accounts.publisher_tokens import publisher_identity
from pypi_lite.distributions.metadata import MAX_IDENTIFIER
from pypi_lite.models import (
    Action,
    PublisherToken,
    Scope,
    Token,
    TokenProject,
    TokenScope,
    User,
    now,
)
from pypi_lite.models.journal import append
from pypi_lite.names import is_valid_name, normalize_name

#: Lets a person and a secret scanner see what it is.
TOKEN_PREFIX = "pypi-lite-"  # noqa: S105
#: The user name that goes with a token, as on PyPI; any other will do as well.
TOKEN_USER = "__token__"  # noqa: S105
_TOKEN_BYTES = 32
#: The longest that a token lasts which does not last for ever.
MOST_DAYS = 3650
#: A token with its user, once for each of its scopes and projects.
_TOKENS = (
    select(
        Token.id,
        Token.user_id,
        Token.expires,
        User.name,
        User.is_admin,
        TokenScope.scope,
        TokenProject.normalized_name.label("project"),
    )
    .join(Token.user)
    .outerjoin(Token.scopes)
    .outerjoin(Token.projects)
)
_USER_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?\Z", re.ASCII)


class AccountError(ValueError):
    """An account or token can't be made; the text is for a person."""


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
    user = session.scalar(select(User).where(User.name == name.strip().lower()))
    if user is None:
        raise AccountError(f"There is no user {name!r}.")
    return user


def has_admin(session: Session) -> bool:
    """Whether anybody administers the index yet."""
    return bool(session.scalar(select(exists().where(User.is_admin))))


def create_token(
    session: Session,
    user_name: str,
    *,
    scopes: Iterable[Scope],
    projects: Iterable[str] = (),
    days: int | None = None,
    by: Identity,
) -> str:
    """A new token for a user; only its hash is kept. Raises AccountError.

    *projects* may name projects that do not exist yet; none at all means every project.
    """
    user = find_user(session, user_name)
    names = list(projects)
    for name in names:
        if len(name) > MAX_IDENTIFIER or not is_valid_name(name):
            raise AccountError(f"{name[:MAX_IDENTIFIER]!r} can't be a project's name.")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise AccountError(f"A token lasts at least one day, and at most {MOST_DAYS}.")
    secret = new_secret()
    session.add(
        Token(
            user=user,
            sha256=token_hash(secret),
            created=now(),
            expires=None if days is None else now() + timedelta(days=days),
            scopes=[TokenScope(scope=scope) for scope in sorted(set(scopes))],
            projects=[
                TokenProject(normalized_name=name)
                for name in sorted({normalize_name(name) for name in names})
            ],
        )
    )
    append(session, Action.TOKEN_CREATE, by=by, note=user.name)
    return secret


def tokens_of(session: Session, user_id: int) -> Sequence[Token]:
    """A user's tokens, the newest first."""
    query = select(Token).where(Token.user_id == user_id).order_by(Token.id.desc())
    return session.scalars(
        query.options(selectinload(Token.scopes), selectinload(Token.projects))
    ).all()


def revoke_token(session: Session, user_id: int, token_id: int, *, by: Identity) -> bool:
    """Delete a user's token, so that it opens nothing from now on. False: they have none such."""
    token = session.get(Token, token_id)
    if token is None or token.user_id != user_id:
        return False
    session.delete(token)
    append(session, Action.TOKEN_REVOKE, by=by, note=f"{token.user.name}: token {token_id}")
    return True


def is_token(user_name: str, secret: str) -> bool:
    """Whether *secret* can be a token alone, and no password."""
    return secret.startswith(TOKEN_PREFIX) or user_name == TOKEN_USER


def authenticate(
    session: Session, user_name: str, secret: str, passwords: Passwords = DEFAULT
) -> Identity | None:
    """Who shows *secret*: a token under any user name, or the user's own password.

    Nothing is counted here: `pypi_lite.accounts.log_in` does.
    """
    if secret.startswith(TOKEN_PREFIX):
        # Looked up by hash: what timing could tell of a hash helps nobody to find its token.
        sha256 = token_hash(secret)
        return _token_identity(session, Token.sha256 == sha256) or publisher_identity(
            session, PublisherToken.sha256 == sha256
        )
    if user_name == TOKEN_USER:
        return None
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
    return replace(identity, password=hashlib.sha256(user.password_hash.encode()).hexdigest())


def password_identity(session: Session, user_id: int) -> Identity | None:
    """Whom the password of the account stands for, now; which one it is, is in the identity."""
    user = session.get(User, user_id)
    return with_password(user) if user else None


def token_identity(session: Session, sha256: str) -> tuple[Identity, datetime | None] | None:
    """Whom the token of that hash stands for, and when that ends (None: never)."""
    identity = _token_identity(session, Token.sha256 == sha256)
    if identity is None:
        return None
    return identity, session.scalar(select(Token.expires).where(Token.id == identity.token_id))


def identity_of(user: User, *, means: str | None, address: str | None = None) -> Identity | None:
    """*user*, who has shown who they are by *means*; None: the account is disabled."""
    if user.is_disabled:
        return None
    return Identity(
        name=user.name, user_id=user.id, is_admin=user.is_admin, means=means, address=address
    )


def refresh(session: Session, identity: Identity) -> Identity | None:
    """*identity* as the database has it now, or None: the account or the token is gone."""
    if identity.token_id is not None:
        found = _token_identity(session, Token.id == identity.token_id)
        return found and replace(found, address=identity.address)
    if identity.publisher_token_id is not None:
        found = publisher_identity(session, PublisherToken.id == identity.publisher_token_id)
        return found and replace(found, address=identity.address)
    if identity.user_id is None:
        return identity
    user = session.get(User, identity.user_id)
    if user is None:
        return None
    return identity_of(user, means=identity.means, address=identity.address)


def _token_identity(session: Session, condition: ColumnElement[bool]) -> Identity | None:
    """Who the token that meets *condition* stands for; None: there is none, or no longer.

    One query of plain columns, since each upload asks twice: as objects a token, its user, its scopes
    and its projects are four.
    """
    rows = session.execute(_TOKENS.where(condition, ~User.is_disabled)).all()
    if not rows or (rows[0].expires is not None and rows[0].expires <= now()):
        return None
    return Identity(
        name=rows[0].name,
        user_id=rows[0].user_id,
        is_admin=rows[0].is_admin,
        means=f"token {rows[0].id}",
        token_id=rows[0].id,
        scopes=frozenset(Scope(row.scope) for row in rows if row.scope),
        projects=frozenset(row.project for row in rows if row.project) or None,
    )


def new_secret() -> str:
    """A secret for a token."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(secret: str) -> str:
    """What is kept of a token's secret."""
    # 32 random bytes need no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()
