"""Attestations of uploads, and the provenance of files that they become (PEP 740)."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite import attestations
from pypi_lite.attestations import AttestationError, Attested, Kind, TrustRootError, Workflow
from pypi_lite.cache.pages import Facts
from pypi_lite.models import File, FileAttestation, Project, Release
from pypi_lite.repository import Index, publishers
from pypi_lite.repository.errors import Code, Refusal

log = logging.getLogger(__name__)

_NOT_TAKEN = "The attestations of the upload can't be taken"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What has been signed about a file."""

    #: As the release's address spells it.
    version: str
    #: The last change that its page shows.
    facts: Facts
    #: The standard's provenance object.
    document: dict[str, Any]


def check(
    index: Index, text: str | None, project: str, filename: str, sha256: str
) -> Collection[Attested]:
    """The attestations in *text*, a JSON array, if all of them are true and by publishers of *project*
    (normalized); none where they are not asked for. Raises Refusal."""
    if text is None or not index.settings.takes_attestations:
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


def provenance(session: Session, project: str, filename: str) -> Provenance | None:
    """Of the file, whose *project* (normalized) this is; None: nothing, or no such file. One query."""
    query = (
        select(Project.last_serial, Project.changed, Release.version, FileAttestation)
        .join_from(FileAttestation, File)
        .join(Release)
        .join(Project)
        .where(Project.normalized_name == project, File.filename == filename)
        .order_by(FileAttestation.id)
    )
    rows = session.execute(query).all()
    if not rows:
        return None
    bundles: dict[Workflow, list[dict[str, Any]]] = {}
    for row in rows:
        one: FileAttestation = row.FileAttestation
        workflow = Workflow(Kind(one.kind), one.repository, one.workflow)
        bundles.setdefault(workflow, []).append(one.body)
    return Provenance(
        version=rows[0].version,
        facts=Facts(serial=rows[0].last_serial, changed=rows[0].changed),
        document={
            "version": 1,
            "attestation_bundles": [
                {"publisher": _publisher(workflow), "attestations": bodies}
                for workflow, bodies in bundles.items()
            ],
        },
    )


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
