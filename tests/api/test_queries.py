"""What a page asks the database: a handful of queries, and no more of them when there is more to show."""

from typing import Any

from sqlalchemy import event
from webtest import TestApp

from pypi_lite.repository import Index
from tests.api.test_media import HTML, JSON
from tests.distributions.build import sdist, wheel
from tests.web.helpers import put

PAGES = [
    ("/simple/foo/", "text/html"),
    ("/simple/foo/", HTML),
    ("/simple/foo/", JSON),
    ("/pypi/foo/json", "*/*"),
    ("/pypi/foo/1.0/json", "*/*"),
    ("/project/foo/", "text/html"),
    ("/project/foo/1.0/", "text/html"),
    ("/simple/", "text/html"),
    ("/simple/", JSON),
    ("/", "text/html"),
    ("/rss/updates.xml", "*/*"),
    ("/rss/packages.xml", "*/*"),
    ("/rss/project/foo/releases.xml", "*/*"),
]
#: Snapshot included, where the database has to be told that it begins.
HANDFUL = 6


def fill(index: Index, first: int, last: int) -> None:
    """Releases *first* to *last* of a project, a source distribution of each, and as many projects;
    each file has a description of its own."""
    for number in range(first, last):
        put(index, wheel("foo", f"1.{number}", description=f"# Release {number}"))
        put(index, sdist("foo", f"1.{number}", description=f"# Release {number}, source"))
        put(index, wheel("foo", "1.0", tag=f"py3-none-any{number}"))
        put(index, wheel(f"other-{number}", "1.0"))


def queries(app: TestApp) -> dict[tuple[str, str], list[str]]:
    """What each page asks when it is made anew."""
    with app.app.registry["pypi_lite.index"].database.read() as session:
        engine = session.get_bind()
    found = {}
    for page in PAGES:
        asked: list[str] = []

        def note(_connection: Any, _cursor: Any, text: str, *_: Any, asked: Any = asked) -> None:
            asked.append(text)

        event.listen(engine, "before_cursor_execute", note)
        # The query goes past the cache.
        app.get(f"{page[0]}?made=anew", headers={"Accept": page[1]}, status=200)
        event.remove(engine, "before_cursor_execute", note)
        found[page] = asked
    return found


def test_no_page_asks_more_when_there_is_more_to_show(app: TestApp, index: Index) -> None:
    fill(index, 0, 2)
    few = queries(app)
    fill(index, 2, 20)
    many = queries(app)
    for page in PAGES:
        assert len(few[page]) == len(many[page]), (page, many[page])
        assert 1 <= len(many[page]) <= HANDFUL, (page, many[page])
