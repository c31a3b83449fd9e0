"""Who may change what is in the index already: a project's owners, and administrators."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import refresh
from pypi_lite.models import Project, ProjectStatus, Role, RoleName, Scope
from pypi_lite.repository.errors import Code, Refusal


def check_manages(session: Session, identity: Identity, project: Project, scope: Scope) -> Identity:
    """*identity* as it is now, if it may do to *project* what *scope* stands for. Raises Refusal.

    What is in quarantine is an administrator's alone, or its owner could hide what is wrong with it.
    """
    current = refresh(session, identity)
    if current is None:
        raise Refusal(Code.NOT_AUTHENTICATED, "The token or account is no longer valid.")
    name = project.normalized_name
    if not current.has_scope(scope):
        raise _not_allowed(f"This token may not do that: make one with the scope {scope.value}.")
    if not current.reaches(name):
        raise _not_allowed(f"This token is limited to other projects than {name!r}.")
    if current.is_admin:
        return current
    if not _is_owner(session, current, project):
        raise _not_allowed(f"{current.name!r} may not manage {name!r}: ask one of its owners.")
    if project.status == ProjectStatus.QUARANTINED:
        raise _not_allowed(f"{name!r} is in quarantine: only an administrator may change it.")
    return current


def why_not(session: Session, identity: Identity, normalized_name: str) -> str | None:
    """Why *identity* may not manage the project of that name, which is there; or None: it may."""
    project = session.scalars(
        select(Project).where(Project.normalized_name == normalized_name)
    ).one()
    try:
        check_manages(session, identity, project, Scope.MANAGE)
    except Refusal as refusal:
        return refusal.text
    return None


def check_may_quarantine(identity: Identity) -> None:
    """Raises Refusal unless *identity* may put a project into quarantine."""
    if not identity.is_admin:
        raise _not_allowed("Only an administrator may put a project into quarantine.")


def _is_owner(session: Session, identity: Identity, project: Project) -> bool:
    if identity.user_id is None:
        return False  # and no role of a group's, which has no user either
    roles = select(Role.id).where(
        Role.project_id == project.id,
        Role.user_id == identity.user_id,
        Role.role == RoleName.OWNER,
    )
    return session.scalar(roles) is not None


def _not_allowed(text: str) -> Refusal:
    return Refusal(Code.NOT_ALLOWED, text)
