"""People, the tokens that act for them, and what they may do to a project."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.models.base import Base, UTCDateTime, one_of
from pypi_lite.models.project import Project


class RoleName(StrEnum):
    """What somebody is to a project; what each may do is in `pypi_lite.accounts.permissions`."""

    OWNER = "owner"
    MAINTAINER = "maintainer"
    UPLOADER = "uploader"
    READER = "reader"


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"
    UPLOAD = "upload"
    YANK = "yank"
    #: Set a project's status, delete releases and files, make tokens.
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
    #: Opens nothing any more: no log-in, no session, no token.
    is_disabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Where mail for this person goes; nothing: nowhere.
    email: Mapped[str | None] = mapped_column(String(254))
    #: Whether they are told by mail what happens to their account and projects.
    wants_mail: Mapped[bool] = mapped_column(default=True, server_default=true())
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
    #: What the person calls it.
    name: Mapped[str] = mapped_column(String(100), default="", server_default="")
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    expires: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When it was last used, to the hour: a hit writes nothing.
    last_used: Mapped[datetime | None] = mapped_column(UTCDateTime)

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
    """What a user, or each member of a group, is to a project."""

    __tablename__ = "roles"
    __table_args__ = (
        UniqueConstraint("user_id", "project_id"),
        UniqueConstraint("group_id", "project_id"),
        CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="of_one"),
        CheckConstraint(one_of("role", RoleName), name="role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"))
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(String(20))

    user: Mapped[User | None] = relationship()
    group: Mapped["Group | None"] = relationship()
    project: Mapped[Project] = relationship()


class Group(Base):
    """People who have roles together."""

    __tablename__ = "groups"
    __table_args__ = (CheckConstraint("name = lower(name)", name="name_is_lower"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime)

    members: Mapped[list["GroupMember"]] = relationship(
        back_populates="group", cascade="all, delete-orphan", passive_deletes=True
    )


class GroupMember(Base):
    """A user in a group."""

    __tablename__ = "group_members"

    group_id: Mapped[int] = mapped_column(
        ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    #: Whether single sign-on put the user there, and takes them out again.
    is_synced: Mapped[bool] = mapped_column(default=False, server_default=false())

    group: Mapped[Group] = relationship(back_populates="members")
    user: Mapped[User] = relationship()


class WebSession(Base):
    """Somebody who is logged in with a browser; only the hash of the cookie is here."""

    __tablename__ = "web_sessions"
    __table_args__ = (CheckConstraint("length(sha256) = 64", name="sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    #: It ends then, whatever happens.
    expires: Mapped[datetime] = mapped_column(UTCDateTime)
    #: From where, and with what, as the request said: text from anybody.
    address: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(200))

    user: Mapped[User] = relationship()
