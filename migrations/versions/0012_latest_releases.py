"""The latest release of each project, kept with the project: what lists show and searches look through."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from packaging.version import Version

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = {
    "latest_version": sa.String(length=200),
    "latest_summary": sa.Text(),
    "latest_summary_folded": sa.Text(),
}
#: Projects at once.
_BATCH = 1000

_projects = sa.table("projects", sa.column("id"), *map(sa.column, _COLUMNS))
_releases = sa.table("releases", *map(sa.column, ("id", "project_id", "version", "yanked")))
_files = sa.table("files", *map(sa.column, ("release_id", "packagetype", "filename", "summary")))


def upgrade() -> None:
    """Go to this revision."""
    for name, kind in _COLUMNS.items():
        op.add_column("projects", sa.Column(name, kind))
    connection = op.get_bind()
    for ids in _batches(connection):
        values = list(_latest(connection, ids))
        if values:
            changed = sa.update(_projects).where(_projects.c.id == sa.bindparam("project"))
            connection.execute(
                changed.values({name: sa.bindparam(name) for name in _COLUMNS}), values
            )


def downgrade() -> None:
    """Go back."""
    for name in _COLUMNS:
        op.drop_column("projects", name)


def _batches(connection: sa.Connection) -> Iterator[Sequence[int]]:
    last = 0
    query = sa.select(_projects.c.id).order_by(_projects.c.id).limit(_BATCH)
    while ids := connection.scalars(query.where(_projects.c.id > last)).all():
        yield ids
        last = ids[-1]


def _latest(connection: sa.Connection, ids: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The values of each project that has a release."""
    releases = defaultdict(list)
    columns = _releases.c
    for row in connection.execute(
        sa.select(columns.project_id, columns.id, columns.version, columns.yanked).where(
            columns.project_id.in_(ids)
        )
    ):
        version = Version(row.version)
        is_final = not row.yanked and not version.is_prerelease
        releases[row.project_id].append((is_final, not row.yanked, version, row.id))
    latest = {project: max(found) for project, found in releases.items()}
    summaries = _summaries(connection, [release for *_, release in latest.values()])
    for project, (_, _, version, release) in latest.items():
        summary = summaries.get(release)
        yield {
            "project": project,
            "latest_version": str(version),
            "latest_summary": summary,
            "latest_summary_folded": summary and re.sub(r"[-_.]+", "-", summary.casefold()).lower(),
        }


def _summaries(connection: sa.Connection, releases: Sequence[int]) -> dict[int, str | None]:
    """Of each release's wheel, by preference; of several files the first by name."""
    columns = _files.c
    query = (
        sa.select(columns.release_id, columns.summary)
        .where(columns.release_id.in_(releases))
        .order_by(columns.packagetype.desc(), columns.filename.desc())
    )
    return {row.release_id: row.summary for row in connection.execute(query)}
