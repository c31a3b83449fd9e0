"""`pypi-lite verify`: it finds each thing that can be wrong, and nothing where all is well."""

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.api.media import Media
from pypi_lite.importing import import_paths
from pypi_lite.repository import Index, changes
from pypi_lite.verifying import _check_unnamed_blobs, verify
from tests.api.test_files import url_of
from tests.distributions.build import sdist, wheel

PATHS = (
    *("/", "/simple/", "/simple/foo/", "/project/foo/", "/project/foo/1.0/"),
    *("/pypi/foo/json", "/pypi/foo/1.0/json"),
)


@pytest.fixture
def index(app: TestApp, tmp_path: Path) -> Index:
    """An index with two projects, every page of one of them published."""
    index: Index = app.app.registry["pypi_lite.index"]
    files = wheel("foo", "1.0"), sdist("foo", "1.0"), wheel("bar", "2.0")
    for name, content in files:
        (tmp_path / name).write_bytes(content)
    assert import_paths(index, sorted(tmp_path.glob("*-*")), io.StringIO())
    for file in files[:2]:
        for ending in ("", ".metadata"):
            app.get(url_of(file) + ending)
    for path in PATHS:
        for media in Media:
            app.get(path, headers={"Accept": media.value})
    return index


def findings(app: TestApp, *, fix: bool = False) -> list[str]:
    out = io.StringIO()
    is_well = verify(app.app, fix=fix, out=out)
    lines = out.getvalue().splitlines()
    assert is_well == (lines == ["all is well"])
    return lines[:-1]


def published(app: TestApp, name: str) -> Path:
    cache: Any = app.app.registry["pypi_lite.cache"]
    [path] = Path(cache._pages).rglob(f"project/foo/*/{name}")
    return path


def test_an_index_in_use_is_well(app: TestApp, index: Index) -> None:
    assert findings(app) == []
    assert len(list(app.app.registry["pypi_lite.cache"].published())) == 15


def test_an_index_without_a_cache_is_well(app: TestApp, index: Index) -> None:
    app.app.registry["pypi_lite.cache"] = None
    assert findings(app) == []


def test_a_link_to_a_file_in_quarantine_is_found_and_swept(app: TestApp, index: Index) -> None:
    """Nobody can make one: this one is left by hand."""
    file = wheel("foo", "1.0")
    link = published(app, f"*{file[0]}")
    target = link.readlink()
    with index.database.write() as session:
        changes.set_status(session, OPERATOR, "foo", "quarantined")
    app.get("/simple/foo/")
    assert findings(app) == []
    [folder] = Path(app.app.registry["pypi_lite.cache"]._pages).rglob("project/foo/*")
    (folder / link.name).symlink_to(target)
    [finding] = findings(app, fix=True)
    assert finding.startswith("nobody can ask for the page")
    assert not (folder / link.name).is_symlink()
    assert findings(app) == []


@pytest.mark.parametrize("name", ["simple.html", "simple.json", "pypi.1.0.json", "project.html"])
def test_a_page_with_other_bytes_is_found_and_swept(app: TestApp, index: Index, name: str) -> None:
    page = published(app, name)
    times = page.stat()
    page.write_bytes(page.read_bytes().replace(b"1.0", b"9.9"))
    os.utime(page, ns=(times.st_atime_ns, times.st_mtime_ns))
    [finding] = findings(app)
    assert finding.startswith("the page /")
    [finding] = findings(app, fix=True)
    assert finding.endswith("(mended)")
    assert not page.exists()
    assert findings(app) == []


@pytest.mark.parametrize("seconds", [1, 0xABC])
def test_a_page_of_another_time_is_found(app: TestApp, index: Index, seconds: int) -> None:
    page = published(app, "simple.html")
    os.utime(page, (seconds, seconds))
    assert len(findings(app)) == 1


@pytest.mark.parametrize("target", ["", "elsewhere"])
def test_a_link_to_another_file_is_found_and_swept(app: TestApp, index: Index, target: str) -> None:
    link = published(app, "*-foo-1.0.tar.gz")
    link.unlink()
    if target:
        link.symlink_to(target)
    else:
        link.write_text("no link")
    [finding] = findings(app, fix=True)
    assert finding.startswith("the link to /files/foo/")
    assert not link.is_symlink()
    assert findings(app) == []


def test_a_twin_with_other_bytes_is_found(app: TestApp, index: Index) -> None:
    published(app, "simple.html.gz").write_bytes(b"something else")
    assert len(findings(app)) == 1


def test_a_page_that_nobody_can_ask_for_is_found_and_swept(app: TestApp, index: Index) -> None:
    page = published(app, "simple.html")
    (page.parent / "project.7.html").write_text("of a release that is not there")
    assert findings(app) == ["nobody can ask for the page project.7.html of project/foo"]
    findings(app, fix=True)
    assert findings(app) == []


def test_a_blob_that_is_broken_or_missing_is_told_of(app: TestApp, index: Index) -> None:
    file = app.get("/pypi/bar/json").json["urls"][0]
    blob = index.blobs.path(file["digests"]["sha256"])
    content = blob.read_bytes()
    blob.write_bytes(content[:-1])
    assert findings(app) == ["the file bar-2.0-py3-none-any.whl has other bytes than its row says"]
    blob.unlink()
    for _ in range(2):  # there is nothing that could mend it
        [finding] = findings(app, fix=True)
        assert "bar-2.0-py3-none-any.whl can't be read" in finding


def kept(index: Index, content: bytes) -> str:
    """A blob of *content* that no row names; its SHA-256."""
    with index.blobs.receive() as incoming:
        incoming.write(content)
        sha256 = incoming.finish().sha256
        with index.blobs.keeping({sha256: incoming}) as finish:
            finish()
    return sha256


def test_an_old_blob_that_no_row_names_is_found_and_removed(app: TestApp, index: Index) -> None:
    sha256 = kept(index, b"of an upload that died")
    assert findings(app) == []  # it may be under way
    old = time.time() - 7200
    os.utime(index.blobs.path(sha256), (old, old))
    assert findings(app) == [f"no row names the blob {sha256}"]
    findings(app, fix=True)
    assert not index.blobs.path(sha256).exists()


def test_a_blob_whose_upload_came_meanwhile_is_kept(app: TestApp, index: Index) -> None:
    sha256 = kept(index, b"of an upload that died")
    path = index.blobs.path(sha256)
    old = time.time() - 7200
    os.utime(path, (old, old))
    [finding] = _check_unnamed_blobs(index)
    assert finding.mend is not None
    kept(index, b"of an upload that died")  # the same bytes, and it lives
    finding.mend()
    assert path.exists()


def test_a_dead_writers_hold_is_found_and_recovered(app: TestApp, index: Index) -> None:
    cache = app.app.registry["pypi_lite.cache"]
    living = cache.place("project/bar", "")
    cache.place("project/foo", "").abandon()
    assert findings(app) == ["a hold is left on project/foo"]
    findings(app, fix=True)
    assert findings(app) == []
    living.release()


def test_a_change_meanwhile_is_nothing_wrong(app: TestApp, index: Index) -> None:
    from pypi_lite.repository.changes import yank

    with index.database.write() as session:
        yank(session, OPERATOR, "foo", "1.0", "broken")
    app.get("/simple/foo/")
    assert findings(app) == []
