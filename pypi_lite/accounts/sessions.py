"""People who are logged in with a browser: a row each, and of the cookie its hash alone.

The cookie holds one random id and nothing else. A visitor who only looks at a form has an id as well,
of another length and in no row: forms are bound to it (`pypi_lite.csrf`).
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.accounts.factors import lacks_factor
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import identity_of
from pypi_lite.accounts.proofs import Proof, in_words
from pypi_lite.models import Action, User, WebSession, now
from pypi_lite.models.journal import Actor, append, next_serial
from pypi_lite.settings import Require

COOKIE = "pypi_lite"
_SESSION_BYTES, _VISITOR_BYTES = 32, 16
_LONGEST_ADDRESS, _LONGEST_AGENT = 64, 200
# Both kinds of id in base64url, which is what `secrets.token_urlsafe` writes.
_IN_COOKIES = re.compile(rf"(?:^|;)[ \t]*{COOKIE}=([\w-]{{43}}|[\w-]{{22}})[ \t]*(?:;|$)", re.ASCII)
_SESSION_LENGTH = 43


def cookie_id(environ: Mapping[str, Any]) -> str | None:
    """The id in a request's cookie, of a session or of a mere visitor; None: it has none."""
    cookies = environ.get("HTTP_COOKIE")
    match = _IN_COOKIES.search(cookies) if cookies else None
    return match and match[1]


def cookie_hash(environ: Mapping[str, Any]) -> str | None:
    """SHA-256, in hex, of the session's id in a request's cookie.

    None: there is no such cookie, or it holds what can be no session's id. From the WSGI environment,
    so that the way of a hit needs no request object.
    """
    found = cookie_id(environ)
    return _hash(found) if found and len(found) == _SESSION_LENGTH else None


def session_identity(
    session: Session, sha256: str, require: Require
) -> tuple[Identity, datetime] | None:
    """Who is logged in with the cookie of that hash, and when that ends.

    None: nobody, or no longer, or the account is disabled, or it must have a second factor by now
    (*require*), which it adds where it logs in.
    """
    query = select(WebSession, User).join(WebSession.user).where(WebSession.sha256 == sha256)
    row = session.execute(query).first()
    if row is None or row.WebSession.expires <= now():
        return None
    if lacks_factor(session, require, row.User):
        return None
    identity = identity_of(row.User, means=means_of(row.WebSession))
    if identity is None:
        return None
    return replace(identity, session_id=row.WebSession.id), row.WebSession.expires


def means_of(row: WebSession) -> str:
    """What the journal calls a session."""
    return f"session {row.id}"


def new_visitor_id() -> str:
    """An id for the cookie of somebody who is not logged in."""
    return secrets.token_urlsafe(_VISITOR_BYTES)


def begin_session(
    session: Session,
    user: User,
    *,
    hours: float,
    address: str,
    agent: str,
    by: Actor,
    shown: Collection[Proof] = (),
) -> str:
    """Log *user*, who has *shown* that, in; the new session's id, which only the cookie keeps.

    The sessions that have ended are removed on this occasion. *address* and *agent* are what the
    request says of itself, for the person to recognise; they may be anything.
    """
    moment = now()
    for row in session.scalars(select(WebSession).where(WebSession.expires <= moment)):
        session.delete(row)
    secret = secrets.token_urlsafe(_SESSION_BYTES)
    session.add(
        WebSession(
            id=next_serial(session),
            user=user,
            sha256=_hash(secret),
            created=moment,
            expires=moment + timedelta(hours=hours),
            address=_printable(address, _LONGEST_ADDRESS),
            agent=_printable(agent, _LONGEST_AGENT),
        )
    )
    note = f"{user.name}: {in_words(shown)}" if shown else user.name
    append(session, Action.SESSION_BEGIN, by=by, note=note)
    return secret


def sessions_of(session: Session, user_id: int) -> Sequence[WebSession]:
    """A user's sessions that have not ended, the newest first."""
    query = select(WebSession).where(WebSession.user_id == user_id, WebSession.expires > now())
    return session.scalars(query.order_by(WebSession.id.desc())).all()


def end_session(session: Session, user_id: int, session_id: int, *, by: Actor) -> bool:
    """End one session of a user. False: they have none such."""
    row = session.get(WebSession, session_id)
    if row is None or row.user_id != user_id:
        return False
    _end(session, row, by)
    return True


def end_session_of_cookie(session: Session, sha256: str, *, by: Actor) -> None:
    """End the session whose cookie has that hash, if there is one."""
    row = session.scalar(select(WebSession).where(WebSession.sha256 == sha256))
    if row is not None:
        _end(session, row, by)


def end_sessions(
    session: Session, user_id: int, *, by: Actor, but_sha256: str | None = None
) -> None:
    """End all sessions of a user, but the one whose cookie has that hash."""
    query = select(WebSession).where(WebSession.user_id == user_id).order_by(WebSession.id)
    for row in session.scalars(query).all():
        if row.sha256 != but_sha256:
            _end(session, row, by)


def _end(session: Session, row: WebSession, by: Actor) -> None:
    session.delete(row)
    append(session, Action.SESSION_END, by=by, note=f"{row.user.name}: {means_of(row)}")


def _printable(text: str, longest: int) -> str:
    """*text* as a database and a page can have it: PostgreSQL takes no NUL."""
    return "".join(c if c.isprintable() else " " for c in text)[:longest]


def _hash(secret: str) -> str:
    # 32 random bytes need no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()
