"""Files behind nginx: the application decides, nginx sends, and nobody can tell."""

from itertools import product

import pytest

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import changes
from tests.api.test_files import url_of
from tests.deploy.asking import ask
from tests.deploy.conftest import Site
from tests.distributions.build import sdist, wheel

WHEEL, SDIST = wheel("filed", "1.0"), sdist("filed", "1.0")
SIZE = len(WHEEL[1])


@pytest.fixture(scope="module")
def shelf(site: Site) -> Site:
    """With both files."""
    site.put(WHEEL, SDIST)
    return site


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept-Encoding": "gzip, deflate"},
        *(
            {"Range": f"bytes={wanted}"}
            for wanted in (
                *("0-0", "10-19", "100-", "-50", "-10000000", "10-10000000", "0-", f"-{SIZE}"),
                *(
                    f"{SIZE}-",
                    f"{SIZE + 5}-{SIZE + 9}",
                    "-0",
                    "0-1,3-4",
                    "0-1, 3-",
                    "5-2",
                    "x",
                    "-",
                ),
                *(" 1-2", "1 - 2", "1-2 ", f"{10**17}-", f"-{10**17}", f"-{10**30}"),
            )
        ),
        {"Range": "items=0-1"},
        {"Range": "BYTES=0-1"},
        *(
            {"Range": "bytes=10-", "If-Range": condition}
            for condition in (
                *('"{tag}"', "{tag}", 'W/"{tag}"', '"other"', ' "{tag}" ', "*", ""),
                "Wed, 21 Oct 2026 07:28:00 GMT",
            )
        ),
        {"Range": "bytes=-0", "If-Range": '"other"'},
        *(
            {name: value, **ranged}
            for name, value in (
                *(
                    ("If-None-Match", v)
                    for v in ('"{tag}"', 'W/"{tag}"', '"x", "{tag}"', "*", '"x"')
                ),
                *(("If-None-Match", ""), ("If-Match", ""), ("If-Match", "*"), ("If-Match", '"x"')),
                ("If-Unmodified-Since", "Wed, 21 Oct 2015 07:28:00 GMT"),
                ("If-Modified-Since", "Wed, 21 Oct 2035 07:28:00 GMT"),
            )
            for ranged in ({}, {"Range": "bytes=0-9"})
        ),
    ],
    ids=str,
)
def test_nginx_sends_what_the_application_would(shelf: Site, headers: dict[str, str]) -> None:
    for file, suffix, method in product((WHEEL, SDIST), ("", ".metadata"), ("GET", "HEAD")):
        path = url_of(file).removeprefix("/") + suffix
        tag = (ask(shelf.direct + path).header("ETag") or "").strip('"')
        asked = [(name, value.replace("{tag}", tag)) for name, value in headers.items()]
        expected = ask(shelf.direct + path, *asked, method=method)
        for front in shelf.public, shelf.private:
            assert ask(front + path, *asked, method=method).comparable == expected.comparable


@pytest.mark.parametrize("wanted", ["files", "all"])
def test_the_application_leaves_the_bytes_to_nginx_that_asks(shelf: Site, wanted: str) -> None:
    path = url_of(WHEEL).removeprefix("/")
    for headers, place in (
        ([], "whole"),
        ([("Range", "bytes=1-2")], "part"),
        ([("Range", "bytes=1-2,4-5")], "whole"),
    ):
        answer = ask(shelf.direct + path, ("X-Pypi-Lite-Accel", wanted), *headers)
        location = answer.header("X-Accel-Redirect")
        assert location is not None
        assert answer.body == b""
        prefix = f"/.pypi_lite/{place}/"
        assert location.startswith(prefix)
        assert (shelf.blobs / location.removeprefix(prefix)).read_bytes() == WHEEL[1]
        # Nobody else gets there.
        for front in shelf.public, shelf.private:
            assert ask(front.rstrip("/") + location).status == 404
    answer = ask(shelf.direct + path, ("X-Pypi-Lite-Accel", "other"))
    assert answer.body == WHEEL[1]


def test_a_deleted_file_is_gone_at_once(site: Site) -> None:
    for number in range(5):
        file = wheel("deleted", f"1.{number}")
        path = url_of(file).removeprefix("/")
        site.put(file)
        for front in site.public, site.private:
            assert ask(front + path).body == file[1]
        with site.running.index.database.write() as session:
            changes.delete_file(session, OPERATOR, file[0])
        for front, suffix in product((site.public, site.private), ("", ".metadata")):
            assert ask(front + path + suffix).status == 404
            assert ask(front + path, ("Range", "bytes=0-1")).status == 404


def test_what_is_in_quarantine_is_refused_at_once(site: Site) -> None:
    file = wheel("quarantined", "1.0")
    path = url_of(file).removeprefix("/")
    site.put(file)
    fronts = (site.public, site.private)

    def set_status(status: str) -> None:
        with site.running.index.database.write() as session:
            changes.set_status(session, OPERATOR, "quarantined", status)

    for _ in range(5):
        for front in fronts:
            assert ask(front + path).body == file[1]
        set_status("quarantined")
        for front, suffix in product(fronts, ("", ".metadata")):
            assert ask(front + path + suffix).status == 404
            assert ask(front + path + suffix, ("Range", "bytes=0-1")).status == 404
            assert file[0].encode() not in ask(f"{front}simple/quarantined/").body
        set_status("active")
