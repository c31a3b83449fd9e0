"""Passwords that are shown: how often each is verified, counted and written down."""

from collections.abc import Iterator
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, select

from pypi_lite.accounts import links
from pypi_lite.accounts.attempts import MOST_OF_PAIR, TooManyAttemptsError
from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.log_in import by_password, by_password_alone, change_password
from pypi_lite.accounts.people import find_user
from pypi_lite.accounts.sessions import begin_session, sessions_of
from pypi_lite.models import FailedAttempt, JournalEntry, KnownAddress, OneTimeLink, User
from pypi_lite.repository import Index
from pypi_lite.settings import Require
from tests.accounts.test_people import make_user
from tests.conftest import PASSWORD, acting, new_token

HOME = "192.0.2.1"


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What argon2 has been asked to verify."""
    calls: list[str] = []
    verify = PasswordHasher.verify

    def spy(self: PasswordHasher, stored: str, password: str) -> Literal[True]:
        calls.append(password)
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", spy)
    return calls


@pytest.fixture
def writes(index: Index) -> Iterator[list[object]]:
    """The writing transactions that have begun."""
    begun: list[object] = []

    def begin(connection: object) -> None:
        begun.append(connection)

    engine = index.database._writing
    event.listen(engine, "begin", begin)
    yield begun
    event.remove(engine, "begin", begin)


def show(index: Index, name: str, password: str, address: str = HOME) -> Identity | None:
    return by_password(index.database, index.passwords, name, password, address)


def show_alone(index: Index, name: str, password: str) -> Identity | None:
    return by_password_alone(
        index.database, index.passwords, name, password, HOME, require=Require.OFF
    )


def counts(index: Index) -> tuple[int, int]:
    with index.database.read() as session:
        failures = session.scalars(select(FailedAttempt)).all()
        return len(failures), len(session.scalars(select(KnownAddress)).all())


def test_every_wrong_guess_costs_the_same(index: Index, ann: str, verified: list[str]) -> None:
    """One argon2 each, and the same rows: known and unknown, disabled, without a password, no name."""
    make_user(index, "robot")
    make_user(index, "gone", PASSWORD)
    with index.database.write() as session:
        session.scalars(select(User).where(User.name == "gone")).one().is_disabled = True
    shown = [("ann", "wrong"), ("nobody", "wrong"), ("robot", "wrong"), ("gone", PASSWORD)]
    shown += [("a\0nn", "wrong"), ("", "wrong")]
    for number, (name, password) in enumerate(shown, start=1):
        assert show(index, name, password) is None
        assert len(verified) == counts(index)[0] == number


def test_who_has_guessed_too_often_costs_nothing(
    index: Index, ann: str, verified: list[str], writes: list[object]
) -> None:
    """Nor is the right password told from a wrong one."""
    for name in (ann, "nobody"):
        for _ in range(MOST_OF_PAIR):
            assert show(index, name, "wrong") is None
        verified.clear()
        writes.clear()
        for password in ("wrong", PASSWORD):
            with pytest.raises(TooManyAttemptsError):
                show(index, name, password)
        assert verified == writes == []
    assert show(index, ann, PASSWORD, "192.0.2.2") is not None


def test_a_password_that_is_right_writes_nothing(
    index: Index, ann: str, writes: list[object]
) -> None:
    for _ in range(2):
        assert show(index, ann, PASSWORD) is not None
        assert show_alone(index, ann, PASSWORD) is not None
    assert (writes, counts(index)) == ([], (0, 0))


def test_a_programs_success_is_noted_once_where_there_was_a_failure(
    index: Index, ann: str, writes: list[object]
) -> None:
    assert show_alone(index, ann, "wrong") is None
    assert counts(index) == (1, 0)
    writes.clear()
    for _ in range(3):
        assert show_alone(index, ann, PASSWORD) is not None
    assert (len(writes), counts(index)) == (1, (0, 1))


def test_a_right_password_alone_forgets_no_failure(index: Index, ann: str) -> None:
    """Or who has the password could guess the second factor for ever."""
    assert show(index, ann, "wrong") is None
    assert show(index, ann, PASSWORD) is not None
    assert counts(index) == (1, 0)


def test_a_token_is_no_password(index: Index, ann: str) -> None:
    assert show(index, ann, new_token(index, ann)) is None


def test_another_password_takes_the_links_to_one_along(index: Index, ann: str) -> None:
    with index.database.write() as session:
        links.reset(session, ann, by=OPERATOR)
        kept = links.confirm_email(session, find_user(session, ann), "ann@example.org").id
    with index.database.write() as session:
        user = find_user(session, ann)
        change_password(session, user, user.password_hash or "", by=acting(ann))
    with index.database.read() as session:
        assert session.scalars(select(OneTimeLink.id)).all() == [kept]


def test_another_password_ends_the_sessions(index: Index, ann: str) -> None:
    with index.database.write() as session:
        user = session.scalars(select(User)).one()
        for _ in range(2):
            begin_session(session, user, hours=1, address="", agent="", by=acting(ann))
        session.flush()
        hash_of_new = index.passwords.hash("another password", name=ann)
        change_password(session, user, hash_of_new, by=acting(ann))
    assert show(index, ann, PASSWORD) is None
    assert show(index, ann, "another password") is not None
    with index.database.read() as session:
        assert sessions_of(session, 1) == []
        actions = session.scalars(select(JournalEntry.action).order_by(JournalEntry.serial)).all()
    assert actions[-3:] == ["password.change", "session.end", "session.end"]
