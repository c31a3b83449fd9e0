"""Proof after the fact: is each published page its page made afresh, is each file what its row says?

Harmless on a running index: what may have changed meanwhile is looked at again before it is called
wrong.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.people import identity_of
from pypi_lite.accounts.tokens import token_identity
from pypi_lite.api.media import Media
from pypi_lite.application import Request
from pypi_lite.cache.pages import Page, PageRules, for_circle, is_page_time
from pypi_lite.cache.representation import Representation
from pypi_lite.cache.store import GZIP, Cache, compress
from pypi_lite.models import (
    File,
    FileAttestation,
    Project,
    ProjectStatus,
    Release,
    Token,
    User,
    Visibility,
)
from pypi_lite.reading import Reading
from pypi_lite.repository import Index, keys
from pypi_lite.repository.reach import LIST, Reach, reach_of
from pypi_lite.security import know

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
    index: Index = application.registry["pypi_lite.index"]
    rules: PageRules = application.registry["pypi_lite.page_rules"]
    for path, accept, circle, reader in _addresses(index):
        page = rules.page_of({"PATH_INFO": path, "HTTP_ACCEPT": accept})
        assert page is not None, f"{path} is no page"
        page = for_circle(page, circle)
        known.add(cache.location(page))
        if _is_wrong(application, cache, page, _Asking(path, accept, reader)):
            sweep = partial(cache.sweep, page.key)
            whose = f" of {circle}" if circle else ""
            yield Finding(f"the page {path} ({accept}){whose} is wrong", sweep)
    for path, target, circle in _links(index):
        page = rules.page_of({"PATH_INFO": path})
        assert page is not None, f"{path} is no page"
        page = for_circle(page, circle)
        known.add(cache.location(page))
        if _leads_elsewhere(Path(cache.path(page)), target):
            yield Finding(f"the link to {path} is wrong", partial(cache.sweep, page.key))
    reading: Reading = application.registry["pypi_lite.reading"]
    for location in published - known:
        key, name = location
        sweep = partial(cache.sweep, key)
        if location not in set(cache.published()):
            continue
        if key.startswith(f"{keys.READERS}/"):
            if reading.is_wrong(key.removeprefix(f"{keys.READERS}/")):
                yield Finding(f"the decision {key} is wrong", sweep)
        # A list for people whose roles have changed since stays until the list is swept.
        elif not name.startswith(LIST):
            yield Finding(f"nobody can ask for the page {name} of {key}", sweep)


_Address = tuple[str, str, str, Identity | None]


def _addresses(index: Index) -> Iterator[_Address]:
    """Path and Accept of every page there can be, the circle that it is for, and somebody in it."""
    with index.database.read() as session:
        circles = _circles(index, session)
        lists = _lists(index, session)
    for path, accept in _lists_of_projects():
        for circle, reader in lists.items():
            yield path, accept, circle, reader
    for name, path, accept in _pages_of_projects(index):
        yield path, accept, circles[name], OPERATOR


def _circles(index: Index, session: Session) -> dict[str, str]:
    """Of each project, by normalized name, the circle that its pages are for."""
    reach = Reach(index.settings.is_open)
    query = select(Project.normalized_name, Project.visibility)
    found = session.execute(query)
    return defaultdict(str, {row[0]: reach.circle_of(Visibility(row[1])) for row in found})


def _lists(index: Index, session: Session) -> dict[str, Identity | None]:
    """The circles of lists that anybody belongs to, and one who does."""
    identities: list[Identity | None] = [None] if index.settings.is_open else []
    identities += [identity_of(user, means=None) for user in session.scalars(select(User))]
    for sha256 in session.scalars(select(Token.sha256)):
        found = token_identity(session, sha256)
        identities += [found[0]] if found else []
    is_open = index.settings.is_open
    return {reach_of(session, one, is_open=is_open).list_circle: one for one in identities}


def _lists_of_projects() -> Iterator[tuple[str, str]]:
    yield "/", Media.TEXT_HTML.value
    for feed in ("/rss/updates.xml", "/rss/packages.xml"):
        yield feed, "*/*"
    for media in Media:
        yield "/simple/", media.value


def _pages_of_projects(index: Index) -> Iterator[tuple[str, str, str]]:
    """Of each page the project's normalized name, path and Accept."""
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
    for name in names:
        for media in Media:
            yield name, f"/simple/{name}/", media.value
        yield name, f"/rss/project/{name}/releases.xml", "*/*"
    below = [(name, name) for name in names]
    below += [(name, f"{name}/{version}") for name, version in releases]
    for name, path in below:
        yield name, f"/pypi/{path}/json", "application/json"
        yield name, f"/project/{path}/", Media.TEXT_HTML.value
    for name, version, filename in attested:
        yield name, f"/integrity/{name}/{version}/{filename}/provenance", "*/*"


def _links(index: Index) -> Iterator[tuple[str, Path, str]]:
    """Path of every file that can be asked for, where the link that is its page leads, and the circle
    that it is for."""
    with index.database.read() as session:
        circles = _circles(index, session)
        rows = session.execute(
            select(Project.normalized_name, File.sha256, File.filename, File.metadata_sha256)
            .join_from(File, Release)
            .join(Project)
            .where(Project.status != ProjectStatus.QUARANTINED)
        ).all()
    for project, sha256, filename, metadata_sha256 in rows:
        path = f"/files/{project}/{sha256}/{filename}"
        yield path, index.blobs.path(sha256), circles[project]
        if metadata_sha256 is not None:
            yield f"{path}.metadata", index.blobs.path(metadata_sha256), circles[project]


def _leads_elsewhere(link: Path, target: Path) -> bool:
    try:
        return link.readlink() != target
    except FileNotFoundError:
        return False  # not published, or no longer
    except OSError:
        return True  # no link


@dataclass(frozen=True, slots=True)
class _Asking:
    """A request, and who sends it."""

    path: str
    accept: str
    reader: Identity | None


def _is_wrong(application: Any, cache: Cache, page: Page, asking: _Asking) -> bool:
    """Whether the published page differs from what a request past the cache gets.

    Read before and after: if a change came between, it is another page by then, and is let be.
    """
    before = _read(cache, page)
    if before is None:
        return False
    # A query goes past the cache.
    request = Request.blank(f"{asking.path}?verify", accept=asking.accept)
    know(request.environ, asking.reader)
    fresh = request.get_response(application)
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
