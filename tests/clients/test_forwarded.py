"""Behind a proxy that speaks TLS, on another host: redirects lead to where the client came from (N09)."""

from collections.abc import Iterator

import pytest

from tests.clients import raw
from tests.clients.conftest import Served
from tests.clients.running import RunningIndex

#: What a proxy says of the request that it passes on.
FORWARDED = {
    "Host": "packages.test",
    "X-Forwarded-Host": "packages.test",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "443",
}
REDIRECTS = {
    "simple": "simple/",
    "simple/Foo.Bar": "simple/foo-bar/",
    "simple/foo_bar/?a=b": "simple/foo-bar/?a=b",
}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIndex]:
    """An index that believes a proxy on this machine."""
    folder = tmp_path_factory.mktemp("behind")
    running = RunningIndex(folder, workers=1, settings={"trusted_proxy": "127.0.0.1"})
    try:
        running.start()
        yield running
        assert running.stop() == 0
        assert running.scary_lines() == []
    finally:
        running.close()


@pytest.mark.parametrize("asked", REDIRECTS)
def test_redirects_keep_scheme_and_host(behind: RunningIndex, asked: str) -> None:
    """requests drops credentials on the way to another host; pip does not follow from https to http."""
    answer = raw.get(behind.url + asked, FORWARDED)
    assert answer.status == 301
    assert answer.headers["location"] == f"https://packages.test/{REDIRECTS[asked]}"


@pytest.mark.parametrize("asked", REDIRECTS)
def test_just_anyone_is_not_believed(served: Served, asked: str) -> None:
    """Or somebody could have a redirect to a host of theirs kept by others."""
    url = served.running.url
    headers = {name: value for name, value in FORWARDED.items() if name != "Host"}
    answer = raw.get(url + asked, headers)
    assert (answer.status, answer.headers["location"]) == (301, url + REDIRECTS[asked])
