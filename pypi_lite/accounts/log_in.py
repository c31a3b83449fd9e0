"""Passwords that are shown: verified, counted, and changed."""

from sqlalchemy.orm import Session

from pypi_lite.accounts import attempts
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.passwords import Passwords
from pypi_lite.accounts.people import authenticate
from pypi_lite.accounts.sessions import end_sessions
from pypi_lite.database import Database
from pypi_lite.models import Action, User
from pypi_lite.models.journal import Actor, append


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
    database: Database, passwords: Passwords, name: str, password: str, address: str | None
) -> Identity | None:
    """The same for a program, which shows its password with every request.

    A success is written down only where a failure was, so that requests that go well write nothing.
    """
    identity = by_password(database, passwords, name, password, address)
    if identity is None:
        return None
    with database.read() as session:
        is_worth_noting = attempts.is_worth_noting(session, identity.name, address)
    if is_worth_noting:
        with database.write() as session:
            user = session.get(User, identity.user_id)
            if user is not None:
                attempts.succeeded(session, user, address)
    return identity


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
    but_sha256: str | None = None,
) -> None:
    """Give *user* another password, and end their sessions, but that whose cookie has that hash.

    The hash is `Passwords.hash`'s, made before the writing transaction begins: it takes its time.
    """
    user.password_hash = password_hash
    append(session, Action.PASSWORD_CHANGE, by=by, note=user.name)
    end_sessions(session, user.id, by=by, but_sha256=but_sha256)
