"""What an ``Authorization`` header shows: Basic (RFC 7617) or Bearer (RFC 6750).

Asked for each request that has one, hits of the cache too: plain text in, no request object, and
nothing is kept, so that no secret outlives its request in memory.
"""

import re
from binascii import a2b_base64

#: The user name that goes with a token, as on PyPI; any other will do as well.
TOKEN_USER = "__token__"  # noqa: S105
#: Characters of a header; the longest password and user name there can be take fewer.
LONGEST_HEADER = 8 * 1024
# RFC 6750, 2.1: b64token.
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


def secret_of(authorization: str) -> tuple[str, str] | None:
    """User name and secret in *authorization*, the header as WSGI has it; None: it has none.

    Who shows nothing but a secret, by Bearer or as a user name with an empty password, is
    `TOKEN_USER`. Basic is read as UTF-8, and where it isn't as Latin-1, which some clients send.
    """
    if len(authorization) > LONGEST_HEADER:
        return None
    scheme, _, rest = authorization.partition(" ")
    scheme, rest = scheme.lower(), rest.strip(" ")
    if scheme == "basic":
        return _basic(rest)
    if scheme == "bearer" and _BEARER.fullmatch(rest):
        return TOKEN_USER, rest
    return None


def _basic(encoded: str) -> tuple[str, str] | None:
    try:
        content = a2b_base64(encoded, strict_mode=True)
    except ValueError:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    user, colon, secret = text.partition(":")
    if not colon or not (user or secret):
        return None
    return (user, secret) if secret else (TOKEN_USER, user)
