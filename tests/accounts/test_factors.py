"""An account's second factors, on both databases."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.accounts import factors, passkeys, recovery, tickets, totp
from pypi_lite.accounts.factors import FactorError
from pypi_lite.accounts.log_in import PasswordAloneError, by_password_alone
from pypi_lite.accounts.passkeys import party_at
from pypi_lite.models import (
    AuthenticatorApp,
    JournalEntry,
    Passkey,
    RecoveryCode,
    SpentTicket,
    User,
    now,
)
from pypi_lite.repository import Index
from pypi_lite.settings import Require
from tests.accounts.authenticator import Authenticator
from tests.conftest import PASSWORD, acting, new_user

KEY, SALT = "the key of the tests", totp.new_salt()
PARTY = party_at("https://index.test/", "Ours")
BY = acting("ann")


class Clock:
    """A clock that stands still, so that no step ends in the middle of a test."""

    def __init__(self) -> None:
        self.moment = now()

    def __call__(self) -> datetime:
        return self.moment


CLOCK = Clock()


@pytest.fixture(autouse=True)
def _stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    CLOCK.moment = now()
    monkeypatch.setattr("pypi_lite.accounts.factors.now", CLOCK)


def code(drift: int = 0) -> str:
    """A code of the app, *drift* steps from now."""
    return totp.code_at(totp.seed_of(KEY, SALT), totp.step_at(CLOCK()) + drift)


def wrong_code() -> str:
    """What looks like a code and is none."""
    right = [code(drift) for drift in (-1, 0, 1)]
    return next(text for text in ("000000", "111111", "222222", "333333") if text not in right)


def user_of(session: Session, name: str = "ann") -> User:
    return session.scalars(select(User).where(User.name == name)).one()


def add_app(index: Index, name: str = "ann") -> None:
    with index.database.write() as session:
        user = user_of(session, name)
        factors.add_app(session, user, key=KEY, salt=SALT, code=code(-1), by=BY)


def add_passkey(index: Index, authenticator: Authenticator, name: str = "ann") -> str:
    with index.database.write() as session:
        user = user_of(session, name)
        options = passkeys.creation_options(
            PARTY, handle=b"h", user_name=name, challenge=b"c", existing=[]
        )
        new = passkeys.check_created(PARTY, authenticator.create(options), challenge=b"c")
        factors.add_passkey(session, user, new, name=" my\nkey ", by=BY)
    return new.credential_id


def shows(index: Index, text: str, name: str = "ann") -> bool:
    with index.database.write() as session:
        return bool(factors.shows_code(session, user_of(session, name), text, key=KEY, by=BY))


def notes(index: Index, action: str) -> list[str | None]:
    with index.database.read() as session:
        found = select(JournalEntry.note).where(JournalEntry.action == action)
        return list(session.scalars(found.order_by(JournalEntry.serial)).all())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_app_is_added_with_a_code_of_its_own(index: Index, ann: str) -> None:
    with index.database.write() as session:
        user = user_of(session)
        assert not factors.has_factor(session, user.id)
        for wrong in ("", wrong_code(), code() + "0"):
            with pytest.raises(FactorError, match="not the code"):
                factors.add_app(session, user, key=KEY, salt=SALT, code=wrong, by=BY)
    add_app(index)
    with pytest.raises(FactorError, match="already"):
        add_app(index)
    with index.database.read() as session:
        assert factors.has_factor(session, user_of(session).id)
    assert notes(index, "factor.add") == ["ann: authenticator app"]


def test_a_code_works_once(index: Index, ann: str) -> None:
    add_app(index)
    assert not shows(index, code(-1))  # which has added the app
    text = code()
    assert shows(index, text)
    assert not shows(index, text)
    assert shows(index, code(1))
    assert not shows(index, text)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_code_is_of_one_account(index: Index, ann: str) -> None:
    add_app(index)
    new_user(index, "bo")
    assert not shows(index, code(), "bo")
    assert shows(index, code())


def test_guesses_are_counted_wherever_they_come_from(index: Index, ann: str) -> None:
    add_app(index)
    for _ in range(factors.MOST_WRONG_CODES):
        assert not shows(index, wrong_code())

    def app() -> AuthenticatorApp:
        with index.database.read() as session:
            return session.scalars(select(AuthenticatorApp)).one()

    assert factors.wait_for_codes(app()) == timedelta(minutes=1)
    assert not shows(index, code())  # right, and not looked at
    assert app().failures == factors.MOST_WRONG_CODES
    CLOCK.moment += timedelta(minutes=1)
    assert not shows(index, wrong_code())
    assert factors.wait_for_codes(app()) == timedelta(minutes=2)
    CLOCK.moment += timedelta(minutes=2)
    assert shows(index, code())
    assert app().failures == 0
    with index.database.write() as session:
        row = session.scalars(select(AuthenticatorApp)).one()
        row.failures, row.last_failure = 10**6, CLOCK()
    assert factors.wait_for_codes(app()) == timedelta(days=1)


def test_recovery_codes_work_once_and_never_wait(index: Index, ann: str) -> None:
    with index.database.write() as session, pytest.raises(FactorError, match="add one first"):
        factors.renew_recovery_codes(session, user_of(session), by=BY)
    add_app(index)
    with index.database.write() as session:
        old = factors.renew_recovery_codes(session, user_of(session), by=BY)
    with index.database.write() as session:
        codes = factors.renew_recovery_codes(session, user_of(session), by=BY)
        session.scalars(select(AuthenticatorApp)).one().failures = 1000
    assert len(set(codes) | set(old)) == 2 * recovery.COUNT
    new_user(index, "bo")
    assert not shows(index, old[0])
    assert not shows(index, codes[0], "bo")
    assert shows(index, codes[0])
    assert not shows(index, codes[0])
    assert shows(index, " " + codes[1].replace("-", "").upper())
    with index.database.read() as session:
        assert factors.factors_of(session, user_of(session).id).recovery_codes == recovery.COUNT - 2
    assert notes(index, "factor.remove") == ["ann: recovery code, used"] * 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_that_opens_an_account_is_in_the_database(index: Index, ann: str) -> None:
    add_app(index)
    with index.database.write() as session:
        codes = factors.renew_recovery_codes(session, user_of(session), by=BY)
    seed = totp.seed_of(KEY, SALT)
    with index.database.read() as session:
        kept = [
            str([getattr(row, column.name) for column in row.__table__.columns])
            for model in (AuthenticatorApp, RecoveryCode, JournalEntry)
            for row in session.scalars(select(model)).all()
        ]
    for secret in (*codes, *(c.replace("-", "") for c in codes), seed.hex(), totp.seed_text(seed)):
        assert not [row for row in kept if secret in row]


def test_a_passkey_answers_for_its_own_account(index: Index, ann: str) -> None:
    authenticator = Authenticator()
    name = add_passkey(index, authenticator)
    new_user(index, "bo")

    def answers(user: str | None, challenge: bytes = b"x") -> bool:
        options = passkeys.request_options(PARTY, challenge=b"x", allowed=[name])
        with index.database.write() as session:
            of = user and user_of(session, user).id
            answer = authenticator.get(options)
            found = factors.shows_passkey(session, PARTY, answer, challenge=challenge, of=of)
            return found is not None

    assert answers("ann")
    assert not answers("bo")
    assert not answers("ann", challenge=b"y")
    assert answers(None)
    authenticator.is_verified = False
    assert not answers(None)
    assert answers("ann")
    with index.database.read() as session:
        (row,) = session.scalars(select(Passkey)).all()
        assert (row.name, row.sign_count) == ("my key", authenticator.count)
        assert row.last_used is not None
    authenticator.count = 0
    assert not answers("ann")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_passkey_is_one_accounts(index: Index, ann: str) -> None:
    authenticator = Authenticator()
    add_passkey(index, authenticator)
    for name in (ann, new_user(index, "bo")):
        with pytest.raises(FactorError, match="known here already"):
            add_passkey(index, authenticator, name)
    for _ in range(factors.MOST_PASSKEYS - 1):
        add_passkey(index, Authenticator())
    with pytest.raises(FactorError, match="most"):
        add_passkey(index, Authenticator())


@pytest.mark.parametrize("is_admin", [False, True])
@pytest.mark.parametrize("require", list(Require))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_last_factor_stays_where_one_is_asked_for(
    index: Index, require: Require, is_admin: bool
) -> None:
    new_user(index, "ann", is_admin=is_admin)
    asked = require is Require.EVERYBODY or (require is Require.ADMINISTRATORS and is_admin)
    with index.database.read() as session:
        assert factors.lacks_factor(session, require, user_of(session)) is asked
    add_app(index)
    add_passkey(index, Authenticator())
    with index.database.write() as session:
        user = user_of(session)
        factors.renew_recovery_codes(session, user, by=BY)
        assert not factors.lacks_factor(session, require, user)
        factors.remove_app(session, user, require=require, by=BY)
        session.flush()
        (passkey,) = factors.factors_of(session, user.id).passkeys
        if asked:
            with pytest.raises(FactorError, match="add another"):
                factors.remove_passkey(session, user, passkey.id, require=require, by=BY)
            return
        factors.remove_passkey(session, user, passkey.id + 1, require=require, by=BY)  # none
        factors.remove_passkey(session, user, passkey.id, require=require, by=BY)
    with index.database.read() as session:
        assert session.scalars(select(RecoveryCode)).all() == []
    assert notes(index, "factor.remove") == ["ann: authenticator app", "ann: passkey my key"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_removes_anothers(index: Index, ann: str) -> None:
    add_passkey(index, Authenticator())
    new_user(index, "bo")
    with index.database.write() as session:
        (passkey,) = session.scalars(select(Passkey)).all()
        factors.remove_passkey(
            session, user_of(session, "bo"), passkey.id, require=Require.OFF, by=BY
        )
    with index.database.write() as session:
        assert factors.remove_all(session, user_of(session, "bo"), by=BY) == 0
        assert len(session.scalars(select(Passkey)).all()) == 1
        assert factors.remove_all(session, user_of(session), by=BY) == 1
    with index.database.read() as session:
        assert not factors.has_factor(session, user_of(session).id)
    assert notes(index, "factor.remove") == ["ann: all"]


def test_what_an_account_has_goes_with_it(index: Index, ann: str) -> None:
    add_app(index)
    add_passkey(index, Authenticator())
    with index.database.write() as session:
        factors.renew_recovery_codes(session, user_of(session), by=BY)
    with index.database.write() as session:
        session.delete(user_of(session))
    with index.database.read() as session:
        for model in (AuthenticatorApp, Passkey, RecoveryCode):
            assert session.scalars(select(model)).all() == []


def test_a_ticket_is_spent_once(index: Index) -> None:
    _, ticket = tickets.issue(KEY, tickets.Purpose.FACTOR, visitor="v")
    for is_fresh in (True, False, False):
        with index.database.write() as session:
            assert factors.spend(session, ticket) is is_fresh
    CLOCK.moment += timedelta(seconds=tickets.LIFETIME + 1)
    _, another = tickets.issue(KEY, tickets.Purpose.FACTOR, visitor="v")
    with index.database.write() as session:
        assert factors.spend(session, another)
    with index.database.read() as session:
        assert [row.sha256 for row in session.scalars(select(SpentTicket))] == [another.sha256]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_program_needs_a_token_where_there_is_a_second_factor(index: Index, ann: str) -> None:
    def ask(require: Require = Require.OFF, password: str = PASSWORD) -> bool:
        found = by_password_alone(
            index.database, index.passwords, ann, password, "192.0.2.1", require=require
        )
        return found is not None

    assert ask()
    assert ask(Require.ADMINISTRATORS)
    with pytest.raises(PasswordAloneError, match="must have a second factor: use a token"):
        ask(Require.EVERYBODY)
    add_app(index)
    with pytest.raises(PasswordAloneError, match="has a second factor: use a token"):
        ask()
    assert not ask(password="wrong password")
