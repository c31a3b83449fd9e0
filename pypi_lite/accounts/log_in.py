"""Passwords that are shown: verified, counted, and changed."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.accounts import attempts
from pypi_lite.accounts.factors import has_factor, must_have_factor
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.passwords import Passwords
from pypi_lite.accounts.people import authenticate
from pypi_lite.accounts.sessions import end_sessions
from pypi_lite.database import Database
from pypi_lite.models import Action, LinkPurpose, OneTimeLink, User
from pypi_lite.models.journal import Actor, append
from pypi_lite.settings import Require


class PasswordAloneError(Exception):
    """A password is right and does not do. The text is for a person."""


def by_password(
    database: Database, passwords: Passwords, name: str, password: str, address: str | None
) -> Identity | None:
    """Whose password this is; None: it is wrong, which is counted against *address*.

    Raises `attempts.TooManyAttemptsError`. Whoever lets the person in says so with
    `attempts.succeeded`: right here another factor may still be wanted.
    """
    with database.read() as session:
        attempts.check(session, name, address)
        identity = authenticate(session, name, password, passwords)
    # A token is no password: it does not become all that its owner may do.
    if identity is not None and identity.token_id is None:
        return identity
    count_failure(database, name, address)
    return None


def by_password_alone(
    database: Database,
    passwords: Passwords,
    name: str,
    password: str,
    address: str | None,
    *,
    require: Require,
) -> Identity | None:
    """The same for a program, which shows its password with every request.

    A success is written down only where a failure was, so that requests that go well write nothing.
    Raises `PasswordAloneError` too: the account has, or must have, a second factor.
    """
    identity = by_password(database, passwords, name, password, address)
    if identity is None or identity.user_id is None:
        return None
    with database.read() as session:
        if has_factor(session, identity.user_id):
            raise PasswordAloneError("This account has a second factor: use a token.")
        if must_have_factor(require, is_admin=identity.is_admin):
            raise PasswordAloneError("This account must have a second factor: use a token.")
        is_worth_noting = attempts.is_worth_noting(session, identity.name, address)
    if is_worth_noting:
        with database.write() as session:
            user = session.get(User, identity.user_id)
            if user is not None:
                attempts.succeeded(session, user, address)
    return identity


def opens_alone(session: Session, identity: Identity, require: Require) -> bool:
    """Whether the account's password opens anything without another factor."""
    assert identity.user_id is not None
    if has_factor(session, identity.user_id):
        return False
    return not must_have_factor(require, is_admin=identity.is_admin)


def count_failure(database: Database, name: str, address: str | None) -> None:
    """Count a wrong secret for the account *name*, in a transaction of its own.

    Of those that came at the same time, only as many are answered as may be: the others raise
    `attempts.TooManyAttemptsError` here.
    """
    with database.write() as session:
        attempts.check(session, name, address)
        attempts.failed(session, name, address)


def change_password(
    session: Session,
    user: User,
    password_hash: str,
    *,
    by: Actor,
) -> None:
    """Give *user* another password, and end their sessions. Links that would set yet another one are
    good for nothing from now on.

    The hash is `Passwords.hash`'s, made before the writing transaction begins: it takes its time.
    """
    user.password_hash = password_hash
    for link in session.scalars(
        select(OneTimeLink).where(
            OneTimeLink.user_id == user.id, OneTimeLink.purpose == LinkPurpose.RESET
        )
    ):
        session.delete(link)
    append(session, Action.PASSWORD_CHANGE, by=by, note=user.name)
    end_sessions(session, user.id, by=by)
