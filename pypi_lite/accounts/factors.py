"""An account's second factors: what it has, adding and removing them, and whether one opens it.

Everything here that writes needs a writing session, which has the index's one write lock: so a code,
a challenge and a recovery code work once, however many try it at the same moment.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from pypi_lite.accounts import passkeys, recovery, totp
from pypi_lite.accounts.passkeys import NewPasskey, Party
from pypi_lite.accounts.proofs import Proof
from pypi_lite.accounts.tickets import Ticket
from pypi_lite.models import (
    Action,
    AuthenticatorApp,
    Passkey,
    RecoveryCode,
    SpentTicket,
    User,
    now,
)
from pypi_lite.models.journal import Actor, append
from pypi_lite.settings import Require

#: Passkeys of one account: each is named to the browser in every challenge.
MOST_PASSKEYS = 20
#: Characters of a passkey's name.
LONGEST_NAME = 100
#: Wrong codes in a row after which an app's codes have to wait: a minute, then twice as long each time.
MOST_WRONG_CODES = 10
_LONGEST_WAIT = timedelta(days=1)


class FactorError(ValueError):
    """A factor can't be added or removed; the text is for a person."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account has beside its password."""

    app: AuthenticatorApp | None
    passkeys: Sequence[Passkey]
    #: How many are left.
    recovery_codes: int

    @property
    def count(self) -> int:
        """Recovery codes are for the loss of a factor, and none themselves."""
        return len(self.passkeys) + (self.app is not None)


def factors_of(session: Session, user_id: int) -> Factors:
    """The factors of an account; the oldest passkey first."""
    found = select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
    codes = select(func.count()).where(RecoveryCode.user_id == user_id)
    return Factors(
        app=session.get(AuthenticatorApp, user_id),
        passkeys=session.scalars(found).all(),
        recovery_codes=session.scalar(codes) or 0,
    )


def has_factor(session: Session, user_id: int) -> bool:
    """Whether an account's password alone opens nothing."""
    app = exists().where(AuthenticatorApp.user_id == user_id)
    passkey = exists().where(Passkey.user_id == user_id)
    return bool(session.scalar(select(or_(app, passkey))))


def must_have_factor(require: Require, *, is_admin: bool) -> bool:
    """Whether the setting asks an account for a second factor."""
    return require is Require.EVERYBODY or (require is Require.ADMINISTRATORS and is_admin)


def lacks_factor(session: Session, require: Require, user: User) -> bool:
    """Whether *user* has to add a factor before the account opens anything, but to its tokens."""
    return must_have_factor(require, is_admin=user.is_admin) and not has_factor(session, user.id)


def add_app(session: Session, user: User, *, key: str, salt: str, code: str, by: Actor) -> None:
    """The app that was given the seed of *salt*, and shows *code*. Raises FactorError."""
    if session.get(AuthenticatorApp, user.id) is not None:
        raise FactorError("You have an authenticator app already: remove it first.")
    step = totp.step_of(totp.seed_of(key, salt), code, at=now(), after=-1)
    if step is None:
        raise FactorError(
            "That is not the code that the app shows now. Is your device's clock right?"
        )
    session.add(AuthenticatorApp(user_id=user.id, salt=salt, last_step=step, created=now()))
    append(session, Action.FACTOR_ADD, by=by, note=f"{user.name}: authenticator app")


def add_passkey(session: Session, user: User, new: NewPasskey, *, name: str, by: Actor) -> None:
    """A passkey, called *name*. Raises FactorError."""
    name = " ".join(name.split())[:LONGEST_NAME] or "passkey"
    if not name.isprintable():
        raise FactorError("The name of a passkey is plain text.")
    if session.scalar(select(exists().where(Passkey.credential_id == new.credential_id))):
        raise FactorError("This passkey is known here already.")
    if len(factors_of(session, user.id).passkeys) >= MOST_PASSKEYS:
        raise FactorError(
            f"You have {MOST_PASSKEYS} passkeys, which is the most: remove one first."
        )
    session.add(
        Passkey(
            user_id=user.id,
            credential_id=new.credential_id,
            public_key=new.public_key,
            sign_count=new.sign_count,
            name=name,
            created=now(),
        )
    )
    append(session, Action.FACTOR_ADD, by=by, note=f"{user.name}: passkey {name}")


def renew_recovery_codes(session: Session, user: User, *, by: Actor) -> list[str]:
    """New recovery codes; the old ones open nothing any more. Raises FactorError."""
    if not has_factor(session, user.id):
        raise FactorError("Recovery codes stand in for a second factor: add one first.")
    _drop_recovery_codes(session, user.id)
    codes = recovery.new_codes()
    for code in codes:
        session.add(RecoveryCode(user_id=user.id, sha256=recovery.code_hash(code)))
    append(session, Action.FACTOR_ADD, by=by, note=f"{user.name}: recovery codes")
    return codes


def remove_app(session: Session, user: User, *, require: Require, by: Actor) -> None:
    """Take no codes any more. Raises FactorError."""
    app = session.get(AuthenticatorApp, user.id)
    if app is not None:
        _remove(session, user, app, "authenticator app", require, by)


def remove_passkey(
    session: Session, user: User, passkey_id: int, *, require: Require, by: Actor
) -> None:
    """Know a passkey of the user's no longer; one that is gone already is fine. Raises FactorError."""
    passkey = session.get(Passkey, passkey_id)
    if passkey is not None and passkey.user_id == user.id:
        _remove(session, user, passkey, f"passkey {passkey.name}", require, by)


def remove_all(session: Session, user: User, *, by: Actor) -> int:
    """Take all factors from an account whose person has lost them; how many they were."""
    found = factors_of(session, user.id)
    for row in (*found.passkeys, *filter(None, [found.app])):
        session.delete(row)
    _drop_recovery_codes(session, user.id)
    if found.count:
        append(session, Action.FACTOR_REMOVE, by=by, note=f"{user.name}: all")
    return found.count


def shows_code(session: Session, user: User, code: str, *, key: str, by: Actor) -> Proof | None:
    """Which *code* is: one of the account's app, or a recovery code of it; it is none again. None: neither.

    The session's changes have to be committed whatever the answer: wrong codes are counted.
    """
    if _takes_code(session, user.id, code, key):
        return Proof.APP
    return Proof.RECOVERY_CODE if _takes_recovery_code(session, user, code, by) else None


def wait_for_codes(app: AuthenticatorApp) -> timedelta:
    """How long no code of *app* is looked at; zero: they are.

    Six digits can be guessed by who has the password, many addresses and time: so wrong codes are
    counted, wherever they come from. Recovery codes and passkeys can't be guessed and never wait,
    or whoever has the password could keep its owner out.
    """
    if app.failures < MOST_WRONG_CODES or app.last_failure is None:
        return timedelta()
    doublings = min(app.failures - MOST_WRONG_CODES, 20)
    wait = min(timedelta(minutes=2**doublings), _LONGEST_WAIT)
    return max(app.last_failure + wait - now(), timedelta())


def shows_passkey(
    session: Session, party: Party, answer: str, *, challenge: bytes, of: int | None
) -> Passkey | None:
    """The passkey that has answered *challenge*; None: it has not, or none that is known.

    *of* is the account that must be its own; None: any account, where the passkey stands alone, so
    that it must have asked for a fingerprint, a PIN or the like.
    """
    try:
        name = passkeys.credential_id_of(answer)
        passkey = session.scalar(select(Passkey).where(Passkey.credential_id == name))
        if passkey is None or (of is not None and passkey.user_id != of):
            return None
        passkey.sign_count = passkeys.check_answer(
            party,
            answer,
            challenge=challenge,
            public_key=passkey.public_key,
            sign_count=passkey.sign_count,
            must_verify=of is None,
        )
    except passkeys.PasskeyError:
        return None
    passkey.last_used = now()
    return passkey


def handle_of(key: str, user_id: int) -> bytes:
    """What authenticators call an account by: it tells nothing of the person (WebAuthn, 14.6.1)."""
    return hmac.digest(key.encode(), f"user handle\0{user_id}".encode(), "sha256")


def spend(session: Session, ticket: Ticket) -> bool:
    """Use *ticket* up. False: it has been used before."""
    for old in session.scalars(select(SpentTicket).where(SpentTicket.expires <= now())).all():
        session.delete(old)
    if session.get(SpentTicket, ticket.sha256) is not None:
        return False
    session.add(SpentTicket(sha256=ticket.sha256, expires=ticket.expires))
    return True


def _takes_code(session: Session, user_id: int, code: str, key: str) -> bool:
    app = session.get(AuthenticatorApp, user_id)
    if app is None or not totp.is_code(code) or wait_for_codes(app):
        return False
    step = totp.step_of(totp.seed_of(key, app.salt), code, at=now(), after=app.last_step)
    if step is None:
        app.failures, app.last_failure = app.failures + 1, now()
        return False
    app.last_step, app.failures = step, 0
    return True


def _takes_recovery_code(session: Session, user: User, code: str, by: Actor) -> bool:
    sha256 = recovery.code_hash(code)
    # Looked up by hash: what timing could tell of a hash helps nobody to find its code.
    row = session.get(RecoveryCode, (user.id, sha256)) if sha256 else None
    if row is None:
        return False
    session.delete(row)
    append(session, Action.FACTOR_REMOVE, by=by, note=f"{user.name}: recovery code, used")
    return True


def _remove(
    session: Session,
    user: User,
    row: AuthenticatorApp | Passkey,
    what: str,
    require: Require,
    by: Actor,
) -> None:
    is_last = factors_of(session, user.id).count == 1
    if is_last and must_have_factor(require, is_admin=user.is_admin):
        raise FactorError("This index asks for a second factor: add another one first.")
    session.delete(row)
    if is_last:
        _drop_recovery_codes(session, user.id)
    append(session, Action.FACTOR_REMOVE, by=by, note=f"{user.name}: {what}")


def _drop_recovery_codes(session: Session, user_id: int) -> None:
    for row in session.scalars(select(RecoveryCode).where(RecoveryCode.user_id == user_id)).all():
        session.delete(row)
