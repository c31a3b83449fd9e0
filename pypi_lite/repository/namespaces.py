"""Namespaces: prefixes of project names that an administrator has reserved for somebody (PEP 752).

A grant of ``acme`` is one of the project ``acme`` and of all whose names begin with ``acme-``: nobody but
its owners may begin one. Projects that are there already are let be. Grants that overlap have owners in
common: those of the narrower one own the wider one too, so that the narrowest decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session, selectinload

from pypi_lite.accounts.identity import Identity
from pypi_lite.cache.pages import Facts
from pypi_lite.models import (
    Action,
    JournalEntry,
    Namespace,
    NamespaceOwner,
    Project,
    Role,
    RoleName,
    User,
    now,
)
from pypi_lite.models.journal import append
from pypi_lite.names import LONGEST_NAME, is_valid_name, normalize_name
from pypi_lite.repository.errors import Code, Refusal

#: The depth limit that the PEP asks for: hyphens in a namespace.
MOST_HYPHENS = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """What namespaces there are, as all JSON pages of the simple API show it."""

    #: Whether there is one now.
    are_granted: bool
    #: The last grant or revocation; None: there has never been one.
    facts: Facts | None

    def shown_beside(self, facts: Facts) -> Facts:
        """The last change that a page shows which shows *facts*, and this."""
        if self.facts is None:
            return facts
        return max(self.facts, facts, key=lambda each: each.serial)


@dataclass(frozen=True, slots=True)
class Match:
    """A namespace that a project is in, and whether an owner of the one owns the other."""

    name: str
    owned: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """A namespace, whose it is, and what is in it that is not theirs."""

    name: str
    owners: tuple[str, ...]
    created: datetime
    #: Projects that were there before the grant.
    strangers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """A namespace with those next to it."""

    name: str
    parent: str | None
    children: tuple[str, ...]
    owners: tuple[str, ...]


def grant(session: Session, identity: Identity, name: str, owners: Iterable[str]) -> int:
    """Let the namespace *name* be the users' *owners*, and no longer of those before; the serial.

    *name* may be written as ``acme-*``. Raises Refusal: for a name that won't do, an unknown user, or
    where another grant overlaps which is not all of theirs.
    """
    normalized = _normalize(name)
    users = _users(session, owners)
    _check_overlaps(session, normalized, {user.id: user.name for user in users})
    namespace = session.scalar(_named(normalized))
    if namespace is None:
        namespace = Namespace(normalized_name=normalized, created=now())
        session.add(namespace)
    wanted = {user.id: user for user in users}
    kept = [owner for owner in namespace.owners if wanted.pop(owner.user_id, None)]
    namespace.owners = kept + [NamespaceOwner(user=user) for user in wanted.values()]
    note = f"{normalized}: {_listed(user.name for user in users)}"
    return append(session, Action.NAMESPACE_GRANT, by=identity, note=note).serial


def revoke(session: Session, identity: Identity, name: str) -> int:
    """Let anybody begin projects with these names again; the serial. Raises Refusal."""
    namespace = session.scalar(_named(_normalize(name)))
    if namespace is None:
        raise Refusal(Code.NOT_FOUND, f"There is no namespace {name!r}.")
    session.delete(namespace)
    note = namespace.normalized_name
    return append(session, Action.NAMESPACE_REVOKE, by=identity, note=note).serial


def check_may_begin(session: Session, identity: Identity, normalized_name: str) -> None:
    """Raises Refusal unless *identity* may begin a project of this name: administrators are no
    exception, or the project's owner would be none of the namespace's."""
    query = (
        select(Namespace.normalized_name, User.id, User.name)
        .join(NamespaceOwner, NamespaceOwner.namespace_id == Namespace.id)
        .join(User, NamespaceOwner.user_id == User.id)
        .where(Namespace.normalized_name.in_(_around(normalized_name)))
    )
    owners: dict[str, dict[int, str]] = {}
    for namespace, user_id, user_name in session.execute(query):
        owners.setdefault(namespace, {})[user_id] = user_name
    narrowest = max(owners, key=len, default=None)
    if narrowest is None or identity.user_id in owners[narrowest]:
        return
    names = _listed(owners[narrowest].values())
    raise Refusal(
        Code.RESERVED,
        f"The name {normalized_name!r} is reserved: only {names} may begin projects in the namespace"
        f" {narrowest!r}. Ask them to upload it first, or choose another name.",
    )


def standing(session: Session) -> Standing:
    """What namespaces there are. One query."""
    row = session.execute(
        select(JournalEntry.serial, JournalEntry.moment, exists(select(Namespace.id)))
        .where(JournalEntry.action.in_([Action.NAMESPACE_GRANT, Action.NAMESPACE_REVOKE]))
        .order_by(JournalEntry.serial.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return Standing(are_granted=False, facts=None)
    return Standing(are_granted=row[2], facts=Facts(serial=row.serial, changed=row.moment))


def matches(session: Session, project_id: int, normalized_name: str) -> list[Match]:
    """The namespaces that a project is in, the widest first."""
    query = select(Namespace.normalized_name, _owned_by_an_owner_of(project_id)).where(
        Namespace.normalized_name.in_(_around(normalized_name))
    )
    return sorted((Match(*row) for row in session.execute(query)), key=lambda m: len(m.name))


def names(session: Session) -> list[str]:
    """All namespaces, in order."""
    return sorted(session.scalars(select(Namespace.normalized_name)))


def detail(session: Session, normalized_name: str) -> Detail | None:
    """The namespace, or None. Parent and children are one hyphen away, as the PEP defines them."""
    found = session.scalar(_named(normalized_name))
    if found is None:
        return None
    parent = normalized_name.rpartition("-")[0]
    others = names(session)
    return Detail(
        name=normalized_name,
        parent=parent if parent in others else None,
        children=tuple(name for name in others if name.rpartition("-")[0] == normalized_name),
        owners=_owner_names(found),
    )


def grants(session: Session) -> list[Grant]:
    """All grants, for those who make them."""
    found = session.scalars(select(Namespace).order_by(Namespace.normalized_name)).all()
    return [
        Grant(
            name=namespace.normalized_name,
            owners=_owner_names(namespace),
            created=namespace.created,
            strangers=tuple(session.scalars(_strangers(namespace))),
        )
        for namespace in found
    ]


def _normalize(name: str) -> str:
    name = name.strip().removesuffix("-*")
    normalized = normalize_name(name)
    if not is_valid_name(name) or len(normalized) > LONGEST_NAME:
        raise Refusal(Code.BAD_FORM, f"{name[:LONGEST_NAME]!r} can't be a namespace.")
    if normalized.count("-") > MOST_HYPHENS:
        raise Refusal(
            Code.BAD_FORM, f"A namespace has at most {MOST_HYPHENS} hyphens: {normalized!r}."
        )
    return normalized


def _users(session: Session, user_names: Iterable[str]) -> list[User]:
    """The users, by name."""
    wanted = sorted({name.strip().lower() for name in user_names})
    if not wanted:
        raise Refusal(Code.BAD_FORM, "Say whose the namespace is to be.")
    found = {user.name: user for user in session.scalars(select(User).where(User.name.in_(wanted)))}
    for name in wanted:
        if name not in found:
            raise Refusal(Code.NOT_FOUND, f"There is no user {name!r}.")
    return [found[name] for name in wanted]


def _check_overlaps(session: Session, normalized: str, owners: dict[int, str]) -> None:
    """Grants must not overlap ownership (PEP 752, Semantics): owners of the narrower of two are owners
    of the wider."""
    for other in session.scalars(select(Namespace).options(selectinload(Namespace.owners))):
        name, theirs = other.normalized_name, {o.user_id: o.user.name for o in other.owners}
        if normalized.startswith(f"{name}-"):
            lacking = [owners[user_id] for user_id in owners.keys() - theirs.keys()]
        elif name.startswith(f"{normalized}-"):
            lacking = [theirs[user_id] for user_id in theirs.keys() - owners.keys()]
        else:
            continue
        if lacking:
            wider = min(name, normalized, key=len)
            raise Refusal(
                Code.RESERVED,
                f"The namespaces {normalized!r} and {name!r} overlap: whoever owns the narrower one"
                f" must own {wider!r} too, and {_listed(lacking)} would not.",
            )


def _around(normalized_name: str) -> list[str]:
    """The namespaces that a project of this name could be in."""
    parts = normalized_name.split("-")[: MOST_HYPHENS + 1]
    return ["-".join(parts[:number]) for number in range(1, len(parts) + 1)]


def _named(normalized_name: str) -> Select[Namespace]:
    return select(Namespace).where(Namespace.normalized_name == normalized_name)


def _owned_by_an_owner_of(project_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Whether an owner of the namespace owns the project."""
    return (
        select(Role.id)
        .join(NamespaceOwner, NamespaceOwner.user_id == Role.user_id)
        .where(
            Role.project_id == project_id,
            Role.role == RoleName.OWNER,
            NamespaceOwner.namespace_id == Namespace.id,
        )
        .exists()
    )


def _strangers(namespace: Namespace) -> Select[str]:
    name = namespace.normalized_name
    return (
        select(Project.normalized_name)
        .join(Namespace, Namespace.id == namespace.id)
        .where(
            (Project.normalized_name == name)
            | Project.normalized_name.startswith(f"{name}-", autoescape=True),
            ~_owned_by_an_owner_of(Project.__table__.c.id),
        )
        .order_by(Project.normalized_name)
    )


def _owner_names(namespace: Namespace) -> tuple[str, ...]:
    return tuple(sorted(owner.user.name for owner in namespace.owners))


def _listed(user_names: Iterable[str]) -> str:
    return ", ".join(sorted(user_names))
