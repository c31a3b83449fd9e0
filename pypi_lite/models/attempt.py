"""Log-ins that failed, counted, and the addresses from which an account has been entered."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pypi_lite.models.base import Base, UTCDateTime


class FailedAttempt(Base):
    """Somebody has shown a wrong secret for an account, which need not exist. Kept for minutes."""

    __tablename__ = "failed_attempts"
    __table_args__ = (
        CheckConstraint("length(account) = 64", name="account"),
        Index("ix_failed_attempts_account_moment", "account", "moment"),
        Index("ix_failed_attempts_address_moment", "address", "moment"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: SHA-256 of the name that was typed: people type passwords there too.
    account: Mapped[str] = mapped_column(String(64))
    #: An IPv4 address, or an IPv6 network of 64 bits.
    address: Mapped[str] = mapped_column(String(64))
    moment: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class KnownAddress(Base):
    """Somebody has logged in to an account from there. Strangers elsewhere don't slow them down."""

    __tablename__ = "known_addresses"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    address: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_used: Mapped[datetime] = mapped_column(UTCDateTime)
