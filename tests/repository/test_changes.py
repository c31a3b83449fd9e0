"""Yanking and deleting."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.models import JournalEntry, Release, Role
from pypi_lite.repository import Index, changes, pages
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.reach import EVERYTHING
from tests.distributions.build import sdist, wheel
from tests.web.helpers import put


@pytest.fixture
def filled(index: Index) -> Index:
    for file in (wheel("Foo", "1.0"), sdist("Foo", "1.0"), wheel("Foo", "2.0")):
        put(index, file)
    return index


def change(index: Index, function: Callable[..., int], *arguments: str | None) -> int:
    with index.database.write() as session:
        return function(session, OPERATOR, *arguments)


def newest(index: Index) -> JournalEntry:
    with index.database.read() as session:
        entries = session.scalars(select(JournalEntry).order_by(JournalEntry.serial)).all()
    return entries[-1]


@pytest.mark.parametrize(
    ("function", "arguments", "action", "note"),
    [
        (changes.yank, ("FOO", "1", "why"), "release.yank", "why"),
        (changes.yank, ("foo", "1.0", ""), "release.yank", None),
        (changes.unyank, ("foo", "1.0.0"), "release.unyank", None),
        (changes.delete_file, ("foo-1.0.tar.gz",), "file.delete", None),
        (changes.delete_release, ("foo", "1.0"), "release.delete", None),
        (changes.delete_project, ("Foo",), "project.delete", None),
    ],
)
def test_each_change_is_in_the_journal_and_is_the_projects_last(
    filled: Index,
    function: Callable[..., int],
    arguments: tuple[str, ...],
    action: str,
    note: str | None,
) -> None:
    serial = change(filled, function, *arguments)
    entry = newest(filled)
    assert (entry.serial, entry.action, entry.project) == (serial, action, "foo")
    assert (entry.actor, entry.note) == (OPERATOR.name, note)
    assert entry.version == (None if action == "project.delete" else "1.0")
    assert entry.filename == (arguments[0] if action == "file.delete" else None)
    with filled.database.read() as session:
        project = pages.project(session, "foo", EVERYTHING)
        if action == "project.delete":
            assert project is None
        else:
            assert project is not None
            assert project.facts.serial == serial
            assert project.facts.changed == entry.moment


def test_an_empty_reason_is_none(filled: Index) -> None:
    """S15: clients never see an empty string."""
    change(filled, changes.yank, "foo", "1.0", "")
    with filled.database.read() as session:
        row = session.scalars(select(Release).where(Release.version == "1.0")).one()
        assert (row.yanked, row.yanked_reason) == (True, None)
    change(filled, changes.yank, "foo", "1.0", "a reason now")
    change(filled, changes.unyank, "foo", "1.0")
    with filled.database.read() as session:
        row = session.scalars(select(Release).where(Release.version == "1.0")).one()
        assert (row.yanked, row.yanked_reason) == (False, None)


def test_a_release_of_all_files_deleted_stays(filled: Index) -> None:
    """S05: versions may have no files."""
    change(filled, changes.delete_file, "foo-2.0-py3-none-any.whl")
    with filled.database.read() as session:
        project = pages.project(session, "foo", EVERYTHING)
        assert project is not None
        release = project.release("2.0")
        assert release is not None
        assert release.files == ()
        assert pages.release_metadata(session, release) is None


def test_a_project_that_is_deleted_can_begin_again(filled: Index) -> None:
    """With other files: the names stay burned. Nobody owns it from before."""
    change(filled, changes.delete_project, "foo")
    put(filled, wheel("foo", "3.0"))
    with pytest.raises(Refusal) as refusal:
        put(filled, wheel("Foo", "1.0"))
    assert refusal.value.code is Code.FILENAME_BURNED
    with filled.database.read() as session:
        project = pages.project(session, "foo", EVERYTHING)
        assert project is not None
        assert [str(release.version) for release in project.releases] == ["3.0"]
        assert session.scalars(select(Role)).all() == []


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (changes.yank, ("nothing", "1.0")),
        (changes.yank, ("foo", "9.0")),
        (changes.yank, ("foo", "nonsense")),
        (changes.unyank, ("foo", "9.0")),
        (changes.delete_file, ("nothing.whl",)),
        (changes.delete_release, ("foo", "9.0")),
        (changes.delete_project, ("nothing",)),
    ],
)
def test_what_is_not_there_cannot_be_changed(
    filled: Index, function: Callable[..., int], arguments: tuple[str, ...]
) -> None:
    before = newest(filled).serial
    with pytest.raises(Refusal) as refusal:
        change(filled, function, *arguments)
    assert (refusal.value.code, refusal.value.status) == (Code.NOT_FOUND, 404)
    assert newest(filled).serial == before
