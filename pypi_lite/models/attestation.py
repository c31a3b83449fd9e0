"""What has been signed about the files of the index (PEP 740)."""

from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.attestations import Kind
from pypi_lite.models.base import Base, one_of
from pypi_lite.models.file import File


class FileAttestation(Base):
    """An attestation that was verified when its file was uploaded. It is never changed, and it stays
    when the publisher who made it is one no longer."""

    __tablename__ = "file_attestations"
    __table_args__ = (
        UniqueConstraint("file_id", "predicate_type"),
        CheckConstraint(one_of("kind", Kind), name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"))
    #: Of the in-toto statement.
    predicate_type: Mapped[str] = mapped_column(String(255))
    #: Whose it is, as the certificate says: see `pypi_lite.models.publisher`.
    kind: Mapped[str] = mapped_column(String(20))
    repository: Mapped[str] = mapped_column(String(255))
    workflow: Mapped[str] = mapped_column(String(255))
    #: The standard's attestation object.
    body: Mapped[dict[str, Any]] = mapped_column(JSON)

    file: Mapped[File] = relationship()
