"""Archives: finding the metadata file, and what is refused on the way."""

import gzip
import io
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pypi_lite.distributions import bounds, read_distribution
from pypi_lite.distributions.archive import opened, read_metadata
from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution
from pypi_lite.distributions.filename import parse_filename
from tests.distributions import build
from tests.distributions.test_filename import assert_presentable

#: Seconds after which something goes on for ever; no measure of speed.
ENOUGH = 60

METADATA = build.metadata("foo", "1.0")
WHEEL = "foo-1.0-py3-none-any.whl"
SDIST = "foo-1.0.tar.gz"
ZIP_SDIST = "foo-1.0.zip"
WHEEL_FILES = build.wheel_files("foo", "1.0", METADATA)
SDIST_FILES = build.sdist_files("foo", "1.0", METADATA)

Read = Callable[[str, bytes], bytes]
Refused = Callable[[str, bytes], InvalidDistribution]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def _read(filename: str, content: bytes) -> bytes:
        path = tmp_path / "upload"
        path.write_bytes(content)
        parsed = parse_filename(filename)
        with opened(path, parsed) as archive:
            return read_metadata(archive, parsed)

    return _read


@pytest.fixture
def refused(read: Read) -> Refused:
    def _refused(filename: str, content: bytes) -> InvalidDistribution:
        with pytest.raises(InvalidDistribution) as caught:
            read(filename, content)
        assert_presentable(caught.value)
        return caught.value

    return _refused


def tar_gz(*members: tuple[tarfile.TarInfo, bytes], **options: object) -> bytes:
    """A tar.gz with members that `build.pack_tar_gz` does not make."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as tar:
        for info, content in members:
            info.size = info.size or len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def without(files: build.Files, path: str) -> build.Files:
    return {key: content for key, content in files.items() if key != path}


# -- what is accepted


def test_metadata_of_a_wheel(read: Read) -> None:
    assert read(WHEEL, build.pack_zip(WHEEL_FILES)) == METADATA


@pytest.mark.parametrize("pack", [build.pack_tar_gz, build.pack_zip])
def test_metadata_of_an_sdist_is_not_that_of_an_egg_info(pack: Callable, read: Read) -> None:
    files = {"foo-1.0/foo.egg-info/PKG-INFO": b"wrong", "foo-1.0/src/foo/PKG-INFO": b"wrong"}
    filename = SDIST if pack is build.pack_tar_gz else ZIP_SDIST
    assert read(filename, pack(files | SDIST_FILES)) == METADATA
    assert read(filename, pack(SDIST_FILES | files)) == METADATA


def test_an_sdist_may_spell_its_paths_with_a_dot(read: Read) -> None:
    files = {f"./{path}": content for path, content in SDIST_FILES.items()}
    assert read(SDIST, build.pack_tar_gz(files)) == METADATA


def test_the_top_folder_of_an_old_sdist_may_have_another_name(read: Read) -> None:
    files = build.sdist_files("foo", "1.0", METADATA, top="Foo-1.0")
    assert read(SDIST, build.pack_tar_gz(files)) == METADATA


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_tar_style_is_read_with_folders_and_long_names(style: int, read: Read) -> None:
    folder = tarfile.TarInfo("foo-1.0")
    folder.type = tarfile.DIRTYPE
    long_name = tarfile.TarInfo("foo-1.0/" + "d" * 90 + "/" + "n" * 90)
    info = tarfile.TarInfo("foo-1.0/PKG-INFO")
    content = tar_gz((folder, b""), (long_name, b"x" * 700), (info, METADATA), format=style)
    assert read(SDIST, content) == METADATA


def test_a_dist_info_of_an_old_wheel_may_be_spelled_otherwise(read: Read) -> None:
    files = {path.replace("foo-1.0.", "Foo-1.0.0."): text for path, text in WHEEL_FILES.items()}
    assert read(WHEEL, build.pack_zip(files)) == METADATA


def test_a_missing_file_is_no_fault_of_the_uploader(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_distribution(tmp_path / "missing", WHEEL)


# -- the format that the name says


@pytest.mark.parametrize("filename", [WHEEL, ZIP_SDIST])
@pytest.mark.parametrize(
    "content", [b"", b"PK", build.pack_tar(SDIST_FILES), build.pack_tar_gz(SDIST_FILES)]
)
def test_no_zip(filename: str, content: bytes, refused: Refused) -> None:
    assert refused(filename, content).code is DistributionFault.ARCHIVE_WRONG_FORMAT


@pytest.mark.parametrize(
    "content", [b"", b"\x1f", build.pack_tar(SDIST_FILES), build.pack_zip(SDIST_FILES)]
)
def test_no_tar_gz(content: bytes, refused: Refused) -> None:
    assert refused(SDIST, content).code is DistributionFault.ARCHIVE_WRONG_FORMAT


def test_a_script_in_front_of_a_zip(refused: Refused) -> None:
    content = b"#!/usr/bin/python\n" + build.pack_zip(WHEEL_FILES)
    assert refused(WHEEL, content).code is DistributionFault.ARCHIVE_WRONG_FORMAT


def test_a_tar_gz_that_is_a_zip_too(refused: Refused) -> None:
    content = build.pack_tar_gz(SDIST_FILES) + build.pack_zip(SDIST_FILES)
    assert refused(SDIST, content).code is DistributionFault.ARCHIVE_AMBIGUOUS


def test_a_zip_that_is_a_tar_too(refused: Refused) -> None:
    tar = build.pack_tar({"PK\x03\x04": b""})
    content = tar + build.pack_zip(WHEEL_FILES)
    assert refused(WHEEL, content).code is DistributionFault.ARCHIVE_AMBIGUOUS


def test_a_gzip_of_something_else(refused: Refused) -> None:
    assert refused(SDIST, gzip.compress(b"text" * 1000)).code is DistributionFault.ARCHIVE_BROKEN


# -- the listing


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"foo/__init__.py": b""}, DistributionFault.DIST_INFO_INVALID),
        ({f"a/{path}": b"" for path in WHEEL_FILES}, DistributionFault.DIST_INFO_INVALID),
        (build.wheel_files("bar", "1.0", METADATA), DistributionFault.DIST_INFO_INVALID),
        (build.wheel_files("foo", "1.1", METADATA), DistributionFault.DIST_INFO_INVALID),
        (without(WHEEL_FILES, "foo-1.0.dist-info/METADATA"), DistributionFault.METADATA_MISSING),
        (without(WHEEL_FILES, "foo-1.0.dist-info/WHEEL"), DistributionFault.METADATA_MISSING),
        (without(WHEEL_FILES, "foo-1.0.dist-info/RECORD"), DistributionFault.METADATA_MISSING),
        (WHEEL_FILES | {"./foo-1.0.dist-info/METADATA": b""}, DistributionFault.MEMBER_DUPLICATE),
    ],
)
def test_wheels_refused(files: build.Files, fault: DistributionFault, refused: Refused) -> None:
    assert refused(WHEEL, build.pack_zip(files)).code is fault


@pytest.mark.parametrize("folder", ["bar-1.0.dist-info", "Foo-1.0.dist-info"])
def test_a_wheel_with_two_dist_info_folders(folder: str, refused: Refused) -> None:
    error = refused(WHEEL, build.pack_zip(WHEEL_FILES | {f"{folder}/METADATA": METADATA}))
    assert error.code is DistributionFault.DIST_INFO_INVALID
    assert "this one has 2" in str(error)


@pytest.mark.parametrize("pack", [build.pack_tar_gz, build.pack_zip])
@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (SDIST_FILES | {"bar-1.0/x": b""}, DistributionFault.TOP_FOLDER_INVALID),
        (SDIST_FILES | {"setup.py": b""}, DistributionFault.TOP_FOLDER_INVALID),
        ({"PKG-INFO": METADATA}, DistributionFault.TOP_FOLDER_INVALID),
        (without(SDIST_FILES, "foo-1.0/PKG-INFO"), DistributionFault.METADATA_MISSING),
        (SDIST_FILES | {"foo-1.0//PKG-INFO": b""}, DistributionFault.MEMBER_DUPLICATE),
    ],
)
def test_sdists_refused(
    pack: Callable, files: build.Files, fault: DistributionFault, refused: Refused
) -> None:
    filename = SDIST if pack is build.pack_tar_gz else ZIP_SDIST
    assert refused(filename, pack(files)).code is fault


def test_a_pkg_info_that_is_a_link(refused: Refused) -> None:
    link = tarfile.TarInfo("foo-1.0/PKG-INFO")
    link.type, link.linkname = tarfile.SYMTYPE, "foo.egg-info/PKG-INFO"
    error = refused(SDIST, tar_gz((link, b"")))
    assert error.code is DistributionFault.METADATA_MISSING
    assert "no regular file" in str(error)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../x",
        "foo-1.0/../../x",
        "a\\..\\..\\x",
        "\\x",
        "C:\\x",
        "c:x",
        "foo-1.0/\x1b",
        "foo-1.0/\x85",
        "foo-1.0/" + "x" * 1024,
    ],
)
def test_unsafe_paths(path: str, refused: Refused) -> None:
    for filename, pack, files in (
        (WHEEL, build.pack_zip, WHEEL_FILES),
        (SDIST, build.pack_tar_gz, SDIST_FILES),
    ):
        error = refused(filename, pack(files | {path: b""}))
        assert error.code is DistributionFault.MEMBER_UNSAFE


def test_a_nul_in_a_zip_path_hides_nothing(refused: Refused) -> None:
    content = build.pack_zip(WHEEL_FILES | {"foo/x?y": b""}).replace(b"foo/x?y", b"foo/x\0y")
    assert refused(WHEEL, content).code is DistributionFault.MEMBER_UNSAFE


def test_encrypted_members(refused: Refused) -> None:
    content = bytearray(build.pack_zip(WHEEL_FILES))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert refused(WHEEL, bytes(content)).code is DistributionFault.MEMBER_ENCRYPTED


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_installers_do_not_know(compression: int, refused: Refused) -> None:
    content = build.pack_zip(WHEEL_FILES, compression=compression)
    assert refused(WHEEL, content).code is DistributionFault.MEMBER_COMPRESSION


# -- damage


def test_a_wrong_checksum_of_a_zip_member(refused: Refused) -> None:
    content = build.pack_zip(WHEEL_FILES)
    content = content.replace(struct.pack("<I", zlib.crc32(METADATA)), b"\1\2\3\4")
    assert refused(WHEEL, content).code is DistributionFault.ARCHIVE_BROKEN


def test_a_wrong_checksum_of_a_gzip_stream(refused: Refused) -> None:
    content = bytearray(build.pack_tar_gz(SDIST_FILES))
    content[-5] ^= 1
    assert refused(SDIST, bytes(content)).code is DistributionFault.ARCHIVE_BROKEN


@pytest.mark.parametrize("missing", [1, 8, 9, 100])
def test_truncated_archives(missing: int, refused: Refused) -> None:
    refused(WHEEL, build.pack_zip(WHEEL_FILES)[:-missing])
    refused(SDIST, build.pack_tar_gz(SDIST_FILES)[:-missing])


def test_a_damaged_header_in_a_tar_is_not_its_end(refused: Refused) -> None:
    tar = bytearray(build.pack_tar(SDIST_FILES | {"foo-1.0/a": b"x"}))
    tar[tar.index(b"foo-1.0/a")] ^= 1
    assert refused(SDIST, gzip.compress(tar)).code is DistributionFault.ARCHIVE_BROKEN


# -- bounds


@pytest.mark.parametrize(
    ("filename", "pack", "files"),
    [(WHEEL, build.pack_zip, WHEEL_FILES), (SDIST, build.pack_tar_gz, SDIST_FILES)],
)
def test_the_number_of_members(
    filename: str, pack: Callable, files: build.Files, read: Read, refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(bounds, "MAX_MEMBERS", len(files))
    assert read(filename, pack(files)) == METADATA
    error = refused(filename, pack(files | {"foo-1.0/more": b""}))
    assert error.code is DistributionFault.ARCHIVE_TOO_LARGE


@pytest.mark.parametrize(
    ("filename", "pack", "make"),
    [
        (WHEEL, build.pack_zip, build.wheel_files),
        (ZIP_SDIST, build.pack_zip, build.sdist_files),
        (SDIST, build.pack_tar_gz, build.sdist_files),
    ],
)
def test_the_size_of_the_metadata(
    filename: str, pack: Callable, make: Callable, read: Read, refused: Refused
) -> None:
    most = b"x" * bounds.MAX_METADATA
    assert read(filename, pack(make("foo", "1.0", most))) == most
    error = refused(filename, pack(make("foo", "1.0", most + b"x")))
    assert error.code is DistributionFault.METADATA_TOO_LARGE


def test_the_directory_of_a_zip(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_DIRECTORY", 100)
    error = refused(WHEEL, build.pack_zip(WHEEL_FILES))
    assert error.code is DistributionFault.ARCHIVE_TOO_LARGE


def test_what_a_tar_unpacks_to(read: Read, refused: Refused) -> None:
    """A ratio of a thousand is fine for a few megabytes, and a bomb for a hundred."""
    small = SDIST_FILES | {"foo-1.0/zeros": bytes(20 * bounds.MIB)}
    assert read(SDIST, build.pack_tar_gz(small)) == METADATA
    bomb = SDIST_FILES | {"foo-1.0/zeros": bytes(bounds.RATIO_FREE)}
    assert refused(SDIST, build.pack_tar_gz(bomb)).code is DistributionFault.ARCHIVE_TOO_LARGE


def test_what_follows_a_tar_counts_too(refused: Refused) -> None:
    content = gzip.compress(build.pack_tar(SDIST_FILES) + bytes(bounds.RATIO_FREE))
    assert refused(SDIST, content).code is DistributionFault.ARCHIVE_TOO_LARGE


def test_an_extended_header_of_a_tar(refused: Refused) -> None:
    info = tarfile.TarInfo("foo-1.0/x")
    info.pax_headers = {"comment": "x" * (2 * bounds.MAX_TAR_HEADER)}
    files = [(tarfile.TarInfo("foo-1.0/PKG-INFO"), METADATA), (info, b"")]
    error = refused(SDIST, tar_gz(*files, format=tarfile.PAX_FORMAT))
    assert error.code is DistributionFault.ARCHIVE_TOO_LARGE
    assert "header" in str(error)


@pytest.mark.parametrize("size", [2**33, 2**62, -512])
def test_a_member_that_claims_an_impossible_size(size: int, refused: Refused) -> None:
    info = tarfile.TarInfo("foo-1.0/x")
    info.size = size
    header = info.tobuf(tarfile.GNU_FORMAT)
    started = time.monotonic()
    refused(SDIST, gzip.compress(header + bytes(1024)))
    assert time.monotonic() - started < ENOUGH
