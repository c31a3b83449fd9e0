"""Feeds, read as a feed reader does, and held to the rules of RSS 2.0."""

import html
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree as ET

import feedparser
import pytest
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index, changes
from tests.api.conftest import status_of
from tests.distributions.build import wheel
from tests.web.helpers import ATTACK, BROWSER, below_index, put

FEEDS = ("/rss/updates.xml", "/rss/packages.xml", "/rss/project/foo-bar/releases.xml")
BASE = "http://index.test/"
SELF = "{http://www.w3.org/2005/Atom}link"


def read(app: TestApp, url: str) -> ET.Element:
    """The channel of a feed; the rules that hold for every feed."""
    answer = app.get(url)
    assert answer.headers["Content-Type"] == "application/rss+xml"
    rss = ET.fromstring(answer.body)
    assert (rss.tag, rss.attrib, len(rss)) == ("rss", {"version": "2.0"}, 1)
    channel = rss[0]
    for name in ("title", "link", "description", "lastBuildDate"):
        assert len(channel.findall(name)) == 1, name
        assert channel.findtext(name), name
    link = channel.find(SELF)
    assert link is not None
    assert link.attrib == {"href": BASE + url[1:], "rel": "self", "type": "application/rss+xml"}
    items = channel.findall("item")
    identities = [item.findtext("guid") for item in items]
    assert len(set(identities)) == len(identities)
    dates = []
    for item in items:
        assert item.findtext("title")
        # A guid is a permanent link unless it says that it is none.
        assert item.findtext("guid") == item.findtext("link")
        app.get(str(item.findtext("link")).removeprefix(BASE.rstrip("/")), status=200)
        dates.append(_date(item.findtext("pubDate")))
    assert dates == sorted(dates, reverse=True)
    built = _date(channel.findtext("lastBuildDate"))
    assert all(date <= built for date in dates)
    return channel


def _date(text: str | None) -> datetime:
    assert text is not None
    assert text.endswith(" GMT")
    moment = parsedate_to_datetime(text)
    assert moment <= datetime.now(UTC)
    return moment


def titles(app: TestApp, url: str) -> list[str]:
    return [str(item.findtext("title")) for item in read(app, url).findall("item")]


def by(index: Index, change: Any, *arguments: str) -> None:
    with index.database.write() as session:
        change(session, OPERATOR, *arguments)


@pytest.fixture
def filled(index: Index) -> Index:
    for name, version in (("Foo.Bar", "1.0"), ("other", "0.1"), ("Foo.Bar", "0.9")):
        put(index, wheel(name, version, summary=f"{name} {version} & more"))
    return index


def test_the_newest_come_first(app: TestApp, filled: Index) -> None:
    assert titles(app, "/rss/updates.xml") == ["Foo.Bar 0.9", "other 0.1", "Foo.Bar 1.0"]
    assert titles(app, "/rss/packages.xml") == ["other", "Foo.Bar"]
    assert titles(app, "/rss/project/foo-bar/releases.xml") == ["Foo.Bar 0.9", "Foo.Bar 1.0"]
    first = read(app, "/rss/updates.xml").find("item")
    assert first is not None
    assert first.findtext("link") == f"{BASE}project/foo-bar/0.9/"
    assert first.findtext("description") == "Foo.Bar 0.9 &amp; more"
    project = read(app, "/rss/packages.xml").findall("item")[1]
    assert project.findtext("link") == f"{BASE}project/foo-bar/"
    assert project.findtext("description") == "Foo.Bar 0.9 &amp; more"
    channel = read(app, "/rss/project/foo-bar/releases.xml")
    assert channel.findtext("link") == f"{BASE}project/foo-bar/"


def test_a_feed_reader_finds_nothing_wrong(app: TestApp, filled: Index) -> None:
    put(filled, wheel("attack", "1.0", summary=ATTACK))
    for url in FEEDS:
        feed = feedparser.parse(app.get(url).body)
        assert (feed.bozo, feed.version) == (False, "rss20")
        assert [entry.title for entry in feed.entries] == titles(app, url)
        assert all(entry.link == entry.id for entry in feed.entries)
        assert all("<" not in entry.get("summary", "") for entry in feed.entries)


def test_feeds_are_pages_that_follow_every_change(app: TestApp, filled: Index) -> None:
    for url in FEEDS:
        assert "stored" in status_of(app.get(url))
        answer = app.get(url)
        assert status_of(answer) == "hit"
        tag = answer.headers["ETag"]
        assert app.get(url, headers={"If-None-Match": tag}).status_int == 304
    put(filled, wheel("Foo.Bar", "2.0"))
    put(filled, wheel("third", "1.0"))
    assert titles(app, "/rss/updates.xml")[:2] == ["third 1.0", "Foo.Bar 2.0"]
    assert titles(app, "/rss/packages.xml") == ["third", "other", "Foo.Bar"]
    assert titles(app, "/rss/project/foo-bar/releases.xml")[0] == "Foo.Bar 2.0"
    by(filled, changes.yank, "foo-bar", "2.0")
    assert titles(app, "/rss/updates.xml")[:2] == ["third 1.0", "Foo.Bar 0.9"]
    assert titles(app, "/rss/project/foo-bar/releases.xml")[0] == "Foo.Bar 0.9"
    by(filled, changes.delete_project, "foo-bar")
    assert titles(app, "/rss/updates.xml") == ["third 1.0", "other 0.1"]
    assert titles(app, "/rss/packages.xml") == ["third", "other"]
    app.get("/rss/project/foo-bar/releases.xml", status=404)


def test_a_project_in_quarantine_is_no_news(app: TestApp, filled: Index) -> None:
    before = [titles(app, url) for url in FEEDS]
    assert all(any("foo" in title.lower() for title in listed) for listed in before)
    by(filled, changes.set_status, "foo-bar", "quarantined")
    after = [titles(app, url) for url in FEEDS]
    assert not any("foo" in title.lower() for listed in after for title in listed)
    by(filled, changes.set_status, "foo-bar", "active")
    assert [titles(app, url) for url in FEEDS] == before


def test_no_more_than_forty(app: TestApp, index: Index) -> None:
    for number in range(42):
        put(index, wheel("many" if number % 2 else f"p{number}", f"1.{number}"))
    assert len(titles(app, "/rss/updates.xml")) == 40
    assert titles(app, "/rss/updates.xml")[0] == "many 1.41"
    assert len(titles(app, "/rss/packages.xml")) == 22


def test_an_index_without_projects_has_feeds(app: TestApp) -> None:
    for url in FEEDS[:2]:
        assert titles(app, url) == []


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        (ATTACK, ATTACK),
        ("\x00a\x08b\x1bc\x7f\ufffe\uffffd\U0001f600", "abc\x7fd\U0001f600"),
        ("]]> <![CDATA[ &amp; <!-- é", "]]> <![CDATA[ &amp; <!-- é"),
    ],
)
def test_what_metadata_says_stays_text(
    app: TestApp, index: Index, monkeypatch: pytest.MonkeyPatch, summary: str, shown: str
) -> None:
    """Also what no upload gets through today: the page must never be broken by a row."""
    from pypi_lite.repository import feeds, pages

    put(index, wheel("foo-bar", "1.0"))
    for module in (feeds, pages):
        monkeypatch.setattr(
            module, "summaries_of", lambda _session, ids: dict.fromkeys(ids, summary)
        )
    for url in FEEDS:
        (item,) = read(app, url).findall("item")
        assert html.unescape(str(item.findtext("description"))) == shown
        assert "<" not in str(item.findtext("description"))


def test_other_spellings_and_other_names(app: TestApp, filled: Index) -> None:
    moved = app.get("/rss/project/Foo_Bar/releases.xml", status=301)
    assert moved.location == "http://localhost/rss/project/foo-bar/releases.xml"
    for url in (
        "/rss/project/nothing/releases.xml",
        "/rss/project/foo-bar/1.0/releases.xml",
        "/rss/project/foo-bar/releasesXxml",
        "/rss/",
        "/rss/nothing.xml",
    ):
        assert app.get(url, status=404).content_type == "text/plain"


def test_pages_lead_to_their_feeds(app: TestApp, filled: Index) -> None:
    for path, feeds in (
        ("/", FEEDS[:2]),
        ("/project/foo-bar/", FEEDS[2:]),
        ("/project/foo-bar/1.0/", FEEDS[2:]),
    ):
        page = app.get(path, headers=BROWSER)
        links = page.html.select('head link[rel="alternate"][type="application/rss+xml"]')
        assert [below_index(page, link["href"]) for link in links] == list(feeds)
        seen = {below_index(page, a["href"]) for a in page.html.select("main a[href$='.xml']")}
        assert seen == set(feeds)
