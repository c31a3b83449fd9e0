"""Codes that an authenticator app shows: TOTP (RFC 6238) over HOTP (RFC 4226), with SHA-1, 6 digits
and steps of 30 seconds, which is what all apps can do.

The seed is not kept anywhere: it is made of a salt, which the database has, and a key, which it has
not. Who reads the database alone can compute no code.
"""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

#: Seconds of a step, and digits of a code.
STEP, DIGITS = 30, 6
#: Steps that the app's clock may be before or behind ours (RFC 6238, 5.2: one, for the way as well).
_DRIFT = 1
_CODE = re.compile(rf"[0-9]{{{DIGITS}}}\Z")


def new_salt() -> str:
    """What makes a new seed."""
    return secrets.token_hex(20)


def seed_of(key: str, salt: str) -> bytes:
    """The 20 bytes that the app and the index share (RFC 4226, 4, R6)."""
    return hmac.digest(key.encode(), b"authenticator app\0" + salt.encode(), "sha256")[:20]


def seed_text(seed: bytes) -> str:
    """*seed* as apps take it from a keyboard."""
    return base64.b32encode(seed).decode()


def app_uri(seed: bytes, *, issuer: str, account: str) -> str:
    """*seed* as apps take it from a QR code, with the names that they show."""
    # Whatever is between them, a colon parts the two names.
    label = quote(f"{issuer.replace(':', ' ')}:{account}")
    query = urlencode({"secret": seed_text(seed), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def step_at(moment: datetime) -> int:
    """The time step of *moment* (RFC 6238, 4.2)."""
    return int(moment.timestamp()) // STEP


def code_at(seed: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a time step (RFC 4226, 5.3)."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def is_code(text: str) -> bool:
    """Whether *text* looks like a code, right or wrong."""
    return _CODE.match("".join(text.split())) is not None


def step_of(seed: bytes, code: str, *, at: datetime, after: int) -> int | None:
    """The step, later than the step *after*, whose code *code* is; None: it is none of now.

    Keeping the step, and passing it as *after* next time, makes each code work once (RFC 6238, 5.2).
    """
    if not is_code(code):
        return None
    code = "".join(code.split())
    now = step_at(at)
    steps = [step for step in range(now - _DRIFT, now + _DRIFT + 1) if step > after]
    # Each is compared: how long it takes tells nothing.
    found = [step for step in steps if hmac.compare_digest(code_at(seed, step), code)]
    return found[0] if found else None
