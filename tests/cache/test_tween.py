"""The read side: what a reader gets, and what the headers say of it."""

import gzip
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pyramid.response import Response

from pypi_lite.application import Request
from pypi_lite.cache.files import Files
from pypi_lite.cache.hits import EVERYBODY, NOBODY, Hits
from pypi_lite.cache.pages import Facts, Page, PageRules
from pypi_lite.cache.tween import CacheTween, Handler
from pypi_lite.models import now
from tests.cache.world import PAGE, World, in_thread


@pytest.fixture(params=[0, 1_000_000])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """One row, one page; with a memory and without one."""
    url = f"sqlite:///{tmp_path / 'world.sqlite'}"
    world = World(tmp_path / "cache", url, wait=5.0, memory=request.param)
    world.create()
    return world


def tween_of(world: World, handler: Handler, rules: PageRules) -> CacheTween:
    return CacheTween(
        handler, world.cache, Hits(world.cache, rules, "build", 0, Files("")), "build", 0
    )


def status(response: Response) -> str:
    return str(response.headers["Cache-Status"]).removeprefix("pypi_lite; ")


def test_the_first_reader_makes_the_page_and_the_second_gets_the_file(world: World) -> None:
    first, second = world.get(), world.get()
    assert [status(first), status(second)] == ["fwd=uri-miss; stored", "hit"]
    assert first.body == second.body
    changing = ("Cache-Status",)
    assert [h for h in first.headerlist if h[0] not in changing] == [
        h for h in second.headerlist if h[0] not in changing
    ]


def test_a_page_has_a_strong_tag_its_time_and_its_serial(world: World) -> None:
    for response in (world.get(), world.get()):
        assert response.headers["ETag"].startswith('"')
        assert response.headers["X-PyPI-Last-Serial"] == "1"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert abs((response.last_modified - now()).total_seconds()) < 60


def test_a_304_repeats_the_validators_and_nothing_else(world: World) -> None:
    for _ in range(2):  # made afresh, and from the file
        tag = world.get().headers["ETag"]
        response = world.get(HTTP_IF_NONE_MATCH=f'"other", {tag}')
        assert response.status_int == 304
        assert response.body == b""
        assert response.headers["ETag"] == tag
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert response.headers["X-PyPI-Last-Serial"] == "1"
        assert "Content-Length" not in response.headers
        world.cache.sweep(PAGE.key)


def test_a_date_alone_never_gives_a_304(world: World) -> None:
    """Two changes may come within the second that If-Modified-Since can tell apart."""
    date = world.get().headers["Last-Modified"]
    assert world.get(HTTP_IF_MODIFIED_SINCE=date).status_int == 200


def test_a_change_makes_another_tag(world: World) -> None:
    tags = {world.get().headers["ETag"]}
    for _ in range(3):
        world.write()
        tags.add(world.get().headers["ETag"])
    assert len(tags) == 4


def test_the_compressed_twin_is_the_same_page_under_a_tag_of_its_own(world: World) -> None:
    for _ in range(2):
        plain, packed = world.get(), world.get(HTTP_ACCEPT_ENCODING="gzip, deflate")
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert packed.headers["ETag"] != plain.headers["ETag"]
        assert packed.headers["Content-Length"] == str(len(packed.body))
        tag = packed.headers["ETag"]
        assert world.get(HTTP_IF_NONE_MATCH=tag).status_int == 200
        assert world.get(HTTP_IF_NONE_MATCH=tag, HTTP_ACCEPT_ENCODING="gzip").status_int == 304


def test_identity_is_kept_for_who_prefers_it(world: World) -> None:
    for header in ("identity", "gzip;q=0", "br", "identity;q=1, gzip;q=0.5", ""):
        response = world.get(HTTP_ACCEPT_ENCODING=header)
        assert "Content-Encoding" not in response.headers


def test_a_query_goes_past_the_cache_to_the_same_bytes(world: World) -> None:
    made = world.get("/page?x=1")
    assert status(made) == "fwd=bypass; detail=query"
    assert world.published() is None
    assert world.get().body == made.body
    assert world.get("/page?x=1").headers["ETag"] == world.get().headers["ETag"]


def test_a_page_that_somebody_has_touched_is_made_again(world: World) -> None:
    """Its time is no serial's any more, and so it has no tag."""
    tag = world.get().headers["ETag"]
    path = world.cache.path(PAGE)
    os.utime(path, (1_800_000_010, 1_800_000_010))  # 0x6b49d20a
    assert status(world.get()) == "fwd=uri-miss; stored"
    assert status(world.get()) == "hit"
    assert world.get().headers["ETag"] == tag


def test_other_methods_and_other_paths_are_handed_through(world: World) -> None:
    rules = PageRules()
    rules.add("/page", lambda environ: None if "other" in environ["PATH_INFO"] else PAGE)
    tween = tween_of(world, lambda request: Response("through"), rules)
    for request in (Request.blank("/page", method="POST"), Request.blank("/page/other")):
        response = tween(request)
        assert response.text == "through"
        assert "Cache-Status" not in response.headers


def test_what_is_no_page_is_not_kept(world: World) -> None:
    def not_found(_request: Any) -> Response:
        return Response("no", status=404)

    rules = PageRules()
    rules.add("/", lambda e: Page(f"project{e['PATH_INFO']}", name="x", content_type="text/plain"))
    tween = tween_of(world, not_found, rules)
    for number in range(20):
        response = tween(Request.blank(f"/unknown{number}"))
        assert response.status_int == 404
        assert response.headers["Cache-Status"] == "pypi_lite; fwd=uri-miss"
    assert [p for p in world.folder.rglob("*") if p.name.startswith("unknown")] == []


def test_who_may_not_read_gets_the_views_answer_and_nothing_published(world: World) -> None:
    """Neither as a hit, nor as a page that another has just published."""
    page = world.get()

    def refuse(_request: Any) -> Response:
        return Response("who are you?", status=401)

    rules = PageRules()
    rules.add("/", lambda _environ: PAGE)
    reader = lambda environ: EVERYBODY if "x" in environ else NOBODY  # noqa: E731
    hits = Hits(world.cache, rules, "build", 0, Files(""), reader)
    known = CacheTween(refuse, world.cache, hits, "build", 0)
    unknown = CacheTween(refuse, world.cache, hits, "build", 0, lambda _environ: False)
    for tag in "", page.headers["ETag"]:
        for tween, said in (known, "fwd=uri-miss"), (unknown, None):
            response = tween(Request.blank("/page", environ={"HTTP_IF_NONE_MATCH": tag}))
            assert (response.status_int, response.text) == (401, "who are you?")
            assert response.headers.get("Cache-Status") == (said and f"pypi_lite; {said}")
    assert status(known(Request.blank("/page", environ={"x": "y"}))) == "hit"


def test_an_exception_leaves_nothing_behind(world: World) -> None:
    def fail(_request: Any) -> Response:
        raise RuntimeError("in a view")

    rules = PageRules()
    rules.add("/", lambda _request: PAGE)
    tween = tween_of(world, fail, rules)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="in a view"):
            tween(Request.blank("/page"))
    assert world.litter() == []
    assert status(world.get()) == "fwd=uri-miss; stored"


def test_a_view_runs_once_even_if_it_fails_with_an_os_error(world: World) -> None:
    calls = []

    def fail(request: Any) -> Response:
        calls.append(request)
        raise FileNotFoundError("in a view")

    rules = PageRules()
    rules.add("/", lambda _request: PAGE)
    with pytest.raises(FileNotFoundError):
        tween_of(world, fail, rules)(Request.blank("/page"))
    assert len(calls) == 1


def test_a_folder_that_cant_be_written_is_no_reason_not_to_answer(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.folder.mkdir(exist_ok=True)
    (world.folder / "pages").write_text("not a folder")
    assert world.get().text == "version 1 end"
    assert status(world.get()) == "fwd=bypass; detail=error"
    (world.folder / "pages").unlink()
    world.get()
    assert status(world.get()) == "hit"


def test_a_database_that_cant_tell_of_a_dead_writer_keeps_the_hold(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def unreachable(_transaction: str) -> bool:
        raise ConnectionError("the database is down")

    hold = world.cache.place(PAGE.key, "4711")
    hold.abandon()
    world.cache.holds._is_over = unreachable
    assert status(world.get()) == "fwd=bypass; detail=hold"
    world.cache.holds._is_over = lambda _: True
    assert status(world.get()) == "fwd=uri-miss; stored"
    assert status(world.get()) == "hit"


def test_a_large_page_is_sent_from_the_file(world: World) -> None:
    body = os.urandom(600_000)

    def large(request: Any) -> Response:
        request.page_facts = Facts(serial=1, changed=now())
        return Response(body)

    rules = PageRules()
    rules.add("/", lambda _request: PAGE)
    tween = tween_of(world, large, rules)
    for expected in ("fwd=uri-miss; stored", "hit"):
        response = tween(Request.blank("/page"))
        assert status(response) == expected
        assert response.headers["Content-Length"] == "600000"
        assert b"".join(response.app_iter) == body


def test_fifty_readers_of_a_missing_page_make_it_once_or_twice(world: World) -> None:
    made, answers = [], []
    barrier = threading.Barrier(50)

    def step() -> None:
        made.append(1)
        time.sleep(0.05)  # or it is made before the others have come

    def read() -> None:
        barrier.wait()
        answers.append(world.get())

    world.step = step
    threads = [in_thread(read) for _ in range(50)]
    for thread in threads:
        thread.join(timeout=60)
    assert {answer.text for answer in answers} == {"version 1 end"}
    assert len(answers) == 50
    assert len(made) <= 2 * 2  # two steps a generation
    assert "fwd=uri-miss; collapsed" in {status(answer) for answer in answers}


def test_who_waited_in_vain_does_the_work_alone(world: World) -> None:
    generation = world.cache.begin(PAGE)
    assert generation is not None
    world.tween._wait = 0.05  # type: ignore[attr-defined]
    response = world.get()
    assert status(response) == "fwd=bypass; detail=wait"
    assert response.text == "version 1 end"
    generation.close()
