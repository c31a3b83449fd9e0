"""What people show to log in, as the journal tells it."""

from collections.abc import Iterable
from enum import StrEnum


class Proof(StrEnum):
    """One thing that somebody has shown."""

    PASSWORD = "password"  # noqa: S105
    APP = "code of an app"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery code"
    SINGLE_SIGN_ON = "single sign-on"
    SETUP_LINK = "setup link"


def in_words(proofs: Iterable[Proof]) -> str:
    """All that somebody has shown, for a person to read.

    >>> in_words([Proof.PASSWORD, Proof.RECOVERY_CODE])
    'password and recovery code'
    """
    return " and ".join(proofs)
