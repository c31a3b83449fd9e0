"""The server is killed while it takes uploads: nothing that it acknowledged is lost."""

import hashlib
import threading
import time
from http.client import HTTPException
from urllib.parse import urljoin

from tests.clients import raw
from tests.clients.conftest import Served
from tests.clients.running import ENOUGH
from tests.distributions.build import wheel

KILLS = 2
#: Each time the server is killed at another moment of its work.
UPLOADS_BEFORE = (5, 12)
UPLOADERS = 3


class Uploader(threading.Thread):
    """Uploads version after version of a project until the server is gone."""

    def __init__(self, served: Served, project: str, first: int) -> None:
        super().__init__(daemon=True)
        self.served = served
        self.project = project
        self.first = first
        self.acknowledged: dict[str, bytes] = {}
        self.sent: dict[str, bytes] = {}
        self.refused: list[str] = []

    def run(self) -> None:
        for number in range(self.first, self.first + 1000):
            filename, content = wheel(self.project, f"1.{number}")
            self.sent[filename] = content
            try:
                answer = self.served.running.upload(filename, content, self.served.token)
            except (OSError, HTTPException):
                return
            if answer.status != 200:
                self.refused.append(answer.text)
                return
            self.acknowledged[filename] = content


def test_what_was_acknowledged_survives(served_alone: Served) -> None:
    acknowledged: dict[str, dict[str, bytes]] = {}
    sent: dict[str, bytes] = {}
    for kill in range(KILLS):
        # One project for all of them, and one that only its own uploader changes.
        uploaders = [
            Uploader(served_alone, "shared" if number else "own", kill * 10_000 + number * 1000)
            for number in range(UPLOADERS)
        ]
        _kill_in_the_middle(served_alone, uploaders, UPLOADS_BEFORE[kill])
        served_alone.running.start()
        for uploader in uploaders:
            assert uploader.refused == []
            acknowledged.setdefault(uploader.project, {}).update(uploader.acknowledged)
            sent |= uploader.sent
        for project, files in acknowledged.items():
            _check(served_alone, project, files, sent)


def _kill_in_the_middle(served: Served, uploaders: list[Uploader], after: int) -> None:
    for uploader in uploaders:
        uploader.start()
    deadline = time.monotonic() + ENOUGH
    # Each has to have been let in once, or its project may not be there.
    while sum(len(u.acknowledged) for u in uploaders) < after or not all(
        u.acknowledged for u in uploaders
    ):
        # Somebody reads meanwhile, so that there are pages to be swept when the end comes.
        served.running.page("shared")
        assert time.monotonic() < deadline
        assert all(uploader.refused == [] for uploader in uploaders)
    served.running.kill()
    for uploader in uploaders:
        uploader.join(ENOUGH)
        assert not uploader.is_alive()


def _check(
    served: Served, project: str, acknowledged: dict[str, bytes], sent: dict[str, bytes]
) -> None:
    """The page has what was acknowledged, perhaps more, and is as if made afresh."""
    page = f"{served.running.simple_url}{project}/"
    kept = [raw.get(page, {"Accept": raw.JSON}) for _ in range(3)]
    made = raw.get(f"{page}?x=1", {"Accept": raw.JSON})
    assert {answer.body for answer in kept} == {made.body}
    files = made.files()
    assert files.keys() >= acknowledged.keys()
    for filename, entry in files.items():
        content = raw.get(urljoin(page, entry["url"])).body
        assert content == sent[filename]
        assert hashlib.sha256(content).hexdigest() == entry["hashes"]["sha256"]
    for filename, content in sent.items():
        if filename.startswith(f"{project}-"):
            answer = served.running.upload(filename, content, served.token)
            assert answer.status == 200, answer.text
            assert filename in served.page_of(project)
            acknowledged[filename] = content
