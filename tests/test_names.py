"""Names and versions (N08, N10, M07)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from pypi_lite.names import (
    canonical_version,
    is_normalized_name,
    is_valid_name,
    normalize_name,
    parse_version,
)

names = st.from_regex(r"([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]{0,40}[A-Za-z0-9])", fullmatch=True)


@given(names)
def test_normalizing_is_what_the_specification_says(name: str) -> None:
    """N08."""
    assert is_valid_name(name)
    assert normalize_name(name) == re.sub(r"[-_.]+", "-", name).lower()
    assert is_normalized_name(normalize_name(name))
    assert normalize_name(normalize_name(name)) == normalize_name(name)
    assert is_normalized_name(name) == (normalize_name(name) == name)


@given(st.text(max_size=20))
def test_a_normalized_name_is_a_valid_one(name: str) -> None:
    if is_normalized_name(name):
        assert is_valid_name(name)
        assert normalize_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-",
        "-foo",
        "foo-",
        "foo\n",
        "foo bar",
        "föö",
        "foo/bar",
        "foo\0",
        "..",
        "\u017f",
        "\u212a",
    ],
)
def test_what_is_no_name(name: str) -> None:
    """N10: the end is the end, and not before a newline; case folding adds no letters."""
    assert not is_valid_name(name)
    assert not is_normalized_name(name)


@given(st.text(max_size=30) | st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|rc)[0-9])?"))
def test_a_version_is_read_or_it_is_none(text: str) -> None:
    version = parse_version(text)
    if version is not None:
        assert parse_version(str(version)) == version
        assert canonical_version(version) == canonical_version(Version(str(version)))


def test_a_version_of_too_many_digits_is_none() -> None:
    assert parse_version("9" * 5000) is None


@pytest.mark.parametrize(
    "same", [("1", "1.0", "1.0.0", "v1"), ("1.0a1", "1a1", "1.0.alpha1"), ("1+A.b", "1.0+a-b")]
)
def test_spellings_of_one_release(same: tuple[str, ...]) -> None:
    """M07."""
    assert len({canonical_version(Version(version)) for version in same}) == 1


def test_other_releases() -> None:
    found = ("1", "1.1", "1!1", "1a1", "1.post1", "1.dev1", "1+a", "10")
    assert len({canonical_version(Version(version)) for version in found}) == len(found)
