"""Who an account is elsewhere: at the provider of single sign-on."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.models.account import User
from pypi_lite.models.base import Base, UTCDateTime


class ExternalIdentity(Base):
    """An account's person as their issuer knows them: by subject, whatever they are called there."""

    __tablename__ = "external_identities"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        UniqueConstraint("user_id", "issuer"),
        CheckConstraint("issuer <> ''", name="issuer"),
        CheckConstraint("subject <> ''", name="subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    issuer: Mapped[str] = mapped_column(String(255))
    #: ``sub`` of OpenID Connect Core 1.0, 2: at most 255 characters.
    subject: Mapped[str] = mapped_column(String(255))
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Whether the account administers the index because of a group there, and no longer without it.
    is_admin_synced: Mapped[bool] = mapped_column(default=False, server_default=false())

    user: Mapped[User] = relationship()
