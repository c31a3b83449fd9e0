"""Which keys of the cache a change of which row alters.

======================  ==================================================================
key                     its pages
======================  ==================================================================
``project/<name>``      the simple page, the legacy JSON and the project page of a project
``index``               the root list: it depends on the set of project names alone
``home``                the home page: it shows the newest releases
======================  ==================================================================
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import inspect

from pypi_lite.cache.pages import Change, KeyRegistry
from pypi_lite.models import (
    BurnedFilename,
    Description,
    File,
    JournalEntry,
    Project,
    Release,
    Role,
    Token,
    TokenProject,
    TokenScope,
    User,
)

INDEX = "index"
HOME = "home"


def project_key(normalized_name: str) -> str:
    """The key of a project's pages."""
    return f"project/{normalized_name}"


def register(registry: KeyRegistry) -> None:
    """Tell *registry* about every kind of row. A kind that is missing here can't be written."""
    registry.register(Project, _project)
    registry.register(Release, _release)
    registry.register(File, _file)
    for model in (
        BurnedFilename,  # no page shows it
        Description,  # shown by files alone, and never changed
        JournalEntry,  # a page shows its newest row's number, of a change that has keys itself
        Role,
        Token,
        TokenProject,
        TokenScope,
        User,
    ):
        registry.register(model, _none)


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
