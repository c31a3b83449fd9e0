"""The reads behind the pages: a handful of queries each, in the one snapshot of the session.

What comes back are plain values, which hold the facts that a page shows and no session.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from packaging.version import Version
from sqlalchemy import ColumnElement, bindparam, exists, select, true, type_coerce
from sqlalchemy.orm import Session

from pypi_lite.cache.pages import Facts
from pypi_lite.models import (
    Action,
    Description,
    File,
    FileAttestation,
    JournalEntry,
    Project,
    ProjectStatus,
    Release,
    Role,
    RoleName,
    User,
    Visibility,
)
from pypi_lite.models.base import UTCText
from pypi_lite.names import canonical_version, parse_version
from pypi_lite.repository.reach import Reach


def moment_text(moment: datetime) -> str:
    """A moment in UTC as APIs show it: ISO 8601, with microseconds and a Z."""
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


class FileEntry(NamedTuple):
    """A file, as lists of files show it. A tuple: a page may have thousands, and these cost least."""

    id: int
    release_id: int
    filename: str
    packagetype: str
    python_version: str
    size: int
    sha256: str
    md5: str
    blake2_256: str
    #: When it was uploaded, with microseconds and a Z (PEP 700).
    upload_time: str
    requires_python: str | None
    metadata_sha256: str | None
    #: Normalized.
    project: str
    #: Whether it has provenance.
    is_attested: bool

    @property
    def path(self) -> str:
        """The file's address below the index, the same for ever; its last part is its name."""
        return f"files/{self.project}/{self.sha256}/{self.filename}"

    @property
    def uploaded(self) -> datetime:
        """When it was uploaded."""
        return datetime.fromisoformat(self.upload_time)


# Columns of the tables and not of the models: the ORM's way to the same tuples takes a sixth longer.
_file, _release = File.__table__.c, Release.__table__.c
_project = Project.__table__.c
_COLUMNS = {
    **dict(_file.items()),
    "upload_time": type_coerce(_file.uploaded, UTCText),
    "project": _project.normalized_name,
    "is_attested": exists().where(FileAttestation.__table__.c.file_id == _file.id),
}
#: A project's files as `FileEntry`, by name, those that are a "bdist_wheel" before an "sdist".
_FILES = (
    select(*(_COLUMNS[name] for name in FileEntry._fields))
    .join_from(File.__table__, Release.__table__)
    .join(Project.__table__)
    .where(_release.project_id == bindparam("project_id"))
    .order_by(_file.packagetype, _file.filename)
)
_PROJECT = select(
    _project.id,
    _project.name,
    _project.normalized_name,
    _project.created,
    _project.status,
    _project.status_reason,
    _project.visibility,
    _project.last_serial,
    _project.changed,
).where(_project.normalized_name == bindparam("name"))
_RELEASES = select(
    _release.id, _release.version, _release.created, _release.yanked, _release.yanked_reason
).where(_release.project_id == bindparam("project_id"))

_description = Description.__table__.c
_METADATA = (
    select(
        _file.summary,
        _file.requires_python,
        _file.core_metadata,
        _description.raw,
        _description.content_type,
        _description.html,
    )
    .outerjoin_from(File.__table__, Description.__table__)
    .where(_file.id == bindparam("file_id"))
)


class Versioned(Protocol):
    """A release, as far as it matters which one is the latest."""

    @property
    def version(self) -> Version: ...

    @property
    def yanked(self) -> bool: ...


_Versioned = TypeVar("_Versioned", bound=Versioned)


def latest_of(releases: Iterable[_Versioned]) -> _Versioned | None:
    """What an installer would take: the highest version that is neither yanked nor a pre-release, or
    else the highest not yanked, or else the highest."""

    def rank(release: Versioned) -> tuple[bool, bool, Version]:
        is_final = not release.yanked and not release.version.is_prerelease
        return is_final, not release.yanked, release.version

    return max(releases, key=rank, default=None)


@dataclass(frozen=True, slots=True)
class ReleaseEntry:
    """A release with its files, wheels first, by name."""

    id: int
    version: Version
    created: datetime
    yanked: bool
    yanked_reason: str | None
    files: tuple[FileEntry, ...]


@dataclass(frozen=True, slots=True)
class ProjectEntry:
    """A project with its releases, the newest version first; of one in quarantine without files."""

    id: int
    name: str
    normalized_name: str
    created: datetime
    status: ProjectStatus
    status_reason: str | None
    visibility: Visibility
    facts: Facts
    releases: tuple[ReleaseEntry, ...]

    @property
    def latest(self) -> ReleaseEntry | None:
        """What an installer would take."""
        return latest_of(self.releases)

    def release(self, version: str) -> ReleaseEntry | None:
        """The release of *version*, in whatever spelling."""
        parsed = parse_version(version)
        if parsed is None:
            return None
        wanted = canonical_version(parsed)
        return next((r for r in self.releases if canonical_version(r.version) == wanted), None)


@dataclass(frozen=True, slots=True)
class ReleaseMetadata:
    """What a release says of itself: the metadata of one of its files, a wheel's by preference."""

    summary: str | None
    requires_python: str | None
    #: packaging's RawMetadata without the description.
    fields: dict[str, Any]
    description: str | None
    description_content_type: str | None
    description_html: str | None


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A line of the home page."""

    name: str
    normalized_name: str
    version: str
    summary: str | None
    created: datetime
    visibility: Visibility


def names(session: Session, reach: Reach) -> tuple[Facts, Sequence[tuple[str, str]]]:
    """The root list: (normalized name, name) of each project that may be read, in order."""
    actions = [Action.PROJECT_CREATE, Action.PROJECT_RENAME, Action.PROJECT_DELETE]
    facts = _newest_change(
        session,
        (JournalEntry.action == Action.INDEX_CREATE)
        | _alters_reach(reach)
        | (JournalEntry.action.in_(actions) & is_of_reach(reach)),
    )
    query = (
        select(Project.normalized_name, Project.name)
        .where(reach.condition())
        .order_by(Project.normalized_name)
    )
    return facts, [(row.normalized_name, row.name) for row in session.execute(query)]


def newest_releases(session: Session, reach: Reach, limit: int) -> tuple[Facts, list[NewRelease]]:
    """The home page's list, the newest first."""
    facts = newest_change_of_any_project(session, reach)
    query = (
        select(
            Release.id,
            Release.version,
            Release.created,
            Project.name,
            Project.normalized_name,
            Project.visibility,
        )
        .join(Project)
        .where(~Release.yanked, Project.status != ProjectStatus.QUARANTINED, reach.condition())
        .order_by(Release.created.desc(), Release.id.desc())
        .limit(limit)
    )
    rows = session.execute(query).all()
    summaries = summaries_of(session, [row.id for row in rows])
    return facts, [
        NewRelease(
            name=row.name,
            normalized_name=row.normalized_name,
            version=row.version,
            summary=summaries.get(row.id),
            created=row.created,
            visibility=Visibility(row.visibility),
        )
        for row in rows
    ]


def project(session: Session, normalized_name: str, reach: Reach) -> ProjectEntry | None:
    """A project with all its releases and files, or None: there is none for *reach*.

    Three queries, whatever its size.
    """
    row = session.execute(_PROJECT, {"name": normalized_name}).one_or_none()
    if row is None or not reach.covers(normalized_name, Visibility(row.visibility)):
        return None
    status = ProjectStatus(row.status)
    return ProjectEntry(
        id=row.id,
        name=row.name,
        normalized_name=row.normalized_name,
        created=row.created,
        status=status,
        status_reason=row.status_reason,
        visibility=Visibility(row.visibility),
        facts=Facts(serial=row.last_serial, changed=row.changed),
        releases=tuple(_releases(session, row.id, has_files=status != ProjectStatus.QUARANTINED)),
    )


def release_metadata(session: Session, release: ReleaseEntry) -> ReleaseMetadata | None:
    """What the release says of itself, or None where it has no file."""
    if not release.files:
        return None
    row = session.execute(_METADATA, {"file_id": release.files[0].id}).one()
    return ReleaseMetadata(
        summary=row.summary,
        requires_python=row.requires_python,
        fields=row.core_metadata,
        description=row.raw,
        description_content_type=row.content_type,
        description_html=row.html,
    )


def roles(session: Session, project_id: int) -> list[tuple[str, str]]:
    """Who publishes a project: owner or maintainer, and user name, owners first."""
    query = (
        select(Role.role, User.name)
        .join(Role.user)
        .where(
            Role.project_id == project_id,
            Role.role.in_([RoleName.OWNER, RoleName.MAINTAINER]),
        )
        .order_by(Role.role.desc(), User.name)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where the bytes of a file and of its metadata are, and whose it is (normalized)."""

    project: str
    visibility: Visibility
    sha256: str
    metadata_sha256: str | None
    is_quarantined: bool


def stored_file(session: Session, filename: str, reach: Reach) -> StoredFile | None:
    """The file of that name, or None: there is none for *reach*, or no longer."""
    row = session.execute(
        select(
            Project.normalized_name,
            Project.visibility,
            File.sha256,
            File.metadata_sha256,
            Project.status == ProjectStatus.QUARANTINED,
        )
        .join_from(File, Release)
        .join(Project)
        .where(File.filename == filename)
    ).one_or_none()
    if row is None or not reach.covers(row.normalized_name, Visibility(row.visibility)):
        return None
    return StoredFile(row[0], Visibility(row[1]), *row[2:])


def newest_change_of_any_project(session: Session, reach: Reach) -> Facts:
    """The last change that shows on pages of what is newest in the index."""
    return _newest_change(
        session,
        (JournalEntry.action == Action.INDEX_CREATE)
        | _alters_reach(reach)
        | (JournalEntry.project.is_not(None) & is_of_reach(reach)),
    )


def _alters_reach(reach: Reach) -> ColumnElement[bool]:
    """Of journal rows: whether projects may have come into somebody's reach, or gone out of it.

    The deletion of a project counts where it could be read; its row says what it was. Without that a
    list would be shorter and have the serial of before: two versions with one time. (A private one
    leaves with its roles, and so those who had one see another circle's list.)
    """
    hidden = (
        (Visibility.PRIVATE,) if reach.has_account else (Visibility.PRIVATE, Visibility.INTERNAL)
    )
    gone = JournalEntry.note.is_(None) | JournalEntry.note.not_in(hidden)
    deleted = (JournalEntry.action == Action.PROJECT_DELETE) & gone
    return (JournalEntry.action == Action.PROJECT_VISIBILITY) | deleted


def is_of_reach(reach: Reach) -> ColumnElement[bool]:
    """Of journal rows: whether it is of a project that may be read. What hides cannot be told by the
    moment of a list's last change either."""
    if reach.is_admin:
        return true()
    return exists().where(Project.normalized_name == JournalEntry.project, reach.condition())


def _newest_change(session: Session, condition: Any) -> Facts:
    query = (
        select(JournalEntry.serial, JournalEntry.moment)
        .where(condition)
        .order_by(JournalEntry.serial.desc())
        .limit(1)
    )
    row = session.execute(query).one()  # the first migration writes a first row
    return Facts(serial=row.serial, changed=row.moment)


def _releases(session: Session, project_id: int, *, has_files: bool) -> list[ReleaseEntry]:
    """The newest version first."""
    files: dict[int, list[FileEntry]] = {}
    rows = session.execute(_FILES, {"project_id": project_id}).all() if has_files else ()
    for file in map(FileEntry._make, rows):
        files.setdefault(file.release_id, []).append(file)
    releases = [
        ReleaseEntry(
            id=row.id,
            version=Version(row.version),
            created=row.created,
            yanked=row.yanked,
            yanked_reason=row.yanked_reason,
            files=tuple(files.get(row.id, ())),
        )
        for row in session.execute(_RELEASES, {"project_id": project_id})
    ]
    return sorted(releases, key=lambda release: release.version, reverse=True)


def summaries_of(session: Session, release_ids: Sequence[int]) -> dict[int, str | None]:
    """The summary of each release, of the file that speaks for it."""
    query = (
        select(File.release_id, File.summary)
        .where(File.release_id.in_(release_ids))
        .order_by(File.packagetype.desc(), File.filename.desc())
    )
    return {row.release_id: row.summary for row in session.execute(query)}
