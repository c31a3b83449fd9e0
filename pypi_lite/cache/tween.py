"""The read side: serve a published page, or make it while serving it.

A tween outside the transaction's tween, so that the temp is there, and no hold seen, before the
request's transaction takes its snapshot; see the package's docstring and `store.Generation`.
"""

import contextlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from pyramid.response import FileIter, Response
from webob.acceptparse import create_accept_encoding_header

from pypi_lite import accel
from pypi_lite.cache.memory import Memory, identity
from pypi_lite.cache.pages import Facts, Page, PageRules, file_name, moment_of, serial_of
from pypi_lite.cache.store import GZIP, Cache, Generation, compress

log = logging.getLogger(__name__)

#: What each response of a cacheable URL says about the cache (RFC 9211).
STATUS_HEADER = "Cache-Status"
SERIAL_HEADER = "X-PyPI-Last-Serial"
HIT, MISS, BYPASS = "hit", "fwd=uri-miss", "fwd=bypass"

# Reading a page and sending bytes is faster up to some size, sending from the file beyond it.
_LARGE = 128 * 1024
# Seconds between two looks for a page that another is making.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02

Handler = Callable[[Any], Response]


def factory(handler: Handler, registry: Any) -> Handler:
    """Pyramid's tween factory."""
    return CacheTween(
        handler,
        registry["pypi_lite.cache"],
        registry["pypi_lite.page_rules"],
        registry["pypi_lite.build"],
        registry["pypi_lite.settings"].cache_wait,
        registry["pypi_lite.settings"].cache_memory,
        accel=registry["pypi_lite.settings"].accel,
    )


class CacheTween:
    """Answers the requests whose URL is a page's; hands all others through.

    A view says that its answer is the page by setting ``request.page_facts``; it finds the page that
    is wanted in ``request.page``.
    """

    def __init__(
        self,
        handler: Handler,
        cache: Cache | None,
        rules: PageRules,
        build: str,
        wait: float,
        memory: int,
        *,
        accel: bool = False,
    ) -> None:
        """*wait* is how many seconds a reader gives another's generation; *memory* how many bytes
        of small pages are kept in memory as well; *accel* whether nginx sends what it asks to send."""
        self._handler = handler
        self._cache = cache
        self._rules = rules
        self._build = build
        self._wait = wait
        self._memory = Memory(memory)
        self._accel = accel

    def __call__(self, request: Any) -> Response:
        if request.method not in ("GET", "HEAD"):
            return self._handler(request)
        page = request.page = self._rules.page_of(request)
        if page is None:
            return self._handler(request)
        if self._cache is None:
            return self._uncached(request, page, f"{BYPASS}; detail=off")
        if request.environ.get("QUERY_STRING"):
            return self._uncached(request, page, f"{BYPASS}; detail=query")
        return self._hit(request, page, HIT) or self._miss(request, page, self._cache)

    def _hit(self, request: Any, page: Page, status: str) -> Response | None:
        """The published page, or None. One look at the file, if this version is known."""
        assert self._cache is not None
        suffix = _suffix(request)
        path = self._cache.path(page, suffix)
        try:
            stat = os.stat(path)
        except OSError:
            return None
        sent = self._representation(page, stat, suffix)
        if sent.is_known_to(request):
            return sent.not_modified(status)
        if self._accel and accel.sends_pages(request.environ):
            return sent.redirect(status, self._cache.relative_path(page, suffix))
        body = self._memory.recall(path, identity(stat))
        if body is not None:
            return sent.response(status, [body])
        return self._from_file(request, page, path, suffix, status)

    def _from_file(
        self, request: Any, page: Page, path: str, suffix: str, status: str
    ) -> Response | None:
        """The published page, or None: it has been swept since somebody looked."""
        try:
            file = open(path, "rb")  # noqa: SIM115  a large one is closed with the response
        except OSError:
            return None
        stat = os.fstat(file.fileno())  # what was looked at may have been another file
        sent = self._representation(page, stat, suffix)
        if stat.st_size > _LARGE:
            wrapper = request.environ.get("wsgi.file_wrapper", FileIter)
            return sent.response(status, wrapper(file))
        with file:
            body = file.read()
        self._memory.keep(path, identity(stat), body)
        return sent.response(status, [body])

    def _representation(self, page: Page, stat: os.stat_result, suffix: str) -> "Representation":
        return Representation(page, self._build, stat.st_mtime_ns, stat.st_size, suffix)

    def _miss(self, request: Any, page: Page, cache: Cache) -> Response:
        """Make the page, or wait a little for whoever is making it.

        Who has waited serves a page that is *published*, which is current, or does the work alone:
        the other's bytes may be older than a change that was committed before this request came.
        """
        deadline = time.monotonic() + self._wait
        pause = _FIRST_PAUSE
        while True:
            try:
                generation = cache.begin(page)
            except OSError:
                log.exception("no page of the key %s can be cached", page.key)
                return self._uncached(request, page, f"{BYPASS}; detail=error")
            if generation is not None:
                response = self._generate(request, page, cache, generation)
            else:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                response = self._hit(request, page, f"{MISS}; collapsed")
            if response is not None:
                return response
            if time.monotonic() >= deadline:
                return self._uncached(request, page, f"{BYPASS}; detail=wait")

    def _generate(
        self, request: Any, page: Page, cache: Cache, generation: Generation
    ) -> Response | None:
        """Make the page, in a request that begins its transaction only now.

        None: a dead writer's hold was recovered, and the sweep took this generation's folder along.
        """
        with contextlib.closing(generation):
            # Whoever held the lock until now may have published it.
            if response := self._hit(request, page, f"{MISS}; collapsed"):
                return response
            if not self._is_free(cache, page.key):
                generation.close()  # readers that wait for it had better not
                return self._uncached(request, page, f"{BYPASS}; detail=hold")
            if generation.is_swept():
                return None
            response = self._handler(request)
            body = _page_body(request, response)
            if body is None:
                response.headers[STATUS_HEADER] = f"pypi_lite; {MISS}"
                return response
            status = f"{MISS}; {_publish(generation, page, body, request.page_facts)}"
        return self._fresh(request, page, body, request.page_facts, status)

    def _is_free(self, cache: Cache, key: str) -> bool:
        """Whether no hold is on *key*; those of dead writers are recovered."""
        try:
            return cache.holds.recover(key)
        except Exception:
            # The database that was to tell about the transaction can't be asked, or the sweep failed.
            log.exception("a hold on the key %s can't be recovered yet", key)
            return False

    def _uncached(self, request: Any, page: Page, status: str) -> Response:
        """The same answer without the cache."""
        response = self._handler(request)
        body = _page_body(request, response)
        if body is None:
            response.headers[STATUS_HEADER] = f"pypi_lite; {status}"
            return response
        return self._fresh(request, page, body, request.page_facts, status)

    def _fresh(self, request: Any, page: Page, body: bytes, facts: Facts, status: str) -> Response:
        suffix = _suffix(request)
        if suffix:
            body = compress(body)
        sent = Representation(page, self._build, facts.mtime_ns, len(body), suffix)
        if sent.is_known_to(request):
            return sent.not_modified(status)
        return sent.response(status, [body])


@dataclass(frozen=True, slots=True)
class Representation:
    """A page in one encoding; all of its headers follow from the page, its time and its size."""

    page: Page
    build: str
    mtime_ns: int
    size: int
    suffix: str

    @property
    def etag(self) -> str:
        """The strong tag, without quotes. Two versions of a page never share a serial, nor a tag."""
        name = file_name(self.page.name) + self.suffix
        return f"{self.build}-{serial_of(self.mtime_ns)}-{self.size:x}-{name}"

    def is_known_to(self, request: Any) -> bool:
        """Whether the request's ``If-None-Match`` names this version.

        ``If-Modified-Since`` is not looked at: two changes may come within one of its seconds.
        """
        if "HTTP_IF_NONE_MATCH" not in request.environ:
            return False
        return self.etag in request.if_none_match

    def not_modified(self, status: str) -> Response:
        """A 304, with the headers that RFC 9110, 15.4.5 asks for."""
        return Response(status=304, headerlist=self._validators(status), app_iter=[])

    def response(self, status: str, app_iter: Any) -> Response:
        """The 200."""
        headers = self._validators(status)
        headers.append(("Content-Type", self.page.content_type))
        headers.append(("Content-Length", str(self.size)))
        if self.suffix:
            headers.append(("Content-Encoding", "gzip"))
        headers.extend(self.page.headers)
        return Response(status=200, headerlist=headers, app_iter=app_iter)

    def redirect(self, status: str, path: str) -> Response:
        """Lets nginx send the page at *path* below the pages' folder.

        It takes serial, tag and size from the file that it opens, and would keep a Cache-Control of
        this answer beside that of the next, if there is no file any more and it has to ask again.
        """
        dropped = ("Content-Length", "Cache-Control")
        headers = [h for h in self.response(status, []).headerlist if h[0] not in dropped]
        headers.append(accel.Place.PAGES.redirect(path))
        return Response(status=200, headerlist=headers, app_iter=[])

    def _validators(self, status: str) -> list[tuple[str, str]]:
        return [
            ("ETag", f'"{self.etag}"'),
            ("Last-Modified", _http_date(moment_of(self.mtime_ns))),
            ("Cache-Control", "no-cache"),
            ("Vary", self.page.vary),
            (SERIAL_HEADER, str(serial_of(self.mtime_ns))),
            (STATUS_HEADER, f"pypi_lite; {status}"),
        ]


@lru_cache(maxsize=4096)
def _http_date(seconds: int) -> str:
    """*seconds* since 1970 as HTTP writes them (RFC 9110, 5.6.7)."""
    return formatdate(seconds, usegmt=True)


def _page_body(request: Any, response: Response) -> bytes | None:
    """The page's bytes, where the view's answer is the page."""
    if response.status_int != 200 or request.page_facts is None:
        return None
    body: bytes = response.body
    return body


def _publish(generation: Generation, page: Page, body: bytes, facts: Facts) -> str:
    """Publish, and what the Cache-Status says of it. A page that can't be written is served alone."""
    try:
        return "stored" if generation.publish(body, facts) else "detail=swept"
    except OSError:
        log.exception("a page of the key %s can't be written", page.key)
        return "detail=error"


def _suffix(request: Any) -> str:
    header = request.environ.get("HTTP_ACCEPT_ENCODING")
    return GZIP if header and _takes_gzip(header) else ""


@lru_cache(maxsize=256)
def _takes_gzip(header: str) -> bool:
    """Whether ``Accept-Encoding`` likes gzip at least as much as no encoding (RFC 9110, 12.5.3)."""
    accept = create_accept_encoding_header(header)
    offers = accept.acceptable_offers(["gzip", "identity"])
    return bool(offers) and offers[0][0] == "gzip"
