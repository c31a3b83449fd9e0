"""Groups: people who have roles together. All changes raise AccountError, with a text for a person.

A group's name has the form of a user's. Where either may stand it is written ``@name``.
"""

from collections.abc import Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, selectinload

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import AccountError, find_user, is_user_name
from pypi_lite.models import Action, Group, GroupMember, Role, User, now
from pypi_lite.models.journal import append

#: Before a group's name.
SIGN = "@"


def create_group(session: Session, name: str, *, by: Identity) -> Group:
    """A new group, of nobody yet."""
    name = _plain(name)
    if not is_user_name(name):
        raise AccountError(
            f"{name!r} can't be a group's name: use letters, digits, and between them . _ -"
        )
    if session.scalar(select(exists().where(Group.name == name))):
        raise AccountError(f"There is a group {name!r} already.")
    group = Group(name=name, created=now())
    session.add(group)
    append(session, Action.GROUP_CREATE, by=by, note=name)
    return group


def delete_group(session: Session, name: str, *, by: Identity) -> None:
    """Delete a group, and with it what its members were to projects as such."""
    group = find_group(session, name)
    for role in session.scalars(select(Role).where(Role.group_id == group.id)):
        session.delete(role)  # here, and not by the database alone: each sweeps its project's pages
        note = f"{SIGN}{group.name}: {role.role}"
        name = role.project.normalized_name
        entry = append(session, Action.ROLE_REVOKE, by=by, project=name, note=note)
        role.project.last_serial, role.project.changed = entry.serial, entry.moment
    for member in group.members:
        session.delete(member)
    session.delete(group)
    append(session, Action.GROUP_DELETE, by=by, note=group.name)


def add_member(session: Session, name: str, user_name: str, *, by: Identity) -> None:
    """Put somebody into a group. Whoever is in it already stays, whatever single sign-on says."""
    group, user = find_group(session, name), find_user(session, user_name)
    member = session.get(GroupMember, (group.id, user.id))
    if member is not None and not member.is_synced:
        return
    if member is not None:
        member.is_synced = False
    else:
        session.add(GroupMember(group=group, user=user))
    append(session, Action.GROUP_ADD, by=by, note=f"{group.name}: {user.name}")


def remove_member(session: Session, name: str, user_name: str, *, by: Identity) -> None:
    """Take somebody out of a group."""
    group, user = find_group(session, name), find_user(session, user_name)
    member = session.get(GroupMember, (group.id, user.id))
    if member is None:
        raise AccountError(f"{user.name!r} is not in the group {group.name!r}.")
    session.delete(member)
    append(session, Action.GROUP_REMOVE, by=by, note=f"{group.name}: {user.name}")


def find_group(session: Session, name: str) -> Group:
    """The group of that name, with or without its sign."""
    group = session.scalar(select(Group).where(Group.name == _plain(name)))
    if group is None:
        raise AccountError(f"There is no group {name!r}.")
    return group


def groups(session: Session) -> Sequence[Group]:
    """All groups, by name, with their members."""
    members = selectinload(Group.members).selectinload(GroupMember.user)
    return session.scalars(select(Group).order_by(Group.name).options(members)).all()


def groups_of(session: Session, user: User) -> Sequence[str]:
    """The names of the groups that somebody is in."""
    query = select(Group.name).join(Group.members).where(GroupMember.user_id == user.id)
    return session.scalars(query.order_by(Group.name)).all()


def roles_of(session: Session, of: Group | User) -> Sequence[Role]:
    """What a group or a person itself is to projects, with the projects."""
    column = Role.group_id if isinstance(of, Group) else Role.user_id
    query = select(Role).where(column == of.id).options(selectinload(Role.project))
    return sorted(session.scalars(query), key=lambda role: role.project.normalized_name)


def numbers_of_projects(session: Session) -> dict[int, int]:
    """On how many projects each group has a role, by its id; no entry: on none."""
    rows = session.execute(select(Role.group_id, func.count()).group_by(Role.group_id))
    return {group: number for group, number in rows if group is not None}


def _plain(name: str) -> str:
    return name.strip().removeprefix(SIGN).lower().replace("\0", "")
