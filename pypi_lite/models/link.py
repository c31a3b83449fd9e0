"""One-time links: whoever opens one may do one thing, once."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.models.account import User
from pypi_lite.models.base import Base, UTCDateTime, one_of


class LinkPurpose(StrEnum):
    """What a one-time link lets somebody do."""

    #: Choose a name and a password, as an administrator has invited them to.
    INVITE = "invite"
    #: The same, where anybody may: the link shows that the mail address is theirs.
    REGISTER = "register"
    #: Choose a new password for an account.
    RESET = "reset"
    #: Have an account's mail go to the address that the link was sent to.
    EMAIL = "email"


class OneTimeLink(Base):
    """A link that nobody has used yet: using it deletes it. Only the hash of its secret is here."""

    __tablename__ = "one_time_links"
    __table_args__ = (
        CheckConstraint("length(sha256) = 64", name="sha256"),
        CheckConstraint(one_of("purpose", LinkPurpose), name="purpose"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(20))
    #: Whose account it is for; nothing: for one that is yet to be made.
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    #: Where it is sent; nothing: nowhere, somebody passes it on.
    email: Mapped[str | None] = mapped_column(String(254))
    #: The network address of the stranger who asked for it; nothing: no stranger did.
    address: Mapped[str | None] = mapped_column(String(64))
    #: What else the purpose needs: ``groups``, the names of groups to be in.
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    expires: Mapped[datetime] = mapped_column(UTCDateTime)

    user: Mapped[User | None] = relationship()

    #: The secret itself, in the session that has made the link alone: no column.
    secret = ""
