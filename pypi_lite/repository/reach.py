"""What somebody may read, and so which circles of the cache's pages are theirs.

======================  ==================================================================
circle                  who belongs to it
======================  ==================================================================
``""``                  everybody: pages of public projects, where reading needs no authority
``accounts``            every account: internal projects; where reading needs authority public ones too
``members``             those who have a role on the project, and administrators: private projects
``list-...``            of pages that list projects: those who may read the very same projects
======================  ==================================================================
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.models import GroupMember, Project, Role, Scope, Visibility

EVERYBODY, ACCOUNTS, MEMBERS, LIST = "", "accounts", "members", "list-"


@dataclass
class Reach:
    """What somebody may read."""

    #: Whether public projects may be read without an account.
    is_open: bool
    #: Whether they have an account, and their token may read.
    has_account: bool = False
    #: Whether they administer the index.
    is_admin: bool = False
    #: Private projects on which they have a role, by normalized name.
    private: frozenset[str] = frozenset()
    #: Normalized names that their token is limited to; None: it is not.
    limited: frozenset[str] | None = None
    #: Whether something was asked for that is there, and beyond reach.
    has_missed: bool = field(default=False, compare=False)

    def circle_of(self, visibility: Visibility) -> str:
        """The circle that a project's pages are for."""
        if visibility is Visibility.PRIVATE:
            return MEMBERS
        is_public = visibility is Visibility.PUBLIC
        return EVERYBODY if is_public and self.is_open else ACCOUNTS

    def circles_for(self, name: str) -> Iterable[str]:
        """The circles in which pages of the project of that normalized name may be theirs to read.

        A page is never published in another circle than its project's, so that looking there is safe.
        """
        if self.is_open:
            yield EVERYBODY
        if not self.has_account or (self.limited is not None and name not in self.limited):
            return
        if name not in self.private:
            yield ACCOUNTS
        if self.is_admin or name in self.private:
            yield MEMBERS

    @cached_property
    def list_circle(self) -> str:
        """The circle of the lists that they see."""
        if not self.has_account:
            return EVERYBODY
        known = (self.is_admin, sorted(self.private), self.limited and sorted(self.limited))
        return LIST + hashlib.sha256(json.dumps(known).encode()).hexdigest()[:24]

    def covers(self, name: str, visibility: Visibility) -> bool:
        """Whether they may read the project of that normalized name."""
        is_covered = self.circle_of(visibility) in self.circles_for(name)
        self.has_missed |= not is_covered
        return is_covered

    def condition(self) -> ColumnElement[bool]:
        """The same for a query that has `Project`s."""
        public = Project.visibility == Visibility.PUBLIC if self.is_open else false()
        if not self.has_account:
            return public
        mine: ColumnElement[bool] = Project.visibility != Visibility.PRIVATE
        if self.is_admin:
            mine = true()
        elif self.private:
            mine = or_(mine, Project.normalized_name.in_(self.private))
        if self.limited is not None:
            mine = and_(mine, Project.normalized_name.in_(self.limited))
        return or_(public, mine)


#: The operator's, and that of checks which ask for more themselves.
EVERYTHING = Reach(is_open=True, has_account=True, is_admin=True)


def reach_of(session: Session, identity: Identity | None, *, is_open: bool) -> Reach:
    """What *identity* may read now; None: somebody who has not said who they are."""
    if identity is None or not identity.has_scope(Scope.READ):
        return Reach(is_open)
    return Reach(
        is_open,
        has_account=True,
        is_admin=identity.is_admin,
        private=frozenset() if identity.is_admin else _private(session, identity.user_id),
        limited=identity.projects,
    )


def _private(session: Session, user_id: int | None) -> frozenset[str]:
    """Names of the private projects on which the user has a role, or a group that they are in."""
    if user_id is None:
        return frozenset()  # nor a group's, of which the user is NULL
    groups = select(GroupMember.group_id).where(GroupMember.user_id == user_id)
    query = (
        select(Project.normalized_name)
        .join(Role, Role.project_id == Project.id)
        .where(
            Project.visibility == Visibility.PRIVATE,
            or_(Role.user_id == user_id, Role.group_id.in_(groups)),
        )
    )
    return frozenset(session.scalars(query))
