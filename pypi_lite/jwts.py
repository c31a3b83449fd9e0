"""JSON Web Tokens of others: their issuer's keys fetched, their signatures and claims verified.

One `Issuer` for each issuer and process: it keeps what it has fetched. Signatures are of asymmetric keys
only, so that no public key can be taken for a shared secret (RFC 8725, 3.1).
"""

import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import jwt

from pypi_lite.fetching import FetchError, fetch_json
from pypi_lite.urls import safe_url

#: Signature algorithms, each with the type of its keys (RFC 7518, 3.1; RFC 8037, 3.1).
_KEY_TYPES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
#: Seconds that clocks may differ.
LEEWAY = 60.0
#: The longest token that is looked at, in characters.
_LONGEST = 64 * 1024
#: Characters of the longest audience of others that is told.
_LONGEST_SHOWN = 100
_DISCOVERY = "/.well-known/openid-configuration"
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
#: Seconds after which the document and the keys are fetched again.
_KEPT = 3600.0
#: Seconds between two fetches, whatever asks for them: a key's unknown name, a fetch that failed.
_PAUSE = 30.0
_REFUSALS: list[tuple[type[Exception], str]] = [
    (jwt.ExpiredSignatureError, "the token has expired"),
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidIssuerError, "the token is of another issuer"),
    (jwt.InvalidSignatureError, "the token's signature is wrong"),
]


class JwtError(Exception):
    """A token that is not believed; the text says why, and has nothing secret in it."""


class IssuerError(JwtError):
    """The issuer can't be asked, or what it says of itself can't be used: not the token's fault."""


class Issuer:
    """An issuer of tokens, by its address exactly as its tokens write it.

    *jwks_url* is where its keys are; None: where its discovery document says (OpenID Connect
    Discovery 1.0). Nothing is fetched before it is needed. Safe for several threads. Raises IssuerError
    for an address that may not be asked.
    """

    def __init__(
        self, url: str, *, jwks_url: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        _check_url(url)
        if jwks_url is not None:
            _check_url(jwks_url)
        self.url = url
        self._jwks_url = jwks_url
        self._document = _Kept(self._fetch_document, clock)
        self._keys = _Kept(self._fetch_keys, clock)

    def document(self) -> dict[str, Any]:
        """The discovery document: its issuer is this one. Raises IssuerError."""
        document: dict[str, Any] = self._document.get()
        return document

    def endpoint(self, name: str) -> str:
        """The address that the discovery document has under *name*. Raises IssuerError: none, or none
        that may be asked."""
        url = self.document().get(name)
        if not isinstance(url, str):
            raise IssuerError(f"{self.url} names no {name}")
        _check_url(url)
        return url

    def verify(self, token: str, *, audience: str | Sequence[str]) -> dict[str, Any]:
        """The claims of a *token* of this issuer for the *audience*, or for one of several.

        Checked: the signature, ``iss``, ``aud``, ``exp``, ``iat``, ``sub`` (all must be there) and
        ``nbf``. What else the claims must be is the caller's. Raises JwtError, and IssuerError where
        there are no keys to verify it with.
        """
        header = _header(token)
        failure: JwtError | None = None
        for key in self._candidates(header):
            try:
                return self._decode(token, key, header["alg"], audience)
            except JwtError as error:
                failure = error
        raise failure or JwtError("the issuer has no key of the token's name and kind")

    def _candidates(self, header: dict[str, Any]) -> list[dict[str, Any]]:
        """The keys that may have made the signature. An unknown name: perhaps there are new ones."""
        found = _fitting(self._keys.get(), header)
        return found or _fitting(self._keys.get(is_known=False), header)

    def _decode(
        self, token: str, key: dict[str, Any], algorithm: str, audience: str | Sequence[str]
    ) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                jwt.PyJWK(key, algorithm),
                algorithms=[algorithm],
                audience=audience,
                issuer=self.url,
                leeway=LEEWAY,
                options={
                    "require": ["iss", "aud", "exp", "iat", "sub"],
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.InvalidAudienceError:
            raise JwtError(_for_others(token, audience)) from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise JwtError(_refusal(error)) from None
        if not claims["sub"]:
            raise JwtError("the token names nobody")
        return claims

    def _fetch_document(self) -> dict[str, Any]:
        document = _fetch(self.url.rstrip("/") + _DISCOVERY)
        if document.get("issuer") != self.url:
            raise IssuerError(f"{self.url} says that it is {str(document.get('issuer'))[:200]!r}")
        return document

    def _fetch_keys(self) -> list[dict[str, Any]]:
        keys = _fetch(self._jwks_url or self.endpoint("jwks_uri")).get("keys")
        if not isinstance(keys, list):
            raise IssuerError(f"{self.url} has no list of keys")
        return [key for key in keys if _is_usable(key)]


class _Kept:
    """Something fetched, kept for an hour. It is asked for seldom, lest each request waits for an issuer
    that does not answer, or makes it answer once more."""

    def __init__(self, fetch: Callable[[], Any], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._value: Any = None
        self._failure = ""
        self._fetched = self._asked = -math.inf

    def get(self, *, is_known: bool = True) -> Any:
        """The value. Not *is_known*: it lacks something, and is fetched again, unless it just was.

        Raises IssuerError.
        """
        with self._lock:
            now = self._clock()
            is_wanted = self._is_old(now) or not is_known
            if is_wanted and now - self._asked >= _PAUSE:
                self._renew()
            if self._is_old(self._clock()):
                raise IssuerError(self._failure)
            return self._value

    def _is_old(self, now: float) -> bool:
        return now - self._fetched >= _KEPT

    def _renew(self) -> None:
        try:
            self._value = self._fetch()
            self._fetched = self._clock()
        except IssuerError as error:
            self._failure = str(error)
        finally:
            self._asked = self._clock()


def _fetch(url: str) -> dict[str, Any]:
    try:
        answer = fetch_json(url)
    except FetchError as error:
        raise IssuerError(str(error)) from None
    if not isinstance(answer, dict):
        raise IssuerError(f"{url} is no JSON object")
    return answer


def _check_url(url: str) -> None:
    try:
        safe_url(url)
    except ValueError as error:
        raise IssuerError(str(error)) from None


def _header(token: str) -> dict[str, Any]:
    if len(token) > _LONGEST or not _COMPACT.match(token):
        raise JwtError("this is no signed token")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise JwtError("this is no signed token") from None
    if not isinstance(header.get("alg"), str) or header["alg"] not in _KEY_TYPES:
        raise JwtError("the token is signed in a way that is not taken")
    if "crit" in header:
        raise JwtError("the token needs an extension that is not known here")
    return header


def _is_usable(key: Any) -> bool:
    """A public key for signatures. A private one, published by mistake, is nobody's any more."""
    return (
        isinstance(key, dict)
        and key.get("kty") in list(_KEY_TYPES.values())
        and key.get("use", "sig") == "sig"
        and "d" not in key
    )


def _fitting(keys: list[dict[str, Any]], header: dict[str, Any]) -> list[dict[str, Any]]:
    algorithm, name = header["alg"], header.get("kid")
    return [
        key
        for key in keys
        if key["kty"] == _KEY_TYPES[algorithm]
        and key.get("alg", algorithm) == algorithm
        and (name is None or key.get("kid") == name)
    ]


def _for_others(token: str, audience: str | Sequence[str]) -> str:
    """Whom a token must be for, and whom it is for, where that is a word: its signature is right."""
    wanted = _names(audience)
    found = _names(jwt.decode(token, options={"verify_signature": False})["aud"])
    is_word = 0 < len(found) <= _LONGEST_SHOWN and found.isprintable()
    told = f", and is for {found!r}" if is_word else ""
    return f"the token is meant for somebody else: it must be for {wanted!r}{told}"


def _names(audience: Any) -> str:
    names = audience if isinstance(audience, (list, tuple)) else [audience]
    return ", ".join(map(str, names))


def _refusal(error: Exception) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"the token lacks {error.claim}"
    for kind, text in _REFUSALS:
        if isinstance(error, kind):
            return text
    return "the token can't be verified"
