"""Publishers: what runs elsewhere, and may publish files of a project and sign its attestations.

A pending publisher is of a project that is not there yet: whoever named it owns the project that its
first upload begins. It keeps the name from nobody.

Each change takes a writing session, asks whether that identity may do it, writes its journal row, and
returns the row's serial or the publisher's number. Raises Refusal.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import identity_of
from pypi_lite.accounts.permissions import Permission
from pypi_lite.attestations import Kind, Workflow
from pypi_lite.issuers import PUBLIC, IssuerKind, Source
from pypi_lite.models import Action, Project, Publisher, Scope, User, now
from pypi_lite.models.journal import append, next_serial
from pypi_lite.names import LONGEST_NAME, is_valid_name, normalize_name
from pypi_lite.repository import namespaces
from pypi_lite.repository.authority import current_identity, permitted
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.projects import find_project
from pypi_lite.settings import Settings
from pypi_lite.urls import safe_url

_LONGEST = 255
_PART = r"[A-Za-z0-9_.-]+"
_REPOSITORIES = {
    IssuerKind.GITHUB: re.compile(rf"{_PART}/{_PART}\Z", re.ASCII),
    IssuerKind.GITLAB: re.compile(rf"{_PART}(/{_PART})+\Z", re.ASCII),
}
_WORKFLOWS = {
    IssuerKind.GITHUB: re.compile(rf"{_PART}\.ya?ml\Z", re.ASCII),
    IssuerKind.GITLAB: re.compile(rf"({_PART}/)*{_PART}\.ya?ml\Z", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class PublisherEntry:
    """A publisher of a project, or a pending one."""

    id: int
    source: Source
    created: datetime
    #: The forge's number of the account that owns the repository, since the first token.
    owner_id: str | None
    #: Of a pending one: the project's normalized name, and whose it will be.
    pending_name: str | None = None
    person: str | None = None


def check_trusted(settings: Settings, source: Source) -> None:
    """Raises Refusal where *source* could neither publish nor attest, whatever project names it."""
    issuers = {(issuer.kind, issuer.url) for issuer in settings.publisher_issuers}
    if (source.kind, source.issuer) not in issuers:
        raise Refusal(
            Code.BAD_VALUE,
            f"This index trusts no tokens of {source.title[:_LONGEST]}: who runs it writes the issuer"
            " into the setting trusted_publishers.",
        )


def add(session: Session, identity: Identity, name: str, source: Source) -> int:
    """Let *source* be a publisher of the project *name*; its number. One that is there is refused."""
    _check(source)
    project, identity = permitted(session, identity, name, Permission.MANAGE)
    wanted = {"project_id": project.id, **_columns(source)}
    if session.scalar(select(Publisher.id).filter_by(**wanted)) is not None:
        raise Refusal(Code.BAD_FORM, f"{project.name} has this publisher already.")
    publisher = Publisher(id=next_serial(session), **wanted, created=now())
    session.add(publisher)
    session.flush()
    journal(session, Action.PUBLISHER_ADD, identity, publisher)
    return publisher.id


def add_pending(
    session: Session, identity: Identity, name: str, source: Source, *, user_name: str
) -> int:
    """Let *source* begin the project *name*, which will be the user's; its number."""
    _check(source)
    user = _person(session, identity, user_name)
    normalized = normalize_name(name)
    if not is_valid_name(name) or len(normalized) > LONGEST_NAME:
        raise Refusal(Code.BAD_FORM, f"{name[:LONGEST_NAME]!r} can't be a project's name.")
    if session.scalar(select(Project.id).where(Project.normalized_name == normalized)) is not None:
        raise Refusal(
            Code.BAD_FORM, f"There is a project {normalized!r}: name the publisher on its own page."
        )
    person = identity_of(user, means=None)
    if person is None:
        raise Refusal(Code.NOT_ALLOWED, f"The account {user.name!r} is disabled.")
    namespaces.check_may_begin(session, person, normalized)
    wanted = {"pending_name": normalized, **_columns(source)}
    if session.scalar(select(Publisher.id).filter_by(**wanted)) is not None:
        raise Refusal(Code.BAD_FORM, f"This publisher is named for {normalized!r} already.")
    publisher = Publisher(id=next_serial(session), **wanted, person=user, created=now())
    session.add(publisher)
    session.flush()
    journal(session, Action.PUBLISHER_ADD, identity, publisher)
    return publisher.id


def remove(session: Session, identity: Identity, name: str, number: int) -> int:
    """Let the publisher with this *number* be none of the project's; the serial. Its tokens open nothing
    from now on. What it has published and attested stays: it was so."""
    project, identity = permitted(session, identity, name, Permission.MANAGE)
    publisher = session.get(Publisher, number)
    if publisher is None or publisher.project_id != project.id:
        raise Refusal(Code.NOT_FOUND, f"{project.name} has no publisher {number}.")
    session.delete(publisher)
    return journal(session, Action.PUBLISHER_REMOVE, identity, publisher)


def remove_pending(session: Session, identity: Identity, number: int) -> int:
    """Let a pending publisher, of one's own or anybody's for an administrator, begin nothing."""
    publisher = session.get(Publisher, number)
    if publisher is None or publisher.person is None:
        raise Refusal(Code.NOT_FOUND, f"There is no pending publisher {number}.")
    _person(session, identity, publisher.person.name)
    session.delete(publisher)
    return journal(session, Action.PUBLISHER_REMOVE, identity, publisher)


def of(session: Session, name: str) -> list[PublisherEntry]:
    """The project's publishers, in the order in which they came. Raises Refusal: no such project."""
    project = find_project(session, name)
    return _entries(session, select(Publisher).where(Publisher.project_id == project.id))


def pending(session: Session, user_id: int | None = None) -> list[PublisherEntry]:
    """A user's pending publishers, or all of them."""
    query = select(Publisher).where(Publisher.pending_by.is_not(None))
    if user_id is not None:
        query = query.where(Publisher.pending_by == user_id)
    return _entries(session, query)


def workflows(session: Session, normalized_name: str) -> list[Workflow]:
    """Who may attest files of the project; where it is not there yet, who may begin it.

    A certificate does not tell the environment, so that it counts for nothing here.
    """
    query = (
        select(Publisher)
        .outerjoin(Publisher.project)
        .where(
            or_(
                Project.normalized_name == normalized_name,
                Publisher.pending_name == normalized_name,
            )
        )
        .order_by(Publisher.id)
    )
    found = map(_workflow, session.scalars(query))
    return list(dict.fromkeys(workflow for workflow in found if workflow))


def source_of(publisher: Publisher) -> Source:
    """What the publisher is."""
    return Source(
        IssuerKind(publisher.kind),
        publisher.issuer,
        publisher.repository,
        publisher.workflow,
        publisher.environment,
    )


def journal(
    session: Session, action: Action, identity: Identity, publisher: Publisher, more: str = ""
) -> int:
    """Write what has become of a publisher, and *more*, into the journal; the serial.

    A project that is not there yet is in the text alone: else mirrors would look for it.
    """
    project = publisher.project
    for_name = "" if project else f" for {publisher.pending_name}, pending"
    entry = append(
        session,
        action,
        by=identity,
        project=project.normalized_name if project else None,
        note=f"{publisher.id}: {source_of(publisher)}{for_name}{more}",
    )
    return entry.serial


def _entries(session: Session, query: Select[Publisher]) -> list[PublisherEntry]:
    rows: Sequence[Publisher] = session.scalars(query.order_by(Publisher.id)).all()
    return [
        PublisherEntry(
            id=row.id,
            source=source_of(row),
            created=row.created,
            owner_id=row.owner_id,
            pending_name=row.pending_name,
            person=row.person.name if row.person else None,
        )
        for row in rows
    ]


def _workflow(publisher: Publisher) -> Workflow | None:
    """Whose certificates are meant: they are of the public GitHub and GitLab."""
    kind = IssuerKind(publisher.kind)
    if PUBLIC.get(kind) != publisher.issuer:
        return None
    return Workflow(Kind(kind.value), publisher.repository, publisher.workflow)


def _columns(source: Source) -> dict[str, str]:
    return {
        "kind": source.kind.value,
        "issuer": source.issuer,
        "repository": source.repository,
        "workflow": source.workflow,
        "environment": source.environment,
    }


def _check(source: Source) -> None:
    kind = source.kind
    try:
        safe_url(source.issuer)
    except ValueError as error:
        raise Refusal(Code.BAD_FORM, f"An issuer is an address: {error}.") from None
    if kind is IssuerKind.OTHER:
        if source.repository or source.environment or not source.workflow.strip():
            raise Refusal(
                Code.BAD_FORM, "Of this issuer's tokens the subject is known, and no more."
            )
    else:
        _check_workflow(source)
    if not (source.workflow + source.environment).isprintable():
        raise Refusal(Code.BAD_FORM, "An environment, or a subject, is a line of text.")
    if max(map(len, _columns(source).values())) > _LONGEST:
        raise Refusal(
            Code.BAD_FORM, f"Nothing of a publisher is longer than {_LONGEST} characters."
        )


def _check_workflow(source: Source) -> None:
    kind = source.kind
    if not _REPOSITORIES[kind].match(source.repository):
        form = "OWNER/REPOSITORY" if kind is IssuerKind.GITHUB else "GROUP/PROJECT"
        raise Refusal(Code.BAD_FORM, f"Write a repository on {kind} as {form}.")
    if not _WORKFLOWS[kind].match(source.workflow):
        is_name = kind is IssuerKind.GITHUB
        form = "the name of a file, as" if is_name else "the path of a file, as ci/"
        raise Refusal(Code.BAD_FORM, f"A workflow on {kind} is {form} release.yml.")


def _person(session: Session, identity: Identity, user_name: str) -> User:
    """The user, if it is *identity* itself, or whom it administers."""
    current = current_identity(session, identity)
    user = session.scalar(select(User).where(User.name == user_name.strip().lower()))
    if user is None or not (current.is_admin or current.user_id == user.id):
        end = "." if current.is_admin else ", or it is not you."
        raise Refusal(Code.NOT_FOUND, f"There is no user {user_name!r}{end}")
    if not current.has_scope(Scope.MANAGE):
        raise Refusal(Code.NOT_ALLOWED, "This token may not do that: log in.")
    return user
