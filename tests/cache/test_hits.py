"""Hits: what is answered without the application, and what never is."""

import os
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any

import pytest

from pypi_lite.cache.files import Files
from pypi_lite.cache.hits import Answer, Hits
from pypi_lite.cache.pages import Facts, Page, PageRules, for_circle
from pypi_lite.cache.store import Cache
from pypi_lite.models import now

SMALL = Page(key="project/small", name="page.txt", content_type="text/plain")
LARGE = Page(key="project/large", name="page.txt", content_type="text/plain")
LINK = Page("project/linked", name="5f3a-file", content_type="a/b", is_link=True)
BODIES = {SMALL: b"small" * 1000, LARGE: os.urandom(1_000_000)}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    cache = Cache(str(tmp_path), "build", is_over=lambda _: True)
    for page, body in BODIES.items():
        publish(cache, page, body, 1)
    return cache


def publish(cache: Cache, page: Page, body: bytes, serial: int) -> None:
    generation = cache.begin(page)
    assert generation is not None
    assert generation.publish(body, Facts(serial, now()))
    generation.close()


def hits(cache: Cache | None, **options: Any) -> Hits:
    rules = PageRules()
    rules.add("/small", lambda _environ: SMALL)
    rules.add("/large", lambda _environ: LARGE)
    rules.add("/link", lambda _environ: LINK)
    return Hits(cache, rules, "build", 100_000, Files(""), **options)


def environ(path: str = "/small", method: str = "GET", **more: str) -> dict[str, str]:
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", **more}


def test_a_published_page_is_answered_again_and_again(cache: Cache) -> None:
    asked = hits(cache)
    for _ in range(3):
        answer = asked.answer(environ())
        assert answer is not None
        assert (answer.code, answer.body) == (200, BODIES[SMALL])
        assert dict(answer.headers)["Cache-Status"] == "pypi_lite; hit"
        tag = dict(answer.headers)["ETag"]
        known = asked.answer(environ(HTTP_IF_NONE_MATCH=f'W/{tag}, "other"'))
        assert known is not None
        assert (known.code, known.body) == (304, None)
        assert "Content-Length" not in dict(known.headers)


def test_a_large_page_comes_as_its_file(cache: Cache) -> None:
    asked = hits(cache)
    for _ in range(2):
        answer = asked.answer(environ("/large"))
        assert answer is not None
        assert isinstance(answer.body, BufferedReader)
        with answer.body as file:
            assert file.read() == BODIES[LARGE]


def test_a_link_answers_with_its_file_until_it_is_swept(cache: Cache, tmp_path: Path) -> None:
    file = tmp_path / "5f3a"
    file.write_bytes(BODIES[LARGE])
    asked = hits(cache)
    assert asked.answer(environ("/link")) is None
    generation = cache.begin(LINK)
    assert generation is not None
    assert generation.publish_link(str(file))
    generation.close()
    for _ in range(2):
        answer = asked.answer(environ("/link"))
        assert answer is not None
        assert isinstance(answer.body, FileIO)
        with answer.body as body:
            assert body.read() == BODIES[LARGE]
    part = asked.answer(environ("/link", HTTP_RANGE="bytes=10-19"))
    assert part is not None
    assert (part.code, part.body) == (206, BODIES[LARGE][10:20])
    tag = dict(part.headers)["ETag"]
    assert tag == '"5f3a"'
    known = asked.answer(environ("/link", HTTP_IF_NONE_MATCH=tag))
    assert known is not None
    assert known.code == 304
    file.unlink()
    assert asked.answer(environ("/link")) is None
    file.touch()
    cache.sweep(LINK.key)
    assert asked.answer(environ("/link")) is None


def test_a_link_that_was_swept_while_it_was_made_is_not_published(cache: Cache) -> None:
    generation = cache.begin(LINK)
    assert generation is not None
    cache.sweep(LINK.key)
    assert not generation.publish_link("/dev/null")
    generation.close()
    assert not os.path.lexists(cache.path(LINK))


def test_a_new_version_is_answered_from_the_moment_that_it_is_published(cache: Cache) -> None:
    asked = hits(cache)
    before = asked.answer(environ())
    cache.sweep(SMALL.key)
    assert asked.answer(environ()) is None
    assert before is not None
    publish(cache, SMALL, b"other" * 1000, 2)  # of the same size
    after = asked.answer(environ())
    assert after is not None
    assert after.body == b"other" * 1000
    assert dict(after.headers)["ETag"] != dict(before.headers)["ETag"]


@pytest.mark.parametrize(
    "asked", [environ(method="POST"), environ("/other"), environ(QUERY_STRING="x=1")]
)
def test_what_is_no_plain_request_for_a_page_is_the_applications(
    cache: Cache, asked: dict[str, str]
) -> None:
    assert hits(cache).answer(asked) is None


def test_without_a_cache_there_are_no_hits() -> None:
    assert hits(None).answer(environ()) is None


def test_who_may_not_read_gets_no_hit_whatever_others_got(cache: Cache) -> None:
    @dataclass
    class Reader:
        key: str

        def pages(self, page: Page) -> list[Page]:
            return [page] if self.key == page.key else []

        def stands(self) -> bool:
            raise AssertionError("nobody asks this of a page that is for everybody")

    private = hits(cache, reader=lambda asked: Reader(asked.get("HTTP_AUTHORIZATION", "")))
    allowed = environ(HTTP_AUTHORIZATION=SMALL.key)
    answer = private.answer(allowed)
    assert isinstance(answer, Answer)
    for refused in (environ(), environ("/large", HTTP_AUTHORIZATION=SMALL.key)):
        assert private.answer(refused) is None
        # Not even whether a version is the current one is told.
        tag = dict(answer.headers)["ETag"]
        assert private.answer({**refused, "HTTP_IF_NONE_MATCH": tag}) is None


@pytest.mark.parametrize("page", [SMALL, LARGE])
def test_who_may_read_is_asked_when_the_page_has_been_found(cache: Cache, page: Page) -> None:
    """What was published since they lost the right is never theirs; nor is its file left open."""
    private = for_circle(page, "members")
    member = Member(private)
    answering = hits(cache, reader=lambda _environ: member)
    asked = environ(f"/{page.key.removeprefix('project/')}")
    assert answering.answer(asked) is None
    assert member.asked == 0
    publish(cache, private, BODIES[page], 2)
    files = len(os.listdir("/proc/self/fd"))
    assert answering.answer(asked) is None
    assert member.asked == 1
    assert len(os.listdir("/proc/self/fd")) == files
    member.stands = lambda: True  # type: ignore[method-assign]
    answer = answering.answer(asked)
    assert answer is not None
    answer.close()


class Member:
    """One who might have read a page, until a moment ago."""

    def __init__(self, page: Page) -> None:
        self._pages = [page]
        self.asked = 0

    def pages(self, _page: Page) -> list[Page]:
        return self._pages

    def stands(self) -> bool:
        self.asked += 1
        return False
