"""Files, what they say about themselves, and the names that are taken for ever."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.distributions import PackageType
from pypi_lite.models.base import Base, UTCDateTime, one_of
from pypi_lite.models.project import Release


class BurnedFilename(Base):
    """A filename that has been used, with the digest of the bytes it stands for.

    The row stays when the file goes: a client may have cached or locked the name, so that it never
    means other bytes again.
    """

    __tablename__ = "burned_filenames"

    filename: Mapped[str] = mapped_column(String(255), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))


class Description(Base):
    """A long description, stored once for all files that carry the same one."""

    __tablename__ = "descriptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Of content type and text together.
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    content_type: Mapped[str | None] = mapped_column(Text)
    raw: Mapped[str] = mapped_column(Text)
    #: Rendered and sanitised when it was uploaded.
    html: Mapped[str] = mapped_column(Text)


class File(Base):
    """A wheel or a source distribution of a release."""

    __tablename__ = "files"
    __table_args__ = (
        CheckConstraint(one_of("packagetype", PackageType), name="packagetype"),
        CheckConstraint("size >= 0", name="size"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
        CheckConstraint("length(metadata_sha256) = 64", name="metadata_sha256"),
        Index("ix_files_release_id", "release_id"),
        Index("ix_files_sha256", "sha256"),
        Index("ix_files_metadata_sha256", "metadata_sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("releases.id", ondelete="CASCADE"))
    filename: Mapped[str] = mapped_column(ForeignKey("burned_filenames.filename"), unique=True)
    packagetype: Mapped[str] = mapped_column(String(20))
    #: The filename's python tag, or ``source``.
    python_version: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    #: Lower-case hexadecimal digests of the file; BLAKE2b has 32 bytes.
    sha256: Mapped[str] = mapped_column(String(64))
    md5: Mapped[str] = mapped_column(String(32))
    blake2_256: Mapped[str] = mapped_column(String(64))
    uploaded: Mapped[datetime] = mapped_column(UTCDateTime)
    uploaded_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    #: PEP 440 specifiers, as the file itself gives them.
    requires_python: Mapped[str | None] = mapped_column(Text)
    summary: Mapped[str | None] = mapped_column(Text)
    #: All fields of METADATA or PKG-INFO but the description, as packaging's RawMetadata has them.
    core_metadata: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: Digest of the ``.metadata`` sibling's bytes (PEP 658), where there is one.
    metadata_sha256: Mapped[str | None] = mapped_column(String(64))
    description_id: Mapped[int | None] = mapped_column(ForeignKey("descriptions.id"), index=True)

    release: Mapped[Release] = relationship(back_populates="files")
    description: Mapped[Description | None] = relationship()
