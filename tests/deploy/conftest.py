"""One index, with nginx in front of it in both forms."""

import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.running import RunningIndex
from tests.conftest import lacking, new_token, new_user
from tests.deploy.asking import Answer, ask
from tests.deploy.front import NGINX, PRIVATE, front
from tests.distributions.build import wheel

#: What the application needs to know of nginx.
SETTINGS = {"trusted_proxy": "127.0.0.1", "accel": "true"}


@dataclass(frozen=True)
class Site:
    """A running index and the addresses under which it is reached, each with its slash."""

    running: RunningIndex
    token: str
    public: str
    private: str
    #: nginx in the public form in front of nothing: what it answers, it answers itself.
    alone: str

    @property
    def direct(self) -> str:
        """The application itself."""
        return self.running.url

    @property
    def upstream(self) -> str:
        """Where the application listens."""
        return self.direct.removeprefix("http://").rstrip("/")

    @property
    def cache(self) -> Path:
        """The cache's folder."""
        return self.running.folder / "data" / "cache"

    @property
    def blobs(self) -> Path:
        """The files' folder."""
        return self.running.folder / "data" / "blobs"

    def put(self, *files: tuple[str, bytes]) -> None:
        """Put files on the index."""
        for filename, content in files:
            answer = self.running.upload(filename, content, self.token)
            assert answer.status == 200, answer.text

    def published(self, path: str, *headers: tuple[str, str]) -> Answer:
        """The application's own answer, when the page has been made."""
        for _ in range(2):
            answer = ask(f"{self.direct}{path}", *headers)
        assert answer.status == 200, answer
        return answer


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The index for all of these tests; it has the project foo."""
    if NGINX is None:
        lacking("nginx is not installed")
    folder = tmp_path_factory.mktemp("site")
    running = RunningIndex(folder / "index", settings=SETTINGS)
    with ExitStack() as stack:
        stack.callback(running.close)
        running.start()
        ann = new_user(running.index, "ann", is_admin=True)
        cache, blobs = folder / "index/data/cache", folder / "index/data/blobs"
        upstream = running.url.removeprefix("http://").rstrip("/")
        nobody = stack.enter_context(socket.socket())
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        dead = f"127.0.0.1:{nobody.getsockname()[1]}"
        folders = (cache, blobs)
        public = front(upstream, *folders, folder / "public")
        private = front(upstream, *folders, folder / "private", conf=PRIVATE)
        alone = front(dead, *folders, folder / "alone")
        addresses = [stack.enter_context(each) for each in (public, private, alone)]
        site = Site(running, new_token(running.index, ann), *addresses)
        site.put(*(wheel("foo", version) for version in ("1.0", "1!2.0", "3.0+local.1")))
        yield site
        assert running.stop() == 0
        assert running.scary_lines() == []


@pytest.fixture(params=["public", "private"])
def address(site: Site, request: pytest.FixtureRequest) -> str:
    """Of nginx in one of its forms."""
    found: str = getattr(site, request.param)
    return found


@pytest.fixture
def name() -> str:
    """A project's name that no other test uses."""
    return f"p{uuid.uuid4().hex[:12]}"
