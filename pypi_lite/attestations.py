"""Attestations: what a workflow has signed about a file, and whether that is so (PEP 740).

An attestation is an in-toto statement about one file in a DSSE envelope, signed with a key that a
certificate authority has certified to a workflow's identity for some minutes, and entered into a
transparency log meanwhile. sigstore-python verifies the certificate, the log's entry and the signature,
against a trust root: who the authorities and the logs are. What the statement says, and whose identity
it is, is compared here.

The libraries are the extra ``attestations``; they are imported when the first attestation arrives.
"""

import base64
import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pypi_lite.distributions import DistributionFilename, InvalidDistribution, parse_filename
from pypi_lite.issuers import GITHUB_ISSUER, GITLAB_ISSUER
from pypi_lite.settings import ATTESTATIONS_PUBLIC

if TYPE_CHECKING:
    from pypi_attestations import Attestation
    from sigstore.models import Bundle
    from sigstore.verify import Verifier

log = logging.getLogger(__name__)

_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
# The claims of a certificate, by Fulcio's object identifiers ("Issuer (V2)" and so on).
_FULCIO = "1.3.6.1.4.1.57264.1."
_ISSUER, _REPOSITORY, _DIGEST, _REF, _CONFIG = (f"{_FULCIO}{n}" for n in (8, 12, 13, 14, 18))


class Kind(StrEnum):
    """Where a workflow runs, as provenance calls it."""

    GITHUB = "GitHub"
    GITLAB = "GitLab"


_ISSUERS = {Kind.GITHUB: GITHUB_ISSUER, Kind.GITLAB: GITLAB_ISSUER}
#: A repository's address, and that of a workflow of it without its revision.
_REPOSITORIES = {Kind.GITHUB: "https://github.com/{}", Kind.GITLAB: "https://gitlab.com/{}"}
_WORKFLOWS = {Kind.GITHUB: "{}/.github/workflows/{}", Kind.GITLAB: "{}//{}"}


class AttestationError(ValueError):
    """An attestation can't be taken; the text says why."""


class TrustRootError(Exception):
    """Nothing can be verified now: the trust root can't be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """The identity that a certificate can tell: a workflow's file in a repository, at any revision."""

    kind: Kind
    #: ``owner/name``; on GitLab there may be groups between.
    repository: str
    #: On GitHub the file's name, on GitLab its path in the repository.
    file: str

    def __str__(self) -> str:
        return f"{self.file} of {self.repository} on {self.kind}"

    def is_of(self, claims: Mapping[str, str]) -> bool:
        """Whether a certificate with these *claims*, by object identifier, is this workflow's."""
        repository = _REPOSITORIES[self.kind].format(self.repository)
        workflow = _WORKFLOWS[self.kind].format(repository, self.file)
        # The certificate knows at which revision it ran; a publisher does not.
        revisions = [claims[oid] for oid in (_REF, _DIGEST) if claims.get(oid)]
        return (
            claims.get(_ISSUER) == _ISSUERS[self.kind]
            and claims.get(_REPOSITORY) == repository
            and claims.get(_CONFIG) in [f"{workflow}@{revision}" for revision in revisions]
        )


@dataclass(frozen=True, slots=True)
class Attested:
    """An attestation that has been verified."""

    predicate_type: str
    #: Whose it is.
    workflow: Workflow
    #: The attestation object of the standard, with what it has a place for and nothing else.
    body: dict[str, Any]


def verify(
    text: str, filename: str, sha256: str, workflows: Collection[Workflow], trust: str
) -> list[Attested]:
    """The attestations in *text*, a JSON array, all of them of the file and by one of *workflows*.

    *trust* is the path of a trust root, or `ATTESTATIONS_PUBLIC`. Raises AttestationError if any of
    them is not what it has to be, and TrustRootError.
    """
    items = _load(text)
    if not isinstance(items, list) or not items:
        raise AttestationError("send them as a JSON array of one or more")
    verifier = _verifier(trust)
    found: list[Attested] = []
    for number, item in enumerate(items, 1):
        try:
            attested = _verify(verifier, item, filename, sha256, workflows)
        except AttestationError as error:
            raise AttestationError(f"number {number} {error}") from error
        if attested.predicate_type in [other.predicate_type for other in found]:
            raise AttestationError(
                f"number {number} is the second one of the type {attested.predicate_type}"
            )
        found.append(attested)
    return found


def _verify(
    verifier: "Verifier", item: Any, filename: str, sha256: str, workflows: Collection[Workflow]
) -> Attested:
    from sigstore.errors import VerificationError
    from sigstore.verify import policy

    attestation, bundle = _parse(item)
    predicate_type = _check_statement(attestation.envelope.statement, filename, sha256)
    claims = _claims(attestation)
    workflow = next((each for each in workflows if each.is_of(claims)), None)
    if workflow is None:
        signer = claims.get(_CONFIG) or claims.get(_REPOSITORY) or "somebody unknown"
        raise AttestationError(
            f"was made by {signer!r:.300}, which is no publisher of the project:"
            f" {'; '.join(map(str, workflows)) or 'it has none'}"
        )
    identity = policy.AllOf(
        [
            policy.OIDCIssuerV2(claims[_ISSUER]),
            policy.OIDCSourceRepositoryURI(claims[_REPOSITORY]),
            policy.OIDCBuildConfigURI(claims[_CONFIG]),
        ]
    )
    try:
        verifier.verify_dsse(bundle, identity)
    except VerificationError as error:
        raise AttestationError(f"can't be verified: {_line(error)}") from error
    except Exception as error:
        # What somebody sends on purpose gets far into the libraries, which raise what they like.
        log.info("an attestation could not be verified", exc_info=True)
        raise AttestationError("can't be verified: it is not well-formed") from error
    return Attested(predicate_type, workflow, _body(attestation))


def _parse(item: Any) -> "tuple[Attestation, Bundle]":
    """The attestation, with what the standard knows in it alone, and the same as sigstore has it."""
    from pypi_attestations import Attestation

    try:
        sent = Attestation.model_validate(item)
        entries = len(sent.verification_material.transparency_entries)
        bundle = sent.to_bundle()
        attestation = Attestation.from_bundle(bundle)
    except Exception as error:  # as above
        raise AttestationError("is no attestation of version 1") from error
    if entries != 1:
        raise AttestationError(f"has {entries} entries of transparency logs: send one")
    return attestation, bundle


def _check_statement(statement: bytes, filename: str, sha256: str) -> str:
    """What is said of the file: the predicate's type. Raises AttestationError."""
    from pypi_attestations import AttestationType

    content = _load(statement)
    if not isinstance(content, dict) or content.get("_type") != _STATEMENT_TYPE:
        raise AttestationError("has no in-toto statement of version 1")
    subjects = content.get("subject")
    if not isinstance(subjects, list) or len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise AttestationError("is not about one file")
    name, digest = subjects[0].get("name"), subjects[0].get("digest")
    said = _parsed(name) if isinstance(name, str) else None
    if said is None or said != _parsed(filename):
        raise AttestationError(f"is about a file named {name!r:.200}, not {filename!r}")
    if not isinstance(digest, dict) or digest.get("sha256") != sha256:
        raise AttestationError(f"is about other bytes than those sent, whose sha256 is {sha256}")
    predicate_type = content.get("predicateType")
    if predicate_type not in [known.value for known in AttestationType]:
        known = ", ".join(known.value for known in AttestationType)
        raise AttestationError(f"has the predicate type {predicate_type!r:.200}: send {known}")
    return str(predicate_type)


def _parsed(filename: str) -> object:
    """What *filename* says, in whatever spelling."""
    from packaging.utils import parse_wheel_filename

    try:
        found: DistributionFilename = parse_filename(filename)
    except InvalidDistribution:
        return None
    is_wheel = filename.endswith(".whl")
    return parse_wheel_filename(filename) if is_wheel else (found.packagetype, found.readings)


def _claims(attestation: "Attestation") -> dict[str, str]:
    try:
        return attestation.certificate_claims
    except Exception as error:  # as above
        raise AttestationError("has a certificate that can't be read") from error


def _body(attestation: "Attestation") -> dict[str, Any]:
    """The attestation object of the standard; each base64 in one line."""
    material = attestation.verification_material
    return {
        "version": 1,
        "verification_material": {
            "certificate": _base64(material.certificate),
            "transparency_entries": material.transparency_entries,
        },
        "envelope": {
            "statement": _base64(attestation.envelope.statement),
            "signature": _base64(attestation.envelope.signature),
        },
    }


@lru_cache(maxsize=4)
def _verifier(trust: str) -> "Verifier":
    """Once a process: who changes the trust root restarts the server."""
    try:
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier

        if trust == ATTESTATIONS_PUBLIC:
            return Verifier.production()
        return Verifier(trusted_root=TrustedRoot.from_file(trust))
    except Exception as error:  # the network, the file, what is in it
        raise TrustRootError(f"the trust root {trust} can't be used: {_line(error)}") from error


def _load(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
