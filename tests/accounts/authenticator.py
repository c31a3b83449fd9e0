"""An authenticator of the tests' own: it makes what real ones make, and lies where it is told to."""

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_PRESENT, _VERIFIED, _HAS_CREDENTIAL = 0x01, 0x04, 0x40
_NO_MODEL = bytes(16)


def encode(content: bytes) -> str:
    """base64url, as WebAuthn has it."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@dataclass
class Authenticator:
    """A key pair, and a browser at *origin* that speaks for it."""

    origin: str = "https://index.test"
    #: None: what the page asks for.
    rp_id: str | None = None
    count: int = 0
    #: How far the count goes at each use.
    step: int = 1
    is_present: bool = True
    is_verified: bool = True
    #: None: the one that the page gives.
    challenge: str | None = None
    kind: str | None = None
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: str) -> str:
        """What ``navigator.credentials.create`` answers (WebAuthn, 6.5.4, format "none")."""
        asked = json.loads(options)
        assert asked["excludeCredentials"] == [] or encode(self.credential_id) not in {
            entry["id"] for entry in asked["excludeCredentials"]
        }
        numbers = self.key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        data = self._data(asked["rp"]["id"], _HAS_CREDENTIAL)
        data += _NO_MODEL + struct.pack(">H", len(self.credential_id)) + self.credential_id
        data += cbor2.dumps(cose)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", asked["challenge"])
        return self._answer(clientDataJSON=client_data, attestationObject=attestation)

    def get(self, options: str) -> str:
        """What ``navigator.credentials.get`` answers (WebAuthn, 6.3.3)."""
        asked = json.loads(options)
        self.count += self.step
        data = self._data(asked["rpId"], 0)
        client_data = self._client_data("webauthn.get", asked["challenge"])
        signed = data + hashlib.sha256(client_data).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client_data, authenticatorData=data, signature=signature)

    def _data(self, rp_id: str, flags: int) -> bytes:
        flags |= self.is_present * _PRESENT | self.is_verified * _VERIFIED
        rp_hash = hashlib.sha256((self.rp_id or rp_id).encode()).digest()
        return rp_hash + struct.pack(">BI", flags, self.count)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        data: dict[str, Any] = {
            "type": self.kind or kind,
            "challenge": self.challenge or challenge,
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(data).encode()

    def _answer(self, **response: bytes) -> str:
        name = encode(self.credential_id)
        parts = {part: encode(content) for part, content in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": parts})
