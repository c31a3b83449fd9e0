"""Passwords: which will do, and their hashes (argon2)."""

import re
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pypi_lite.accounts.tokens import is_token
from pypi_lite.settings import Settings

#: Shorter ones are refused (NIST SP 800-63B, 5.1.1).
SHORTEST = 8
#: Longer ones are refused, so that hashing stays cheap.
LONGEST = 1000

# What people put around a word that they were told not to use.
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class Passwords:
    """What the settings say of passwords. Making one costs nothing."""

    def __init__(self, settings: Settings) -> None:
        """The hash's cost, and the index's title, are *settings*'."""
        self._title = settings.title
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time,
            memory_cost=settings.argon2_memory,
            parallelism=settings.argon2_parallelism,
        )
        # Verified against for names that have no password, so that they take as long as those that
        # have. No password's hash is all zeros; a real one takes a tenth of a second to compute.
        self._nobodys = (
            f"$argon2id$v=19$m={settings.argon2_memory},t={settings.argon2_time}"
            f",p={settings.argon2_parallelism}${'A' * 22}${'A' * 43}"
        )

    def hash(self, password: str, *, name: str) -> str:
        """The hash to store for the account *name*.

        Raises ValueError, with a text for a person, for an unfit password.
        """
        if len(password) < SHORTEST:
            raise ValueError(f"A password needs at least {SHORTEST} characters.")
        if len(password) > LONGEST:
            raise ValueError(f"A password has at most {LONGEST} characters.")
        if is_token(name, password):
            raise ValueError("A password can't begin as this index's tokens do.")
        low = password.casefold()
        if low in _common():
            raise ValueError("That is one of the passwords that everybody tries first.")
        for word, what in ((name, "the account's name"), (self._title, "the index's name")):
            if _bare(low) == _bare(word.casefold()):
                raise ValueError(f"That is {what}, which everybody tries first.")
        return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether *password* is the one behind the hash *stored*; None takes as long, and is False."""
        if len(password) > LONGEST:
            return False
        try:
            return self._hasher.verify(stored or self._nobodys, password) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False

    def renew(self, stored: str, password: str) -> str | None:
        """The hash of *password*, which is right, as settings want it now; None: *stored* is."""
        return self._hasher.hash(password) if self._hasher.check_needs_rehash(stored) else None


#: Without an index: the settings' defaults.
DEFAULT = Passwords(Settings())


def _bare(text: str) -> str:
    """*text* without the digits and signs around it, if there is anything between them."""
    return _AROUND.sub("", text) or text


@cache
def _common() -> frozenset[str]:
    lines = (files("pypi_lite.accounts") / "common_passwords.txt").read_text("ascii").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
