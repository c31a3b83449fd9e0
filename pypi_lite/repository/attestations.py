"""Attestations of uploads, and the provenance of files that they become (PEP 740)."""

import logging
from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite import attestations
from pypi_lite.attestations import AttestationError, Attested, Kind, TrustRootError, Workflow
from pypi_lite.models import File, FileAttestation
from pypi_lite.repository import Index, publishers
from pypi_lite.repository.errors import Code, Refusal

log = logging.getLogger(__name__)

_NOT_TAKEN = "The attestations of the upload can't be taken"


def check(
    index: Index, text: str | None, project: str, filename: str, sha256: str
) -> Collection[Attested]:
    """The attestations in *text*, a JSON array, if all of them are true and by publishers of *project*
    (normalized); none where there is no text. Raises Refusal."""
    if text is None:
        return ()
    with index.database.read() as session:
        workflows = publishers.workflows(session, project)
    try:
        return attestations.verify(text, filename, sha256, workflows, index.settings.attestations)
    except AttestationError as error:
        raise Refusal(Code.BAD_ATTESTATION, f"{_NOT_TAKEN}: {error}.") from error
    except TrustRootError as error:
        log.exception("an attestation could not be verified")
        raise Refusal(Code.BUSY, f"Attestations can't be verified now: {error}.") from error


def record(session: Session, project: str, file: File, attested: Collection[Attested]) -> None:
    """Write the rows, if each publisher is still one of *project* (normalized), now that nobody else
    writes. Raises Refusal."""
    if not attested:
        return
    workflows = publishers.workflows(session, project)
    for one in attested:
        if one.workflow not in workflows:
            raise Refusal(
                Code.BAD_ATTESTATION, f"{_NOT_TAKEN}: {one.workflow} is no publisher any more."
            )
        session.add(
            FileAttestation(
                file=file,
                predicate_type=one.predicate_type,
                kind=one.workflow.kind,
                repository=one.workflow.repository,
                workflow=one.workflow.file,
                body=one.body,
            )
        )


def provenance(session: Session, file_id: int) -> dict[str, Any]:
    """The standard's provenance object of a file."""
    query = select(FileAttestation).where(FileAttestation.file_id == file_id)
    bundles: dict[Workflow, list[dict[str, Any]]] = {}
    for one in session.scalars(query.order_by(FileAttestation.id)):
        workflow = Workflow(Kind(one.kind), one.repository, one.workflow)
        bundles.setdefault(workflow, []).append(one.body)
    return {
        "version": 1,
        "attestation_bundles": [
            {"publisher": _publisher(workflow), "attestations": bodies}
            for workflow, bodies in bundles.items()
        ],
    }


def _publisher(workflow: Workflow) -> dict[str, Any]:
    """The publisher object: what its certificate tells, and no environment, which it does not."""
    file = "workflow" if workflow.kind is Kind.GITHUB else "workflow_filepath"
    return {
        "kind": workflow.kind.value,
        "claims": None,
        "repository": workflow.repository,
        file: workflow.file,
        "environment": None,
    }
