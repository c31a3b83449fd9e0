"""Which keys of the cache a change of which row alters.

======================  ==================================================================
key                     its pages
======================  ==================================================================
``project/<name>``      the simple page, the legacy JSON, the feed and the project page of a project, and
                        the provenance of its files
``project``             those of all projects: each JSON page says what namespaces there are
``index``               the root list: it depends on the set of project names alone
``home``                the home page and the index's feeds: they show what is newest
``reader/<hash>``       what the bearer of a token, of a session's cookie, of a password may read
                        (`pypi_lite.reading`)
``reader``              all of these
======================  ==================================================================
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import inspect

from pypi_lite.cache.pages import Change, KeyRegistry
from pypi_lite.models import (
    Action,
    AuthenticatorApp,
    Base,
    BurnedFilename,
    Description,
    ExternalIdentity,
    FailedAttempt,
    File,
    FileAttestation,
    Group,
    GroupMember,
    JournalEntry,
    KnownAddress,
    Namespace,
    NamespaceOwner,
    OneTimeLink,
    Passkey,
    Project,
    Publisher,
    PublisherToken,
    PublisherTokenPublisher,
    RecoveryCode,
    Release,
    Role,
    SpentTicket,
    Token,
    TokenProject,
    TokenScope,
    UsedAssertion,
    User,
    WebSession,
)

INDEX = "index"
PROJECTS = "project"
HOME = "home"
READERS = "reader"


def project_key(normalized_name: str) -> str:
    """The key of a project's pages."""
    return f"{PROJECTS}/{normalized_name}"


def reader_key(name: str) -> str:
    """The key of what one bearer of credentials may read."""
    return f"{READERS}/{name}"


def register(registry: KeyRegistry) -> None:
    """Tell *registry* about every kind of row. A kind that is missing here can't be written."""
    registry.register(Project, _project)
    registry.register(Release, _release)
    registry.register(File, _file)
    registry.register(FileAttestation, _file_attestation)
    registry.register(Role, _role)
    registry.register(Namespace, _namespace)
    registry.register(NamespaceOwner, _namespace)
    registry.register(JournalEntry, _journal_entry)
    for model in (
        BurnedFilename,  # no page shows it
        Description,  # shown by files alone, and never changed
        ExternalIdentity,  # no page shows it
        Publisher,  # no page shows it
        FailedAttempt,  # nor these: they are for the log-in alone
        KnownAddress,
        RecoveryCode,
        SpentTicket,
        OneTimeLink,
        PublisherToken,
        PublisherTokenPublisher,
        UsedAssertion,
    ):
        registry.register(model, _none)
    for person in (Group, TokenProject, TokenScope, User):
        registry.register(person, _readers)
    for reaching in (AuthenticatorApp, GroupMember, Passkey):
        registry.register(reaching, _member)
    registry.register(Token, _credentials)
    registry.register(WebSession, _credentials)


_OF_PUBLISHERS = (Action.PUBLISHER_ADD, Action.PUBLISHER_REMOVE, Action.PUBLISHER_MINT)


def _none(_row: Any, _change: Change) -> Iterable[str]:
    return ()


def _readers(_row: Any, change: Change) -> Iterable[str]:
    """What is new has let nobody read anything yet, nor kept them from it."""
    return () if change is Change.NEW else (READERS,)


def _member(_row: Any, _change: Change) -> Iterable[str]:
    """A member may read more; with a second factor a password alone opens nothing any more."""
    return (READERS,)


def _credentials(row: Token | WebSession, change: Change) -> Iterable[str]:
    """A decision says nothing of a token's name, nor of its last use."""
    if change is Change.NEW:
        return ()
    changed = {name for name, state in _attributes(row).items() if state.history.has_changes()}
    if change is Change.MODIFIED and changed <= {"name", "last_used"}:
        return ()
    return (reader_key(row.sha256),)


def _attributes(row: Base) -> Any:
    return inspect(row).attrs


def _project(project: Project, change: Change) -> Iterable[str]:
    keys = {project_key(project.normalized_name), HOME}
    names = _attributes(project)
    renamed = names.name.history.has_changes() or names.normalized_name.history.has_changes()
    shown = names.visibility.history.has_changes()
    if change is Change.DELETED or (change is Change.MODIFIED and shown):
        keys.add(READERS)  # with a project go its roles, past the session
    if change != Change.MODIFIED or renamed or shown:
        keys.add(INDEX)
        keys.update(project_key(name) for name in names.normalized_name.history.deleted or ())
    return keys


def _release(release: Release, _change: Change) -> Iterable[str]:
    return {project_key(release.project.normalized_name), HOME}


def _file(file: File, _change: Change) -> Iterable[str]:
    return {project_key(file.release.project.normalized_name), HOME}


def _file_attestation(attestation: FileAttestation, _change: Change) -> Iterable[str]:
    return {project_key(attestation.file.release.project.normalized_name)}


def _role(role: Role, _change: Change) -> Iterable[str]:
    return {project_key(role.project.normalized_name), READERS}


def _namespace(_row: Any, _change: Change) -> Iterable[str]:
    return {PROJECTS, INDEX}


def _journal_entry(entry: JournalEntry, _change: Change) -> Iterable[str]:
    """A page shows the number of its newest row, of a change that has keys itself, mostly."""
    if entry.action in (Action.NAMESPACE_GRANT, Action.NAMESPACE_REVOKE):
        return {PROJECTS, INDEX}
    if entry.action == Action.PROJECT_VISIBILITY:
        return {INDEX}  # though it may be what it was
    if entry.action in _OF_PUBLISHERS:
        return {HOME}  # which shows the newest change of any project
    return ()
