"""What a source distribution has beside its metadata (M05, F08)."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pypi_lite.distributions import DistributionFault, InvalidDistribution, read_distribution
from tests.distributions import build
from tests.distributions.test_filename import assert_presentable

SDIST = "foo-1.0.tar.gz"
MODERN = build.metadata("foo", "1.0", metadata_version="2.2")
OLD = build.metadata("foo", "1.0", metadata_version="1.1")
FILES = build.sdist_files("foo", "1.0", MODERN)

Inspect = Callable[[bytes], None]
Refused = Callable[[bytes], InvalidDistribution]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    def _inspect(content: bytes) -> None:
        path = tmp_path / "upload"
        path.write_bytes(content)
        read_distribution(path, SDIST)

    return _inspect


@pytest.fixture
def refused(inspect: Inspect) -> Refused:
    def _refused(content: bytes) -> InvalidDistribution:
        with pytest.raises(InvalidDistribution) as caught:
            inspect(content)
        assert_presentable(caught.value)
        return caught.value

    return _refused


def linked(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> bytes:
    """An sdist with a link at its end."""
    buffer = io.BytesIO(build.pack_tar(FILES))
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        tar.addfile(info)
    return gzip.compress(buffer.getvalue(), mtime=0)


def test_the_folder_of_a_modern_sdist_is_the_files_name(inspect: Inspect, refused: Refused) -> None:
    inspect(build.pack_tar_gz(build.sdist_files("foo", "1.0", OLD, top="foo_sources")))
    error = refused(build.pack_tar_gz(build.sdist_files("foo", "1.0", MODERN, top="foo-1.1")))
    assert error.code is DistributionFault.TOP_FOLDER_INVALID
    assert '"foo-1.1"' in str(error)
    assert '"foo-1.0.tar.gz"' in str(error)


def test_something_to_build_it_with(inspect: Inspect, refused: Refused) -> None:
    bare = {path: text for path, text in FILES.items() if path != "foo-1.0/pyproject.toml"}
    assert refused(build.pack_tar_gz(bare)).code is DistributionFault.BUILD_MISSING
    inspect(build.pack_tar_gz(bare | {"foo-1.0/setup.py": b""}))
    inspect(build.pack_tar_gz(bare | {"foo-1.0/PKG-INFO": OLD}))


def test_a_licence_has_to_be_there(inspect: Inspect, refused: Refused) -> None:
    headers = [("License-File", "LICENSE"), ("License-File", "docs/MIT.txt")]
    content = build.metadata("foo", "1.0", metadata_version="2.4", headers=headers)
    files = build.sdist_files("foo", "1.0", content, extra_files={"LICENSE": b"x"})
    error = refused(build.pack_tar_gz(files))
    assert error.code is DistributionFault.LICENCE_MISSING
    assert '"foo-1.0/docs/MIT.txt"' in str(error)
    inspect(build.pack_tar_gz(files | {"foo-1.0/docs/MIT.txt": b"x"}))


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("foo-1.0/a", "pyproject.toml"),
        ("foo-1.0/d/a", "../pyproject.toml"),
        ("foo-1.0/d/e/a", "../../foo"),
        ("foo-1.0/a", "./gone"),
    ],
)
def test_links_within_the_folder(path: str, target: str, inspect: Inspect) -> None:
    inspect(linked(path, target))


def test_a_hard_link_within_the_folder(inspect: Inspect) -> None:
    inspect(linked("foo-1.0/a", "foo-1.0/pyproject.toml", tarfile.LNKTYPE))


def test_what_is_packed_twice_is_the_last_one(inspect: Inspect) -> None:
    """Some tools do it, and whoever unpacks takes the last one."""
    tar = io.BytesIO(build.pack_tar(FILES))
    with tarfile.open(fileobj=tar, mode="a") as archive:
        archive.addfile(tarfile.TarInfo("foo-1.0/pyproject.toml"))
    inspect(gzip.compress(tar.getvalue()))
