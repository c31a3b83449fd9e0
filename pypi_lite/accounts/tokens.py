"""Tokens: secrets that let programs act for people, with limits of their own.

A secret is shown once, when it is made, and only its SHA-256 is kept. It is recognised by its prefix,
and ends with a checksum of what is random in it, so that whoever scans files for secrets finds it, and
nothing else.
"""

import hashlib
import logging
import re
import secrets
import string
import zlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, selectinload

from pypi_lite.accounts.credentials import TOKEN_USER
from pypi_lite.accounts.identity import Identity
from pypi_lite.database import Database, DatabaseBusyError
from pypi_lite.distributions.metadata import MAX_IDENTIFIER
from pypi_lite.models import Action, Scope, Token, TokenProject, TokenScope, User, now
from pypi_lite.models.journal import append, next_serial
from pypi_lite.names import is_valid_name, normalize_name

log = logging.getLogger(__name__)

#: Lets a person and a secret scanner see what it is.
TOKEN_PREFIX = "pypi_lite_"  # noqa: S105
#: That of tokens without a checksum, which were made before and are good still.
OLD_PREFIX = "pypi-lite-"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
#: Characters out of 62: as hard to guess as 32 bytes; as many as 32 bits take.
_RANDOM, _CHECKSUM = 43, 6
# What `secrets.token_urlsafe` makes of 32 bytes.
_OLD = re.compile(rf"{OLD_PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
_NEW = re.compile(
    rf"{TOKEN_PREFIX}([0-9A-Za-z]{{{_RANDOM}}})([0-9A-Za-z]{{{_CHECKSUM}}})", re.ASCII
)
#: The longest that a token lasts which does not last for ever.
MOST_DAYS = 3650
LONGEST_NAME = 100
#: How old the last use that is written down may become.
USE_STEP = timedelta(hours=1)
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


class TokenError(ValueError):
    """A token can't be made; the text is for a person."""


class NotCoveredError(TokenError):
    """A token would let do more than the one that makes it."""


def new_secret() -> str:
    """A secret that nobody can guess."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return TOKEN_PREFIX + drawn + _checksum(drawn)


def is_wellformed(secret: str) -> bool:
    """Whether *secret* may be a token's: one that is not is refused without the database."""
    match = _NEW.fullmatch(secret)
    if match is None:
        return _OLD.fullmatch(secret) is not None
    return _checksum(match[1]) == match[2]


def is_token(user_name: str, secret: str) -> bool:
    """Whether *secret* can be a token alone, and no password."""
    return secret.startswith((TOKEN_PREFIX, OLD_PREFIX)) or user_name == TOKEN_USER


def token_hash(secret: str) -> str:
    """By which hash a token is found."""
    # What is as random as 32 bytes needs no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()


def create_token(
    session: Session,
    user: User,
    *,
    name: str = "token",
    scopes: Iterable[Scope],
    projects: Iterable[str] = (),
    days: int | None = None,
    by: Identity,
) -> str:
    """A new token for a user; only its hash is kept. Raises TokenError.

    *name* is what the person calls it. *projects* may name projects that do not exist yet; none at all
    means every project. What a token makes, *by* then, is limited as it is: it ends no later, and
    without *projects* it is for the same ones.
    """
    may = frozenset(scopes)
    if not may:
        raise TokenError("Choose what the token may do.")
    names = _normalized(projects)
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise TokenError(f"A token lasts at least one day, and at most {MOST_DAYS}.")
    expires = None if days is None else now() + timedelta(days=days)
    if by.token_id is not None:
        names = names or by.projects or frozenset()
        _check_covered(by, may, names)
        expires = _earlier(expires, session.get_one(Token, by.token_id).expires)
    secret = new_secret()
    token = Token(
        id=next_serial(session),
        user=user,
        name=_clean_name(name),
        sha256=token_hash(secret),
        created=now(),
        expires=expires,
        scopes=[TokenScope(scope=scope) for scope in sorted(may)],
        projects=[TokenProject(normalized_name=project) for project in sorted(names)],
    )
    session.add(token)
    append(session, Action.TOKEN_CREATE, by=by, note=_note(token))
    return secret


def tokens_of(session: Session, user_id: int) -> Sequence[Token]:
    """A user's tokens, the newest first."""
    query = select(Token).where(Token.user_id == user_id).order_by(Token.id.desc())
    return session.scalars(
        query.options(selectinload(Token.scopes), selectinload(Token.projects))
    ).all()


def find_token(session: Session, text: str) -> Token:
    """The token of that number, or with that secret. Raises TokenError."""
    if re.fullmatch(r"[0-9]{1,9}", text):  # which any database's integers hold
        found = session.get(Token, int(text))
    else:
        known = Token.sha256 == token_hash(text) if is_wellformed(text) else false()
        found = session.scalar(select(Token).where(known))
    if found is None:
        raise TokenError("There is no such token.")
    return found


def revoke_token(session: Session, user_id: int, token_id: int, *, by: Identity) -> bool:
    """Delete a user's token, so that it opens nothing from now on. False: they have none such."""
    token = session.get(Token, token_id)
    if token is None or token.user_id != user_id:
        return False
    _revoke(session, token, by)
    return True


def revoke_tokens(session: Session, user_id: int, *, by: Identity) -> int:
    """Delete all tokens of a user; how many they were."""
    found = session.scalars(select(Token).where(Token.user_id == user_id)).all()
    for token in found:
        _revoke(session, token, by)
    return len(found)


def covers(maker: Identity, token: Token) -> bool:
    """Whether *token* lets do no more than *maker* may, so that it could be of its making."""
    try:
        _check_covered(
            maker,
            {Scope(row.scope) for row in token.scopes},
            {row.normalized_name for row in token.projects},
        )
    except NotCoveredError:
        return False
    return True


def by_token(session: Session, secret: str) -> Identity | None:
    """Whom the token with that secret stands for; None: there is none, or no longer."""
    if not is_wellformed(secret):
        return None
    # Looked up by hash: what timing could tell of a hash helps nobody to find its token.
    return _identity(session, Token.sha256 == token_hash(secret))


def token_identity(session: Session, sha256: str) -> tuple[Identity, datetime | None] | None:
    """Whom the token of that hash stands for, and when that ends (None: never)."""
    identity = _identity(session, Token.sha256 == sha256)
    if identity is None:
        return None
    return identity, session.scalar(select(Token.expires).where(Token.id == identity.token_id))


def identity_of_token(session: Session, token_id: int) -> Identity | None:
    """Whom the token of that number stands for now; None: it is gone, or opens nothing."""
    return _identity(session, Token.id == token_id)


def note_use(database: Database, token_id: int) -> None:
    """Write down that a token has just been used, unless that is known to the hour.

    Nobody waits for it, and nothing fails when it can't be written: the next use is noted.
    """
    try:
        with database.read() as session:
            last = session.scalar(select(Token.last_used).where(Token.id == token_id))
        if last is not None and now() - last < USE_STEP:
            return
        with database.write_at_once() as session:
            token = session.get(Token, token_id)
            if token is not None:
                token.last_used = now()
    except DatabaseBusyError:
        log.debug("the last use of token %s is not noted: others write", token_id)
    except SQLAlchemyError:
        log.warning("the last use of token %s could not be noted", token_id, exc_info=True)


def _checksum(drawn: str) -> str:
    """CRC-32 of *drawn*, in six digits of base 62."""
    rest, digits = zlib.crc32(drawn.encode()), ""
    for _ in range(_CHECKSUM):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def _normalized(projects: Iterable[str]) -> frozenset[str]:
    names = list(projects)
    for name in names:
        if len(name) > MAX_IDENTIFIER or not is_valid_name(name):
            raise TokenError(f"{name[:MAX_IDENTIFIER]!r} can't be a project's name.")
    return frozenset(normalize_name(name) for name in names)


def _clean_name(text: str) -> str:
    name = text.strip()
    if not name:
        raise TokenError("Give the token a name.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise TokenError(f"A token's name is one line of at most {LONGEST_NAME} characters.")
    return name


def _check_covered(maker: Identity, scopes: Collection[Scope], projects: Collection[str]) -> None:
    """Raises NotCoveredError where these scopes and projects (none: all) are more than *maker*'s."""
    if not all(maker.has_scope(scope) for scope in scopes):
        raise NotCoveredError("A token gives another one no scope that it does not have itself.")
    if maker.projects is not None and not (projects and maker.projects.issuperset(projects)):
        raise NotCoveredError("A token gives another one no project that it is not for itself.")


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two ends, of which None never comes."""
    return min(filter(None, (one, other)), default=None)


def _revoke(session: Session, token: Token, by: Identity) -> None:
    session.delete(token)
    append(session, Action.TOKEN_REVOKE, by=by, note=_note(token))


def _note(token: Token) -> str:
    """For the journal."""
    return f"{token.user.name}: token {token.id}" + (f" ({token.name})" if token.name else "")


def _identity(session: Session, condition: ColumnElement[bool]) -> Identity | None:
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
