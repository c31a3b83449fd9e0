"""What requests show of who sent them: credentials, told from their headers without the database.

A client sends the same ``Authorization`` with every request. What it shows is remembered, by a digest
that means nothing outside of this process, so that no secret outlives its request in memory.
"""

import hashlib
import secrets

from pypi_lite.accounts.credentials import secret_of
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.sessions import cookie_hash
from pypi_lite.accounts.tokens import is_token, is_wellformed, token_hash
from pypi_lite.cache.hits import Environ
from pypi_lite.decisions import Credentials

#: Headers of each kind that are remembered; then all are forgotten.
_MOST = 4096


class Shown:
    """Credentials that requests have shown. Threads may share it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._tokens: dict[bytes, Credentials] = {}
        # Apart, since verifying a password again is slow, and anybody can make up tokens.
        self._passwords: dict[bytes, Credentials] = {}

    def credentials(self, environ: Environ) -> Credentials | None:
        """Those of a request; whether they are anybody's the database knows. None: it has none, or a
        name and password that nobody has verified yet."""
        authorization = environ.get("HTTP_AUTHORIZATION")
        if authorization is None:
            name = cookie_hash(environ)
            return Credentials(name) if name else None
        digest = self._digest(authorization)
        return (
            self._tokens.get(digest)
            or self._passwords.get(digest)
            or self._token(authorization, digest)
        )

    def remember(self, authorization: str, identity: Identity) -> None:
        """Know this header again, whose name and password have just been found to be *identity*'s."""
        if len(self._passwords) >= _MOST:
            self._passwords = {}
        credentials = Credentials(f"user-{identity.user_id}", identity.password)
        self._passwords[self._digest(authorization)] = credentials

    def _token(self, authorization: str, digest: bytes) -> Credentials | None:
        found = secret_of(authorization)
        # Its form tells a token from a session's id, which opens nothing here.
        if found is None or not is_token(*found) or not is_wellformed(found[1]):
            return None
        if len(self._tokens) >= _MOST:
            self._tokens = {}
        credentials = self._tokens[digest] = Credentials(token_hash(found[1]))
        return credentials

    def _digest(self, authorization: str) -> bytes:
        return hashlib.blake2b(authorization.encode(), key=self._key, digest_size=32).digest()


def has_credentials(environ: Environ) -> bool:
    """Whether a request shows what may be somebody's."""
    authorization = environ.get("HTTP_AUTHORIZATION")
    if authorization is None:
        return cookie_hash(environ) is not None
    found = secret_of(authorization)
    return found is not None and (not is_token(*found) or is_wellformed(found[1]))
