"""Who is told what by mail: read off the rows that a transaction writes, once it is committed.

No write path calls this. A listener of the writing sessions sees a new token, session, owner, release,
password or one-time link, whoever made it and by which way, and puts a job for it into the `Post`. The job
looks up whom to tell: outside of the request, which never waits for mail and never fails for it.
"""

import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial
from typing import Any

from sqlalchemy import exists, inspect, or_, select
from sqlalchemy.orm import Session, SessionTransaction

from pypi_lite.accounts import links
from pypi_lite.database import Database
from pypi_lite.mail import Post, write
from pypi_lite.models import (
    Action,
    GroupMember,
    JournalEntry,
    LinkPurpose,
    OneTimeLink,
    Project,
    Release,
    Role,
    RoleName,
    Token,
    User,
    WebSession,
)
from pypi_lite.settings import Settings

_STATE = "pypi_lite.notifying"
#: What strangers ask for is dropped while so many jobs wait: others' mail goes on.
_MOST_STRANGERS = 100

#: Makes messages, from the state of the database when it runs.
Telling = Callable[[Session], Iterable[EmailMessage]]


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what is told, as the journal has it."""

    actor: str
    address: str | None
    serial: int
    actions: frozenset[str]


@dataclass(slots=True)
class _Writing:
    """What one transaction has written that somebody may have to be told."""

    entries: list[JournalEntry] = field(default_factory=list)
    found: list[Callable[[Deed], Telling]] = field(default_factory=list)
    ready: list[Telling] = field(default_factory=list)
    committed: bool = False


class Notifier:
    """Tells people by mail; of an index that sends mail."""

    def __init__(self, settings: Settings, database: Database, post: Post) -> None:
        self.post = post
        self._settings = settings
        # Not held: see `Database.is_over`.
        self._database: Database = weakref.proxy(database)
        database.listen("after_flush", self._after_flush)
        database.listen("before_commit", self._before_commit)
        database.listen("after_commit", self._after_commit)
        database.listen("after_transaction_end", self._after_transaction_end)

    def ask_reset(self, name: str, address: str | None) -> None:
        """Send links for the accounts that *name* may mean, if there are any, and if it is not too often.

        Nothing is looked up here: how long it takes tells a stranger nothing either.
        """
        self._ask(partial(links.forgotten, name=name, address=address))

    def ask_account(self, email: str, address: str | None) -> None:
        """Send a link to make an account with, or, where there is one, to log in with. As `ask_reset`."""
        self._ask(partial(links.request_account, email=email, address=address))

    def _ask(self, make: Callable[[Session], object]) -> None:
        def job() -> Iterable[EmailMessage]:
            with self._database.write() as session:
                make(session)
            return ()  # the links that were made are told of like all others

        self.post.put(job, most_waiting=_MOST_STRANGERS)

    def _after_flush(self, session: Session, _context: Any) -> None:
        writing = _writing(session)
        for row in session.new:
            if isinstance(row, JournalEntry):
                writing.entries.append(row)
            elif (look := _NEW.get(type(row))) is not None:
                writing.found.extend(look(self._settings, row))
        for row in session.dirty:
            if (look := _CHANGED.get(type(row))) is not None:
                writing.found.extend(look(self._settings, row))

    def _before_commit(self, session: Session) -> None:
        if session.in_nested_transaction():
            return
        session.flush()
        writing = _writing(session)
        if not (writing.found and writing.entries):
            writing.ready = [tell(_NOBODYS) for tell in writing.found]
            return
        first = writing.entries[0]
        deed = Deed(
            actor=first.actor,
            address=first.address,
            serial=first.serial,
            actions=frozenset(entry.action for entry in writing.entries),
        )
        writing.ready = [tell(deed) for tell in writing.found]

    def _after_commit(self, session: Session) -> None:
        if not session.in_nested_transaction():
            _writing(session).committed = True

    def _after_transaction_end(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is not None:
            return
        writing: _Writing | None = session.info.pop(_STATE, None)
        if writing is None or not writing.committed:
            return
        for tell in writing.ready:
            self.post.put(partial(self._messages, tell))

    def _messages(self, tell: Telling) -> list[EmailMessage]:
        with self._database.read() as session:
            return list(tell(session))


#: A transaction that the journal does not know of.
_NOBODYS = Deed(actor="", address=None, serial=0, actions=frozenset())


def _writing(session: Session) -> _Writing:
    state: _Writing = session.info.setdefault(_STATE, _Writing())
    return state


# What follows looks at rows as they are flushed: it keeps their values, since a commit expires them.


def _token(settings: Settings, token: Token) -> Iterator[Callable[[Deed], Telling]]:
    user_id, name = token.user_id, token.name or f"token {token.id}"

    def tell(deed: Deed, session: Session) -> Iterator[EmailMessage]:
        yield from _to_user(settings, session, user_id, "token", deed=deed, name=name)

    yield lambda deed: partial(tell, deed)


def _session(settings: Settings, row: WebSession) -> Iterator[Callable[[Deed], Telling]]:
    number, user_id, address, agent = row.id, row.user_id, row.address, row.agent

    def tell(deed: Deed, session: Session) -> Iterator[EmailMessage]:
        user = session.get(User, user_id)
        if user is None or _is_familiar(session, user, number, address, agent, deed.serial):
            return
        values = {"address": address, "agent": agent}
        yield from _to_user(settings, session, user_id, "sign_in", deed=deed, **values)

    yield lambda deed: partial(tell, deed)


def _role(settings: Settings, role: Role) -> Iterator[Callable[[Deed], Telling]]:
    """A new owner: told to all owners except who made them one."""
    is_new = inspect(role).attrs.role.history.has_changes()
    if role.role != RoleName.OWNER or not is_new:
        return
    project_id, user_id, group_id = role.project_id, role.user_id, role.group_id

    def tell(deed: Deed, session: Session) -> Iterator[EmailMessage]:
        who = _members(session, user_id, group_id)
        names = sorted({user.name for user in who})
        for user in _owners(session, project_id):
            if user.name != deed.actor:
                project = session.get(Project, project_id)
                values = {"deed": deed, "names": names, "project": project}
                yield from _to_user(settings, session, user.id, "owner", **values)

    yield lambda deed: partial(tell, deed)


def _release(settings: Settings, release: Release) -> Iterator[Callable[[Deed], Telling]]:
    """A release that somebody else has begun: told to the owners."""
    project_id, version = release.project_id, release.version

    def tell(deed: Deed, session: Session) -> Iterator[EmailMessage]:
        for user in _owners(session, project_id):
            if user.name != deed.actor:
                project = session.get(Project, project_id)
                values = {"deed": deed, "version": version, "project": project}
                yield from _to_user(settings, session, user.id, "release", **values)

    yield lambda deed: partial(tell, deed)


def _user(settings: Settings, user: User) -> Iterator[Callable[[Deed], Telling]]:
    """A new password, or where mail goes: told at once to the address of before, wanted or not.

    A password's hash changes too when its parameters do; only the journal knows which it was.
    """
    state = inspect(user).attrs
    name, new = user.name, user.email
    (old,) = state.email.history.deleted or (user.email,)

    def tell(template: str, session: Session, **values: Any) -> Iterator[EmailMessage]:
        if old is not None:
            yield write(settings, old, template, name=name, **values)

    def password(deed: Deed) -> Telling:
        if Action.PASSWORD_CHANGE not in deed.actions:
            return lambda _session: ()
        # The browser that has changed it goes on with a session that begins in the same transaction.
        return partial(tell, "password", goes_on=Action.SESSION_BEGIN in deed.actions)

    if state.password_hash.history.has_changes():
        yield password
    if state.email.history.has_changes() and old != new:
        yield lambda _deed: partial(tell, "email_changed", email=new)


def _link(settings: Settings, link: OneTimeLink) -> Iterator[Callable[[Deed], Telling]]:
    """A link that has an address is sent to it."""
    if link.email is None:
        return
    email = link.email
    values = {
        "name": link.user.name if link.user else None,
        "url": link_url(settings, link.secret),
        "expires": link.expires,
    }
    template = _OF_PURPOSE[LinkPurpose(link.purpose)]

    def tell(deed: Deed, _session: Session) -> Iterator[EmailMessage]:
        yield write(settings, email, template, by=deed.actor, **values)

    yield lambda deed: partial(tell, deed)


_OF_PURPOSE = {
    LinkPurpose.INVITE: "invite",
    LinkPurpose.REGISTER: "register",
    LinkPurpose.RESET: "reset",
    LinkPurpose.EMAIL: "email",
}
_NEW: dict[type[Any], Callable[[Settings, Any], Iterator[Callable[[Deed], Telling]]]] = {
    OneTimeLink: _link,
    Release: _release,
    Role: _role,
    Token: _token,
    WebSession: _session,
}
_CHANGED: dict[type[Any], Callable[[Settings, Any], Iterator[Callable[[Deed], Telling]]]] = {
    Role: _role,
    User: _user,
}


def link_url(settings: Settings, secret: str) -> str:
    """The address of a one-time link: the index's own, never what a request says that it is."""
    return f"{settings.url}link/?secret={secret}"


def _to_user(
    settings: Settings, session: Session, user_id: int, template: str, **values: Any
) -> Iterator[EmailMessage]:
    """A message to somebody who has an address and wants to be told."""
    user = session.get(User, user_id)
    if user is not None and user.email and user.wants_mail and not user.is_disabled:
        yield write(settings, user.email, template, user=user, **values)


def _members(session: Session, user_id: int | None, group_id: int | None) -> list[User]:
    if user_id is not None:
        user = session.get(User, user_id)
        return [user] if user is not None else []
    query = select(User).join(GroupMember).where(GroupMember.group_id == group_id)
    return list(session.scalars(query))


def _owners(session: Session, project_id: int) -> list[User]:
    """The owners of a project: themselves, or through a group."""
    owner = Role.project_id == project_id, Role.role == RoleName.OWNER
    groups = select(Role.group_id).where(*owner, Role.group_id.is_not(None))
    members = select(GroupMember.user_id).where(GroupMember.group_id.in_(groups))
    people = select(Role.user_id).where(*owner, Role.user_id.is_not(None))
    query = select(User).where(or_(User.id.in_(people), User.id.in_(members)))
    return list(session.scalars(query.order_by(User.name)))


def _is_familiar(
    session: Session, user: User, number: int, address: str, agent: str, serial: int
) -> bool:
    """Whether the person has been signed in from this address, and with this browser, before.

    Sessions that have ended are gone, but the journal still knows their addresses.
    """
    others = select(WebSession).where(WebSession.user_id == user.id, WebSession.id != number)
    seen = list(session.scalars(others))
    if seen and agent not in {row.agent for row in seen}:
        return False
    if address in {row.address for row in seen}:
        return True
    before = exists().where(
        JournalEntry.action == Action.SESSION_BEGIN,
        JournalEntry.actor == user.name,
        JournalEntry.address == address,
        JournalEntry.serial < serial,
    )
    return bool(session.scalar(select(before)))
