"""Pages, facts, names on disk, and the two registries."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypi_lite.cache.pages import (
    Change,
    Facts,
    KeyRegistry,
    Page,
    PageRules,
    file_name,
    key_path,
    moment_of,
    serial_of,
)

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2051, 1, 1), timezones=st.just(UTC))


@given(st.integers(min_value=0, max_value=10**12), MOMENTS)
def test_a_modification_time_carries_serial_and_moment(serial: int, moment: datetime) -> None:
    facts = Facts(serial=serial, changed=moment)
    assert serial_of(facts.mtime_ns) == serial
    assert moment_of(facts.mtime_ns) == int(moment.timestamp())


@pytest.mark.parametrize("year", [1970, 2100])
def test_no_moment_reaches_the_serial(year: int) -> None:
    assert serial_of(Facts(7, datetime(year, 1, 1, tzinfo=UTC)).mtime_ns) == 7


@given(st.integers(min_value=0, max_value=10**9))
def test_a_front_server_reads_the_serial_off_the_whole_seconds(serial: int) -> None:
    """nginx's own tag of a file begins with them, in hexadecimal."""
    seconds = Facts(serial, datetime(2026, 1, 1, tzinfo=UTC)).mtime_ns // 10**9
    assert f"{seconds:x}" == str(serial)


@given(st.lists(st.text("abc123-", min_size=1, max_size=400), min_size=2, max_size=2, unique=True))
def test_names_on_disk_are_short_and_never_meet(texts: list[str]) -> None:
    one, other = (file_name(text) for text in texts)
    assert one != other
    assert len(one.encode()) < 200


def test_long_names_that_begin_alike_are_told_apart() -> None:
    assert file_name("a" * 200) != file_name("a" * 201)
    assert key_path("project/" + "a" * 300).startswith("project/" + "a" * 60 + "~")


def test_the_longest_prefix_decides() -> None:
    home, simple = (Page(key=k, name=k, content_type="text/plain") for k in ("home", "simple"))
    rules = PageRules()
    rules.add("/", lambda _request: home)
    rules.add("/simple/", lambda _request: simple)

    assert rules.page_of({"PATH_INFO": "/simple/x/"}) is simple
    assert rules.page_of({"PATH_INFO": "/other/"}) is home


def test_a_kind_of_row_that_nobody_registered_is_refused() -> None:
    registry = KeyRegistry()
    registry.register(int, lambda row, change: {f"{row}/{change}"})
    assert registry.keys_of(7, Change.NEW) == {"7/new"}
    with pytest.raises(TypeError, match="str"):
        registry.keys_of("x", Change.NEW)
