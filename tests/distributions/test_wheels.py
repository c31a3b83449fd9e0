"""What a wheel has beside its metadata: WHEEL, RECORD, entry points, licences (M05, F06, F09)."""

import base64
import hashlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pypi_lite.distributions import DistributionFault, InvalidDistribution, read_distribution
from tests.distributions import build
from tests.distributions.test_filename import assert_presentable

METADATA = build.metadata("foo", "1.0")
WHEEL = "foo-1.0-py3-none-any.whl"
INFO = "foo-1.0.dist-info"
RECORD = f"{INFO}/RECORD"
FILES = build.wheel_files("foo", "1.0", METADATA)

Inspect = Callable[..., None]
Refused = Callable[..., InvalidDistribution]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    def _inspect(files: build.Files, filename: str = WHEEL, **keywords: int) -> None:
        path = tmp_path / "upload"
        path.write_bytes(build.pack_zip(files))
        read_distribution(path, filename, **keywords)

    return _inspect


@pytest.fixture
def refused(inspect: Inspect) -> Refused:
    def _refused(files: build.Files, filename: str = WHEEL, **keywords: int) -> InvalidDistribution:
        with pytest.raises(InvalidDistribution) as caught:
            inspect(files, filename, **keywords)
        assert_presentable(caught.value)
        return caught.value

    return _refused


def having(**texts: str | bytes) -> build.Files:
    """A wheel with these files in its .dist-info, listed in its RECORD; names without ``.txt``."""
    names = {"entry_points": "entry_points.txt"}
    files = {path: content for path, content in FILES.items() if path != RECORD}
    for name, text in texts.items():
        content = text.encode() if isinstance(text, str) else text
        files[f"{INFO}/{names.get(name, name)}"] = content
    return files | {RECORD: build.record(files, RECORD)}


def recorded(change: Callable[[str], str]) -> build.Files:
    """A wheel whose RECORD's text has been changed."""
    return FILES | {RECORD: change(FILES[RECORD].decode()).encode()}


# -- WHEEL


@pytest.mark.parametrize("version", ["1.0", "1.9", "1"])
def test_a_minor_wheel_version_is_no_reason(version: str, inspect: Inspect) -> None:
    inspect(having(WHEEL=f"Wheel-Version: {version}\nTag: py3-none-any\n"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tag: py3-none-any\n",
        "Wheel-Version: 2.0\n",
        "Wheel-Version:\n",
        "Wheel-Version: 1.0\nWheel-Version: 1.0\n",
        "Wheel-Version: 1.0\nTag: py3\n",
        "Wheel-Version: 1.0\nTag: py3-none-any-more\n",
        b"Wheel-Version: 1.0\nGenerator: \xff\n",
    ],
)
def test_a_wheel_file_that_is_none(text: str | bytes, refused: Refused) -> None:
    assert refused(having(WHEEL=text)).code is DistributionFault.WHEEL_FILE_INVALID


def test_another_interpreter_names_both(refused: Refused) -> None:
    error = refused(having(WHEEL="Wheel-Version: 1.0\nTag: cp312-cp312-linux_x86_64\n"))
    assert error.code is DistributionFault.WHEEL_FILE_INVALID
    assert '"py3-none-any"' in str(error)
    assert '"cp312-cp312-linux_x86_64"' in str(error)


@pytest.mark.parametrize(
    ("tag", "named"),
    [
        ("", "py3-none-any"),
        ("Tag: py2-none-any\nTag: py3-none-any\n", "py3-none-any"),
        ("Tag: py2.py3-none-any\n", "py3-none-any"),
        # As people do who know that it serves on more systems.
        ("Tag: cp312-abi3-linux_x86_64\n", "cp312-abi3-manylinux_2_28_x86_64"),
    ],
)
def test_tags_that_real_wheels_have(tag: str, named: str, inspect: Inspect) -> None:
    inspect(having(WHEEL=f"Wheel-Version: 1.0\n{tag}"), f"foo-1.0-{named}.whl")


# -- RECORD


def test_a_signed_record(inspect: Inspect) -> None:
    """RECORD can't list what signs it: it was made before."""
    inspect(FILES | {f"{INFO}/RECORD.jws": b"{}", f"{INFO}/RECORD.p7s": b"x"})


def test_records_that_real_tools_write(inspect: Inspect) -> None:
    inspect(recorded(lambda text: text.replace("\n", "\r\n")))
    inspect(recorded(lambda text: text + "\n"))
    inspect(recorded(lambda text: ",".join(text.split(",")[:2]) + ",\n" + text.split("\n", 1)[1]))
    inspect(
        recorded(lambda text: "".join(line for line in text.splitlines(True) if RECORD not in line))
    )
    folder = FILES | {"foo/": b""}
    inspect(folder)
    inspect(folder | {RECORD: FILES[RECORD] + b"foo/,,\n"})
    padded = base64.urlsafe_b64encode(hashlib.sha256(METADATA).digest()).decode()
    assert padded.endswith("=")
    inspect(recorded(lambda text: text.replace(padded.rstrip("="), padded)))
    stronger = base64.urlsafe_b64encode(hashlib.sha512(METADATA).digest()).decode().rstrip("=")
    inspect(
        recorded(lambda text: text.replace(f"sha256={padded.rstrip('=')}", f"sha512={stronger}"))
    )


def test_a_member_with_a_comma(inspect: Inspect) -> None:
    inspect(build.wheel_files("foo", "1.0", METADATA, extra_files={'foo/a,"b".txt': b"x"}))


METADATA_SHA256 = base64.urlsafe_b64encode(hashlib.sha256(METADATA).digest()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (FILES | {"foo/more.py": b""}, 'does not list "foo/more.py"'),
        (FILES | {f"{INFO}/more": b""}, f'does not list "{INFO}/more"'),
        (FILES | {RECORD: b""}, "does not list"),
        (FILES | {RECORD: FILES[RECORD] + b"foo/gone.py,sha256=AA,1\n"}, '"foo/gone.py"'),
        (FILES | {RECORD: FILES[RECORD] + FILES[RECORD]}, 'lists "foo/__init__.py" twice'),
        (FILES | {"foo/__init__.py": b"__version__ = '6.6'\n"}, '"foo/__init__.py"'),
        (FILES | {"foo/__init__.py": b"x"}, '"foo/__init__.py" has "20" bytes, it has 1'),
        (FILES | {RECORD: b"\xff"}, "not UTF-8"),
        (recorded(lambda t: t.replace("sha256=", "md5=")), '"foo/__init__.py" that counts'),
        (recorded(lambda t: t.replace(f"sha256={METADATA_SHA256}", "")), f'"{INFO}/METADATA"'),
        (recorded(lambda t: t.replace(METADATA_SHA256, "AAA")), f'"{INFO}/METADATA"'),
        (recorded(lambda t: t.replace(METADATA_SHA256, "A")), "no base64"),
        (recorded(lambda t: t.replace(METADATA_SHA256, "ä")), "no base64"),
        (recorded(lambda t: t.replace(",sha256", "")), "a line of 2 values"),
        (recorded(lambda t: t + '"unfinished'), "no list of comma-separated values"),
        (recorded(lambda t: t + "x" * 200_000), "no list of comma-separated values"),
        (recorded(lambda t: t.replace("foo/__init__", "foo\\__init__")), "does not have"),
        (recorded(lambda t: t.replace("foo/__init__", "/foo/__init__")), "does not have"),
    ],
)  # fmt: skip
def test_a_wrong_record_names_the_member(files: build.Files, said: str, refused: Refused) -> None:
    error = refused(files)
    assert error.code is DistributionFault.RECORD_INVALID
    assert said in str(error)


def test_a_large_wheel_is_hashed_in_part(inspect: Inspect, refused: Refused) -> None:
    """Names and sizes always, and the digests of what lies in .dist-info."""
    changed = FILES | {"foo/__init__.py": b"__version__ = '6.6'\n"}
    size = sum(map(len, changed.values()))
    inspect(changed, hashed=size - 1)
    assert '"foo/__init__.py"' in str(refused(changed, hashed=size))
    wrong = recorded(lambda text: text.replace(METADATA_SHA256, "AAA"))
    assert "METADATA" in str(refused(wrong, hashed=0))
    assert "does not list" in str(refused(FILES | {"foo/more.py": b""}, hashed=0))


def test_every_member_is_unpacked_to_its_checksum(tmp_path: Path, inspect: Inspect) -> None:
    """RECORD's digest is right, the archive's own is not."""
    content = build.pack_zip(FILES | {"foo/__init__.py": FILES["foo/__init__.py"]})
    right = struct.pack("<L", zlib.crc32(FILES["foo/__init__.py"]))
    assert content.count(right) == 2
    path = tmp_path / "wrong"
    path.write_bytes(content.replace(right, b"\1\2\3\4"))
    with pytest.raises(InvalidDistribution, match="wrong checksum") as caught:
        read_distribution(path, WHEEL)
    assert caught.value.code is DistributionFault.ARCHIVE_BROKEN


# -- entry points


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "[console_scripts]\nfoo = foo:main\nfoo-bar.exe = foo:main [extra]\n",
        "[console_scripts]\nfoo=foo:main\nfoo=foo:main\n",
        "[other.group]\na/b = foo:main\n[console_scripts]\n",
        "[pygments.lexers]\n%(x)s = foo:main\n",
    ],
)
def test_entry_points(text: str, inspect: Inspect) -> None:
    inspect(having(entry_points=text))


@pytest.mark.parametrize(
    "text",
    [
        "foo = foo:main\n",
        "[console_scripts]\nfoo\n",
        "[console_scripts\nfoo = foo:main\n",
        "[console_scripts]\n../foo = foo:main\n",
        "[console_scripts]\n/bin/sh = foo:main\n",
        "[gui_scripts]\na\\b = foo:main\n",
        "[gui_scripts]\nC:x = foo:main\n",
        "[console_scripts]\n.. = foo:main\n",
        "[console_scripts]\n\x1b[1m = foo:main\n",
        b"[console_scripts]\n\xff = foo:main\n",
    ],
)
def test_entry_points_refused(text: str | bytes, refused: Refused) -> None:
    assert refused(having(entry_points=text)).code is DistributionFault.ENTRY_POINTS_INVALID


# -- licences


def test_a_licence_has_to_be_there(inspect: Inspect, refused: Refused) -> None:
    headers = [("License-File", "LICENSE"), ("License-File", "vendored/MIT.txt")]
    for version in ("2.4", "2.6"):
        content = build.metadata("foo", "1.0", metadata_version=version, headers=headers)
        licences = {f"{INFO}/licenses/LICENSE": b"x", f"{INFO}/licenses/vendored/MIT.txt": b"x"}
        inspect(build.wheel_files("foo", "1.0", content, extra_files=licences))
        del licences[f"{INFO}/licenses/vendored/MIT.txt"]
        error = refused(build.wheel_files("foo", "1.0", content, extra_files=licences))
        assert error.code is DistributionFault.LICENCE_MISSING
        assert f'"{INFO}/licenses/vendored/MIT.txt"' in str(error)


def test_setuptools_named_licences_before_there_was_a_place_for_them(inspect: Inspect) -> None:
    """M04."""
    content = build.metadata("foo", "1.0", headers=[("License-File", "LICENSE")])
    inspect(build.wheel_files("foo", "1.0", content))
