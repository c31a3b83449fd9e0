"""What lists show of each project: its latest release, kept with the project.

No database orders versions as PEP 440 does, so that every change of a project's releases or files says
anew which one is the latest; a list, and a search, then reads the projects alone.
"""

from typing import NamedTuple

from packaging.version import Version
from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.models import Project, Release
from pypi_lite.names import normalize_name
from pypi_lite.repository.pages import latest_of, summaries_of


class Latest(NamedTuple):
    """The latest release of a project; all None: it has no release."""

    version: str | None
    summary: str | None
    summary_folded: str | None


class _Known(NamedTuple):
    id: int
    version: Version
    yanked: bool


def keep(session: Session, project: Project) -> None:
    """Note with *project* what its latest release is, after a change of its releases or files."""
    session.flush()  # what was changed is asked for, and a new project has its number from here on
    found = find(session, project.id)
    project.latest_version, project.latest_summary, project.latest_summary_folded = found


def find(session: Session, project_id: int) -> Latest:
    """The latest release of a project, as its rows say."""
    query = select(Release.id, Release.version, Release.yanked)
    rows = session.execute(query.where(Release.project_id == project_id))
    release = latest_of(_Known(row.id, Version(row.version), row.yanked) for row in rows)
    if release is None:
        return Latest(None, None, None)
    summary = summaries_of(session, [release.id]).get(release.id)
    return Latest(str(release.version), summary, None if summary is None else folded(summary))


def folded(text: str) -> str:
    """*text* in the form in which words are looked for: without case, and spelt as names are normalized.

    Of a project's name that is the normalized one.
    """
    return normalize_name(text.casefold())
