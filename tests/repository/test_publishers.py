"""Publishers of a project: what is taken, what is refused, what the journal says."""

import pytest
from sqlalchemy import select

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.attestations import Kind, Workflow
from pypi_lite.models import Action, JournalEntry
from pypi_lite.opening import Opened
from pypi_lite.repository import Index, publishers
from pypi_lite.repository.errors import Code, Refusal
from tests.distributions.build import wheel
from tests.repository.test_keys import swept
from tests.signing import GITLAB_WORKFLOW, WORKFLOW, source_of
from tests.web.helpers import put


@pytest.fixture
def foo(index: Index) -> str:
    """A project."""
    for name in ("Foo", "other"):
        put(index, wheel(name, "1.0"))
    return "foo"


def add(index: Index, name: str, workflow: Workflow, environment: str = "") -> int:
    with index.database.write() as session:
        return publishers.add(session, OPERATOR, name, source_of(workflow, environment))


def remove(index: Index, name: str, number: int) -> int:
    with index.database.write() as session:
        return publishers.remove(session, OPERATOR, name, number)


def test_they_are_added_listed_and_removed(index: Index, foo: str) -> None:
    first = add(index, "FOO", WORKFLOW)
    second = add(index, foo, GITLAB_WORKFLOW, "production")
    third = add(index, foo, WORKFLOW, "production")
    with index.database.read() as session:
        found = publishers.of(session, foo)
        assert [(each.id, each.source) for each in found] == [
            (first, source_of(WORKFLOW)),
            (second, source_of(GITLAB_WORKFLOW, "production")),
            (third, source_of(WORKFLOW, "production")),
        ]
        assert publishers.workflows(session, foo) == [WORKFLOW, GITLAB_WORKFLOW]
        assert publishers.of(session, "other") == []
        assert publishers.workflows(session, "no-project") == []
    remove(index, foo, first)
    remove(index, foo, second)
    with index.database.read() as session:
        assert [each.id for each in publishers.of(session, foo)] == [third]


def test_no_number_is_given_twice(index: Index, foo: str) -> None:
    """The journal tells publishers by them."""
    given = []
    for _ in range(3):
        given.append(add(index, foo, WORKFLOW))
        remove(index, foo, given[-1])
    assert len(set(given)) == 3


def test_the_journal_says_who_was_trusted(index: Index, foo: str) -> None:
    number = add(index, foo, WORKFLOW, "production")
    serial = remove(index, foo, number)
    with index.database.read() as session:
        rows = session.scalars(
            select(JournalEntry)
            .where(JournalEntry.action.in_([Action.PUBLISHER_ADD, Action.PUBLISHER_REMOVE]))
            .order_by(JournalEntry.serial)
        ).all()
        note = f"{number}: release.yml of acme/foo on GitHub in production"
        assert [(row.action, row.project, row.note) for row in rows] == [
            ("publisher.add", "foo", note),
            ("publisher.remove", "foo", note),
        ]
        assert rows[1].serial == serial


def test_no_page_of_the_project_is_made_anew(opened: Opened, foo: str) -> None:
    """No page shows who is trusted; the home page shows the number of the newest change."""
    found = swept(
        opened, lambda session: publishers.add(session, OPERATOR, foo, source_of(WORKFLOW))
    )
    assert found == {"home"}


WRONG = [
    (Kind.GITHUB, "foo", "release.yml"),
    (Kind.GITHUB, "acme/foo/bar", "release.yml"),
    (Kind.GITHUB, "https://github.com/acme/foo", "release.yml"),
    (Kind.GITHUB, "acme/foo\n", "release.yml"),
    (Kind.GITHUB, "acme/foo", ".github/workflows/release.yml"),
    (Kind.GITHUB, "acme/foo", "release.txt"),
    (Kind.GITHUB, "acme/foo", "release.yml@refs/tags/v1.yml"),
    (Kind.GITHUB, "acme/foo", ""),
    (Kind.GITHUB, "acme/" + "f" * 300, "release.yml"),
    (Kind.GITLAB, "foo", ".gitlab-ci.yml"),
    (Kind.GITLAB, "acme//foo", ".gitlab-ci.yml"),
    (Kind.GITLAB, "acme/foo", "/ci/release.yml"),
]


def test_what_can_be_no_publisher_is_refused(index: Index, foo: str) -> None:
    for wrong in WRONG:
        with pytest.raises(Refusal) as caught:
            add(index, foo, Workflow(*wrong))
        assert caught.value.code is Code.BAD_FORM, wrong
    with index.database.read() as session:
        assert publishers.of(session, foo) == []


def test_what_is_not_there_or_there_already_is_said(index: Index, foo: str) -> None:
    number = add(index, foo, WORKFLOW)
    with pytest.raises(Refusal, match="Foo has this publisher already"):
        add(index, foo, WORKFLOW)
    with pytest.raises(Refusal, match="There is no project 'nothing'"):
        add(index, "nothing", WORKFLOW)
    with pytest.raises(Refusal, match="An environment, or a subject, is a line of text"):
        add(index, foo, WORKFLOW, "a\nb")
    for name, wrong in (("other", number), ("Foo", number + 1)):
        with pytest.raises(Refusal, match=f"{name} has no publisher {wrong}"):
            remove(index, name, wrong)
    with pytest.raises(Refusal), index.database.read() as session:
        publishers.of(session, "nothing")
