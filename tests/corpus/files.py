"""The downloaded files, read without any code of the index: what its pages should say of them."""

import email.parser
import hashlib
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Distribution:
    """A file, and what its project's page should say of it."""

    path: Path
    project: str
    sha256: str
    size: int
    requires_python: str | None
    #: Of the metadata that the index may offer beside the file, if it may.
    metadata_sha256: str | None

    @property
    def is_wheel(self) -> bool:
        """A wheel, or else a source distribution."""
        return self.path.suffix == ".whl"


def read(path: Path) -> Distribution:
    """The distribution at *path*."""
    content = path.read_bytes()
    metadata = _metadata(path)
    fields = email.parser.BytesParser().parsebytes(metadata, headersonly=True)
    version = tuple(int(part) for part in fields["Metadata-Version"].split("."))
    offered = path.suffix == ".whl" or version >= (2, 2)
    return Distribution(
        path=path,
        project=canonicalize_name(fields["Name"]),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        requires_python=fields["Requires-Python"] or None,  # an empty one says nothing
        metadata_sha256=hashlib.sha256(metadata).hexdigest() if offered else None,
    )


def _metadata(path: Path) -> bytes:
    """METADATA of a wheel, PKG-INFO of a source distribution."""
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path) as archive:
            (member,) = (m for m in archive if _is_top(m.name, "PKG-INFO"))
            file = archive.extractfile(member)
            assert file is not None
            return file.read()
    wanted = "METADATA" if path.suffix == ".whl" else "PKG-INFO"
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if _is_top(name, wanted)]
        if path.suffix == ".whl":
            names = [name for name in names if ".dist-info/" in name]
        (name,) = names
        return archive.read(name)


def _is_top(name: str, wanted: str) -> bool:
    parts = name.removeprefix("./").split("/")
    return len(parts) == 2 and parts[1] == wanted
