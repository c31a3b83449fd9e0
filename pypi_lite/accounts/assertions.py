"""Tokens of trusted issuers that a job shows to get one of ours: verified, and read."""

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pypi_lite.issuers import Claimed, ClaimsError, TrustedIssuer, claimed
from pypi_lite.jwts import LEEWAY, Issuer, JwtError

#: Characters of the longest name of an issuer that is looked up.
_LONGEST_ISSUER = 255


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a verified token says."""

    claimed: Claimed
    #: SHA-256 by which it is known again.
    once: str
    #: From then on nobody takes it.
    expires: datetime


class Assertions:
    """Verifies tokens of *trusted* issuers for one *audience*. One a process: it keeps issuers' keys."""

    def __init__(self, trusted: Iterable[TrustedIssuer], audience: str) -> None:
        self._issuers = {
            each.url: (each, Issuer(each.url, jwks_url=each.jwks_url)) for each in trusted
        }
        self._audience = audience

    def verify(self, token: str) -> Assertion:
        """What *token* says. Raises JwtError, of which IssuerError is no fault of the token's."""
        trusted, issuer = self._issuer(token)
        claims = issuer.verify(token, audience=self._audience)
        try:
            # What a clock that goes wrong would still take is kept as well.
            expires = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=2 * LEEWAY)
            return Assertion(claimed(trusted, claims), _once(issuer.url, claims, token), expires)
        except ClaimsError as error:
            raise JwtError(str(error)) from None
        except (OverflowError, ValueError, TypeError, OSError):
            raise JwtError("the token's end is no moment") from None

    def _issuer(self, token: str) -> tuple[TrustedIssuer, Issuer]:
        """The issuer that *token* says it is from, which it only is when it has been verified."""
        url = _said_issuer(token)
        if url not in self._issuers:
            raise JwtError(f"the token is of no issuer that is trusted here, but of {url!r}")
        return self._issuers[url]


def _said_issuer(token: str) -> str:
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        url = claims["iss"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise JwtError("this is no signed token") from None
    if not isinstance(url, str) or len(url) > _LONGEST_ISSUER:
        raise JwtError("the token is of no issuer that is trusted here")
    return url


def _once(issuer: str, claims: dict[str, object], token: str) -> str:
    """By its id (RFC 7519, 4.1.7); without one by what is signed: signatures have several spellings."""
    name = claims.get("jti")
    what = ["jti", name] if isinstance(name, str) and name else ["of", token.rpartition(".")[0]]
    return hashlib.sha256(json.dumps([issuer, *what]).encode()).hexdigest()
