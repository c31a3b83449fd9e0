"""Never stale: after each change the next request of every page shows it, and no other page is made anew.

Each page of the index is asked for; then something changes; then those that show it must be made anew,
and the others must come from the cache.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index, changes
from tests.api.conftest import status_of, token_of_new
from tests.api.forms import post, twine
from tests.api.test_media import HTML, JSON
from tests.distributions.build import sdist, wheel
from tests.web.helpers import put

Page = tuple[str, str]
MEDIA = ("text/html", HTML, JSON)
ROOT = [("/simple/", media) for media in MEDIA]
HOME = [("/", "text/html"), ("/rss/updates.xml", "*/*"), ("/rss/packages.xml", "*/*")]


def pages_of(name: str) -> list[Page]:
    """Every kind of page that shows a project."""
    simple = [(f"/simple/{name}/", media) for media in MEDIA]
    others = [f"/pypi/{name}/json", f"/pypi/{name}/1.0/json"]
    others += [f"/project/{name}/", f"/project/{name}/1.0/", f"/rss/project/{name}/releases.xml"]
    return simple + [(url, "*/*") for url in others]


FOO, OTHER = pages_of("foo-bar"), pages_of("other")[2:]
ALL = [*FOO, *OTHER, *ROOT, *HOME]


@dataclass
class Reader:
    """Somebody who reads all pages, again and again."""

    app: TestApp
    index: Index
    seen: dict[Page, str] = field(default_factory=dict)

    def read_all(self) -> None:
        """Read each page, so that it is in the cache."""
        for page in ALL:
            self.seen[page] = self._get(page).headers.get("ETag", "404")

    def _get(self, page: Page) -> Any:
        return self.app.get(page[0], headers={"Accept": page[1]}, status="*")

    def changed(self) -> set[Page]:
        """The pages that are not what they were; the next request for each tells."""
        found = set()
        for page in ALL:
            answer = self._get(page)
            if answer.headers.get("ETag", "404") == self.seen[page]:
                assert answer.status_int == 404 or status_of(answer) == "hit"
            else:
                assert answer.status_int == 404 or "stored" in status_of(answer)
                found.add(page)
        return found


@pytest.fixture
def reader(app: TestApp, index: Index) -> Reader:
    for name in ("Foo.Bar", "other"):
        put(index, wheel(name, "1.0"))
    reader = Reader(app, index)
    reader.read_all()
    return reader


def text_of(app: TestApp, page: Page) -> str:
    return str(app.get(page[0], headers={"Accept": page[1]}).text)


def change(function: Callable[..., int], *arguments: object) -> Callable[[Index], None]:
    def make(index: Index) -> None:
        with index.database.write() as session:
            function(session, OPERATOR, *arguments)

    return make


FILE = wheel("Foo.Bar", "1.0")


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda index: put(index, wheel("Foo.Bar", "1.1")), FOO + HOME),
        (lambda index: put(index, sdist("Foo.Bar", "1.0")), FOO + HOME),
        (lambda index: put(index, wheel("Foo.Bar", "0.9", tag="py3-none-win32")), FOO + HOME),
        (lambda index: put(index, wheel("foo_bar", "1.1")), FOO + HOME + ROOT),
        (lambda index: put(index, wheel("third", "1.0")), HOME + ROOT),
        (lambda index: put(index, FILE), []),
        (change(changes.yank, "foo-bar", "1.0", "why not"), FOO + HOME),
        (change(changes.unyank, "foo-bar", "1.0"), FOO + HOME),
        (change(changes.set_status, "foo-bar", "deprecated", "use other"), FOO + HOME),
        (change(changes.set_status, "foo-bar", "quarantined"), FOO + HOME),
        (change(changes.delete_file, FILE[0]), FOO + HOME),
        (change(changes.delete_release, "foo-bar", "1.0"), FOO + HOME),
        (change(changes.delete_project, "foo-bar"), FOO + HOME + ROOT),
    ],
    ids=[
        "a new release",
        "a new file of a release",
        "an older release",
        "a new release under another spelling of the name",
        "a new project",
        "the same file again",
        "a yank",
        "an unyank",
        "a status",
        "a quarantine",
        "a deleted file",
        "a deleted release",
        "a deleted project",
    ],
)
def test_a_change_shows_at_once_and_everywhere(
    reader: Reader, make: Callable[[Index], object], shown: list[Page]
) -> None:
    make(reader.index)
    assert reader.changed() == set(shown)


def test_an_upload_shows_at_once(reader: Reader) -> None:
    """U15: uv asks for the page as soon as it has its answer."""
    file = wheel("Foo.Bar", "2.0")
    token = token_of_new(reader.index, "root", is_admin=True)
    serial = post(reader.app, twine(file), token).headers["X-PyPI-Last-Serial"]
    digest = hashlib.sha256(file[1]).hexdigest()
    for page in FOO[:4]:
        answer = reader.app.get(page[0], headers={"Accept": page[1]})
        assert digest in answer.text
        assert answer.headers["X-PyPI-Last-Serial"] == serial


def test_what_is_shown_follows_the_changes(reader: Reader) -> None:
    app, index = reader.app, reader.index
    page, root = ("/simple/foo-bar/", JSON), ("/simple/", JSON)
    assert '"yanked":false' in text_of(app, page)
    change(changes.yank, "foo-bar", "1.0", "it eats files")(index)
    assert '"yanked":"it eats files"' in text_of(app, page)
    change(changes.unyank, "foo-bar", "1.0")(index)
    assert '"yanked":false' in text_of(app, page)
    put(index, wheel("foo_bar", "1.1"))
    assert '{"name":"foo_bar"}' in text_of(app, root)
    change(changes.delete_file, FILE[0])(index)
    assert FILE[0] not in text_of(app, page)
    assert '"1.0"' in text_of(app, page)
    change(changes.delete_release, "foo-bar", "1.0")(index)
    assert '"1.0"' not in text_of(app, page)
    change(changes.delete_project, "foo-bar")(index)
    app.get(page[0], status=404)
    assert "foo_bar" not in text_of(app, root)


def test_a_change_that_is_not_made_changes_no_page(reader: Reader) -> None:
    with reader.index.database.writer() as session:
        changes.yank(session, OPERATOR, "foo-bar", "1.0", "never mind")
        session.flush()
        session.rollback()
    assert reader.changed() == set()
