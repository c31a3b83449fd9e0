"""Mail addresses: which are one, and how one is kept."""

import re

#: RFC 5321, 4.5.3.1: a path has 256 characters, its brackets included.
LONGEST_MAILBOX = 254
_LONGEST_LOCAL = 64
# Dot-atoms of ASCII and a host's name, which HTML's input of the type email takes too: nothing that
# would have to be quoted in a header.
_MAILBOX = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z",
    re.ASCII | re.IGNORECASE,
)


def is_mailbox(text: str) -> bool:
    """Whether *text* is a mail address that mail can be sent to."""
    return (
        len(text) <= LONGEST_MAILBOX
        and text.find("@") <= _LONGEST_LOCAL
        and _MAILBOX.match(text) is not None
    )


def clean_mailbox(text: str) -> str:
    """*text* as it is kept and compared: in small letters. Raises ValueError, for a person."""
    mailbox = text.strip().lower()
    if not is_mailbox(mailbox):
        raise ValueError(f"{text.strip()[:LONGEST_MAILBOX]!r} is no mail address.")
    return mailbox
