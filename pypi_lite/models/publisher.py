"""Publishers: what runs elsewhere and is trusted with making a project's files, and its tokens."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.issuers import IssuerKind
from pypi_lite.models.account import User
from pypi_lite.models.base import Base, UTCDateTime, one_of
from pypi_lite.models.project import Project


class Publisher(Base):
    """A workflow in a repository elsewhere, or another issuer's subject: it may publish files of a project
    with tokens of its issuer, and attestations of the project are signed by its identity.

    A pending one is of a project that is not there yet.
    """

    __tablename__ = "publishers"
    __table_args__ = (
        UniqueConstraint("project_id", "issuer", "repository", "workflow", "environment"),
        UniqueConstraint(
            *("pending_name", "issuer", "repository", "workflow", "environment"),
            name="uq_publishers_pending",  # the usual one is too long for PostgreSQL
        ),
        CheckConstraint(one_of("kind", IssuerKind), name="kind"),
        CheckConstraint("issuer <> ''", name="issuer"),
        CheckConstraint("(repository = '') = (kind = 'other')", name="repository"),
        CheckConstraint("workflow <> ''", name="workflow"),
        CheckConstraint(
            "(project_id IS NULL) = (pending_name IS NOT NULL)"
            " AND (project_id IS NULL) = (pending_by IS NOT NULL)",
            name="pending",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    #: The normalized name of the project that it may begin.
    pending_name: Mapped[str | None] = mapped_column(String(200))
    #: Whose that project will be.
    pending_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    #: Its address, as tokens write it.
    issuer: Mapped[str] = mapped_column(String(255))
    #: ``owner/name``, spelled as there; empty where the issuer is another one.
    repository: Mapped[str] = mapped_column(String(255))
    #: On GitHub the name of the workflow's file, on GitLab its path; of another issuer the subject.
    workflow: Mapped[str] = mapped_column(String(255))
    #: The environment that it must run in; empty: any. Not null, or equal rows would be unique.
    environment: Mapped[str] = mapped_column(String(255), default="")
    #: The forge's number of the repository's owner, since the first token: a name may change hands.
    owner_id: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(UTCDateTime)

    project: Mapped[Project | None] = relationship()
    person: Mapped[User | None] = relationship()


class PublisherToken(Base):
    """A secret that a publisher has got for some minutes; only its hash is here."""

    __tablename__ = "publisher_tokens"
    __table_args__ = (CheckConstraint("length(sha256) = 64", name="sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    #: Who acts with it, for the journal.
    name: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    expires: Mapped[datetime] = mapped_column(UTCDateTime)

    publishers: Mapped[list["PublisherTokenPublisher"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class PublisherTokenPublisher(Base):
    """A publisher that a token speaks for: of one project, unless several trust the same workflow."""

    __tablename__ = "publisher_token_publishers"

    token_id: Mapped[int] = mapped_column(
        ForeignKey("publisher_tokens.id", ondelete="CASCADE"), primary_key=True
    )
    publisher_id: Mapped[int] = mapped_column(
        ForeignKey("publishers.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class UsedAssertion(Base):
    """An issuer's token that has been exchanged: it is taken once."""

    __tablename__ = "used_assertions"
    __table_args__ = (CheckConstraint("length(sha256) = 64", name="sha256"),)

    #: Of the issuer and the token's own id (`pypi_lite.repository.publishing`).
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: Nobody would take it from then on.
    expires: Mapped[datetime] = mapped_column(UTCDateTime)
