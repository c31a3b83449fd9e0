"""What lists show of each project: its latest release, kept with the project.

No database orders versions as PEP 440 does, so that every change of a project's releases or files says
anew which one is the latest; a list, and a search, then reads the projects alone.
"""

from typing import NamedTuple

from packaging.version import Version
from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.models import File, Project, Release
from pypi_lite.names import normalize_name
from pypi_lite.repository.pages import latest_of, summaries_of


class _Known(NamedTuple):
    id: int
    version: Version
    yanked: bool


def keep(session: Session, project: Project) -> None:
    """Note with *project* what its latest release is, after a change of its releases or files."""
    session.flush()  # what was changed is asked for
    query = select(Release.id, Release.version, Release.yanked)
    rows = session.execute(query.where(Release.project_id == project.id))
    release = latest_of(_Known(row.id, Version(row.version), row.yanked) for row in rows)
    if release is None:
        _note(project, None, None)
        return
    _note(project, str(release.version), summaries_of(session, [release.id]).get(release.id))


def keep_with(session: Session, project: Project, release: Release, file: File) -> None:
    """The same when *file* has come to *release*, and is not written yet: no other release has changed,
    so that two of them are compared, however many there are."""
    if project.latest_version not in (None, release.version) and not _is_later(
        session, project, release
    ):
        return
    summary = file.summary
    if release.id is not None:  # it has other files, one of which may speak for it
        session.flush()
        summary = summaries_of(session, [release.id]).get(release.id)
    _note(project, release.version, summary)


def _is_later(session: Session, project: Project, release: Release) -> bool:
    """Whether *release* is the latest now, and not the one that was."""
    query = select(Release.yanked).where(
        Release.project_id == project.id, Release.version == project.latest_version
    )
    with session.no_autoflush:
        yanked = session.scalar(query)
    before = _Known(0, Version(project.latest_version or ""), bool(yanked))
    new = _Known(1, Version(release.version), bool(release.yanked))
    return latest_of([before, new]) is new


def _note(project: Project, version: str | None, summary: str | None) -> None:
    project.latest_version, project.latest_summary = version, summary
    project.latest_summary_folded = None if summary is None else folded(summary)


def folded(text: str) -> str:
    """*text* in the form in which words are looked for: without case, and spelt as names are normalized.

    Of a project's name that is the normalized one.
    """
    return normalize_name(text.casefold())
