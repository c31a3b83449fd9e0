"""Filenames: what they say, and which are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution
from pypi_lite.distributions.filename import PackageType, parse_filename
from tests.distributions import build


@pytest.mark.parametrize(
    ("filename", "project", "version", "python_tag"),
    [
        ("foo-1.0-py3-none-any.whl", "foo", "1.0", "py3"),
        ("Foo.Bar_baz-1.0-py2.py3-none-any.whl", "foo-bar-baz", "1.0", "py2.py3"),
        ("foo-1!1.0+local.1-py3-none-any.whl", "foo", "1!1+local.1", "py3"),
        ("foo-1.0-3build-cp311-cp311-manylinux_2_17_x86_64.whl", "foo", "1.0", "cp311"),
        ("foo-1.0-cp39-abi3-linux_x86_64.whl", "foo", "1", "cp39"),
    ],
)
def test_wheels(filename: str, project: str, version: str, python_tag: str) -> None:
    parsed = parse_filename(filename)
    assert (parsed.filename, parsed.project, parsed.version, parsed.python_tag) == (
        filename,
        project,
        Version(version),
        python_tag,
    )
    assert parsed.packagetype is PackageType.BDIST_WHEEL


@pytest.mark.parametrize(
    ("filename", "project", "version"),
    [
        ("foo_bar-1.0.tar.gz", "foo-bar", "1.0"),
        ("Foo.Bar-1.0.tar.gz", "foo-bar", "1.0"),
        ("foo-bar-1.0.tar.gz", "foo-bar", "1.0"),
        ("foo-1.0.zip", "foo", "1.0"),
        ("foo-1.0rc1.post2.dev3.tar.gz", "foo", "1.0rc1.post2.dev3"),
        ("foo-1.0-beta.tar.gz", "foo", "1.0b0"),
    ],
)
def test_sdists(filename: str, project: str, version: str) -> None:
    parsed = parse_filename(filename)
    assert (parsed.project, parsed.version) == (project, Version(version))
    assert (parsed.packagetype, parsed.python_tag) == (PackageType.SDIST, "source")


def test_an_ambiguous_sdist_can_be_read_in_every_way() -> None:
    parsed = parse_filename("a-1-2.tar.gz")
    assert (parsed.project, parsed.version) == ("a-1", Version("2"))
    other = parsed.read_as("a", Version("1.post2"))
    assert other is not None
    assert (other.project, other.version) == ("a", Version("1.post2"))
    assert parsed.read_as("a", Version("1")) is None
    assert parsed.read_as("b", Version("2")) is None


@pytest.mark.parametrize(
    ("filename", "fault"),
    [
        ("", DistributionFault.FILENAME_UNSAFE),
        (".foo-1.0.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("../foo-1.0.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("foo/foo-1.0.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("foo\\foo-1.0.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("foo-1.0.tar.gz\n", DistributionFault.FILENAME_UNSAFE),
        ("foo-1.0\x00.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("foo-1.0\x7f.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("foo- 1.0.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("fö-1.0.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("foo-1.0\udcff.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("foo-1.0<script>.tar.gz", DistributionFault.FILENAME_UNSAFE),
        ("f" * 190 + "-1.0.tar.gz", DistributionFault.FILENAME_TOO_LONG),
        ("é" * 110, DistributionFault.FILENAME_TOO_LONG),
        ("foo-1.0-py3.11.egg", DistributionFault.FILE_TYPE_REFUSED),
        ("foo-1.0.win32.exe", DistributionFault.FILE_TYPE_REFUSED),
        ("foo-1.0.msi", DistributionFault.FILE_TYPE_REFUSED),
        ("foo-1.0.noarch.rpm", DistributionFault.FILE_TYPE_REFUSED),
        ("foo-1.0.tar.bz2", DistributionFault.FILE_TYPE_REFUSED),
        ("foo-1.0.tgz", DistributionFault.FILE_TYPE_REFUSED),
        ("foo-1.0.TAR.GZ", DistributionFault.FILE_TYPE_REFUSED),
        ("foo", DistributionFault.FILE_TYPE_REFUSED),
        ("foo-1.0.whl", DistributionFault.FILENAME_INVALID),
        ("foo-bar-1.0-py3-none-any.whl", DistributionFault.FILENAME_INVALID),
        ("_foo-1.0-py3-none-any.whl", DistributionFault.FILENAME_INVALID),
        ("foo-one-py3-none-any.whl", DistributionFault.FILENAME_INVALID),
        ("foo-1.0-b1-py3-none-any.whl", DistributionFault.FILENAME_INVALID),
        ("-1.0-py3-none-any.whl", DistributionFault.FILENAME_INVALID),
        ("foo-1.0--none-any.whl", DistributionFault.FILENAME_INVALID),
        ("foo-1.0-py3--any.whl", DistributionFault.FILENAME_INVALID),
        ("foo-1.0-py3-none-.whl", DistributionFault.FILENAME_INVALID),
        ("foo-1.0-3py-none-any.whl", DistributionFault.FILENAME_INVALID),
        ("foo-1.0-py3-none-any-variant.whl", DistributionFault.FILENAME_INVALID),
        ("foo.tar.gz", DistributionFault.FILENAME_INVALID),
        ("-1.0.tar.gz", DistributionFault.FILENAME_INVALID),
        ("foo-one.tar.gz", DistributionFault.FILENAME_INVALID),
        ("foo_-1.0.tar.gz", DistributionFault.FILENAME_INVALID),
    ],
)
def test_refused(filename: str, fault: DistributionFault) -> None:
    with pytest.raises(InvalidDistribution) as caught:
        parse_filename(filename)
    assert caught.value.code is fault


def test_a_refused_type_is_told_what_to_upload() -> None:
    with pytest.raises(InvalidDistribution, match=r"wheel \(\.whl\) or a source distribution"):
        parse_filename("foo-1.0-py3.11.egg")


def test_the_longest_name_leaves_room_for_a_file_beside_it() -> None:
    parse_filename("f" * (200 - len("-1.0.tar.gz")) + "-1.0.tar.gz")


def assert_presentable(error: InvalidDistribution) -> None:
    """An error's text is one line of printable ASCII that is not too long for a reason phrase."""
    text = str(error)
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 400


_likely = st.sampled_from(
    ["foo", "-", "1.0", ".tar.gz", ".zip", ".whl", "-py3-none-any", "9" * 150]
)
_pieces = st.lists(st.one_of(_likely, st.text(max_size=5)), max_size=12).map("".join)


@given(st.one_of(st.text(), _pieces))
def test_any_text_is_parsed_or_refused(filename: str) -> None:
    try:
        parsed = parse_filename(filename)
    except InvalidDistribution as error:
        assert_presentable(error)
    else:
        assert parsed.filename == filename
        assert parsed.read_as(parsed.project, parsed.version) == parsed


_names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,10}[A-Za-z0-9])?", fullmatch=True)
_versions = st.from_regex(r"([0-9]!)?[0-9]{1,3}(\.[0-9]){0,3}(rc[0-9])?(\+[a-z]+)?", fullmatch=True)


@given(_names, _versions)
def test_what_the_standards_write_is_read_back(name: str, version: str) -> None:
    for filename in (build.wheel_filename(name, version), build.stem(name, version) + ".tar.gz"):
        parsed = parse_filename(filename)
        assert parsed.version == Version(version)
        assert parsed.project == build.module_name(name).replace("_", "-")
