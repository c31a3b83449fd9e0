"""Which passwords will do, and their hashes."""

from typing import Literal

import pytest
from argon2 import PasswordHasher

from pypi_lite.accounts.passwords import DEFAULT, LONGEST, SHORTEST, Passwords
from pypi_lite.accounts.tokens import OLD_PREFIX, TOKEN_PREFIX, new_secret
from pypi_lite.settings import Settings, SettingsError

STORED = DEFAULT.hash("correct horse", name="ann")


def test_only_the_password_verifies() -> None:
    assert DEFAULT.verify(STORED, "correct horse")
    for wrong in ("correct hors", "Correct horse", "", "correct horse\0"):
        assert not DEFAULT.verify(STORED, wrong)


def test_equal_passwords_have_different_hashes() -> None:
    assert DEFAULT.hash("correct horse", name="ann") != STORED
    assert "correct" not in STORED


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$broken"])
def test_what_is_no_hash_verifies_nothing(stored: str | None) -> None:
    for password in ("", "nonsense", "nobody's password"):
        assert not DEFAULT.verify(stored, password)


def test_limits() -> None:
    """NIST SP 800-63B, 5.1.1; and hashing stays cheap."""
    for wrong in ("x" * (SHORTEST - 1), "x" * (LONGEST + 1)):
        with pytest.raises(ValueError, match="characters"):
            DEFAULT.hash(wrong, name="ann")
    for token in (new_secret(), TOKEN_PREFIX + "of my own", OLD_PREFIX + "of my own"):
        with pytest.raises(ValueError, match="tokens"):  # it would be taken for one
            DEFAULT.hash(token, name="ann")
    assert DEFAULT.verify(DEFAULT.hash("ä" * SHORTEST, name="ann"), "ä" * SHORTEST)
    assert not DEFAULT.verify(DEFAULT.hash("x" * LONGEST, name="ann"), "x" * (LONGEST + 1))


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("password", "everybody tries"),
        ("PassWord", "everybody tries"),
        ("1234567890", "everybody tries"),
        ("iloveyou", "everybody tries"),
        ("annika.b", "account's name"),
        ("Annika.B2026!", "account's name"),
        ("2026-annika.b", "account's name"),
        ("The Index", "index's name"),
        ("the index1", "index's name"),
    ],
)
def test_what_everybody_would_try_is_refused(password: str, why: str) -> None:
    passwords = Passwords(Settings(title="The Index"))
    with pytest.raises(ValueError, match=why):
        passwords.hash(password, name="annika.b")


@pytest.mark.parametrize(
    "password", ["annika.b likes tea", "12345678901234567890123", "#\x00 # # #"]
)
def test_what_is_only_like_it_is_not(password: str) -> None:
    """A name within something longer; digits that are on no list; what begins as a comment does."""
    assert DEFAULT.verify(DEFAULT.hash(password, name="annika.b"), password)


def test_an_account_of_digits_may_have_a_password() -> None:
    assert DEFAULT.hash("correct horse", name="2026")
    with pytest.raises(ValueError, match="name"):
        DEFAULT.hash("20262026", name="20262026")


def test_a_hash_is_renewed_when_settings_ask_for_another() -> None:
    assert DEFAULT.renew(STORED, "correct horse") is None
    stronger = Passwords(Settings(argon2_time=4, argon2_memory=1024, argon2_parallelism=1))
    assert stronger.verify(STORED, "correct horse")
    renewed = stronger.renew(STORED, "correct horse")
    assert renewed is not None
    assert "$m=1024,t=4,p=1$" in renewed
    assert stronger.renew(renewed, "correct horse") is None
    assert DEFAULT.verify(renewed, "correct horse")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("argon2_time", 0),
        ("argon2_time", 2**32),
        ("argon2_parallelism", 0),
        ("argon2_parallelism", 2**24),
        ("argon2_memory", 31),
        ("argon2_memory", 2**32),
        ("argon2_memory", 2**32 - 1),
    ],
)
def test_settings_that_argon2_can_not_have(name: str, value: int) -> None:
    with pytest.raises(SettingsError, match=f"{name}: write "):
        Settings(**{name: value})


def test_nobodys_password_costs_as_much_as_somebodys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the time would tell which names have accounts: the same argon2, with the same cost."""
    stronger = Passwords(Settings(argon2_time=2, argon2_memory=1024, argon2_parallelism=1))
    stored = stronger.hash("correct horse", name="ann")
    calls: list[str] = []

    verify = PasswordHasher.verify

    def spy(self: PasswordHasher, stored: str, password: str) -> Literal[True]:
        calls.append(stored.rsplit("$", 2)[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", spy)
    assert not stronger.verify(stored, "a wrong password")
    assert not stronger.verify(None, "a wrong password")
    assert calls == ["$argon2id$v=19$m=1024,t=2,p=1"] * 2
