"""Which keys of the cache a change of which row alters.

======================  ==================================================================
key                     its pages
======================  ==================================================================
``project/<name>``      the simple page, the legacy JSON, the feed and the project page of a project, and
                        the provenance of its files
``project``             those of all projects: each JSON page says what namespaces there are
``index``               the root list: it depends on the set of project names alone
``home``                the home page and the index's feeds: they show what is newest
======================  ==================================================================
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import inspect

from pypi_lite.cache.pages import Change, KeyRegistry
from pypi_lite.models import (
    Action,
    BurnedFilename,
    Description,
    File,
    FileAttestation,
    Group,
    GroupMember,
    JournalEntry,
    Namespace,
    NamespaceOwner,
    Project,
    Publisher,
    PublisherToken,
    PublisherTokenPublisher,
    Release,
    Role,
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


def project_key(normalized_name: str) -> str:
    """The key of a project's pages."""
    return f"{PROJECTS}/{normalized_name}"


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
        Publisher,  # no page shows it
        PublisherToken,
        PublisherTokenPublisher,
        UsedAssertion,
        Group,
        GroupMember,
        Token,
        TokenProject,
        TokenScope,
        User,
        WebSession,
    ):
        registry.register(model, _none)


_OF_PUBLISHERS = (Action.PUBLISHER_ADD, Action.PUBLISHER_REMOVE, Action.PUBLISHER_MINT)


def _none(_row: Any, _change: Change) -> Iterable[str]:
    return ()


def _project(project: Project, change: Change) -> Iterable[str]:
    keys = {project_key(project.normalized_name), HOME}
    names = inspect(project).attrs
    renamed = names.name.history.has_changes() or names.normalized_name.history.has_changes()
    if change != Change.MODIFIED or renamed:
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
    return {project_key(role.project.normalized_name)}


def _namespace(_row: Any, _change: Change) -> Iterable[str]:
    return {PROJECTS, INDEX}


def _journal_entry(entry: JournalEntry, _change: Change) -> Iterable[str]:
    """A page shows the number of its newest row, of a change that has keys itself, mostly."""
    if entry.action in (Action.NAMESPACE_GRANT, Action.NAMESPACE_REVOKE):
        return {PROJECTS, INDEX}
    if entry.action in _OF_PUBLISHERS:
        return {HOME}  # which shows the newest change of any project
    return ()
