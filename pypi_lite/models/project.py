"""Projects and their releases."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.models.base import Base, UTCDateTime, one_of

if TYPE_CHECKING:
    from pypi_lite.models.file import File


class ProjectStatus(StrEnum):
    """What may be expected of a project (PEP 792)."""

    ACTIVE = "active"
    #: No new files are taken.
    ARCHIVED = "archived"
    #: As if active; whoever uses it had better use something else.
    DEPRECATED = "deprecated"
    #: Taken to be unsafe: nothing is taken, listed or served.
    QUARANTINED = "quarantined"


class Visibility(StrEnum):
    """Who may read a project, where reading the index needs no authority, or needs it."""

    #: Everybody; where reading needs authority, every account.
    PUBLIC = "public"
    #: Every account.
    INTERNAL = "internal"
    #: Those who have a role on it, and administrators.
    PRIVATE = "private"


class Project(Base):
    """A name under which releases are published."""

    __tablename__ = "projects"
    __table_args__ = (
        CheckConstraint("normalized_name = lower(normalized_name)", name="normalized_is_lower"),
        CheckConstraint("normalized_name <> ''", name="normalized_is_not_empty"),
        CheckConstraint(one_of("status", ProjectStatus), name="status"),
        CheckConstraint(one_of("visibility", Visibility), name="visibility"),
        CheckConstraint("status <> 'active' OR status_reason IS NULL", name="reason_unless_active"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: PEP 503: the one spelling that has pages.
    normalized_name: Mapped[str] = mapped_column(String(200), unique=True)
    #: The spelling of the newest upload's metadata.
    name: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Serial and moment of the last change that the project's pages show.
    last_serial: Mapped[int] = mapped_column(BigInteger)
    changed: Mapped[datetime] = mapped_column(UTCDateTime)
    #: PEP 792. A reason is text from a person and never trusted.
    status: Mapped[str] = mapped_column(
        String(20), default=ProjectStatus.ACTIVE, server_default=ProjectStatus.ACTIVE.value
    )
    status_reason: Mapped[str | None] = mapped_column(Text)
    visibility: Mapped[str] = mapped_column(
        String(20), default=Visibility.PUBLIC, server_default=Visibility.PUBLIC.value
    )
    #: Of the latest release, for lists and searches: no database orders versions (`repository.latest`).
    latest_version: Mapped[str | None] = mapped_column(String(200))
    latest_summary: Mapped[str | None] = mapped_column(Text)
    #: The same as searches compare it (`repository.latest.folded`).
    latest_summary_folded: Mapped[str | None] = mapped_column(Text)

    releases: Mapped[list["Release"]] = relationship(
        back_populates="project", cascade="all, delete-orphan", passive_deletes=True
    )


class Release(Base):
    """A version of a project."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("project_id", "canonical_version"),
        CheckConstraint("yanked OR yanked_reason IS NULL", name="reason_only_if_yanked"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    #: PEP 440's normal form of the version that the first file's metadata gives.
    version: Mapped[str] = mapped_column(String(200))
    #: The spelling under which 1.0 and 1.0.0 are the same release.
    canonical_version: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    #: PEP 592. A reason is text from a person and never trusted.
    yanked: Mapped[bool] = mapped_column(default=False)
    yanked_reason: Mapped[str | None] = mapped_column(Text)

    project: Mapped[Project] = relationship(back_populates="releases")
    files: Mapped[list["File"]] = relationship(
        back_populates="release", cascade="all, delete-orphan", passive_deletes=True
    )
