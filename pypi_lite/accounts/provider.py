"""The provider of single sign-on, as the settings name it: whom it says a browser belongs to.

OpenID Connect Core 1.0, 3.1: the authorization code flow, with PKCE (RFC 7636).
"""

import base64
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from pypi_lite.accounts.external import Person, is_subject
from pypi_lite.fetching import FetchError, fetch_json
from pypi_lite.jwts import Issuer, IssuerError, JwtError
from pypi_lite.settings import Settings

#: The path, below the index, that the provider sends browsers back to.
CALLBACK = "login/sso/callback/"
#: Browsers whose answers are looked at in one process at the same time, and seconds that others wait: a
#: provider that is slow must not hold all threads.
_AT_ONCE, _WAIT = 2, 5.0
_MOST_GROUPS, _LONGEST_GROUP, _LONGEST_NAME = 1000, 200, 200
# RFC 6749, 4.1.2.1: what an error may be called.
_ERROR = re.compile(r"[!#-\[\]-~ ]{1,50}\Z")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What only the browser that begins to log in knows."""

    state: str
    nonce: str
    #: Of PKCE.
    verifier: str

    @classmethod
    def begin(cls) -> "Attempt":
        """A new one."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


class Provider:
    """The provider. Nothing is asked of it before somebody logs in. Safe for several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issuer = Issuer(settings.oidc_issuer)
        self._secret = settings.oidc_secret()
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self.redirect_uri = settings.url + CALLBACK

    def authorization_url(self, attempt: Attempt) -> str:
        """Where the browser asks to be logged in. Raises IssuerError."""
        endpoint = self._issuer.endpoint("authorization_endpoint")
        challenge = hashlib.sha256(attempt.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self._settings.oidc_scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return endpoint + ("&" if "?" in endpoint else "?") + urlencode(query)

    def identify(self, attempt: Attempt, answer: Mapping[str, str]) -> Person:
        """Who came back, from the parameters of the address that the provider sent them to.

        Raises JwtError: the provider does not say, or is not believed; IssuerError: it can't be asked.
        """
        if not self._places.acquire(timeout=_WAIT):
            raise IssuerError("too many people log in at this moment")
        try:
            self._check_answer(attempt, answer)
            tokens = self._exchange(attempt, answer["code"])
            claims = self._verify(attempt, tokens)
            return self._person(claims | self._userinfo(claims, tokens))
        finally:
            self._places.release()

    def _check_answer(self, attempt: Attempt, answer: Mapping[str, str]) -> None:
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise JwtError("the answer is not for this browser")
        # RFC 9207: answers of two providers can't be mixed up.
        is_named = self._issuer.document().get("authorization_response_iss_parameter_supported")
        if answer.get("iss", None if is_named is True else self._issuer.url) != self._issuer.url:
            raise JwtError("the answer is of another issuer")
        if "error" in answer:
            raise JwtError(f"it says: {_error(answer['error'])}")
        if not answer.get("code"):
            raise JwtError("the answer has no code")

    def _exchange(self, attempt: Attempt, code: str) -> dict[str, Any]:
        """The tokens that the code is good for, once."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        form, headers = self._authenticated(form)
        try:
            tokens = fetch_json(self._issuer.endpoint("token_endpoint"), form=form, headers=headers)
        except FetchError as error:
            if error.status in (400, 401, 403) and isinstance(error.answer, dict):
                why = _error(error.answer.get("error"))
                raise JwtError(f"it does not take the code: {why}") from None
            raise IssuerError(str(error)) from None
        if not isinstance(tokens, dict) or not isinstance(tokens.get("id_token"), str):
            raise JwtError("it gives no ID token")
        return tokens

    def _authenticated(self, form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The form and the headers that show which client this is (RFC 6749, 2.3.1)."""
        client = self._settings.oidc_client_id
        if not self._secret:
            return {**form, "client_id": client}, {}
        methods = self._issuer.document().get("token_endpoint_auth_methods_supported")
        if isinstance(methods, list) and "client_secret_basic" not in methods:
            return {**form, "client_id": client, "client_secret": self._secret}, {}
        pair = f"{quote_plus(client)}:{quote_plus(self._secret)}"
        return form, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _verify(self, attempt: Attempt, tokens: dict[str, Any]) -> dict[str, Any]:
        """The claims of the ID token (OpenID Connect Core 1.0, 3.1.3.7)."""
        client = self._settings.oidc_client_id
        claims = self._issuer.verify(tokens["id_token"], audience=client)
        is_for_others = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if is_for_others else client) != client:
            raise JwtError("the token is meant for somebody else")
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(), attempt.nonce.encode()
        ):
            raise JwtError("the token is not for this log-in")
        if not is_subject(claims["sub"]):
            raise JwtError("the token names nobody")
        return claims

    def _userinfo(self, claims: dict[str, Any], tokens: dict[str, Any]) -> dict[str, Any]:
        """The claims that are wanted and not in the ID token, where the provider tells them apart."""
        wanted = {self._settings.oidc_username_claim, self._settings.oidc_groups_claim} - {""}
        missing = wanted - claims.keys()
        if not missing or "userinfo_endpoint" not in self._issuer.document():
            return {}
        bearer = {"Authorization": f"Bearer {_header_text(tokens.get('access_token'))}"}
        try:
            told = fetch_json(self._issuer.endpoint("userinfo_endpoint"), headers=bearer)
        except FetchError as error:
            raise IssuerError(str(error)) from None
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            raise JwtError("what it tells of the person is of another person")
        return {name: told[name] for name in missing & told.keys()}

    def _person(self, claims: dict[str, Any]) -> Person:
        settings = self._settings
        name = claims.get(settings.oidc_username_claim)
        claim = settings.oidc_groups_claim
        groups = _groups(claims.get(claim)) if claim else frozenset()
        return Person(
            issuer=self._issuer.url,
            subject=claims["sub"],
            name=name[:_LONGEST_NAME] if isinstance(name, str) else "",
            groups=groups,
            is_admin=bool(settings.oidc_admin_group) and settings.oidc_admin_group in groups,
        )


def _groups(claim: object) -> frozenset[str]:
    """The names in a claim: a list of strings, or one string."""
    names = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    fit = (name for name in names if isinstance(name, str) and 0 < len(name) <= _LONGEST_GROUP)
    return frozenset(list(dict.fromkeys(name for name in fit if name.isprintable()))[:_MOST_GROUPS])


def _error(text: object) -> str:
    """An error's name, if it is one: it goes into a page and into the log."""
    return text if isinstance(text, str) and _ERROR.match(text) else "an error without a name"


def _header_text(token: object) -> str:
    """A token that can stand in a header (RFC 6750, 2.1). Raises JwtError."""
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
        raise JwtError("it gives no access token")
    return token
