"""Tiny wheels and sdists for the tests: real enough to install, small enough to make by hundreds.

>>> filename, content = wheel("Foo.Bar", "1.0", requires=["six>=1.0"])
>>> filename
'foo_bar-1.0-py3-none-any.whl'
>>> filename, content = sdist("Foo.Bar", "1.0")
>>> filename
'foo_bar-1.0.tar.gz'

Equal arguments give equal bytes. Both archives install with pip and without a network: the sdist
brings its own build backend. For broken archives start from `wheel_files` or `sdist_files`, change
the dictionary, and pack it with `pack_zip` or `pack_tar_gz`.
"""

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

Files = dict[str, bytes]
Headers = Iterable[tuple[str, str]]

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

BACKEND = '''\
"""A PEP 517 backend that needs nothing: it packs the files that lie beside it."""

import base64
import hashlib
import os
import zipfile

MODULE = {module!r}
STEM = {stem!r}


def _files():
    dist_info = STEM + ".dist-info"
    for folder, _, names in sorted(os.walk(MODULE)):
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(folder, name).replace(os.sep, "/")
                with open(path, "rb") as file:
                    yield path, file.read()
    with open("PKG-INFO", "rb") as file:
        yield dist_info + "/METADATA", file.read()
    wheel = "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    yield dist_info + "/WHEEL", wheel.encode()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    filename = STEM + "-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        for path, content in _files():
            archive.writestr(path, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record.append("%s,sha256=%s,%d" % (path, digest.decode(), len(content)))
        record.append(STEM + ".dist-info/RECORD,,")
        archive.writestr(STEM + ".dist-info/RECORD", "\\n".join(record) + "\\n")
    return filename


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("this tree is an unpacked sdist already")
'''


def wheel(
    name: str,
    version: str,
    *,
    tag: str = "py3-none-any",
    build: str = "",
    extra_files: Mapping[str, bytes | str] | None = None,
    metadata_bytes: bytes | None = None,
    filename: str | None = None,
    metadata_version: str = "2.1",
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    summary: str | None = "A tiny project",
    description: str = "",
    headers: Headers = (),
) -> tuple[str, bytes]:
    """A wheel as (filename, content).

    *headers* are further metadata headers, such as ``("Classifier", "...")``; *metadata_bytes*
    replaces METADATA altogether; *filename* is what is returned in place of the right filename.
    *extra_files* are added with their right hashes in RECORD.
    """
    content = metadata_bytes
    if content is None:
        content = metadata(
            name,
            version,
            metadata_version=metadata_version,
            requires=requires,
            requires_python=requires_python,
            summary=summary,
            description=description,
            headers=headers,
        )
    files = wheel_files(name, version, content, tag=tag, extra_files=extra_files)
    return filename or wheel_filename(name, version, tag=tag, build=build), pack_zip(files)


def sdist(
    name: str,
    version: str,
    *,
    extension: str = ".tar.gz",
    extra_files: Mapping[str, bytes | str] | None = None,
    metadata_bytes: bytes | None = None,
    filename: str | None = None,
    top: str | None = None,
    metadata_version: str = "2.2",
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    summary: str | None = "A tiny project",
    description: str = "",
    headers: Headers = (),
) -> tuple[str, bytes]:
    """An sdist as (filename, content); *extension* ``.zip`` makes a legacy one.

    *extra_files* are named relative to the top folder, *top* is that folder's name; the rest is as
    for `wheel`.
    """
    content = metadata_bytes
    if content is None:
        content = metadata(
            name,
            version,
            metadata_version=metadata_version,
            requires=requires,
            requires_python=requires_python,
            summary=summary,
            description=description,
            headers=headers,
        )
    files = sdist_files(name, version, content, top=top, extra_files=extra_files)
    pack = pack_zip if extension == ".zip" else pack_tar_gz
    return filename or stem(name, version) + extension, pack(files)


def metadata(
    name: str,
    version: str,
    *,
    metadata_version: str = "2.1",
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    summary: str | None = "A tiny project",
    description: str = "",
    headers: Headers = (),
) -> bytes:
    """The content of a METADATA or PKG-INFO file."""
    lines = [("Metadata-Version", metadata_version), ("Name", name), ("Version", version)]
    if summary is not None:
        lines.append(("Summary", summary))
    if requires_python is not None:
        lines.append(("Requires-Python", requires_python))
    lines += [("Requires-Dist", requirement) for requirement in requires]
    lines += headers
    text = "".join(f"{key}: {value}\n" for key, value in lines)
    return (text + ("\n" + description if description else "")).encode()


def wheel_files(
    name: str,
    version: str,
    metadata_bytes: bytes,
    *,
    tag: str = "py3-none-any",
    extra_files: Mapping[str, bytes | str] | None = None,
) -> Files:
    """The members of a wheel by path, RECORD last."""
    dist_info = stem(name, version) + ".dist-info"
    module = module_name(name)
    files = {f"{module}/__init__.py": f"__version__ = {version!r}\n".encode()}
    files |= _encoded(extra_files)
    files[f"{dist_info}/METADATA"] = metadata_bytes
    files[f"{dist_info}/WHEEL"] = _wheel_file(tag)
    files[f"{dist_info}/RECORD"] = record(files, f"{dist_info}/RECORD")
    return files


def sdist_files(
    name: str,
    version: str,
    metadata_bytes: bytes,
    *,
    top: str | None = None,
    extra_files: Mapping[str, bytes | str] | None = None,
) -> Files:
    """The members of an sdist by path, PKG-INFO first."""
    top = top or stem(name, version)
    module = module_name(name)
    backend = BACKEND.format(module=module, stem=stem(name, version))
    pyproject = '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["_build"]\n'
    files = {
        "PKG-INFO": metadata_bytes,
        "pyproject.toml": pyproject.encode(),
        "_build/tiny.py": backend.encode(),
        f"{module}/__init__.py": f"__version__ = {version!r}\n".encode(),
    }
    files |= _encoded(extra_files)
    return {f"{top}/{path}": content for path, content in files.items()}


def wheel_filename(name: str, version: str, *, tag: str = "py3-none-any", build: str = "") -> str:
    """The right filename of a wheel."""
    return "-".join(filter(None, [stem(name, version), build, tag])) + ".whl"


def stem(name: str, version: str) -> str:
    """``name-version`` as it stands in filenames; a version that is none is left alone."""
    try:
        version = str(Version(version))
    except InvalidVersion:
        version = version.replace("-", "_")
    return f"{module_name(name)}-{version}"


def module_name(name: str) -> str:
    """The package that a project called *name* brings, and its spelling in filenames."""
    return canonicalize_name(name).replace("-", "_")


def record(files: Files, own_path: str) -> bytes:
    """The content of a RECORD at *own_path* that lists *files*."""
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{_quoted(path)},sha256={digest},{len(content)}\n")
    return ("".join(lines) + f"{own_path},,\n").encode()


def pack_zip(files: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of *files*, in their order; equal files give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path, date_time=ZIP_EPOCH)
            info.compress_type = compression
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def pack_tar_gz(files: Mapping[str, bytes]) -> bytes:
    """A gzip compressed tar of *files*, in their order; equal files give equal bytes."""
    return gzip.compress(pack_tar(files), mtime=0)


def pack_tar(files: Mapping[str, bytes]) -> bytes:
    """A tar of *files*, in their order, without compression."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _wheel_file(tag: str) -> bytes:
    pythons, abis, platforms = tag.split("-")
    tags = [
        f"Tag: {python}-{abi}-{platform}\n"
        for python in pythons.split(".")
        for abi in abis.split(".")
        for platform in platforms.split(".")
    ]
    head = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n"
    return (head + "".join(tags)).encode()


def _encoded(files: Mapping[str, bytes | str] | None) -> Files:
    return {
        path: content.encode() if isinstance(content, str) else content
        for path, content in (files or {}).items()
    }


def _quoted(path: str) -> str:
    return '"' + path.replace('"', '""') + '"' if "," in path or '"' in path else path
