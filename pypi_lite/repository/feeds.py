"""The reads behind the feeds: what is newest, in the index or of one project."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pypi_lite.cache.pages import Facts
from pypi_lite.models import Project, ProjectStatus, Release
from pypi_lite.repository.pages import (
    NewRelease,
    ProjectEntry,
    newest_change_of_any_project,
    summaries_of,
)
from pypi_lite.repository.reach import Reach


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project, with the summary of its newest release."""

    name: str
    normalized_name: str
    summary: str | None
    created: datetime


def newest_projects(session: Session, reach: Reach, limit: int) -> tuple[Facts, list[NewProject]]:
    """The projects in reach that were begun last, the newest first; none in quarantine."""
    facts = newest_change_of_any_project(session, reach)
    query = (
        select(Project.id, Project.name, Project.normalized_name, Project.created)
        .where(Project.status != ProjectStatus.QUARANTINED, reach.condition())
        .order_by(Project.id.desc())  # in which they were begun, and there is an index of it
        .limit(limit)
    )
    rows = session.execute(query).all()
    releases = _newest_releases(session, [row.id for row in rows])
    summaries = summaries_of(session, list(releases.values()))
    return facts, [
        NewProject(
            name=row.name,
            normalized_name=row.normalized_name,
            summary=summaries.get(releases.get(row.id, 0)),
            created=row.created,
        )
        for row in rows
    ]


def newest_releases_of(session: Session, project: ProjectEntry, limit: int) -> list[NewRelease]:
    """The releases of *project* that were made last, the newest first; yanked ones are not news.

    Nothing of a project in quarantine is.
    """
    if project.status == ProjectStatus.QUARANTINED:
        return []
    releases = [release for release in project.releases if not release.yanked]
    releases = sorted(releases, key=lambda r: (r.created, r.id), reverse=True)[:limit]
    summaries = summaries_of(session, [release.id for release in releases])
    return [
        NewRelease(
            name=project.name,
            normalized_name=project.normalized_name,
            version=str(release.version),
            summary=summaries.get(release.id),
            created=release.created,
            visibility=project.visibility,
        )
        for release in releases
    ]


def _newest_releases(session: Session, project_ids: Sequence[int]) -> dict[int, int]:
    """The release of each project that was made last."""
    query = (
        select(Release.project_id, func.max(Release.id))
        .where(Release.project_id.in_(project_ids))
        .group_by(Release.project_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}
