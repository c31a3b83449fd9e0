"""Which keys a change alters: no kind of row is forgotten, and no statement goes past the cache."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.cache.pages import Change, KeyRegistry
from pypi_lite.cache.writing import KEYS_OPTION, ChangeRefused, KeysNotNamed
from pypi_lite.models import (
    Action,
    Base,
    File,
    FileAttestation,
    JournalEntry,
    Namespace,
    NamespaceOwner,
    Project,
    Release,
    Role,
    User,
    now,
)
from pypi_lite.opening import Opened
from pypi_lite.repository import Index, changes, keys
from pypi_lite.settings import Settings
from tests.distributions.build import wheel
from tests.web.helpers import put


@pytest.fixture
def registry() -> KeyRegistry:
    registry = KeyRegistry()
    keys.register(registry)
    return registry


def test_every_table_says_which_pages_it_alters(registry: KeyRegistry) -> None:
    project = Project(normalized_name="foo", name="foo")
    for mapper in Base.registry.mappers:
        row = project if mapper.class_ is Project else mapper.class_()
        if mapper.class_ in (Release, Role):
            row.project = project
        if hasattr(row, "release"):
            row.release = Release(project=project)
        if hasattr(row, "file"):
            row.file = File(release=Release(project=project))
        registry.keys_of(row, Change.NEW)


@pytest.mark.parametrize("change", [Change.NEW, Change.MODIFIED, Change.DELETED])
def test_a_role_and_a_namespace_name_theirs(registry: KeyRegistry, change: Change) -> None:
    role = Role(project=Project(normalized_name="foo", name="foo"))
    assert registry.keys_of(role, change) == {"project/foo", "reader"}
    grant = JournalEntry(action=Action.NAMESPACE_GRANT)
    for row in (Namespace(), NamespaceOwner(), grant):
        assert registry.keys_of(row, change) == {"project", "index"}


@pytest.mark.parametrize("change", [Change.NEW, Change.MODIFIED, Change.DELETED])
def test_a_row_names_its_keys_without_help(registry: KeyRegistry, change: str) -> None:
    """Also where the change forgets to change the project itself."""
    release = Release(project=Project(normalized_name="foo", name="foo"))
    for row in (release, File(release=release)):
        assert registry.keys_of(row, change) == {"project/foo", "home"}
    attestation = FileAttestation(file=File(release=release))
    assert registry.keys_of(attestation, change) == {"project/foo"}


def test_a_table_that_nobody_registered_cannot_be_written(registry: KeyRegistry) -> None:
    class OtherBase(DeclarativeBase):
        pass

    class Forgotten(OtherBase):
        __tablename__ = "forgotten"
        id: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(TypeError, match="Forgotten"):
        registry.keys_of(Forgotten(), Change.NEW)


STATEMENTS = [
    update(Release).values(yanked=True),
    delete(Release),
    insert(User).values(name="x", is_admin=False, created=now()),
    text("UPDATE releases SET yanked = TRUE"),
]


@pytest.mark.parametrize("statement", STATEMENTS, ids=str)
def test_a_bulk_statement_must_name_its_keys(index: Index, statement: object) -> None:
    put(index, wheel("foo", "1.0"))
    with index.database.writer() as session, pytest.raises(KeysNotNamed):
        session.execute(statement)  # type: ignore[call-overload]
    with index.database.read() as session:
        assert session.scalars(select(Release.yanked)).all() == [False]


def swept(opened: Opened, change: Callable[[Session], object]) -> set[str]:
    """The keys that *change* sweeps."""
    assert opened.cache is not None
    found: set[str] = set()
    place = opened.cache.place

    def watch(key: str, transaction: str) -> object:
        found.add(key)
        return place(key, transaction)

    opened.cache.place = watch  # type: ignore[method-assign, assignment]
    try:
        with opened.index.database.write() as session:
            change(session)
    finally:
        del opened.cache.place  # type: ignore[attr-defined]
    return found


def test_a_bulk_statement_sweeps_the_keys_that_it_names(opened: Opened) -> None:
    named = {"project/foo", "home"}
    statement = update(Release).values(yanked=True)
    assert named == swept(
        opened, lambda session: session.execute(statement, execution_options={KEYS_OPTION: named})
    )


def test_each_change_sweeps_the_keys_whose_pages_it_alters(opened: Opened) -> None:
    put(opened.index, wheel("Foo", "1.0"))
    put(opened.index, wheel("Foo", "2.0"))
    project = {"project/foo", "home"}

    def by(function: Callable[..., object], *arguments: str) -> set[str]:
        return swept(opened, lambda session: function(session, OPERATOR, *arguments))

    assert by(changes.yank, "foo", "1.0") == project
    assert by(changes.unyank, "foo", "1.0") == project
    assert by(changes.delete_file, wheel("Foo", "1.0")[0]) == project
    assert by(changes.delete_release, "foo", "2.0") == project
    assert by(changes.delete_project, "foo") == {*project, "index", "reader"}
    assert swept(opened, lambda session: session.add(User(name="x", created=now()))) == set()


def test_a_project_that_is_renamed_leaves_its_old_pages(opened: Opened) -> None:
    put(opened.index, wheel("foo", "1.0"))

    def rename(session: Session) -> None:
        session.scalars(select(Project)).one().normalized_name = "bar"

    assert swept(opened, rename) == {"project/foo", "project/bar", "index", "home"}


def test_a_change_is_refused_where_its_pages_cannot_be_swept(
    index: Index, settings: Settings
) -> None:
    put(index, wheel("foo", "1.0"))
    holds = settings.cache_folder / "holds"
    holds.rmdir()
    holds.write_text("a file where the folder should be")
    for change in (
        lambda session: changes.yank(session, OPERATOR, "foo", "1.0"),
        lambda session: changes.delete_project(session, OPERATOR, "foo"),
    ):
        with pytest.raises(ChangeRefused), index.database.write() as session:
            change(session)
    with index.database.read() as session:
        assert session.scalars(select(Release.yanked)).all() == [False]
    holds.unlink()
    with index.database.write() as session:
        changes.yank(session, OPERATOR, "foo", "1.0")
    assert not [p for p in holds.rglob("*") if p.is_file()]
