"""A hit: the answer to a request whose page is published, without a database, a session or a route.

It costs one stat of the published file, and where this version is not in memory one open and one
read. The tween asks here first; so does the server's own loop, before it calls the application at
all (`pypi_lite.server`): both get the same answer.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pypi_lite.cache import accel
from pypi_lite.cache.answer import Answer
from pypi_lite.cache.files import Files
from pypi_lite.cache.memory import Memory, Remembered
from pypi_lite.cache.pages import Page, PageRules, is_page_time
from pypi_lite.cache.representation import Representation, suffix_for
from pypi_lite.cache.store import Cache

HIT = "hit"

# A page up to so many bytes is read and kept; a larger one is sent from its file each time.
_LARGE = 512 * 1024

Environ = Mapping[str, Any]


class Reader(Protocol):
    """Whoever sends a request, as far as that is known without the database."""

    def pages(self, page: Page) -> Iterable[Page]:
        """The pages, published or not, that may answer their request for *page*: those of the circles
        that they belong to. None: the views decide."""

    def stands(self) -> bool:
        """Whether they belong to these circles at this very moment.

        Asked when a page that is not for everybody has been found, and never before: it may have been
        published since they lost the right to read it.
        """


@dataclass(frozen=True, slots=True)
class Anybody:
    """A `Reader` who has not said who they are."""

    is_open: bool

    def pages(self, page: Page) -> Iterable[Page]:
        """The one for everybody, where there is such a one."""
        return (page,) if self.is_open else ()

    def stands(self) -> bool:
        """Nothing is taken from everybody that a sweep does not take."""
        return True


EVERYBODY, NOBODY = Anybody(is_open=True), Anybody(is_open=False)


def everybody(_environ: Environ) -> Reader:
    """Who sends a request to an index that is open to all."""
    return EVERYBODY


class Hits:
    """Answers from published pages."""

    def __init__(
        self,
        cache: Cache | None,
        rules: PageRules,
        build: str,
        memory: int,
        files: Files,
        reader: Callable[[Environ], Reader] = everybody,
        *,
        accel: bool = False,
    ) -> None:
        """*memory* is how many bytes of small pages are kept in memory as well; *files* answers what
        is published as a link; *accel* is whether a front server sends the pages that it asks to
        send (`pypi_lite.cache.accel`).

        *reader* tells who sends a request. What is not theirs is not served from here: the request goes
        the long way, where the views decide and explain.
        """
        self._cache = cache
        self._rules = rules
        self._build = build
        self._memory = Memory(memory)
        self.files = files
        self._reader = reader
        self._accel = accel

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
        return None if page is None else self.published(page, environ, HIT)

    def published(self, page: Page, environ: Environ, status: str) -> Answer | None:
        """The published page that answers a request for *page*, or None. One look at the file, if this
        version is known. *environ* is asked for who it is, for the encoding, and for what the client
        has; *status* is what `STATUS_HEADER` says.
        """
        reader = self._reader(environ)
        for readable in reader.pages(page):
            answer = self._published(readable, environ, status)
            if answer is None:
                continue
            if readable.is_private and not reader.stands():
                answer.close()
                return None
            return answer
        return None

    def _published(self, page: Page, environ: Environ, status: str) -> Answer | None:
        assert self._cache is not None
        if page.is_link:
            return self._linked(page, self._cache.path(page), environ, status)
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
            return shown.not_modified(status)
        # nginx would open a private page later, when it may be another version, and no longer theirs.
        if self._accel and not page.is_private and accel.sends_pages(environ):
            return self._redirect(shown, status, self._cache.relative_path(page, suffix))
        if known is not None and known.body is not None:
            return shown.answer(status, known.body)
        return self._from_file(page, path, suffix, status)

    def _linked(self, page: Page, path: str, environ: Environ, status: str) -> Answer | None:
        """The file that the link at *path* leads to, or None: there is no link, or not this file."""
        try:
            return self.files.answer(page, os.readlink(path), environ, status)
        except OSError:
            return None

    def _redirect(self, shown: Representation, status: str, path: str) -> Answer:
        """Lets nginx send the page at *path* below the pages' folder.

        It takes serial, tag and size from the file that it opens, and would keep a Cache-Control of
        this answer beside that of the next, if there is no file any more and it has to ask again.
        """
        without = ("Content-Length", "Cache-Control")
        return accel.redirect(shown.answer(status, b""), accel.Place.PAGES, path, without=without)

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
                return shown.answer(status, file)
            with file:
                body = file.read()
        except OSError:
            return None
        self._memory.keep(path, Remembered(stat.st_ino, shown, body))
        return shown.answer(status, body)

    def _representation(
        self, page: Page, stat: os.stat_result, suffix: str
    ) -> Representation | None:
        """None: somebody has touched the file, which the next generation replaces."""
        if not is_page_time(stat.st_mtime_ns):
            return None
        return Representation(page, self._build, stat.st_mtime_ns, stat.st_size, suffix)
