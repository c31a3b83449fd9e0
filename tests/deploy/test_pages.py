"""Pages behind nginx: the same answer, whoever gives it."""

import gzip
import os
import shutil
from itertools import product
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.api.test_media import CLIENTS, HTML, JSON
from tests.deploy.asking import ask
from tests.deploy.conftest import Site
from tests.deploy.front import PRIVATE, front
from tests.distributions.build import wheel

PAGES = (
    "",
    "simple/",
    "simple/foo/",
    "project/foo/",
    "project/foo/1.0/",
    "project/foo/1!2.0/",
    "project/foo/3.0+local.1/",
    "pypi/foo/json",
    "pypi/foo/1.0/json",
    "pypi/foo/3.0+local.1/json",
)
NOBODY = 502  # what nginx says of an application that is not there


@pytest.mark.parametrize("path", PAGES)
def test_nginx_answers_a_published_page_as_the_application_does(site: Site, path: str) -> None:
    accepts = (None, "text/html", HTML, JSON) if path.startswith("simple/") else (None, JSON)
    for accept, encoding, method in product(accepts, (None, "gzip, deflate"), ("GET", "HEAD")):
        named = (("Accept", accept), ("Accept-Encoding", encoding))
        headers = [(name, value) for name, value in named if value is not None]
        site.published(path, *headers)
        expected = ask(f"{site.direct}{path}", *headers, method=method)
        assert expected.status == 200
        for front_ in site.alone, site.public, site.private:
            answer = ask(f"{front_}{path}", *headers, method=method)
            assert answer.comparable == expected.comparable
            assert answer.header("Last-Modified") is None
            assert answer.header("Server") == "nginx"
        assert expected.header("Content-Encoding") == ("gzip" if encoding else None)
        assert expected.header("Cache-Status") == "pypi_lite; hit"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    "encoding",
    [None, "", "identity", "gzip", "gzip, deflate, br, zstd", "br,gzip", "deflate, gzip"],
)
def test_real_clients_are_answered_by_nginx_itself(
    site: Site, client: str, encoding: str | None
) -> None:
    headers = [("Accept", CLIENTS[client][0])]
    if encoding is not None:
        headers.append(("Accept-Encoding", encoding))
    expected = site.published("simple/foo/", *headers)
    assert ask(f"{site.alone}simple/foo/", *headers).comparable == expected.comparable


_RANGES = st.sampled_from(
    (
        *("text/html", HTML, JSON, "*/*", "application/*", "text/*", "Text/HTML", "image/avif"),
        *("application/vnd.pypi.simple.latest+json", "application/xml", JSON.upper(), ""),
        *("text/html;level=1", 'a/b;c=",text/html;q=0"', "nonsense"),
    )
)
_QUALITIES = st.sampled_from(
    (
        "",
        "",
        "",
        ";q=1",
        ";q=0",
        ";q=0.0",
        ";q=0.1",
        "; q=0.01",
        " ; q=0.9",
        ";q=0.1234",
        ";q=7",
        ";",
    )
)
_COMMAS = st.sampled_from((",", ", ", " ,", ",,", ", \t"))


@st.composite
def _list(draw: st.DrawFn, what: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(st.tuples(what, _QUALITIES).map("".join), max_size=4))
    return draw(_COMMAS).join(items).strip()


_ACCEPTS = st.none() | st.sampled_from([accept for accept, _ in CLIENTS.values()]) | _list(_RANGES)
_CODINGS = st.sampled_from(("gzip", "identity", "br", "deflate", "*", "GZIP", "x-gzip", "zstd", ""))
_ENCODINGS = st.none() | st.sampled_from(("gzip, deflate", "identity")) | _list(_CODINGS)


_WEIGHTS = ("", ";q=1", "; q=1.0", ";q=0.9", "; q=0.001", ";q=0", ";q=0.000", ";q=1.5", ";Q=0.5")


@pytest.mark.parametrize("weight", _WEIGHTS)
def test_nginx_decides_pairs_as_the_application_does(site: Site, weight: str) -> None:
    """Of any two types, or codings, with any weights."""
    types = ("text/html", HTML, JSON, "*/*")
    for one, other, first in product(types, types, ("", ";q=0.5")):
        _check(site, f"{one}{first}, {other}{weight}", None)
    codings = ("gzip", "identity", "br", "*")
    for one, other, first in product(codings, codings, ("", ";q=0.5")):
        _check(site, None, f"{one}{first}, {other}{weight}")


@given(accept=_ACCEPTS, encoding=_ENCODINGS)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nginx_decides_only_what_it_knows(
    site: Site, accept: str | None, encoding: str | None
) -> None:
    """Wild headers."""
    _check(site, accept, encoding)


def _check(site: Site, accept: str | None, encoding: str | None) -> None:
    """What nginx answers is what the application answers, the rest it passes on."""
    named = (("Accept", accept), ("Accept-Encoding", encoding))
    headers = [(name, value) for name, value in named if value is not None]
    for _ in range(2):  # so that the page is there
        expected = ask(f"{site.direct}simple/foo/", *headers)
    alone = ask(f"{site.alone}simple/foo/", *headers)
    assert alone.status == NOBODY or alone.comparable == expected.comparable
    for front_ in site.public, site.private:
        assert ask(f"{front_}simple/foo/", *headers).comparable == expected.comparable


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/simple/foo",
            "/simple/Foo/",
            "/simple/foo/?",
            "/simple/foo/?format=x",
            "/simple/f%6Fo/",
        ),
        *("//simple/foo/", "/simple//foo/", "/./simple/foo/", "/simple/x/../foo/", "/SIMPLE/foo/"),
        *("/simple/foo/#x", "/simple/foo/simple.json", "/simple/-foo/", "/simple/a--b/", "/simple"),
        *("/project/foo/1.0", "/project/foo/1.00/", "/project/foo/1%2E0/", "/project/foo/../"),
        *("/project/foo/1.0/x/", "/project/", "/pypi/foo/json/", "/pypi/", "/pypi/foo/1.0.0/json"),
        *("/?", "/index.html", "/home/", "/simple/foo/%ff/", "/nothing/here"),
    ],
)
def test_only_the_canonical_address_is_a_page(site: Site, target: str) -> None:
    for path in "simple/foo/", "project/foo/1.0/", "pypi/foo/1.0/json", "":
        site.published(path)
    expected = ask(f"{site.direct.rstrip('/')}{target}")
    assert ask(f"{site.alone.rstrip('/')}{target}").status == NOBODY
    for front_ in site.public, site.private:
        answer = ask(f"{front_.rstrip('/')}{target}")
        # A redirect names the host that was asked.
        assert str(answer.comparable).replace(front_, site.direct) == str(expected.comparable)


def test_a_long_name_is_the_applications(site: Site) -> None:
    """Its page has another name on the disk, and nginx does not look for it."""
    for length in 150, 151:
        name = "n" * length
        site.put(wheel(name, "1.0"))
        for path in f"simple/{name}/", f"project/{name}/1.0/", f"pypi/{name}/json":
            expected = site.published(path)
            for front_ in site.public, site.private:
                assert ask(front_ + path).comparable == expected.comparable
            assert ask(site.alone + path).status == (200 if length == 150 else NOBODY)


@pytest.mark.parametrize("path", ["simple/foo/", "project/foo/", "pypi/foo/json"])
@pytest.mark.parametrize(
    ("header", "value"),
    [
        *(("If-None-Match", v) for v in ("{tag}", "W/{tag}", '"x", {tag}', '"x"', "*", "", "junk")),
        # nginx's own tag of the file.
        ("If-None-Match", '"{own}"'),
        *(("If-Match", value) for value in ("{tag}", '"x"', "*")),
        *(("If-Modified-Since", f"Wed, 21 Oct {year} 07:28:00 GMT") for year in (2015, 2035)),
        *(("If-Unmodified-Since", f"Wed, 21 Oct {year} 07:28:00 GMT") for year in (1971, 2035)),
        *(("Range", value) for value in ("bytes=0-9", "bytes=-5", "bytes=9999999-")),
    ],
)
def test_conditions_and_ranges_are_taken_as_the_application_takes_them(
    site: Site, path: str, header: str, value: str
) -> None:
    page = site.published(path)
    tag = page.header("ETag")
    own = f"{page.header('X-PyPI-Last-Serial')}-{len(page.body):x}"
    asked = (header, value.format(tag=tag, own=own))
    for method in "GET", "HEAD":
        expected = ask(f"{site.direct}{path}", asked, method=method)
        for front_ in site.public, site.private:
            answer = ask(f"{front_}{path}", asked, method=method)
            assert answer.comparable == expected.comparable
            assert answer.header("Last-Modified") is None


def test_a_condition_without_a_tag_is_not_true(site: Site) -> None:
    """No client sends it; nginx can't tell it from none, and judges it itself (RFC 9110, 13.1.1)."""
    site.published("simple/foo/")
    assert ask(f"{site.public}simple/foo/", ("If-Match", "")).status == 412


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_the_applications(site: Site, method: str) -> None:
    for path in PAGES:
        expected = ask(f"{site.direct}{path}", method=method)
        for front_ in site.public, site.private:
            assert ask(f"{front_}{path}", method=method).comparable == expected.comparable


def test_a_swept_page_is_sent_by_the_application(site: Site, tmp_path: Path) -> None:
    """The private form, where nginx finds nothing of what the application has just seen."""
    swept = front(site.upstream, tmp_path / "empty", site.blobs, tmp_path / "nginx", conf=PRIVATE)
    with swept as address:
        for path, encoding in product(PAGES, ("gzip", "identity")):
            asked = ("Accept-Encoding", encoding)
            expected = site.published(path, asked)
            for method in "GET", "HEAD":
                answer = ask(f"{address}{path}", asked, method=method)
                direct = ask(f"{site.direct}{path}", asked, method=method)
                assert answer.comparable == direct.comparable
            assert expected.header("Cache-Status") == "pypi_lite; hit"


def test_the_application_leaves_the_bytes_to_nginx_that_asks(site: Site) -> None:
    page = site.published("simple/foo/", ("Accept-Encoding", "gzip"))
    asked = [("X-Pypi-Lite-Accel", "all"), ("Accept-Encoding", "gzip")]
    answer = ask(f"{site.direct}simple/foo/", *asked)
    location = answer.header("X-Accel-Redirect")
    assert location is not None
    assert answer.body == b""
    file = site.cache / location.removeprefix("/.pypi_lite/")
    assert file.read_bytes() == page.body
    # Nobody else gets there.
    for front_ in site.public, site.private:
        assert ask(f"{front_.rstrip('/')}{location}").status == 404
        assert ask(f"{front_}simple/foo/", *asked).comparable == page.comparable
    asked[0] = ("X-Pypi-Lite-Accel", "files")
    assert ask(f"{site.direct}simple/foo/", *asked).comparable == page.comparable


def test_serial_and_tag_are_those_of_the_file_that_is_sent(site: Site, tmp_path: Path) -> None:
    """Another version is there when nginx comes: the tag is the newer one's, as the bytes are."""
    page = site.published("simple/foo/")
    serial = page.header("X-PyPI-Last-Serial")
    tag = page.header("ETag")
    assert serial is not None
    assert tag is not None
    cache = tmp_path / "cache"
    shutil.copytree(site.cache, cache)
    (file,) = cache.glob("pages/project/foo/*/simple.html")
    file.write_bytes(b"newer")
    later = int(serial) + 1
    os.utime(file, ns=(0, int(str(later), 16) * 10**9 + 4711))
    folders = (cache, site.blobs, tmp_path / "nginx")
    build = tag.strip('"').split("-")[0]
    with front(site.upstream, *folders, conf=PRIVATE) as address:
        answer = ask(f"{address}simple/foo/")
    assert answer.body == b"newer"
    assert answer.header("Content-Length") == "5"
    assert answer.header("X-PyPI-Last-Serial") == str(later)
    assert answer.header("ETag") == f'"{build}-{later}-5-simple.html"'


def test_another_build_has_no_pages_for_nginx(site: Site, tmp_path: Path) -> None:
    """After an upgrade, and before nginx is reloaded."""
    page = site.published("simple/foo/")
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "pages").symlink_to(site.cache / "pages")
    told = (site.cache / "nginx-build.conf").read_text()
    (cache / "nginx-build.conf").write_text(told.replace('build { default "', 'build { default "0'))
    with front(site.upstream, cache, site.blobs, tmp_path / "nginx") as address:
        for headers in [], [("Accept-Encoding", "gzip")]:
            answer = ask(f"{address}simple/foo/", *headers)
            body = gzip.decompress(answer.body) if headers else answer.body
            assert body == page.body


def test_nginx_may_read_what_it_sends(site: Site) -> None:
    """Another user reads, as far as the umask lets it."""
    site.published("simple/foo/", ("Accept-Encoding", "gzip"))
    umask = os.umask(0)
    os.umask(umask)
    read, enter = 0o444 & ~umask, 0o555 & ~umask
    for folder in site.cache / "pages", site.blobs:
        assert folder.stat().st_mode & enter == enter
        found = [path for path in folder.rglob("*") if not path.name.startswith(".")]
        for path in found:
            wanted = enter if path.is_dir() else read
            assert path.stat().st_mode & wanted == wanted, path
        assert found
    assert (site.cache / "nginx-build.conf").stat().st_mode & 0o444 == 0o444
