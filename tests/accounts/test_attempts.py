"""How often somebody may guess."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pypi_lite.accounts import attempts
from pypi_lite.accounts.attempts import (
    KNOWN_FOR,
    MOST_OF_ACCOUNT,
    MOST_OF_ADDRESS,
    MOST_OF_PAIR,
    PACE,
    WINDOW,
    TooManyAttemptsError,
)
from pypi_lite.models import FailedAttempt, KnownAddress, User
from pypi_lite.repository import Index

HOME, AWAY, EVIL = "192.0.2.1", "192.0.2.2", "198.51.100.9"


def wait(index: Index, account: str, address: str | None) -> int:
    """Seconds until one more attempt may be made; 0: it may now."""
    with index.database.read() as session:
        try:
            attempts.check(session, account, address)
        except TooManyAttemptsError as error:
            return error.seconds
    return 0


def fail(index: Index, account: str, address: str | None, times: int = 1) -> None:
    with index.database.write() as session:
        for _ in range(times):
            attempts.failed(session, account, address)


def succeed(index: Index, account: str, address: str) -> None:
    with index.database.write() as session:
        user = session.scalars(select(User).where(User.name == account)).one()
        attempts.succeeded(session, user, address)


def age(index: Index, by: timedelta) -> None:
    """Let time go by."""
    with index.database.write() as session:
        for failure in session.scalars(select(FailedAttempt)):
            failure.moment -= by
        for known in session.scalars(select(KnownAddress)):
            known.last_used -= by


def failures(index: Index) -> int:
    with index.database.read() as session:
        return session.scalar(select(func.count()).select_from(FailedAttempt)) or 0


@pytest.mark.parametrize("account", ["ann", "nobody", "an\0n", "x" * 500, "\udc80", ""])
def test_an_address_has_a_few_guesses_at_an_account(index: Index, ann: str, account: str) -> None:
    """Whether there is such an account or not."""
    for _ in range(MOST_OF_PAIR):
        assert wait(index, account, EVIL) == 0
        fail(index, f" {account.upper()} ", EVIL)
    assert WINDOW.total_seconds() - 60 < wait(index, account, EVIL) <= WINDOW.total_seconds()
    assert wait(index, account, HOME) == wait(index, "bob", EVIL) == 0
    age(index, WINDOW)
    assert wait(index, account, EVIL) == 0


def test_the_wait_is_until_the_oldest_counts_no_more(index: Index) -> None:
    fail(index, "ann", EVIL)
    age(index, WINDOW - timedelta(seconds=60))
    fail(index, "ann", EVIL, MOST_OF_PAIR - 1)
    assert 0 < wait(index, "ann", EVIL) <= 60
    age(index, timedelta(seconds=60))
    assert wait(index, "ann", EVIL) == 0


def test_what_is_old_is_removed(index: Index) -> None:
    fail(index, "ann", EVIL, 3)
    age(index, WINDOW)
    fail(index, "ann", EVIL)
    assert failures(index) == 1


def test_an_address_has_more_guesses_at_all_accounts(index: Index, ann: str) -> None:
    """But who has logged in from there goes on: another behind the same address may be a stranger."""
    succeed(index, ann, EVIL)
    for number in range(MOST_OF_ADDRESS):
        fail(index, f"name{number}", EVIL)
    assert wait(index, "one-more", EVIL) > 0
    assert wait(index, ann, EVIL) == 0
    assert wait(index, "one-more", HOME) == 0


def test_no_stranger_locks_an_account_out(index: Index, ann: str) -> None:
    """Many addresses against one account: they wait for each other, its owner does not."""
    succeed(index, ann, HOME)
    for number in range(MOST_OF_ACCOUNT):
        assert wait(index, ann, f"203.0.113.{number}") == 0
        fail(index, ann, f"203.0.113.{number}")
    assert 0 < wait(index, ann, EVIL) <= PACE.total_seconds()
    assert wait(index, ann, HOME) == 0
    assert wait(index, "bob", EVIL) == 0
    age(index, PACE)
    assert wait(index, ann, EVIL) == 0  # one more guess, whoever makes it
    fail(index, ann, EVIL)
    assert wait(index, ann, AWAY) > 0
    fail(index, ann, HOME, MOST_OF_PAIR - 1)  # the owner's own mistakes
    assert wait(index, ann, HOME) == 0


def test_a_success_forgets_the_failures_of_its_pair_alone(index: Index, ann: str) -> None:
    """An attacker with an account of their own could guess at others' for ever."""
    fail(index, ann, HOME, MOST_OF_PAIR - 1)
    fail(index, ann, AWAY)
    fail(index, "bob", HOME)
    succeed(index, ann, HOME)
    assert failures(index) == 2
    fail(index, ann, HOME, MOST_OF_PAIR - 1)
    assert wait(index, ann, HOME) == 0


def test_an_address_is_known_for_a_while(index: Index, ann: str) -> None:
    succeed(index, ann, HOME)
    age(index, KNOWN_FOR)
    fail(index, ann, EVIL, MOST_OF_ACCOUNT)
    assert wait(index, ann, HOME) > 0
    succeed(index, ann, AWAY)  # removes what is old
    with index.database.read() as session:
        assert session.scalars(select(KnownAddress.address)).all() == [AWAY]
    assert wait(index, ann, AWAY) == 0


def test_known_is_known_to_one_account(index: Index, ann: str) -> None:
    succeed(index, ann, EVIL)
    fail(index, "root", HOME, MOST_OF_ACCOUNT)
    assert wait(index, "root", EVIL) > 0


def test_nothing_is_worth_noting_where_nothing_failed(index: Index, ann: str) -> None:
    def is_worth_noting(address: str) -> bool:
        with index.database.read() as session:
            return attempts.is_worth_noting(session, ann, address)

    fail(index, "bob", HOME)
    assert not is_worth_noting(HOME)
    fail(index, ann, HOME)
    assert is_worth_noting(HOME)
    assert is_worth_noting(AWAY)  # ann's account is guessed at, and AWAY is not known
    succeed(index, ann, HOME)
    assert not is_worth_noting(HOME)
    fail(index, ann, EVIL)
    assert not is_worth_noting(HOME)
    assert is_worth_noting(AWAY)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("localhost", "unknown"),
    ],
)
def test_what_one_person_may_have_of_addresses(address: str | None, network: str) -> None:
    assert attempts.network_of(address) == network


def test_a_wait_is_told_to_a_person() -> None:
    assert "wait 9 seconds" in str(TooManyAttemptsError(9))
    assert "wait 15 minutes" in str(TooManyAttemptsError(900))
    assert "wait 2 minutes" in str(TooManyAttemptsError(61))
