"""Changes of what is in the index already: yanking and deleting.

Each takes a writing session (`Database.write`, or a request's), writes its journal row, and returns
its serial. Raises Refusal where the project, version or file is not there.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.models import Action, File, Project, Release
from pypi_lite.models.journal import append
from pypi_lite.names import canonical_version, normalize_name, parse_version
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.upload import mark_changed


def yank(
    session: Session, identity: Identity, name: str, version: str, reason: str | None = None
) -> int:
    """Mark a release as one that installers pass over unless it is pinned (PEP 592)."""
    release = _release(session, name, version)
    release.yanked = True
    release.yanked_reason = reason or None  # an empty reason is none: clients never see ""
    return _change(session, identity, Action.RELEASE_YANK, release, note=release.yanked_reason)


def unyank(session: Session, identity: Identity, name: str, version: str) -> int:
    """Take a yank back."""
    release = _release(session, name, version)
    release.yanked = False
    release.yanked_reason = None
    return _change(session, identity, Action.RELEASE_UNYANK, release)


def delete_file(session: Session, identity: Identity, filename: str) -> int:
    """Take a file out of the index. Its name stays taken for ever (`BurnedFilename`)."""
    file = session.scalar(select(File).where(File.filename == filename))
    if file is None:
        raise Refusal(Code.NOT_FOUND, f"There is no file {filename!r}.")
    release = file.release
    session.delete(file)
    return _change(session, identity, Action.FILE_DELETE, release, filename=filename)


def delete_release(session: Session, identity: Identity, name: str, version: str) -> int:
    """Take a release out of the index, with its files."""
    release = _release(session, name, version)
    project = release.project
    session.delete(release)
    entry = append(
        session,
        Action.RELEASE_DELETE,
        actor=identity.name,
        project=project.normalized_name,
        version=release.version,
    )
    mark_changed(project, entry)
    return entry.serial


def delete_project(session: Session, identity: Identity, name: str) -> int:
    """Take a project out of the index, with its releases, files and roles."""
    project = _project(session, name)
    session.delete(project)
    entry = append(
        session, Action.PROJECT_DELETE, actor=identity.name, project=project.normalized_name
    )
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
        actor=identity.name,
        project=project.normalized_name,
        version=release.version,
        filename=filename,
        note=note,
    )
    mark_changed(project, entry)
    return entry.serial


def _project(session: Session, name: str) -> Project:
    found = session.scalar(select(Project).where(Project.normalized_name == normalize_name(name)))
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"There is no project {name!r}.")
    return found


def _release(session: Session, name: str, version: str) -> Release:
    project = _project(session, name)
    parsed = parse_version(version)
    found = parsed and session.scalar(
        select(Release).where(
            Release.project_id == project.id,
            Release.canonical_version == canonical_version(parsed),
        )
    )
    if not found:
        raise Refusal(Code.NOT_FOUND, f"{project.name} has no version {version!r}.")
    return found
