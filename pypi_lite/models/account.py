"""People, the tokens that act for them, and what they may do to a project."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.models.base import Base, UTCDateTime, one_of
from pypi_lite.models.project import Project


class RoleName(StrEnum):
    """What somebody is to a project."""

    OWNER = "owner"
    MAINTAINER = "maintainer"


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"
    UPLOAD = "upload"
    YANK = "yank"
    #: Set a project's status, delete releases and files.
    MANAGE = "manage"


class User(Base):
    """A person, or a program that has an account."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("name = lower(name)", name="name_is_lower"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    #: argon2, or nothing for an account that only has tokens.
    password_hash: Mapped[str | None] = mapped_column(String(255))
    is_admin: Mapped[bool] = mapped_column(default=False)
    created: Mapped[datetime] = mapped_column(UTCDateTime)

    tokens: Mapped[list["Token"]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )


class Token(Base):
    """A secret that acts for a user; only its hash is here."""

    __tablename__ = "tokens"
    __table_args__ = (CheckConstraint("length(sha256) = 64", name="sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    expires: Mapped[datetime | None] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship(back_populates="tokens")
    scopes: Mapped[list["TokenScope"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )
    #: None here means that the token reaches every project that its user reaches.
    projects: Mapped[list["TokenProject"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class TokenScope(Base):
    """One thing that a token may do."""

    __tablename__ = "token_scopes"
    __table_args__ = (CheckConstraint(one_of("scope", Scope), name="scope"),)

    token_id: Mapped[int] = mapped_column(
        ForeignKey("tokens.id", ondelete="CASCADE"), primary_key=True
    )
    scope: Mapped[str] = mapped_column(String(20), primary_key=True)


class TokenProject(Base):
    """One project that a token is limited to, by name: the project may not exist yet."""

    __tablename__ = "token_projects"

    token_id: Mapped[int] = mapped_column(
        ForeignKey("tokens.id", ondelete="CASCADE"), primary_key=True
    )
    normalized_name: Mapped[str] = mapped_column(String(200), primary_key=True)


class Role(Base):
    """What a user is to a project."""

    __tablename__ = "roles"
    __table_args__ = (
        UniqueConstraint("user_id", "project_id"),
        CheckConstraint(one_of("role", RoleName), name="role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(String(20))

    user: Mapped[User] = relationship()
    project: Mapped[Project] = relationship()
