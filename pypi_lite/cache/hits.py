"""A hit: the answer to a request whose page is published, without a database, a session or a route.

It costs one stat of the published file, and where this version is not in memory one open and one
read. The tween asks here first; so does the server's own loop, before it calls the application at
all (`pypi_lite.server`): both get the same answer.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from pypi_lite.cache.memory import Memory, Remembered
from pypi_lite.cache.pages import Page, PageRules, is_page_time
from pypi_lite.cache.representation import Headers, Representation, suffix_for
from pypi_lite.cache.store import Cache

#: What each response of a cacheable URL says about the cache (RFC 9211).
STATUS_HEADER = "Cache-Status"
HIT = "hit"

# A page up to so many bytes is read and kept; a larger one is sent from its file each time.
_LARGE = 512 * 1024

Environ = Mapping[str, Any]
#: Whether whoever sends the request may read the page; decided without the database.
MayRead = Callable[[Environ, Page], bool]


def everybody(_environ: Environ, _page: Page) -> bool:
    """`MayRead` of an index that is open to all."""
    return True


@dataclass(frozen=True, slots=True)
class Answer:
    """200 with a body (bytes, or a file whose reader closes it), or 304 without one."""

    representation: Representation
    status: str
    body: bytes | BinaryIO | None

    @property
    def code(self) -> int:
        """The HTTP status."""
        return 304 if self.body is None else 200

    @property
    def headers(self) -> Headers:
        """All headers that the page decides, and what the cache says."""
        shown = self.representation
        page = shown.validators if self.body is None else shown.headers
        return (*page, (STATUS_HEADER, f"pypi_lite; {self.status}"))


class Hits:
    """Answers from published pages."""

    def __init__(
        self,
        cache: Cache | None,
        rules: PageRules,
        build: str,
        memory: int,
        may_read: MayRead = everybody,
    ) -> None:
        """*memory* is how many bytes of small pages are kept in memory as well.

        *may_read* is asked before a page is opened; a request that it refuses is no hit, and goes
        the long way, where the views decide and explain.
        """
        self._cache = cache
        self._rules = rules
        self._build = build
        self._memory = Memory(memory)
        self._may_read = may_read

    def page_of(self, environ: Environ) -> Page | None:
        """The page that a request asks for, in the representation that it wants."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return None
        return self._rules.page_of(environ)

    def answer(self, environ: Environ) -> Answer | None:
        """The answer, or None: the request is no hit, and the application's."""
        if self._cache is None or environ.get("QUERY_STRING"):
            return None
        page = self.page_of(environ)
        if page is None or not self._may_read(environ, page):
            return None
        return self.published(page, environ, HIT)

    def published(self, page: Page, environ: Environ, status: str) -> Answer | None:
        """The published *page*, or None. One look at the file, if this version is known.

        *environ* is asked for the encoding and for what the client has; *status* is what
        `STATUS_HEADER` says.
        """
        assert self._cache is not None
        suffix = suffix_for(environ)
        path = self._cache.path(page, suffix)
        try:
            stat = os.stat(path)
        except OSError:
            return None
        known = self._memory.recall(path, stat)
        shown = known.representation if known else self._representation(page, stat, suffix)
        if shown is None:
            return None
        if shown.is_known_to(environ):
            return Answer(shown, status, None)
        if known is not None and known.body is not None:
            return Answer(shown, status, known.body)
        return self._from_file(page, path, suffix, status)

    def _from_file(self, page: Page, path: str, suffix: str, status: str) -> Answer | None:
        """The published page, or None: it has been swept since somebody looked, or can't be read."""
        try:
            file = open(path, "rb")  # noqa: SIM115  a large one is closed by who sends it
            stat = os.fstat(file.fileno())  # what was looked at may have been another file
            shown = self._representation(page, stat, suffix)
            if shown is None:
                file.close()
                return None
            if stat.st_size > _LARGE:
                self._memory.keep(path, Remembered(stat.st_ino, shown, None))
                return Answer(shown, status, file)
            with file:
                body = file.read()
        except OSError:
            return None
        self._memory.keep(path, Remembered(stat.st_ino, shown, body))
        return Answer(shown, status, body)

    def _representation(
        self, page: Page, stat: os.stat_result, suffix: str
    ) -> Representation | None:
        """None: somebody has touched the file, which the next generation replaces."""
        if not is_page_time(stat.st_mtime_ns):
            return None
        return Representation(page, self._build, stat.st_mtime_ns, stat.st_size, suffix)
