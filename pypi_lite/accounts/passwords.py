"""Password hashes: argon2, as its library recommends."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: Shorter ones are refused (NIST SP 800-63B, 5.1.1).
SHORTEST = 8
#: Longer ones are refused, so that hashing stays cheap.
LONGEST = 1000

_hasher = PasswordHasher()
# Verified against for names that have no password, so that they take as long as those that have. No
# password's hash is all zeros; computing a real one takes a tenth of a second of each start.
_NOBODYS = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    f"${'A' * 22}${'A' * 43}"
)


def hash_password(password: str) -> str:
    """The hash to store. Raises ValueError, with a text for a person, for an unfit password."""
    if len(password) < SHORTEST:
        raise ValueError(f"A password needs at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise ValueError(f"A password has at most {LONGEST} characters.")
    return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether *password* is the one behind the hash *stored*; None takes as long and is False."""
    if len(password) > LONGEST:
        return False
    try:
        return _hasher.verify(stored or _NOBODYS, password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False
