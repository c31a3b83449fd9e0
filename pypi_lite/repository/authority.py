"""What somebody may do to a project: what their role on it, or a group's that they are in, lets them."""

from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import refresh
from pypi_lite.accounts.permissions import OF_ROLE, SCOPE, Permission
from pypi_lite.models import GroupMember, Project, ProjectStatus, Role, RoleName, Visibility
from pypi_lite.names import normalize_name
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.projects import find_project, no_project

_WHAT = {
    Permission.UPLOAD: "upload to",
    Permission.YANK: "yank releases of",
    Permission.DELETE: "delete what is in",
    Permission.MANAGE: "manage",
}


def current_identity(session: Session, identity: Identity) -> Identity:
    """*identity* as the database has it now. Raises Refusal: it is gone."""
    current = refresh(session, identity)
    if current is None:
        raise Refusal(Code.NOT_AUTHENTICATED, "The token, session or account is no longer valid.")
    return current


def permitted(
    session: Session, identity: Identity, name: str, permission: Permission
) -> tuple[Project, Identity]:
    """The project of that name, in whatever spelling, and *identity* as it is now, if it may do to it
    what *permission* stands for. Raises Refusal.

    What a token is not for, it is told before anything is looked for: so that says nothing of what is
    there.
    """
    current = current_identity(session, identity)
    check_credentials(current, normalize_name(name), permission)
    project = find_project(session, name)
    _check(session, current, project, permission, name)
    return project, current


def check(
    session: Session, identity: Identity, project: Project, permission: Permission
) -> Identity:
    """The same for a project that has been found by something else than its name."""
    current = current_identity(session, identity)
    _check(session, current, project, permission, project.normalized_name)
    return current


def _check(
    session: Session, identity: Identity, project: Project, permission: Permission, asked: str
) -> None:
    """*asked* is the project's name as it was asked for.

    What is in quarantine is an administrator's alone, or its owner could hide what is wrong with it.
    """
    name = project.normalized_name
    allowed = permissions_on(session, identity.user_id, project)
    if Permission.READ not in allowed and not identity.is_admin:
        raise no_project(asked)  # not even that somebody else has one of this name
    check_credentials(identity, name, permission)
    if identity.is_admin:
        return
    if permission not in allowed:
        raise not_allowed(
            f"{identity.name!r} may not {_WHAT[permission]} {name!r}: ask one of its owners."
        )
    if project.status == ProjectStatus.QUARANTINED and permission != Permission.UPLOAD:
        raise not_allowed(f"{name!r} is in quarantine: only an administrator may change it.")


def check_credentials(identity: Identity, normalized_name: str, permission: Permission) -> None:
    """Raises Refusal unless the token, where it is one, may do that to the project of that name."""
    scope = SCOPE[permission]
    if not identity.has_scope(scope):
        raise not_allowed(f"This token may not do that: make one with the scope {scope.value}.")
    if not identity.reaches(normalized_name):
        raise not_allowed(f"This token is limited to other projects than {normalized_name!r}.")


def permissions_on(session: Session, user_id: int | None, project: Project) -> set[Permission]:
    """What an account may do to *project*, by its roles and, for reading, its visibility."""
    allowed = {p for role in _roles(session, user_id, project) for p in OF_ROLE[role]}
    if project.visibility != Visibility.PRIVATE:
        allowed.add(Permission.READ)
    return allowed


def why_not(session: Session, identity: Identity, normalized_name: str) -> str | None:
    """Why *identity* may not manage the project of that name, which is there; or None: it may."""
    project = session.scalars(
        select(Project).where(Project.normalized_name == normalized_name)
    ).one()
    try:
        check(session, identity, project, Permission.MANAGE)
    except Refusal as refusal:
        return refusal.text
    return None


def check_may_quarantine(identity: Identity) -> None:
    """Raises Refusal unless *identity* may put a project into quarantine."""
    if not identity.is_admin:
        raise not_allowed("Only an administrator may put a project into quarantine.")


def not_allowed(text: str) -> Refusal:
    """That somebody may not."""
    return Refusal(Code.NOT_ALLOWED, text)


def _roles(session: Session, user_id: int | None, project: Project) -> Iterable[RoleName]:
    if user_id is None:
        return []  # nor a group's, of which the user is NULL
    groups = select(GroupMember.group_id).where(GroupMember.user_id == user_id)
    query = select(Role.role).where(
        Role.project_id == project.id, or_(Role.user_id == user_id, Role.group_id.in_(groups))
    )
    return [RoleName(role) for role in session.scalars(query)]
