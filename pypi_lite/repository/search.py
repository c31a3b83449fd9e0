"""The search for projects, by words of their names and summaries, among those that somebody may read.

Words are compared without their case, and in the normalized spelling of names, which is that of no
database (`latest.folded`); each may be any part of a name or summary. What databases take for wildcards
are plain characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from pypi_lite.models import File, Project, ProjectStatus, Release, Visibility
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.latest import folded
from pypi_lite.repository.reach import Reach

#: Projects on a page.
A_PAGE = 50
#: Characters that are searched for at most, and words: each one is compared with every project.
LONGEST = 200
MOST_WORDS = 10


@dataclass(frozen=True, slots=True)
class Found:
    """A project, as a list shows it; of one in quarantine neither version, summary nor upload."""

    name: str
    normalized_name: str
    visibility: Visibility
    status: ProjectStatus
    version: str | None
    summary: str | None
    #: When its newest file was uploaded.
    uploaded: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """One page of what was found."""

    projects: Sequence[Found]
    #: Of all that was found.
    count: int
    #: Its number, from 1, and the last page's.
    page: int
    last: int


def read_words(text: str) -> list[str]:
    """The words of what a person has typed, folded. Raises Refusal where they are too many."""
    # What can't be printed is in no name, and a database may refuse to be asked for it.
    words = "".join(c if c.isprintable() else " " for c in text).split()
    if len(text) > LONGEST or len(words) > MOST_WORDS:
        raise Refusal(
            Code.BAD_VALUE,
            f"Search for at most {MOST_WORDS} words, and {LONGEST} characters: the fewer, the more is"
            " found.",
        )
    return [folded(word) for word in words]


def search(session: Session, reach: Reach, words: Sequence[str], page: int = 1) -> Part:
    """The projects in reach that hold every one of the *words*, by name; without words all in reach.

    Those that have the words for their name come first, then at its beginning, then anywhere in it. After
    the last page comes none: asked for one, the answer is the last, since projects go between two
    questions.
    """
    wanted = [reach.condition(), *map(_holds, words)]
    count = session.execute(select(func.count()).select_from(Project).where(*wanted)).scalar_one()
    last = max(1, -(-count // A_PAGE))
    page = min(page, last)
    order = [*_ranks(words), Project.normalized_name]
    rows = (
        select(Project.id)
        .where(*wanted)
        .order_by(*order)
        .limit(A_PAGE)
        .offset((page - 1) * A_PAGE)
        .subquery()
    )
    uploaded = (
        select(func.max(File.uploaded))
        .join(Release)
        .where(Release.project_id == Project.id)
        .scalar_subquery()
    )
    query = (
        select(
            Project.name,
            Project.normalized_name,
            Project.visibility,
            Project.status,
            Project.latest_version,
            Project.latest_summary,
            uploaded.label("uploaded"),
        )
        .join(rows, rows.c.id == Project.id)
        .order_by(*order)
    )
    found = [_found(row) for row in session.execute(query)]
    return Part(found, count, page, last)


def _found(row: Any) -> Found:
    status = ProjectStatus(row.status)
    is_shown = status != ProjectStatus.QUARANTINED
    return Found(
        name=row.name,
        normalized_name=row.normalized_name,
        visibility=Visibility(row.visibility),
        status=status,
        version=row.latest_version if is_shown else None,
        summary=row.latest_summary if is_shown else None,
        uploaded=row.uploaded if is_shown else None,
    )


def _holds(word: str) -> ColumnElement[bool]:
    """Whether the name or the summary has *word* in it."""
    in_summary = Project.latest_summary_folded.contains(word, autoescape=True)
    is_shown = Project.status != ProjectStatus.QUARANTINED
    return or_(_names(word), and_(is_shown, in_summary))


def _names(word: str) -> ColumnElement[bool]:
    return Project.normalized_name.contains(word, autoescape=True)


def _ranks(words: Sequence[str]) -> list[ColumnElement[int]]:
    if not words:
        return []
    name = folded("-".join(words))
    is_name = Project.normalized_name == name
    begins = Project.normalized_name.startswith(name, autoescape=True)
    return [case((is_name, 0), (begins, 1), (and_(*map(_names, words)), 2), else_=3)]
