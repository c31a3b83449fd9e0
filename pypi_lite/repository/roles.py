"""Roles on projects: who may do what to them.

Each change takes a writing session, writes its journal row, and returns its serial. Raises Refusal.
WHO is a user's name, or a group's with an ``@`` before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import is_user_name
from pypi_lite.accounts.permissions import Permission
from pypi_lite.models import Action, Group, GroupMember, Project, Role, RoleName, User, Visibility
from pypi_lite.models.journal import append
from pypi_lite.repository.authority import permitted
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.upload import mark_changed

_GROUP = "@"


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """What a user or a group is to a project."""

    who: str
    role: RoleName


@dataclass(frozen=True, slots=True)
class PersonsProject:
    """A project on which somebody has a role, or a group that they are in."""

    name: str
    normalized_name: str
    visibility: Visibility
    #: For a person to read: ``owner``, ``reader as @team``; their own first.
    roles: Sequence[str]
    #: Whether one of the roles lets them manage it.
    is_managed: bool


def grant(session: Session, identity: Identity, name: str, who: str, role: str) -> int:
    """Let *who* be *role* on the project, in place of what they were."""
    project, identity = permitted(session, identity, name, Permission.MANAGE)
    if role not in list(RoleName):
        raise Refusal(Code.BAD_VALUE, f"There is no role {role[:50]!r}: use {', '.join(RoleName)}.")
    holder = _holder(session, who)
    found = _role(session, project, holder)
    if found is None:
        found = Role(project=project)
        found.user, found.group = (holder, None) if isinstance(holder, User) else (None, holder)
        session.add(found)
    elif found.role == RoleName.OWNER and role != RoleName.OWNER:
        _check_another_owner(session, project, found)
    found.role = role
    return _change(session, identity, Action.ROLE_GRANT, project, f"{_name(holder)}: {role}")


def revoke(session: Session, identity: Identity, name: str, who: str) -> int:
    """Let *who* have no role on the project."""
    project, identity = permitted(session, identity, name, Permission.MANAGE)
    holder = _holder(session, who)
    found = _role(session, project, holder)
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"{_name(holder)!r} has no role on {project.name!r}.")
    if found.role == RoleName.OWNER:
        _check_another_owner(session, project, found)
    session.delete(found)
    return _change(session, identity, Action.ROLE_REVOKE, project, _name(holder))


def listed(session: Session, identity: Identity, name: str) -> list[RoleEntry]:
    """All roles on the project, for who may change them."""
    project, _ = permitted(session, identity, name, Permission.MANAGE)
    return of(session, project.normalized_name)


def of(session: Session, normalized_name: str) -> list[RoleEntry]:
    """All roles on the project, the most powerful first."""
    query = (
        select(Role.role, User.name, Group.name)
        .join(Project)
        .outerjoin(Role.user)
        .outerjoin(Role.group)
        .where(Project.normalized_name == normalized_name)
    )
    order = list(RoleName)
    found = [
        RoleEntry(user or f"{_GROUP}{group}", RoleName(role))
        for role, user, group in session.execute(query)
    ]
    return sorted(found, key=lambda entry: (order.index(entry.role), entry.who))


def spelled(who: str) -> str:
    """*who* as roles have it."""
    return who.strip().lower()


def of_person(session: Session, user_id: int) -> list[PersonsProject]:
    """The projects on which somebody has a role, themselves or as a member of groups, by name."""
    member = select(GroupMember.group_id).where(GroupMember.user_id == user_id)
    query = (
        select(Project, Role.role, Group.name)
        .join_from(Role, Project)
        .outerjoin(Role.group)
        .where(or_(Role.user_id == user_id, Role.group_id.in_(member)))
        .order_by(Project.normalized_name, Role.group_id.is_not(None), Group.name)
    )
    found: dict[Project, dict[str, str]] = {}
    for project, role, group in session.execute(query):
        text = f"{role} as {_GROUP}{group}" if group else str(role)
        found.setdefault(project, {})[text] = role
    return [
        PersonsProject(
            name=project.name,
            normalized_name=project.normalized_name,
            visibility=Visibility(project.visibility),
            roles=tuple(held),
            is_managed=RoleName.OWNER in held.values(),
        )
        for project, held in found.items()
    ]


def _check_another_owner(session: Session, project: Project, role: Role) -> None:
    """A project that has an owner keeps one: nobody else could give it another. A group that nobody is
    in is none."""
    is_somebody = or_(
        Role.user_id.is_not(None), exists().where(GroupMember.group_id == Role.group_id)
    )
    others = select(Role.id).where(
        Role.project_id == project.id,
        Role.role == RoleName.OWNER,
        Role.id != role.id,
        is_somebody,
    )
    if session.scalar(others) is None:
        raise Refusal(
            Code.BAD_VALUE, f"{project.name!r} would have no owner: make somebody else one first."
        )


def _holder(session: Session, who: str) -> User | Group:
    name = spelled(who)
    found: User | Group | None
    if not is_user_name(name.removeprefix(_GROUP)):
        found = None  # what can be no name is not asked for: PostgreSQL refuses a NUL
    elif name.startswith(_GROUP):
        found = session.scalar(select(Group).where(Group.name == name.removeprefix(_GROUP)))
    else:
        found = session.scalar(select(User).where(User.name == name))
    if found is None:
        what = "group" if name.startswith(_GROUP) else "user"
        raise Refusal(Code.NOT_FOUND, f"There is no {what} {name[:70]!r}.")
    return found


def _role(session: Session, project: Project, holder: User | Group) -> Role | None:
    column = Role.user_id if isinstance(holder, User) else Role.group_id
    return session.scalar(select(Role).where(Role.project_id == project.id, column == holder.id))


def _name(holder: User | Group) -> str:
    return holder.name if isinstance(holder, User) else f"{_GROUP}{holder.name}"


def _change(
    session: Session, identity: Identity, action: Action, project: Project, note: str
) -> int:
    entry = append(session, action, by=identity, project=project.normalized_name, note=note)
    mark_changed(project, entry)
    return entry.serial
