"""Changes of what is in the index already: yanking, deleting, and a project's status.

Each takes a writing session (`Database.write`, or a request's), asks whether that identity may do it,
writes its journal row, and returns its serial. Raises Refusal where the project, version or file is
not there, a value is unfit, or the identity may not.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.permissions import Permission
from pypi_lite.models import Action, File, ProjectStatus, Release, Visibility
from pypi_lite.models.journal import append
from pypi_lite.names import canonical_version, parse_version
from pypi_lite.repository import latest
from pypi_lite.repository.authority import check, check_may_quarantine, permitted
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.reasons import clean_reason
from pypi_lite.repository.upload import mark_changed


def yank(
    session: Session, identity: Identity, name: str, version: str, reason: str | None = None
) -> int:
    """Mark a release as one that installers pass over unless it is pinned (PEP 592)."""
    release, identity = _release(session, identity, name, version, Permission.YANK)
    release.yanked_reason = clean_reason(reason)
    release.yanked = True
    return _change(session, identity, Action.RELEASE_YANK, release, note=release.yanked_reason)


def unyank(session: Session, identity: Identity, name: str, version: str) -> int:
    """Take a yank back."""
    release, identity = _release(session, identity, name, version, Permission.YANK)
    release.yanked = False
    release.yanked_reason = None
    return _change(session, identity, Action.RELEASE_UNYANK, release)


def delete_file(session: Session, identity: Identity, filename: str) -> int:
    """Take a file out of the index. Its name stays taken for ever (`BurnedFilename`)."""
    absent = Refusal(Code.NOT_FOUND, f"There is no file {filename!r}.")
    file = session.scalar(select(File).where(File.filename == filename))
    if file is None:
        raise absent
    release, project = file.release, file.release.project
    try:
        identity = check(session, identity, project, Permission.DELETE)
    except Refusal as refusal:
        # Whoever may not see the project, or whose token may not, is not told that the file is there.
        is_hidden = project.visibility != Visibility.PUBLIC
        is_hidden &= not identity.reaches(project.normalized_name)
        raise absent if is_hidden or refusal.code is Code.NOT_FOUND else refusal from None
    session.delete(file)
    return _change(session, identity, Action.FILE_DELETE, release, filename=filename)


def delete_release(session: Session, identity: Identity, name: str, version: str) -> int:
    """Take a release out of the index, with its files."""
    release, identity = _release(session, identity, name, version, Permission.DELETE)
    project = release.project
    session.delete(release)
    entry = append(
        session,
        Action.RELEASE_DELETE,
        by=identity,
        project=project.normalized_name,
        version=release.version,
    )
    mark_changed(project, entry)
    latest.keep(session, project)
    return entry.serial


def delete_project(session: Session, identity: Identity, name: str) -> int:
    """Take a project out of the index, with its releases, files and roles."""
    project, identity = permitted(session, identity, name, Permission.DELETE)
    session.delete(project)
    # What was hidden stays so: the journal's readers look for it here.
    hidden = None if project.visibility == Visibility.PUBLIC else project.visibility
    name = project.normalized_name
    return append(session, Action.PROJECT_DELETE, by=identity, project=name, note=hidden).serial


def set_status(
    session: Session, identity: Identity, name: str, status: str, reason: str | None = None
) -> int:
    """Say what may be expected of a project (PEP 792).

    Quarantine is set and lifted by administrators alone; its owners set the other three.
    """
    project, identity = permitted(session, identity, name, Permission.MANAGE)
    if status not in list(ProjectStatus):
        raise Refusal(
            Code.BAD_VALUE, f"There is no status {status[:50]!r}: use {', '.join(ProjectStatus)}."
        )
    if status == ProjectStatus.QUARANTINED:
        check_may_quarantine(identity)
    reason = clean_reason(reason)
    if status == ProjectStatus.ACTIVE and reason:
        raise Refusal(Code.BAD_VALUE, "A project that is active needs no reason: leave it out.")
    project.status, project.status_reason = status, reason
    entry = append(
        session,
        Action.PROJECT_STATUS,
        by=identity,
        project=project.normalized_name,
        note=f"{status}: {reason}" if reason else status,
    )
    mark_changed(project, entry)
    return entry.serial


def set_visibility(session: Session, identity: Identity, name: str, visibility: str) -> int:
    """Say who may read a project."""
    project, identity = permitted(session, identity, name, Permission.MANAGE)
    if visibility not in list(Visibility):
        raise Refusal(
            Code.BAD_VALUE, f"There is no {visibility[:50]!r}: use {', '.join(Visibility)}."
        )
    project.visibility = visibility
    entry = append(
        session,
        Action.PROJECT_VISIBILITY,
        by=identity,
        project=project.normalized_name,
        note=visibility,
    )
    mark_changed(project, entry)
    return entry.serial


def _change(
    session: Session,
    identity: Identity,
    action: Action,
    release: Release,
    *,
    filename: str | None = None,
    note: str | None = None,
) -> int:
    project = release.project
    entry = append(
        session,
        action,
        by=identity,
        project=project.normalized_name,
        version=release.version,
        filename=filename,
        note=note,
    )
    mark_changed(project, entry)
    latest.keep(session, project)
    return entry.serial


def _release(
    session: Session, identity: Identity, name: str, version: str, permission: Permission
) -> tuple[Release, Identity]:
    project, identity = permitted(session, identity, name, permission)
    parsed = parse_version(version)
    found = parsed and session.scalar(
        select(Release).where(
            Release.project_id == project.id,
            Release.canonical_version == canonical_version(parsed),
        )
    )
    if not found:
        raise Refusal(Code.NOT_FOUND, f"{project.name} has no version {version!r}.")
    return found, identity
