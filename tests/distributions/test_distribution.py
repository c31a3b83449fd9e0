"""Whole files: name, archive and metadata together."""

import gzip
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from pypi_lite.distributions import (
    Distribution,
    DistributionFault,
    InvalidDistribution,
    PackageType,
    read_distribution,
)
from tests.distributions import build
from tests.distributions.test_filename import assert_presentable


def inspect(file: tuple[str, bytes]) -> Distribution:
    filename, content = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        return read_distribution(path, filename)


def refused(file: tuple[str, bytes]) -> InvalidDistribution:
    with pytest.raises(InvalidDistribution) as caught:
        inspect(file)
    assert_presentable(caught.value)
    return caught.value


def test_a_wheel() -> None:
    distribution = inspect(
        build.wheel("Foo.Bar", "1.0.0", requires=["six"], requires_python=">=3.8", summary="S")
    )
    assert distribution.filename.filename == "foo_bar-1.0.0-py3-none-any.whl"
    assert distribution.filename.packagetype is PackageType.BDIST_WHEEL
    assert distribution.filename.project == "foo-bar"
    assert distribution.metadata.name == "Foo.Bar"
    assert distribution.metadata.requires_python == ">=3.8"
    assert distribution.metadata.fields["requires_dist"] == ["six"]
    assert b"Name: Foo.Bar\n" in distribution.metadata_bytes
    assert distribution.has_metadata_file


@pytest.mark.parametrize("extension", [".tar.gz", ".zip"])
def test_an_sdist(extension: str) -> None:
    distribution = inspect(build.sdist("Foo", "1.0", extension=extension, description="Text"))
    assert distribution.filename.packagetype is PackageType.SDIST
    assert distribution.metadata.description == "Text"


@pytest.mark.parametrize(
    ("metadata_version", "offered"),
    [("1.0", False), ("1.2", False), ("2.1", False), ("2.2", True), ("2.6", True)],
)
def test_metadata_is_offered_where_it_can_be_trusted(metadata_version: str, offered: bool) -> None:
    sdist = inspect(build.sdist("foo", "1.0", metadata_version=metadata_version))
    assert sdist.has_metadata_file is offered
    wheel = inspect(build.wheel("foo", "1.0", metadata_version=metadata_version))
    assert wheel.has_metadata_file


@pytest.mark.parametrize("make", [build.wheel, build.sdist])
def test_versions_agree_as_versions(make: object) -> None:
    for spelled in ("1.0", "1.0.0", "v1", "1"):
        content = build.metadata("foo", spelled)
        assert inspect(make("foo", "1.0", metadata_bytes=content)).metadata.raw_version == spelled


@pytest.mark.parametrize("make", [build.wheel, build.sdist])
def test_another_version_is_refused(make: object) -> None:
    error = refused(make("foo", "1.0", metadata_bytes=build.metadata("foo", "1.0.1")))
    assert error.code is DistributionFault.VERSION_MISMATCH
    assert '"1.0"' in str(error)
    assert '"1.0.1"' in str(error)


@pytest.mark.parametrize("make", [build.wheel, build.sdist])
def test_another_name_is_refused(make: object) -> None:
    error = refused(make("foo", "1.0", metadata_bytes=build.metadata("bar", "1.0")))
    assert error.code is DistributionFault.NAME_MISMATCH
    assert '"foo"' in str(error)
    assert '"bar"' in str(error)


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("Foo.Bar-1.0.tar.gz", "Foo.Bar", "1.0"),
        ("foo-bar-1.0.tar.gz", "foo_bar", "1.0"),
        ("foo-1.0-1.tar.gz", "foo", "1.0.post1"),
        ("foo-1.0-1.tar.gz", "foo-1.0", "1"),
        ("foo-2-1.0-beta-2.tar.gz", "foo-2", "1.0b2"),
        ("foo-1.0+local-1.tar.gz", "foo", "1.0+local.1"),
    ],
)
def test_metadata_decides_what_an_old_sdist_is_called(
    filename: str, name: str, version: str
) -> None:
    distribution = inspect(build.sdist(name, version, filename=filename))
    assert distribution.filename.project == build.module_name(name).replace("_", "-")
    assert distribution.filename.version == Version(version)
    assert distribution.filename.filename == filename


def test_an_ambiguous_name_is_still_checked() -> None:
    file = build.sdist("foo", "1.0", filename="foo-1.0-1.tar.gz")
    assert refused(file).code is DistributionFault.VERSION_MISMATCH
    file = build.sdist("fo", "1.0", filename="foo-1.0.tar.gz")
    assert refused(file).code is DistributionFault.NAME_MISMATCH


VALID = {
    "wheel": build.wheel("foo", "1.0", description="Text\n" * 20),
    "sdist": build.sdist("foo", "1.0", description="Text\n" * 20),
    "zip": build.sdist("foo", "1.0", extension=".zip"),
}
TAR = build.pack_tar(build.sdist_files("foo", "1.0", build.metadata("foo", "1.0")))


def accepted_or_refused(file: tuple[str, bytes]) -> None:
    try:
        inspect(file)
    except InvalidDistribution as error:
        assert_presentable(error)


def mutated(content: bytes, seed: int, flips: int, cut: int) -> bytes:
    """*content* with some bytes changed, often near both ends, and *cut* bytes less."""
    chance = random.Random(seed)
    changed = bytearray(content)
    for _ in range(flips):
        where = chance.randrange(len(changed))
        changed[where] = chance.choice([0, 0xFF, chance.randrange(256), changed[where] ^ 1])
    return bytes(changed[: len(changed) - cut])


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(VALID)),
    st.integers(0, 2**32),
    st.integers(0, 12),
    st.one_of(st.just(0), st.integers(0, 600)),
)
def test_damaged_archives_are_refused_or_read(kind: str, seed: int, flips: int, cut: int) -> None:
    filename, content = VALID[kind]
    accepted_or_refused((filename, mutated(content, seed, flips, cut)))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 600))
def test_damaged_tars_in_a_sound_gzip_stream(seed: int, flips: int, cut: int) -> None:
    """Behind gzip's checksum few mutations reach tarfile, so here they are made in front of it."""
    damaged = mutated(TAR, seed, flips, cut)
    accepted_or_refused(("foo-1.0.tar.gz", gzip.compress(damaged, 1)))


def test_pip_installs_what_the_helper_builds(tmp_path: Path) -> None:
    """The other tests' files are worth something only as long as they are real."""
    for filename, content in (
        build.wheel("tiny-wheel", "1.0", requires=["tiny.sdist>=1"]),
        build.sdist("Tiny.Sdist", "1.0.post1", requires=["tiny_zip"]),
        build.sdist("tiny_zip", "2", extension=".zip"),
    ):
        (tmp_path / filename).write_bytes(content)
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", "--no-cache-dir"]
    command += ["--find-links", str(tmp_path), "--target", str(tmp_path / "to"), "tiny-wheel"]
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    installed = {path.name for path in (tmp_path / "to").iterdir()}
    assert {"tiny_wheel", "tiny_sdist", "tiny_zip", "tiny_sdist-1.0.post1.dist-info"} <= installed
