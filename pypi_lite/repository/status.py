"""Which projects take files: what their status says (PEP 792)."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.models import Project, ProjectStatus
from pypi_lite.repository.errors import Code, Refusal

_CLOSED = {
    ProjectStatus.ARCHIVED: (
        "is archived and takes no new files: one of its owners can set its status to active again"
    ),
    ProjectStatus.QUARANTINED: (
        "is in quarantine and takes no files: ask an administrator of this index"
    ),
}


def check_takes_files(session: Session, normalized_name: str) -> None:
    """Raises Refusal where a project of that name takes no files; one that is new takes them."""
    project = session.scalar(select(Project).where(Project.normalized_name == normalized_name))
    if project is not None:
        check_is_open(project)


def check_is_open(project: Project) -> None:
    """Raises Refusal where *project* takes no files."""
    why = _CLOSED.get(ProjectStatus(project.status))
    if why is not None:
        reason = f" (the reason given: {project.status_reason})" if project.status_reason else ""
        raise Refusal(Code.PROJECT_CLOSED, f"The project {project.name} {why}{reason}.")
