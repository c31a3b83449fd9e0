"""The reads behind the pages."""

import uuid

import pytest
from sqlalchemy import event

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index, changes, pages
from pypi_lite.repository.reach import EVERYTHING
from tests.distributions.build import sdist, wheel
from tests.web.helpers import put


def latest(index: Index, *versions: str) -> str | None:
    """The latest of *versions*; one with ``!`` behind it is yanked."""
    name = f"p{uuid.uuid4().hex}"
    for version in versions:
        put(index, wheel(name, version.rstrip("!")))
    with index.database.write() as session:
        for version in versions:
            if version.endswith("!"):
                changes.yank(session, OPERATOR, name, version.rstrip("!"))
    with index.database.read() as session:
        project = pages.project(session, name, EVERYTHING)
    assert project is not None
    return str(project.latest.version) if project.latest else None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_latest_is_what_an_installer_would_take(index: Index) -> None:
    """The highest final version; without one the highest not yanked; without one the highest."""
    assert latest(index, "1.9", "1.10", "1.2") == "1.10"
    assert latest(index, "1.0", "2.0rc1", "2.0.dev1") == "1.0"
    assert latest(index, "1.0", "2.0!") == "1.0"
    assert latest(index, "1.0rc1", "2.0!") == "1.0rc1"
    assert latest(index, "1.0!", "2.0!", "3.0a1!") == "3.0a1"
    assert latest(index, "1.0.post1", "1.0", "1.0+local") == "1.0.post1"
    assert latest(index, "2026.1", "1!0.1") == "1!0.1"


def test_a_project_is_read_with_a_handful_of_queries(index: Index) -> None:
    """Three, whatever its size."""
    for number in range(5):
        put(index, wheel("foo", f"1.{number}"))
    put(index, sdist("foo", "1.0"))
    with index.database.read() as session:
        asked: list[str] = []
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
        project = pages.project(session, "foo", EVERYTHING)
        assert len([query for query in asked if query.startswith("SELECT")]) == 3
    assert project is not None
    assert [str(r.version) for r in project.releases] == [f"1.{n}" for n in (4, 3, 2, 1, 0)]
    assert [f.packagetype for f in project.releases[-1].files] == ["bdist_wheel", "sdist"]
    found = project.release("1.0.0")
    assert found is not None
    assert found is project.releases[-1]
    assert project.release("9") is project.release("nonsense") is None


def test_what_is_not_there_is_none(index: Index) -> None:
    with index.database.read() as session:
        assert pages.project(session, "nothing", EVERYTHING) is None
        assert pages.stored_file(session, "nothing", EVERYTHING) is None
        facts, names = pages.names(session, EVERYTHING)
        assert names == []
        assert facts.serial > 0  # an empty index has a last change: its own beginning


def test_the_root_list_is_in_order_and_knows_its_last_change(index: Index) -> None:
    """An upload to a project that is there is none of its changes."""
    for name in ("beta", "Alpha", "gamma-2", "Gamma"):
        put(index, wheel(name, "1.0"))
    with index.database.read() as session:
        before, names = pages.names(session, EVERYTHING)
        assert names == [
            ("alpha", "Alpha"),
            ("beta", "beta"),
            ("gamma", "Gamma"),
            ("gamma-2", "gamma-2"),
        ]
    put(index, wheel("beta", "2.0"))
    with index.database.read() as session:
        assert pages.names(session, EVERYTHING)[0] == before
    put(index, wheel("BETA", "3.0"))
    with index.database.read() as session:
        renamed, names = pages.names(session, EVERYTHING)
        assert renamed.serial > before.serial
        assert ("beta", "BETA") in names
    with index.database.write() as session:
        serial = changes.delete_project(session, OPERATOR, "beta")
    with index.database.read() as session:
        assert pages.names(session, EVERYTHING)[0].serial == serial


def test_the_newest_releases_come_first_without_those_yanked(index: Index) -> None:
    for name in ("one", "two", "three"):
        put(index, wheel(name, "1.0", summary=f"about {name}"))
    put(index, sdist("one", "1.0", summary="not of the wheel"))
    with index.database.write() as session:
        changes.yank(session, OPERATOR, "two", "1.0")
    with index.database.read() as session:
        facts, found = pages.newest_releases(session, EVERYTHING, 10)
        assert [(r.name, r.summary) for r in found] == [
            ("three", "about three"),
            ("one", "about one"),
        ]
        assert len(pages.newest_releases(session, EVERYTHING, 1)[1]) == 1
        project = pages.project(session, "two", EVERYTHING)
        assert project is not None
        assert facts == project.facts  # the yank was the last change
