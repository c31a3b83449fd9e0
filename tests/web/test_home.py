"""The home page."""

from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index, changes
from tests.distributions.build import wheel
from tests.web.helpers import ATTACK, BROWSER, addresses, log_in, put


def test_an_empty_index_says_how_to_use_it(app: TestApp) -> None:
    page = app.get("/")
    assert "pip install --index-url http://index.test/simple/ PROJECT" in page.text
    assert "twine upload --repository-url http://index.test/legacy/ dist/*" in page.text
    assert "Nothing has been published yet" in page.text


def test_shows_the_newest_releases_first(app: TestApp, index: Index) -> None:
    put(index, wheel("Older", "1.0", summary="the older one"))
    put(index, wheel("Newer.Thing", "2.0"))
    page = app.get("/")
    names = [e.get_text() for e in page.html.select("ol.rows a")]
    assert names == ["Newer.Thing 2.0", "Older 1.0"]
    assert page.html.select("ol.rows a")[0]["href"] == "./project/newer-thing/2.0/"
    assert "the older one" in page.text


def test_lists_at_most_twenty(app: TestApp, index: Index) -> None:
    for number in range(21):
        put(index, wheel("many", f"1.{number}"))
    shown = [e.get_text() for e in app.get("/").html.select("ol.rows .version")]
    assert shown == [f"1.{number}" for number in range(20, 0, -1)]


def test_is_a_page_of_the_cache_and_current(app: TestApp, index: Index) -> None:
    put(index, wheel("one", "1.0"))
    assert app.get("/").headers["Cache-Status"] == "pypi_lite; fwd=uri-miss; stored"
    assert app.get("/").headers["Cache-Status"] == "pypi_lite; hit"
    changes.yank(session := index.database.writer(), OPERATOR, "one", "1.0")
    session.commit()
    session.close()
    page = app.get("/")
    assert "uri-miss" in page.headers["Cache-Status"]
    assert "Nothing has been published yet" in page.text


def test_says_at_once_what_is_hidden(app: TestApp, index: Index, ann: str) -> None:
    """To those who may see it."""
    put(index, wheel("one", "1.0"))
    log_in(app, ann)
    for visibility, badges in (("internal", ["internal"]), ("public", []), ("private", [])):
        app.get("/")
        with index.database.write() as session:
            changes.set_visibility(session, OPERATOR, "one", visibility)
        page = app.get("/")
        assert [e.get_text() for e in page.html.select("ol.rows .badge")] == badges
        assert bool(page.html.select("ol.rows li")) == (visibility != "private")


def test_escapes_summaries(app: TestApp, index: Index) -> None:
    put(index, wheel("evil", "1.0", summary=ATTACK))
    page = app.get("/")
    assert "<script>alert" not in page.text
    assert not page.html.select("img[onerror]")
    assert ATTACK in page.html.get_text()


def test_is_the_same_for_everybody_everywhere(app: TestApp, index: Index, ann: str) -> None:
    put(index, wheel("one", "1.0"))
    stranger = app.get("/?uncached").body
    log_in(app, ann)
    known = app.get(
        "/?uncached", extra_environ={"SCRIPT_NAME": "/prefix", "HTTP_HOST": "elsewhere.test"}
    )
    assert known.body == stranger
    assert "Set-Cookie" not in app.get("/", headers=BROWSER).headers


def test_links_are_relative(app: TestApp, index: Index) -> None:
    put(index, wheel("one", "1.0"))
    assert all(a.startswith(("./", "#")) for a in addresses(app.get("/")))
