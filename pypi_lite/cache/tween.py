"""The read side: serve a published page, or make it while serving it.

A tween outside the transaction's tween, so that the temp is there, and no hold seen, before the
request's transaction takes its snapshot; see the package's docstring and `store.Generation`.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from pyramid.response import Response

from pypi_lite.cache.answer import Answer, says
from pypi_lite.cache.content import Link, Text
from pypi_lite.cache.hits import Environ, Hits
from pypi_lite.cache.pages import Page
from pypi_lite.cache.store import Cache, Generation

log = logging.getLogger(__name__)

MISS, BYPASS = "fwd=uri-miss", "fwd=bypass"

# Seconds between two looks for a page that another is making.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02

_CHUNK = 256 * 1024

Handler = Callable[[Any], Response]
Settle = Callable[[Environ], bool]


def factory(handler: Handler, registry: Any) -> Handler:
    """Pyramid's tween factory."""
    return CacheTween(
        handler,
        registry["pypi_lite.cache"],
        registry["pypi_lite.hits"],
        registry["pypi_lite.build"],
        registry["pypi_lite.settings"].cache_wait,
        registry["pypi_lite.reading"].settle,
    )


class CacheTween:
    """Answers the requests whose URL is a page's; hands all others through.

    A view says that its answer is the page by setting ``request.page_facts``, or for a page that is a
    link ``request.page_link``; it finds the page that is wanted in ``request.page``, and leaves there
    the one that its answer is (`pages.for_circle`).
    """

    def __init__(
        self,
        handler: Handler,
        cache: Cache | None,
        hits: Hits,
        build: str,
        wait: float,
        settle: Settle = lambda _environ: True,
    ) -> None:
        """*wait* is how many seconds a reader gives another's generation.

        *settle* finds out, with the database if need be, what `Hits` then asks for without it: who
        sends a request. False: nobody who may read anything, so that there is nothing to make.
        """
        self._handler = handler
        self._cache = cache
        self._hits = hits
        self._build = build
        self._wait = wait
        self._settle = settle

    def __call__(self, request: Any) -> Response:
        hit = self._hits.answer(request.environ)
        if hit is not None:
            return _response(request, hit)
        page = request.page = self._hits.page_of(request.environ)
        if page is None:
            return self._handler(request)
        if self._cache is None:
            return self._uncached(request, f"{BYPASS}; detail=off")
        if request.environ.get("QUERY_STRING"):
            return self._uncached(request, f"{BYPASS}; detail=query")
        if not self._settle(request.environ):
            return self._handler(request)
        return self._miss(request, page, self._cache)

    def _published(self, request: Any, page: Page) -> Response | None:
        """The page that another has published meanwhile."""
        found = self._hits.published(page, request.environ, f"{MISS}; collapsed")
        return found and _response(request, found)

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
                return self._uncached(request, f"{BYPASS}; detail=error")
            if generation is not None:
                response = self._generate(request, page, cache, generation)
            else:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                response = self._published(request, page)
            if response is not None:
                return response
            if time.monotonic() >= deadline:
                return self._uncached(request, f"{BYPASS}; detail=wait")

    def _generate(
        self, request: Any, page: Page, cache: Cache, generation: Generation
    ) -> Response | None:
        """Make the page, in a request that begins its transaction only now.

        None: a dead writer's hold was recovered, and the sweep took this generation's folder along.
        """
        with contextlib.closing(generation):
            # Whoever held the lock until now may have published it.
            if response := self._published(request, page):
                return response
            if not self._is_free(cache, page.key):
                generation.close()  # readers that wait for it had better not
                return self._uncached(request, f"{BYPASS}; detail=hold")
            if generation.is_swept():
                return None
            response = self._handler(request)
            content = self._content(request, response)
            # The view has said which page it is: for whom.
            status = f"{MISS}; {_publish(generation, request.page, content)}" if content else MISS
        return self._answer(request, response, content, status)

    def _is_free(self, cache: Cache, key: str) -> bool:
        """Whether no hold is on *key*; those of dead writers are recovered."""
        try:
            return cache.holds.recover(key)
        except Exception:
            # The database that was to tell about the transaction can't be asked, or the sweep failed.
            log.exception("a hold on the key %s can't be recovered yet", key)
            return False

    def _uncached(self, request: Any, status: str) -> Response:
        """The same answer without the cache."""
        response = self._handler(request)
        return self._answer(request, response, self._content(request, response), status)

    def _content(self, request: Any, response: Response) -> Text | Link | None:
        """What the view has made, if its answer is the page."""
        if response.status_int != 200:
            return None
        if request.page_link is not None:
            return Link(request.page_link, self._hits.files)
        return request.page_facts and Text(response.body, request.page_facts)

    def _answer(
        self, request: Any, response: Response, content: Text | Link | None, status: str
    ) -> Response:
        if content is None:
            response.headers.update([says(status)])
            return response
        answer = content.answer(request.page, self._build, request.environ, status)
        return _response(request, answer)


def _response(request: Any, answer: Answer) -> Response:
    if answer.body is None:
        body: Any = []
    elif isinstance(answer.body, bytes):
        body = [answer.body]
    else:
        wrapper = request.environ.get("wsgi.file_wrapper") if answer.code == 200 else None
        body = wrapper(answer.body) if wrapper else _body(answer)
    return Response(status=answer.code, headerlist=list(answer.headers), app_iter=body)


def _body(answer: Answer) -> Iterator[bytes]:
    """The bytes of an answer from a file, for servers that would send all that is left of it."""
    left = answer.length
    with answer.body as file:  # type: ignore[union-attr]
        while left and (chunk := file.read(min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk


def _publish(generation: Generation, page: Page, content: Text | Link) -> str:
    """Publish, and what the Cache-Status says of it. A page that can't be written is served alone."""
    try:
        return "stored" if content.publish(generation, page) else "detail=swept"
    except OSError:
        log.exception("a page of the key %s can't be written", page.key)
        return "detail=error"
