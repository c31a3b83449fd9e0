"""Passkeys: what the browser is asked for, and what it answers (Web Authentication, Level 2).

The library that verifies takes a tenth of a second to import: whoever needs it first does it.
"""

import base64
import ipaddress
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

# Answers are smaller, of the largest keys and certificates too.
_LONGEST = 64 * 1024
#: Bytes of a credential's name (WebAuthn, 4).
_LONGEST_ID = 1023
# EdDSA, ES256 and RS256 (RFC 9053, RFC 8812): what the library takes unless it is told otherwise.
_ALGORITHMS = (-8, -7, -257)
#: Milliseconds that the browser gives the person.
_TIMEOUT = 120_000


class PasskeyError(ValueError):
    """An answer is not what it should be; the text is for a person."""


@dataclass(frozen=True, slots=True)
class Party:
    """The index, as authenticators know it."""

    #: The host alone: a passkey works on it and below it.
    rp_id: str
    origin: str
    name: str

    @property
    def can_have_passkeys(self) -> bool:
        """Whether browsers allow passkeys at the index's address: a name, and safe from others' eyes."""
        if self.rp_id == "localhost":
            return True
        try:
            ipaddress.ip_address(self.rp_id)
        except ValueError:
            return self.origin.startswith("https:")
        return False


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A key pair that an authenticator has just made."""

    credential_id: str
    public_key: bytes
    sign_count: int


def party_at(url: str, name: str) -> Party:
    """The party whose pages are at *url*."""
    address = urlsplit(url)
    host = address.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    # Browsers leave a scheme's own port out of an origin.
    is_usual = address.port in (None, {"https": 443, "http": 80}.get(address.scheme))
    port = "" if is_usual else f":{address.port}"
    return Party(rp_id=host, origin=f"{address.scheme}://{shown}{port}", name=name)


def creation_options(
    party: Party, *, handle: bytes, user_name: str, challenge: bytes, existing: Iterable[str]
) -> str:
    """What ``navigator.credentials.create`` is asked for, as JSON (WebAuthn, 5.4).

    *handle* is what the authenticator calls the account by; *existing* are the credentials that the
    account has, which no second key is made for.
    """
    user = {"id": _base64url(handle), "name": user_name, "displayName": user_name}
    options = {
        "rp": {"id": party.rp_id, "name": party.name or party.rp_id},
        "user": user,
        "challenge": _base64url(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in _ALGORITHMS],
        "timeout": _TIMEOUT,
        "excludeCredentials": _descriptors(existing),
        # Kept by the authenticator where it can: then nobody types a name to log in.
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
        # Who made the authenticator is nobody's business.
        "attestation": "none",
    }
    return json.dumps(options)


def request_options(
    party: Party, *, challenge: bytes, allowed: Iterable[str], must_verify: bool = False
) -> str:
    """What ``navigator.credentials.get`` is asked for, as JSON (WebAuthn, 5.5).

    None *allowed*: any that the authenticator has of this party.
    """
    options = {
        "rpId": party.rp_id,
        "challenge": _base64url(challenge),
        "timeout": _TIMEOUT,
        "allowCredentials": _descriptors(allowed),
        "userVerification": "required" if must_verify else "preferred",
    }
    return json.dumps(options)


def check_created(party: Party, answer: str, *, challenge: bytes) -> NewPasskey:
    """The key pair that was made at our asking (WebAuthn, 7.1). Raises PasskeyError."""
    import webauthn

    try:
        found = webauthn.verify_registration_response(
            credential=_parsed(answer),
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
        )
    except Exception as error:  # a wild answer fails in the library in wild ways
        raise _refused(error) from error
    if len(found.credential_id) > _LONGEST_ID:
        raise PasskeyError("This authenticator calls its key by too long a name.")
    return NewPasskey(
        credential_id=_base64url(found.credential_id),
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
    )


def credential_id_of(answer: str) -> str:
    """Which passkey an answer says it is of. Raises PasskeyError."""
    try:
        name = _parsed(answer)["id"]
    except (KeyError, ValueError, RecursionError) as error:
        raise _refused(error) from error
    if not isinstance(name, str) or not name.isascii() or "\0" in name:
        raise PasskeyError("The passkey did not answer as it should.")
    return name


def check_answer(
    party: Party,
    answer: str,
    *,
    challenge: bytes,
    public_key: bytes,
    sign_count: int,
    must_verify: bool = False,
) -> int:
    """The new sign count, if a passkey has answered *challenge* (WebAuthn, 7.2). Raises PasskeyError.

    A count that does not grow is refused: the key is in two places. *must_verify*: the authenticator
    has to have asked for a fingerprint, a PIN or the like.
    """
    import webauthn

    try:
        found = webauthn.verify_authentication_response(
            credential=_parsed(answer),
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=must_verify,
        )
    except Exception as error:  # a wild answer fails in the library in wild ways
        raise _refused(error) from error
    return found.new_sign_count


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > _LONGEST:
        raise ValueError("too long an answer")
    found = json.loads(answer)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  whatever it is, it is no answer
    return found


def _refused(error: Exception) -> PasskeyError:
    log.warning("a passkey was refused: %s", str(error)[:200].encode("unicode_escape").decode())
    return PasskeyError("The passkey did not answer as it should. Try again.")


def _descriptors(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": name} for name in names]


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
