"""The search for projects."""

import uuid
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.models import File, Visibility
from pypi_lite.names import normalize_name
from pypi_lite.repository import Index, changes, search
from pypi_lite.repository.errors import Refusal
from pypi_lite.repository.reach import EVERYTHING, Reach
from tests.distributions.build import sdist, wheel
from tests.repository.test_status import set_status
from tests.web.helpers import put

#: Names and summaries; those of `HIDDEN` are private.
PROJECTS = {
    "Foo_Bar": "Reads the 100% of ÄRGER and Straße",
    "foo.bar.baz": "a_b and a/b, but no backslash",
    "not-foo": "Something about FOO-bar",
    "Zebra": "stripes",
    "hidden-foo": "Something about zebras and secrets",
    "hidden": "100% hidden",
}
HIDDEN = {"hidden-foo", "hidden"}
STRANGER, ACCOUNT = Reach(is_open=True), Reach(is_open=True, has_account=True)
CLOSED = Reach(is_open=False)

#: What people type, and what they had better not.
WILD = st.text(
    st.one_of(st.sampled_from("%_/\\-. '\"\0\n*?[]&|!:éÄß\u212a"), st.characters()),
    max_size=40,
)


@pytest.fixture
def filled(index: Index) -> Index:
    for name, summary in PROJECTS.items():
        put(index, wheel(name, "1.0", summary=summary))
    with index.database.write() as session:
        for name in HIDDEN:
            changes.set_visibility(session, OPERATOR, name, Visibility.PRIVATE)
    return index


def find(index: Index, text: str, reach: Reach = EVERYTHING, page: int = 1) -> search.Part:
    with index.database.read() as session:
        return search.search(session, reach, search.read_words(text), page)


def names(index: Index, text: str, reach: Reach = EVERYTHING) -> list[str]:
    part = find(index, text, reach)
    assert part.count == len(part.projects)
    return [project.name for project in part.projects]


def test_without_words_all_are_listed_by_name(filled: Index) -> None:
    for text in ("", "  \t ", "\0"):
        assert names(filled, text) == [
            "Foo_Bar",
            "foo.bar.baz",
            "hidden",
            "hidden-foo",
            "not-foo",
            "Zebra",
        ]


@pytest.mark.parametrize("text", ["foo-bar", "Foo_Bar", "foo.bar", "FOO._bar", "foo bar"])
def test_however_a_name_is_spelt_it_is_found_first(filled: Index, text: str) -> None:
    """Then those that begin with it, then the others."""
    assert names(filled, text) == ["Foo_Bar", "foo.bar.baz", "not-foo"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ärger", ["Foo_Bar"]),
        ("STRASSE", ["Foo_Bar"]),
        ("reads straße bar", ["Foo_Bar"]),
        ("reads zebra", []),
        ("SOMETHING zebra", ["hidden-foo"]),
        ("zebra", ["Zebra", "hidden-foo"]),
        ("ebr", ["Zebra", "hidden-foo"]),
        ("bar foo", ["Foo_Bar", "foo.bar.baz", "not-foo"]),
        ("100%", ["Foo_Bar", "hidden"]),
        ("%", ["Foo_Bar", "hidden"]),
        ("1%", []),
        ("a_b", ["foo.bar.baz"]),
        ("foo%baz", []),
        ("f_o", []),
        ("a/b", ["foo.bar.baz"]),
        ("\\", []),
        ("'", []),
    ],
)
def test_every_word_is_in_the_name_or_the_summary(
    filled: Index, text: str, found: list[str]
) -> None:
    """In any case, and no character is more than that."""
    assert names(filled, text) == found


def test_what_no_database_may_be_asked_for_is_left_out(filled: Index) -> None:
    for character in ("\0", "\ud800", "\x7f", "\u2028"):
        assert names(filled, f"{character}zebra{character}stripes{character}") == ["Zebra"]


@pytest.mark.parametrize("text", ["", "foo", "hidden", "hidden-foo", "secrets", "100%"])
def test_what_is_hidden_does_not_exist(filled: Index, text: str) -> None:
    for reach in (STRANGER, ACCOUNT):
        assert not HIDDEN & set(names(filled, text, reach))
    assert names(filled, text, CLOSED) == []
    member = Reach(is_open=False, has_account=True, private=frozenset({"hidden"}))
    assert HIDDEN & set(names(filled, text, member)) <= {"hidden"}
    limited = Reach(is_open=False, has_account=True, is_admin=True, limited=frozenset({"zebra"}))
    assert set(names(filled, text, limited)) <= {"Zebra"}
    with filled.database.write() as session:
        changes.set_visibility(session, OPERATOR, "hidden", Visibility.INTERNAL)
    assert "hidden" not in names(filled, text, STRANGER)
    assert ("hidden" in names(filled, text, ACCOUNT)) == ("hidden" in names(filled, text))


def test_no_input_is_an_error_and_none_finds_what_is_hidden(filled: Index) -> None:
    with filled.database.read() as session:

        @given(WILD, st.integers(1, 999_999_999))
        def try_it(text: str, page: int) -> None:
            try:
                words = search.read_words(text)
            except Refusal:
                return  # too many words
            all_there_is = search.search(session, EVERYTHING, words, page)
            part = search.search(session, STRANGER, words, page)
            found = {project.name for project in all_there_is.projects}
            assert {project.name for project in part.projects} == found - HIDDEN
            assert part.count == len(part.projects)
            assert (part.page, part.last) == (1, 1)

        try_it()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,15}[A-Za-z0-9])?", fullmatch=True), st.data())
def test_every_project_is_found_by_its_own_name(
    index: Index, name: str, data: st.DataObject
) -> None:
    """First, and by each part of it."""
    put(index, wheel(name, f"1.{uuid.uuid4().int}"))  # A and a are one project
    for spell in (str, str.upper, normalize_name):
        first = find(index, spell(name)).projects[0]
        assert first.normalized_name == normalize_name(name)
    begin = data.draw(st.integers(0, len(name) - 1))
    part = name[begin : data.draw(st.integers(begin + 1, len(name)))]
    assert find(index, part).count >= 1
    assert normalize_name(name) in every_name(index, part)


def every_name(index: Index, text: str) -> set[str]:
    last = find(index, text).last
    parts = [find(index, text, page=page) for page in range(1, last + 1)]
    return {project.normalized_name for part in parts for project in part.projects}


def test_too_much_is_refused() -> None:
    search.read_words("x" * search.LONGEST)
    search.read_words("x " * search.MOST_WORDS)
    for text in ("x" * (search.LONGEST + 1), "x " * (search.MOST_WORDS + 1)):
        with pytest.raises(Refusal) as caught:
            search.read_words(text)
        assert caught.value.status == 422
        assert "at most" in caught.value.text


def test_a_row_shows_the_latest_release(index: Index) -> None:
    put(index, wheel("Foo", "2.0", summary="of two"))
    put(index, sdist("Foo", "2.0", summary="of the source"))
    put(index, wheel("Foo", "1.9", summary="of an old branch"))
    put(index, wheel("Foo", "3.0rc1", summary="to come"))
    (foo,) = find(index, "of two").projects
    assert (foo.name, foo.version, foo.summary) == ("Foo", "2.0", "of two")
    assert foo.uploaded == newest_upload(index)
    for text in ("branch", "source", "come"):
        assert names(index, text) == []


def newest_upload(index: Index) -> object:
    with index.database.read() as session:
        return session.execute(select(func.max(File.uploaded))).scalar_one()


def test_nothing_of_a_project_in_quarantine_shows(index: Index) -> None:
    put(index, wheel("Foo", "1.0", summary="evil things"))
    set_status(index, "quarantined")
    assert names(index, "evil") == []
    (foo,) = find(index, "foo").projects
    assert foo.status == "quarantined"
    assert (foo.version, foo.summary, foo.uploaded) == (None, None, None)
    set_status(index, "archived")
    (foo,) = find(index, "evil").projects
    assert (foo.status, foo.version) == ("archived", "1.0")


def test_pages_are_parts_of_the_whole(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "A_PAGE", 2)
    for number in range(5):
        put(index, wheel(f"p{number}", "1.0"))
    put(index, wheel("hidden", "1.0"))
    with index.database.write() as session:
        changes.set_visibility(session, OPERATOR, "hidden", "private")
    seen = []
    for page in (1, 2, 3):
        part = find(index, "", STRANGER, page)
        assert (part.count, part.page, part.last) == (5, page, 3)
        seen += [project.name for project in part.projects]
    assert seen == ["p0", "p1", "p2", "p3", "p4"]
    for page in (4, 999_999_999):
        assert find(index, "", STRANGER, page) == find(index, "", STRANGER, 3)
    nothing = find(index, "absent", STRANGER, 9)
    assert (nothing.count, nothing.page, nothing.last) == (0, 1, 1)


def test_two_queries_are_enough(filled: Index) -> None:
    with filled.database.read() as session:
        asked: list[str] = []
        note: Callable[..., None] = lambda *arguments: asked.append(arguments[2])  # noqa: E731
        event.listen(session.get_bind(), "before_cursor_execute", note)
        search.search(session, STRANGER, ["foo", "bar"])
    assert len([query for query in asked if query.startswith("SELECT")]) == 2
