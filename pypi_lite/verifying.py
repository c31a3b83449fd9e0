"""Proof after the fact: is each published page its page made afresh, is each file what its row says?

Harmless on a running index: what may have changed meanwhile is looked at again before it is called
wrong.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select

from pypi_lite.api.media import Media
from pypi_lite.application import Request
from pypi_lite.cache.pages import Page, PageRules, is_page_time
from pypi_lite.cache.representation import Representation
from pypi_lite.cache.store import GZIP, Cache, compress
from pypi_lite.models import File, FileAttestation, Project, ProjectStatus, Release
from pypi_lite.repository import Index

#: Seconds after which what nobody mentions is no upload that is still under way.
_LONG = 3600.0
_CHUNK = 1024**2


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, and, where there is one, what mends it."""

    text: str
    mend: Callable[[], object] | None = None


def verify(application: Any, *, fix: bool, out: TextIO) -> bool:
    """Look at everything behind *application* and say on *out* what is wrong; whether all is well.

    With *fix* a page that is wrong is swept, and what nobody mentions is removed. A blob that is
    missing, or has other bytes than its row says, can only be told of.
    """
    index: Index = application.registry["pypi_lite.index"]
    cache: Cache | None = application.registry["pypi_lite.cache"]
    checks = [_check_files(index), _check_unnamed_blobs(index)]
    if cache is not None:
        checks += [_check_pages(application, cache), _check_holds(cache)]
    wrong = 0
    for finding in (finding for check in checks for finding in check):
        wrong += 1
        if fix and finding.mend is not None:
            finding.mend()
            print(f"{finding.text} (mended)", file=out)
        else:
            print(finding.text, file=out)
    print(f"{wrong} wrong" if wrong else "all is well", file=out)
    return wrong == 0


def _check_files(index: Index) -> Iterator[Finding]:
    """Each file's blob, and its metadata's, has the bytes that the row says."""
    with index.database.read() as session:
        rows = session.execute(select(File.filename, File.sha256, File.metadata_sha256)).all()
    for filename, sha256, metadata_sha256 in rows:
        for what, digest in ((filename, sha256), (f"{filename}.metadata", metadata_sha256)):
            fault = digest and _fault(index.blobs.path(digest), digest)
            if fault and _is_in_the_index(index, filename):
                yield Finding(f"the file {what} {fault}")


def _fault(path: Path, sha256: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    return None if digest.hexdigest() == sha256 else "has other bytes than its row says"


def _is_in_the_index(index: Index, filename: str) -> bool:
    with index.database.read() as session:
        return session.scalar(select(File.id).where(File.filename == filename)) is not None


def _check_unnamed_blobs(index: Index) -> Iterator[Finding]:
    """Each blob is named by a row, or so young that its upload may still be under way."""
    blobs = [path for path in index.blobs.all_paths() if _is_old(path)]
    with index.database.read() as session:
        named = set(session.scalars(select(File.sha256)))
        named.update(filter(None, session.scalars(select(File.metadata_sha256))))
    for path in blobs:
        if path.name not in named:
            yield Finding(
                f"no row names the blob {path.name}", partial(_remove_unnamed, index, path)
            )


def _remove_unnamed(index: Index, path: Path) -> None:
    """Remove a blob, unless an upload of the same bytes has come meanwhile.

    In a writing transaction: an upload makes sure of its blobs in its own, before it commits.
    """
    names = select(File.id).where((File.sha256 == path.name) | (File.metadata_sha256 == path.name))
    with index.database.write() as session:
        if session.scalar(names) is None and _is_old(path):
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - _LONG
    except OSError:
        return False


def _check_pages(application: Any, cache: Cache) -> Iterator[Finding]:
    """Each published page is its page made afresh; none is published that nobody can ask for."""
    published = set(cache.published())
    known = set()
    rules: PageRules = application.registry["pypi_lite.page_rules"]
    for path, accept in _addresses(application.registry["pypi_lite.index"]):
        page = rules.page_of({"PATH_INFO": path, "HTTP_ACCEPT": accept})
        assert page is not None, f"{path} is no page"
        known.add(cache.location(page))
        if _is_wrong(application, cache, page, path, accept):
            sweep = partial(cache.sweep, page.key)
            yield Finding(f"the page {path} ({accept}) is wrong", sweep)
    for path, target in _links(application.registry["pypi_lite.index"]):
        page = rules.page_of({"PATH_INFO": path})
        assert page is not None, f"{path} is no page"
        known.add(cache.location(page))
        if _leads_elsewhere(Path(cache.path(page)), target):
            yield Finding(f"the link to {path} is wrong", partial(cache.sweep, page.key))
    for location in published - known:
        if location in set(cache.published()):
            key, name = location
            sweep = partial(cache.sweep, key)
            yield Finding(f"nobody can ask for the page {name} of {key}", sweep)


def _addresses(index: Index) -> Iterator[tuple[str, str]]:
    """Path and Accept of every page there can be."""
    with index.database.read() as session:
        names = session.scalars(select(Project.normalized_name)).all()
        releases = session.execute(
            select(Project.normalized_name, Release.version).join(Release)
        ).all()
        attested = session.execute(
            select(Project.normalized_name, Release.version, File.filename)
            .join_from(FileAttestation, File)
            .join(Release)
            .join(Project)
            .distinct()
        ).all()
    yield "/", Media.TEXT_HTML.value
    for feed in ("/rss/updates.xml", "/rss/packages.xml"):
        yield feed, "*/*"
    for prefix in ("/simple/", *(f"/simple/{name}/" for name in names)):
        for media in Media:
            yield prefix, media.value
    for name in names:
        yield f"/rss/project/{name}/releases.xml", "*/*"
    for below in (*names, *(f"{name}/{version}" for name, version in releases)):
        yield f"/pypi/{below}/json", "application/json"
        yield f"/project/{below}/", Media.TEXT_HTML.value
    for name, version, filename in attested:
        yield f"/integrity/{name}/{version}/{filename}/provenance", "*/*"


def _links(index: Index) -> Iterator[tuple[str, Path]]:
    """Path of every file that can be asked for, and where the link that is its page leads."""
    with index.database.read() as session:
        rows = session.execute(
            select(Project.normalized_name, File.sha256, File.filename, File.metadata_sha256)
            .join_from(File, Release)
            .join(Project)
            .where(Project.status != ProjectStatus.QUARANTINED)
        ).all()
    for project, sha256, filename, metadata_sha256 in rows:
        path = f"/files/{project}/{sha256}/{filename}"
        yield path, index.blobs.path(sha256)
        if metadata_sha256 is not None:
            yield f"{path}.metadata", index.blobs.path(metadata_sha256)


def _leads_elsewhere(link: Path, target: Path) -> bool:
    try:
        return link.readlink() != target
    except FileNotFoundError:
        return False  # not published, or no longer
    except OSError:
        return True  # no link


def _is_wrong(application: Any, cache: Cache, page: Page, path: str, accept: str) -> bool:
    """Whether the published page differs from what a request past the cache gets.

    Read before and after: if a change came between, it is another page by then, and is let be.
    """
    before = _read(cache, page)
    if before is None:
        return False
    # A query goes past the cache.
    fresh = Request.blank(f"{path}?verify", accept=accept).get_response(application)
    if _read(cache, page) != before:
        return False
    mtime_ns, body, twin = before
    if not is_page_time(mtime_ns):
        return True
    shown = Representation(page, cache.build, mtime_ns, len(body), "")
    return (fresh.status_int, fresh.body, fresh.etag) != (200, body, shown.etag) or (
        twin is not None and twin != compress(body)
    )


def _read(cache: Cache, page: Page) -> tuple[int, bytes, bytes | None] | None:
    found = cache.read(page)
    if found is None:
        return None
    twin = cache.read(page, GZIP)
    return (*found, twin and twin[1])


def _check_holds(cache: Cache) -> Iterator[Finding]:
    """No writer has died and left its hold; the next reader of the key would take it away."""
    for key in cache.holds.abandoned():
        yield Finding(f"a hold is left on {key}", partial(cache.holds.recover, key))
