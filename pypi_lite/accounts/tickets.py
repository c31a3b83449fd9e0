"""Tickets: what a browser keeps for us from one form to the next. Signed, for one purpose, one browser
and a few minutes.

So nothing half done is kept here: no session that is not one yet, no seed that nobody has confirmed.
What is in a ticket can be read by whoever has it, and be changed by nobody.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

#: Seconds.
LIFETIME = 300
# A ticket of ours is shorter.
_LONGEST = 8192


class Purpose(StrEnum):
    """What a ticket is for; it opens nothing else."""

    #: Whoever has it gave the right password.
    FACTOR = "factor"
    #: The same, of somebody who must add a factor to go on.
    ENROL = "enrol"
    #: A challenge for a passkey that stands alone.
    PASSKEY = "passkey"
    #: A factor that is being added.
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that was read."""

    values: dict[str, Any]
    #: Random, its own.
    nonce: str
    expires: datetime

    @property
    def challenge(self) -> bytes:
        """32 bytes that nobody else was given (WebAuthn, 13.4.3)."""
        return hashlib.sha256(self.nonce.encode()).digest()

    @property
    def sha256(self) -> str:
        """How it is known when it is spent."""
        return hashlib.sha256(b"spent\0" + self.nonce.encode()).hexdigest()


def issue(key: str, purpose: Purpose, *, visitor: str, **values: Any) -> tuple[str, Ticket]:
    """A new ticket as text, and as what it says. *visitor* is what the browser alone knows."""
    until = int(time.time()) + LIFETIME
    nonce = secrets.token_urlsafe(24)
    body = json.dumps({"nonce": nonce, "until": until, "values": values}).encode()
    text = ".".join((_encode(body), _encode(_signature(key, purpose, visitor, body))))
    return text, Ticket(values, nonce, datetime.fromtimestamp(until, UTC))


def read(key: str, purpose: Purpose, text: str, *, visitor: str) -> Ticket | None:
    """The ticket in *text*; None: it is no ticket, not for this purpose or browser, or too old."""
    first, _, second = text.partition(".")
    if len(text) > _LONGEST:
        return None
    try:
        body, signature = _decode(first), _decode(second)
    except (ValueError, binascii.Error):
        return None
    if not hmac.compare_digest(signature, _signature(key, purpose, visitor, body)):
        return None
    found = json.loads(body)
    if found["until"] <= time.time():
        return None
    return Ticket(found["values"], found["nonce"], datetime.fromtimestamp(found["until"], UTC))


def _signature(key: str, purpose: Purpose, visitor: str, body: bytes) -> bytes:
    # Fixed lengths first: no two tickets sign the same bytes.
    who = hashlib.sha256(visitor.encode()).digest()
    what = hashlib.sha256(purpose.encode()).digest()
    return hmac.digest(key.encode(), b"ticket\0" + what + who + body, "sha256")


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
