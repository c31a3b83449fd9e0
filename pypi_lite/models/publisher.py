"""Publishers: the workflows that a project trusts with making its files."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.attestations import Kind
from pypi_lite.models.base import Base, UTCDateTime, one_of
from pypi_lite.models.project import Project


class Publisher(Base):
    """A workflow in a repository elsewhere, by whose identity attestations of a project are signed."""

    __tablename__ = "publishers"
    __table_args__ = (
        UniqueConstraint("project_id", "kind", "repository", "workflow", "environment"),
        CheckConstraint(one_of("kind", Kind), name="kind"),
        CheckConstraint("repository <> ''", name="repository"),
        CheckConstraint("workflow <> ''", name="workflow"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    #: ``owner/name``, spelled as there.
    repository: Mapped[str] = mapped_column(String(255))
    #: On GitHub the name of the workflow's file, on GitLab its path.
    workflow: Mapped[str] = mapped_column(String(255))
    #: The environment that it must run in; empty: any. Not null, or equal rows would be unique.
    environment: Mapped[str] = mapped_column(String(255), default="")
    created: Mapped[datetime] = mapped_column(UTCDateTime)

    project: Mapped[Project] = relationship()
