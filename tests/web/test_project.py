"""The pages of projects and releases."""

from pathlib import Path

import pytest
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index, changes
from pypi_lite.settings import Settings
from tests.conftest import new_user
from tests.distributions.build import sdist, wheel
from tests.web.helpers import ATTACK, BROWSER, addresses, below_index, log_in, put

MARKDOWN = ("Description-Content-Type", "text/markdown")


def cached(settings: Settings) -> list[str]:
    """What lies in the cache for projects."""
    folder = settings.cache_folder / "pages" / "project"
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) if folder.exists() else []


def yank(index: Index, name: str, version: str, reason: str | None) -> None:
    with index.database.write() as session:
        changes.yank(session, OPERATOR, name, version, reason)


def test_shows_what_a_release_says_of_itself(app: TestApp, index: Index) -> None:
    headers = [
        MARKDOWN,
        ("Author-email", "Ann Author <ann@example.org>"),
        ("License-Expression", "MIT"),
        ("Keywords", "fine,small"),
        ("Project-URL", "Documentation, https://docs.example.org/"),
        ("Classifier", "Topic :: Software Development"),
        ("Provides-Extra", "fast"),
    ]
    file = wheel(
        "Foo.Bar",
        "1.0",
        metadata_version="2.4",
        summary="A fine thing",
        description="# Hello\n\n*world*",
        requires=["six>=1.0", "numpy; extra == 'fast'"],
        requires_python=">=3.9",
        headers=headers,
    )
    put(index, file)
    page = app.get("/project/foo-bar/")
    assert page.html.h1.get_text() == "Foo.Bar 1.0"
    assert "pip install --index-url http://index.test/simple/ Foo.Bar<" in page.text
    assert "<em>world</em>" in page.text
    aside = page.html.aside.get_text("|", strip=True)
    for text in ("Ann Author", "MIT", "fine", "small", "six>=1.0", "[fast]|numpy", ">=3.9"):
        assert text in aside
    assert "Topic|Software Development" in aside
    (link,) = page.html.select('a[href="https://docs.example.org/"]')
    assert set(link["rel"]) == {"nofollow", "noopener"}
    assert page.html.select_one('a[href^="mailto:"]')["href"] == "mailto:ann@example.org"


def test_a_releases_page_pins_its_version(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    page = app.get("/project/foo/1.0/")
    assert "pip install --index-url http://index.test/simple/ foo==1.0<" in page.text


def test_files_can_be_downloaded_with_their_metadata(app: TestApp, index: Index) -> None:
    filename, content = wheel("foo", "1.0", requires_python=">=3.9")
    put(index, (filename, content))
    put(index, sdist("foo", "1.0", metadata_version="2.1"))
    for url in ("/project/foo/", "/project/foo/1.0/"):
        page = app.get(url)
        links = {e.get_text(): e["href"] for e in page.html.select("#index-files a")}
        assert list(links) == [filename, filename + ".metadata", "foo-1.0.tar.gz"]
        assert app.get(below_index(page, links[filename])).body == content
        metadata = app.get(below_index(page, links[filename + ".metadata"]))
        assert b"Name: foo" in metadata.body
    files = page.html.select_one("#index-files").get_text(" ", strip=True)
    for text in ("Wheels", "Source distributions", "Python >=3.9", "SHA-256", "Bytes"):
        assert text in files


def test_lists_the_releases_newest_first(app: TestApp, index: Index) -> None:
    for version in ("1.10", "1.9", "2.0b1"):
        put(index, wheel("foo", version))
    yank(index, "foo", "1.9", None)
    page = app.get("/project/foo/")
    rows = [e.get_text(" ", strip=True).split()[:2] for e in page.html.select(".releases li")]
    assert [row[0] for row in rows] == ["2.0b1", "1.10", "1.9"]
    assert rows[0][1] == "pre-release"
    assert rows[2][1] == "yanked"
    assert page.html.h1.get_text() == "foo 1.10"
    for link in page.html.select(".releases a"):
        app.get(below_index(page, link["href"]), status=200)


def test_old_releases_are_folded(app: TestApp, index: Index) -> None:
    for number in range(22):
        put(index, wheel("foo", f"1.{number}"))
    page = app.get("/project/foo/")
    assert "2 older" in page.html.select_one("#index-releases summary").get_text()
    assert len(page.html.select(".releases li")) == 22


def banners(page: object) -> str:
    return " ".join(e.get_text(" ", strip=True) for e in page.html.select(".banner"))  # type: ignore[attr-defined]


def test_banners_say_what_is_special(app: TestApp, index: Index) -> None:
    for version in ("1.0", "2.0", "3.0rc1"):
        put(index, wheel("foo", version))
    yank(index, "foo", "1.0", "it eats files")
    old = app.get("/project/foo/1.0/")
    assert "has been yanked" in banners(old)
    assert "it eats files" in banners(old)
    assert "newer version: foo 2.0" in banners(old)
    assert banners(app.get("/project/foo/")) == banners(app.get("/project/foo/2.0/")) == ""
    assert "latest stable version is 2.0" in banners(app.get("/project/foo/3.0rc1/"))


def test_a_project_of_pre_releases_alone(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0a1"))
    assert "no other kind of release" in banners(app.get("/project/foo/"))


def test_a_project_without_releases_still_has_a_page(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    with index.database.write() as session:
        changes.delete_release(session, OPERATOR, "foo", "1.0")
    assert "no releases" in app.get("/project/foo/").text


def test_a_release_without_files_still_has_a_page(app: TestApp, index: Index) -> None:
    filename, content = wheel("foo", "1.0")
    put(index, (filename, content))
    with index.database.write() as session:
        changes.delete_file(session, OPERATOR, filename)
    assert "no files" in app.get("/project/foo/1.0/").text


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("/project/Foo.Bar", "/project/foo-bar/"),
        ("/project/foo_bar/1.0", "/project/foo-bar/1.0/"),
        ("/project/foo-bar/1.0.0", "/project/foo-bar/1.0/"),
        ("/project/foo-bar/1.0%0A", "/project/foo-bar/1.0/"),
        ("/project/foo-bar/v1.0", "/project/foo-bar/1.0/"),
        ("/project/foo-bar/2!1.0+Local.2", "/project/foo-bar/2!1.0+local.2/"),
    ],
)
def test_other_spellings_lead_to_the_page(
    app: TestApp, index: Index, settings: Settings, asked: str, canonical: str, slash: str
) -> None:
    for version in ("1.0", "2!1.0+local.2"):
        put(index, wheel("Foo.Bar", version))
    moved = app.get(asked + slash + "?a=b", status=301)
    assert moved.location == "http://localhost" + canonical + "?a=b"
    moved = app.get(asked + slash, extra_environ={"SCRIPT_NAME": "/index"}, status=301)
    assert moved.location == "http://localhost/index" + canonical
    assert cached(settings) == []
    assert "text/html" in app.get(canonical).content_type
    assert app.get(canonical).headers["Cache-Status"] == "pypi_lite; hit"


def test_a_missing_slash_alone(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    assert app.get("/project/foo", status=301).location == "http://localhost/project/foo/"
    assert app.get("/project/foo/1.0", status=301).location == "http://localhost/project/foo/1.0/"


@pytest.mark.parametrize(
    "path",
    [
        "/project/nothing/",
        "/project/nothing/1.0/",
        "/project/foo/9.9/",
        "/project/foo/latest/",
        "/project/..%2F..%2Fetc/",
        "/project/-foo-/",
        "/project/foo%00/",
        "/project/f%C3%B6%C3%B6/",
        "/project/" + "x" * 3000 + "/",
        "/project/foo/" + "9" * 3000 + "/",
        "/project//",
    ],
)
def test_the_unknown_is_not_found_and_leaves_nothing_behind(
    app: TestApp, index: Index, settings: Settings, path: str
) -> None:
    put(index, wheel("foo", "1.0"))
    page = app.get(path, headers=BROWSER, status=404)
    assert "There is nothing here" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert cached(settings) == []


def test_everything_that_a_distribution_says_is_escaped(app: TestApp, index: Index) -> None:
    attack = ATTACK
    headers = [
        MARKDOWN,
        ("Author", attack),
        ("Author-email", f'"{attack[:25]}" <a"onclick=x@example.org>'),
        ("License", attack),
        ("Keywords", attack),
        ("Platform", attack),
        ("Home-page", "javascript:alert(1)"),
        ("Download-URL", "JavaScript:alert(1)"),
        ("Project-URL", "Bad, javascript:alert(1)"),
        ("Project-URL", "Worse, data:text/html;base64,PHNjcmlwdD4="),
        ("Project-URL", f'{attack[:25]}, https://example.org/"onclick="alert(1)'),
        ("Classifier", f"Topic :: {attack}"),
    ]
    description = f"{attack}\n\n[x](javascript:alert(3)) <a href='javascript:alert(4)'>y</a>"
    put(index, wheel("evil", "1.0", summary=attack, description=description, headers=headers))
    yank(index, "evil", "1.0", attack)
    page = app.get("/project/evil/1.0/")
    scripts = page.html.find_all("script")
    assert [s["src"].rsplit("/", 1)[1] for s in scripts] == ["copy.js"]
    assert not [e for e in page.html.find_all(True) if any(a.startswith("on") for a in e.attrs)]
    assert not [a for a in addresses(page) if a.lower().startswith(("javascript:", "data:"))]
    assert attack in banners(page)
    assert attack in page.html.select_one(".lead").get_text()


def test_the_same_bytes_for_everybody_everywhere(app: TestApp, index: Index, ann: str) -> None:
    put(index, wheel("foo", "1.0"))
    for path in ("/project/foo/", "/project/foo/1.0/"):
        stranger = app.get(path).body
        log_in(app, ann)
        for environ in ({}, {"SCRIPT_NAME": "/prefix", "wsgi.url_scheme": "https"}):
            assert app.get(path + "?x", extra_environ=environ).body == stranger
        app.reset()


def test_links_are_relative_and_lead_somewhere(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    for path in ("/project/foo/", "/project/foo/1.0/"):
        page = app.get(path)
        for address in addresses(page):
            assert address.startswith(("./", "../", "#"))
            if not address.startswith("#"):
                assert app.get(below_index(page, address), status="*").status_int < 400


def test_headers(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    for _ in ("miss", "hit"):
        headers = app.get("/project/foo/").headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Vary"] == "Accept-Encoding"
        assert headers["Cache-Control"] == "no-cache"
        assert headers["Content-Type"] == "text/html; charset=UTF-8"
        assert "Set-Cookie" not in headers


def test_changes_show_at_once(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    tag = app.get("/project/foo/").headers["ETag"]
    app.get("/project/foo/", headers={"If-None-Match": tag}, status=304)
    yank(index, "foo", "1.0", "oh")
    assert "oh" in banners(app.get("/project/foo/", headers={"If-None-Match": tag}, status=200))


def test_says_at_once_who_may_see_it(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    log_in(app, new_user(index, "root", is_admin=True))
    for path in ("/project/foo/", "/project/foo/1.0/"):
        assert "a token that may read" not in app.get(path).text
        for visibility in ("internal", "private", "public"):
            with index.database.write() as session:
                changes.set_visibility(session, OPERATOR, "foo", visibility)
            page = app.get(path)
            badges = [e.get_text() for e in page.html.select(".hero .badge")]
            assert badges == ([visibility] if visibility != "public" else [])
            assert ("a token that may read" in page.text) == (visibility != "public")


def test_pages_have_neither_inline_scripts_nor_inline_styles() -> None:
    from pypi_lite import templates

    for path in Path(templates.__file__).parent.rglob("*.html"):
        text = path.read_text()
        assert "style=" not in text
        assert "<style" not in text
        assert text.count("<script") == text.count('<script src="{{ static }}')
