"""A trust root of the tests' own, and attestations that are true under it.

One certificate authority, one log of certificates and one transparency log, which here are three keys
and a few lines that follow what each of the public ones does: RFC 6962 (certificate timestamps, Merkle
tree of one leaf), Rekor's entries of the kind ``dsse`` 0.0.1 with their promise and checkpoint, DSSE
around an in-toto statement. sigstore verifies it as it verifies what the public ones make.
"""

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from pypi_lite.attestations import Kind, Workflow
from pypi_lite.issuers import PUBLIC, IssuerKind, Source

PAYLOAD_TYPE = "application/vnd.in-toto+json"
WORKFLOW = Workflow(Kind.GITHUB, "acme/foo", "release.yml")
GITLAB_WORKFLOW = Workflow(Kind.GITLAB, "acme/tools/foo", "ci/release.yml")
_FULCIO = "1.3.6.1.4.1.57264.1"
_SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_MINUTES = timedelta(minutes=10)
_LONG = timedelta(days=365)


def source_of(workflow: Workflow, environment: str = "") -> Source:
    """*workflow*, as a publisher is named."""
    kind = IssuerKind(workflow.kind.value)
    return Source(kind, PUBLIC[kind], workflow.repository, workflow.file, environment)


def claims_of(workflow: Workflow, ref: str = "refs/tags/v1") -> dict[str, str]:
    """What a certificate says of *workflow*: the last number of the identifier, and the text."""
    if workflow.kind is Kind.GITHUB:
        issuer = "https://token.actions.githubusercontent.com"
        repository = f"https://github.com/{workflow.repository}"
        config = f"{repository}/.github/workflows/{workflow.file}@{ref}"
    else:
        issuer = "https://gitlab.com"
        repository = f"https://gitlab.com/{workflow.repository}"
        config = f"{repository}//{workflow.file}@{ref}"
    return {"8": issuer, "12": repository, "13": "0" * 40, "14": ref, "18": config}


def statement(filename: str, content: bytes, **changes: Any) -> dict[str, Any]:
    """The in-toto statement that PyPI's publishers make."""
    from pypi_attestations import AttestationType

    digest = {"sha256": hashlib.sha256(content).hexdigest()}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": filename, "digest": digest}],
        "predicateType": AttestationType.PYPI_PUBLISH_V1.value,
        "predicate": None,
    } | changes


def slsa(filename: str, content: bytes) -> dict[str, Any]:
    """A statement of the other type."""
    from pypi_attestations import AttestationType

    kind = AttestationType.SLSA_PROVENANCE_V1.value
    return statement(filename, content, predicateType=kind, predicate={"buildDefinition": {}})


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class World:
    """Who is trusted."""

    authority_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    certificates_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)

    def __post_init__(self) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of tests")])
        usage = _usage(key_cert_sign=True)
        self.authority = (
            _builder(self.name, self.name, self.authority_key, datetime.now(UTC) - _LONG, 2 * _LONG)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.authority_key.public_key()), False
            )
            .sign(self.authority_key, hashes.SHA256())
        )

    def write_root(self, path: Path) -> Path:
        """The trust root as a file; its path."""
        start = (datetime.now(UTC) - _LONG).strftime("%Y-%m-%dT%H:%M:%SZ")
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log("https://log.test", self.log_key, start)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "tests", "commonName": "An authority of tests"},
                    "uri": "https://authority.test",
                    "certChain": {"certificates": [{"rawBytes": _base64(_der(self.authority))}]},
                    "validFor": {"start": start},
                }
            ],
            "ctlogs": [_log("https://certificates.test", self.certificates_key, start)],
            "timestampAuthorities": [],
        }
        path.write_text(json.dumps(root))
        return path

    def attest(
        self,
        said: Any,
        claims: dict[str, str] | None = None,
        *,
        signed: datetime | None = None,
        certified: datetime | None = None,
    ) -> dict[str, Any]:
        """The attestation of the statement *said* (or other bytes) by who has these *claims*.

        *certified* is when the certificate begins to be valid, for ten minutes; *signed* when the log
        took it, by default a minute later.
        """
        certified = certified or datetime.now(UTC) - timedelta(minutes=2)
        signed = signed or certified + timedelta(minutes=1)
        key = _key()
        certificate = self._certify(key, claims or claims_of(WORKFLOW), certified)
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        head = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode()
        signature = key.sign(head + payload, ec.ECDSA(hashes.SHA256()))
        return {
            "version": 1,
            "verification_material": {
                "certificate": _base64(_der(certificate)),
                "transparency_entries": [self._enter(payload, signature, certificate, signed)],
            },
            "envelope": {"statement": _base64(payload), "signature": _base64(signature)},
        }

    def _certify(
        self, key: ec.EllipticCurvePrivateKey, claims: dict[str, str], start: datetime
    ) -> x509.Certificate:
        """A certificate, with the promise of the log of certificates in it."""
        uri = x509.UniformResourceIdentifier(claims.get("18", "https://nobody.test"))
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            self.authority_key.public_key()
        )
        builder = (
            _builder(x509.Name([]), self.name, key, start, _MINUTES)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)
            .add_extension(identifier, critical=False)
            .add_extension(x509.SubjectAlternativeName([uri]), critical=True)
        )
        for number, text in claims.items():
            oid = ObjectIdentifier(f"{_FULCIO}.{number}")
            value = x509.UnrecognizedExtension(oid, _tagged(0x0C, text.encode()))
            builder = builder.add_extension(value, critical=False)
        # What is promised is the certificate without the promise.
        body = builder.sign(self.authority_key, hashes.SHA256()).tbs_certificate_bytes
        promise = _tagged(0x04, self._promise(body))
        return builder.add_extension(
            x509.UnrecognizedExtension(_SCT_LIST, promise), critical=False
        ).sign(self.authority_key, hashes.SHA256())

    def _promise(self, body: bytes) -> bytes:
        """A list of one signed certificate timestamp (RFC 6962, 3.2 and 3.3)."""
        moment = int(datetime.now(UTC).timestamp() * 1000)
        entry = _key_id(self.authority_key) + len(body).to_bytes(3, "big") + body
        signed = struct.pack("!BBQH", 0, 0, moment, 1) + entry + struct.pack("!H", 0)
        signature = self.certificates_key.sign(signed, ec.ECDSA(hashes.SHA256()))
        timestamp = struct.pack("!B32sQH", 0, _key_id(self.certificates_key), moment, 0)
        timestamp += struct.pack("!BBH", 4, 3, len(signature)) + signature
        return struct.pack("!HH", len(timestamp) + 2, len(timestamp)) + timestamp

    def _enter(
        self, payload: bytes, signature: bytes, certificate: x509.Certificate, moment: datetime
    ) -> dict[str, Any]:
        """The entry of a transparency log that has this entry alone."""
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        root = {
            "envelopeHash": _sha256(b"whatever was sent"),
            "payloadHash": _sha256(payload),
            "signatures": [{"signature": _base64(signature), "verifier": _base64(pem)}],
        }
        body = _canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": root})
        leaf = hashlib.sha256(b"\0" + body).digest()
        seconds = int(moment.timestamp())
        promised = {
            "body": _base64(body),
            "integratedTime": seconds,
            "logID": _key_id(self.log_key).hex(),
            "logIndex": 0,
        }
        note = f"log.test\n1\n{_base64(leaf)}\n"
        sealed = _key_id(self.log_key)[:4] + self._log_signs(note.encode())
        return {
            "logIndex": "0",
            "logId": {"keyId": _base64(_key_id(self.log_key))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {
                "signedEntryTimestamp": _base64(self._log_signs(_canonical(promised)))
            },
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _base64(leaf),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 log.test {_base64(sealed)}\n"},
            },
            "canonicalizedBody": _base64(body),
        }

    def _log_signs(self, content: bytes) -> bytes:
        return self.log_key.sign(content, ec.ECDSA(hashes.SHA256()))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    start: datetime,
    duration: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + duration)
    )


def _usage(**wanted: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
    names += ("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**dict.fromkeys(names, False) | wanted)


def _log(url: str, key: ec.EllipticCurvePrivateKey, start: str) -> dict[str, Any]:
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": _base64(_public(key)),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": start},
        },
        "logId": {"keyId": _base64(_key_id(key))},
    }


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_public(key)).digest()


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _tagged(tag: int, content: bytes) -> bytes:
    """An element of DER."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _canonical(content: dict[str, Any]) -> bytes:
    """RFC 8785, as far as these texts and numbers need it."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _sha256(content: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
