"""A crowd that wants a page which is not there: one of them makes it, and the others get that one."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks import filling
from pypi_lite.opening import migrate
from pypi_lite.settings import Settings
from tests.clients import raw
from tests.clients.conftest import Served
from tests.clients.conftest import database_url as new_database
from tests.clients.running import RunningIndex
from tests.conftest import new_token, new_user
from tests.distributions.build import wheel

CROWD = 50
#: Its pages take long enough to make for all of the crowd to come meanwhile.
PROJECT = filling.LARGE[10_000]
PAGES = [
    (f"simple/{PROJECT}/", {"Accept": raw.JSON, "Accept-Encoding": "gzip"}),
    (f"project/{PROJECT}/", {"Accept-Encoding": "gzip"}),
]
HIT, COLLAPSED = "pypi_lite; hit", "pypi_lite; fwd=uri-miss; collapsed"


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """An index of large projects with three workers, whose readers have all the time they need."""
    url = f"sqlite:///{tmp_path / 'index.sqlite'}"
    if request.param == "postgresql":
        url = new_database(request)
    migrate(Settings(data=tmp_path, database_url=url))
    filling.fill(url, projects=1, files=0)
    running = RunningIndex(tmp_path / "index", url, workers=3, settings={"cache_wait": "100"})
    try:
        running.start()
        root = new_user(running.index, "root", is_admin=True)
        yield Served(running, new_token(running.index, root), root)
        assert running.stop() == 0
        assert running.scary_lines() == []
    finally:
        running.close()


class Crowd:
    """Readers of one page, who all ask at the same moment."""

    def __init__(self, threads: ThreadPoolExecutor, url: str, headers: dict[str, str]) -> None:
        self._start = threading.Barrier(CROWD)
        self._answers: list[Future[raw.Answer]] = [
            threads.submit(self._read, url, headers) for _ in range(CROWD)
        ]

    def answers(self) -> list[raw.Answer]:
        """What they got, when all have it."""
        return [answer.result() for answer in self._answers]

    def _read(self, url: str, headers: dict[str, str]) -> raw.Answer:
        self._start.wait()
        return raw.get(url, headers)


def upload(served: Served, version: str) -> int:
    """A new file of the project; the serial that the uploader is told."""
    answer = served.running.upload(*wheel(PROJECT, version), served.token)
    assert answer.status == 200, answer.text
    return int(answer.headers["x-pypi-last-serial"])


def serial(answer: raw.Answer) -> int:
    """The last change that a page shows."""
    assert answer.status == 200, answer.text
    return int(answer.headers["x-pypi-last-serial"])


def test_a_crowd_makes_a_page_once_and_gets_the_current_one(served: Served) -> None:
    """The second crowd comes right after a change that is made while the first one waits."""
    with ThreadPoolExecutor(2 * CROWD) as threads:
        for number, (path, headers) in enumerate(PAGES):
            before = upload(served, f"5000.{number}")
            first = Crowd(threads, served.running.url + path, headers)
            after = upload(served, f"6000.{number}")
            second = Crowd(threads, served.running.url + path, headers)
            assert {serial(answer) for answer in first.answers()} <= {before, after}
            check_made_once(second.answers(), after)
            newest = upload(served, f"7000.{number}")
            undisturbed = Crowd(threads, served.running.url + path, headers)
            check_made_once(undisturbed.answers(), newest)


def check_made_once(answers: list[raw.Answer], newest: int) -> None:
    """All are the newest page and the same bytes, and at most two were made for their reader."""
    assert {serial(answer) for answer in answers} == {newest}
    assert len({answer.body for answer in answers}) == 1
    statuses = Counter(answer.headers["cache-status"] for answer in answers)
    assert statuses[HIT] + statuses[COLLAPSED] >= CROWD - 2, statuses
