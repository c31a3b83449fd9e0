"""Password hashes."""

import time

import pytest

from pypi_lite.accounts.passwords import LONGEST, SHORTEST, hash_password, verify_password

STORED = hash_password("correct horse")


def test_only_the_password_verifies() -> None:
    assert verify_password(STORED, "correct horse")
    for wrong in ("correct hors", "Correct horse", "", "correct horse\0"):
        assert not verify_password(STORED, wrong)


def test_equal_passwords_have_different_hashes() -> None:
    assert hash_password("correct horse") != STORED
    assert "correct" not in STORED


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$broken"])
def test_what_is_no_hash_verifies_nothing(stored: str | None) -> None:
    for password in ("", "nonsense", "nobody's password"):
        assert not verify_password(stored, password)


def test_limits() -> None:
    """NIST SP 800-63B, 5.1.1; and hashing stays cheap."""
    for wrong in ("x" * (SHORTEST - 1), "x" * (LONGEST + 1)):
        with pytest.raises(ValueError, match="characters"):
            hash_password(wrong)
    assert verify_password(hash_password("ä" * SHORTEST), "ä" * SHORTEST)
    began = time.perf_counter()
    assert not verify_password(STORED, "x" * 10_000_000)
    assert time.perf_counter() - began < 0.02


def test_nobodys_password_takes_as_long_as_somebodys() -> None:
    """Or the time would tell which names have accounts."""

    def seconds(stored: str | None) -> float:
        began = time.process_time()
        verify_password(stored, "a wrong password")
        return time.process_time() - began

    ours, nobodys = (min(seconds(stored) for _ in range(3)) for stored in (STORED, None))
    assert 0.3 < nobodys / ours < 3
