"""Recovery codes: for the day on which the authenticator is lost. Each works once."""

import base64
import hashlib
import secrets

#: Codes that somebody has after making them.
COUNT = 10
# 80 random bits need no slow hash, and no limit of tries.
_BYTES = 10
_LENGTH = 16


def new_codes() -> list[str]:
    """New codes, such as ``abcd-efgh-ijkl-mn23``."""
    return [_new_code() for _ in range(COUNT)]


def code_hash(code: str) -> str | None:
    """What is kept of *code*, however it is spelled; None: it can't be one."""
    bare = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(bare.encode()).hexdigest() if len(bare) == _LENGTH else None


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, _LENGTH, 4))
