"""Publishers: the workflows by whose identity a project's attestations are signed.

Each change takes a writing session, writes its journal row, and returns the row's serial or number.
Raises Refusal.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.attestations import Kind, Workflow
from pypi_lite.models import Action, Project, Publisher, now
from pypi_lite.models.journal import append
from pypi_lite.names import normalize_name
from pypi_lite.repository.errors import Code, Refusal

_LONGEST = 255
_PART = r"[A-Za-z0-9_.-]+"
_REPOSITORIES = {
    Kind.GITHUB: re.compile(rf"{_PART}/{_PART}\Z", re.ASCII),
    Kind.GITLAB: re.compile(rf"{_PART}(/{_PART})+\Z", re.ASCII),
}
_WORKFLOWS = {
    Kind.GITHUB: re.compile(rf"{_PART}\.ya?ml\Z", re.ASCII),
    Kind.GITLAB: re.compile(rf"({_PART}/)*{_PART}\.ya?ml\Z", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class PublisherEntry:
    """A publisher of a project."""

    id: int
    workflow: Workflow
    #: Empty: any.
    environment: str
    created: datetime


def add(
    session: Session, identity: Identity, name: str, workflow: Workflow, environment: str = ""
) -> int:
    """Let *workflow* be a publisher of the project *name*; its number. One that is there is refused."""
    _check(workflow, environment)
    project = _project(session, name)
    wanted = {
        "project_id": project.id,
        "kind": workflow.kind.value,
        "repository": workflow.repository,
        "workflow": workflow.file,
        "environment": environment,
    }
    if session.scalar(select(Publisher.id).filter_by(**wanted)) is not None:
        raise Refusal(Code.BAD_FORM, f"{project.name} has this publisher already.")
    publisher = Publisher(**wanted, created=now())
    session.add(publisher)
    session.flush()
    _append(session, Action.PUBLISHER_ADD, identity, project, publisher)
    return publisher.id


def remove(session: Session, identity: Identity, name: str, number: int) -> int:
    """Let the publisher with this *number* be none of the project's; the serial. What it has attested
    stays: it was so."""
    project = _project(session, name)
    publisher = session.get(Publisher, number)
    if publisher is None or publisher.project_id != project.id:
        raise Refusal(Code.NOT_FOUND, f"{project.name} has no publisher {number}.")
    session.delete(publisher)
    return _append(session, Action.PUBLISHER_REMOVE, identity, project, publisher)


def of(session: Session, name: str) -> list[PublisherEntry]:
    """The project's publishers, in the order in which they came. Raises Refusal: no such project."""
    project = _project(session, name)
    rows = session.scalars(
        select(Publisher).where(Publisher.project_id == project.id).order_by(Publisher.id)
    )
    return [PublisherEntry(row.id, _workflow(row), row.environment, row.created) for row in rows]


def workflows(session: Session, normalized_name: str) -> list[Workflow]:
    """Who may attest files of the project, which need not be there.

    A certificate does not tell the environment, so that it counts for nothing here.
    """
    query = (
        select(Publisher)
        .join(Project)
        .where(Project.normalized_name == normalized_name)
        .order_by(Publisher.id)
    )
    return list(dict.fromkeys(_workflow(row) for row in session.scalars(query)))


def _workflow(publisher: Publisher) -> Workflow:
    return Workflow(Kind(publisher.kind), publisher.repository, publisher.workflow)


def _check(workflow: Workflow, environment: str) -> None:
    kind = workflow.kind
    if not _REPOSITORIES[kind].match(workflow.repository):
        form = "OWNER/REPOSITORY" if kind is Kind.GITHUB else "GROUP/PROJECT"
        raise Refusal(Code.BAD_FORM, f"Write a repository on {kind} as {form}.")
    if not _WORKFLOWS[kind].match(workflow.file):
        form = "the name of a file, as" if kind is Kind.GITHUB else "the path of a file, as ci/"
        raise Refusal(Code.BAD_FORM, f"A workflow on {kind} is {form} release.yml.")
    if not environment.isprintable():
        raise Refusal(Code.BAD_FORM, "An environment is a line of text.")
    if max(map(len, (workflow.repository, workflow.file, environment))) > _LONGEST:
        raise Refusal(
            Code.BAD_FORM, f"Nothing of a publisher is longer than {_LONGEST} characters."
        )


def _project(session: Session, name: str) -> Project:
    found = session.scalar(select(Project).where(Project.normalized_name == normalize_name(name)))
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"There is no project {name!r}.")
    return found


def _append(
    session: Session, action: Action, identity: Identity, project: Project, publisher: Publisher
) -> int:
    where = f" in {publisher.environment}" if publisher.environment else ""
    note = f"{publisher.id}: {_workflow(publisher)}{where}"
    entry = append(session, action, by=identity, project=project.normalized_name, note=note)
    return entry.serial
