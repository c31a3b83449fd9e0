"""What shows, beside a password, that it is really the person."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from pypi_lite.models.base import Base, UTCDateTime


class AuthenticatorApp(Base):
    """An app that shows codes (RFC 6238); its seed is made of the salt and a secret that is not here."""

    __tablename__ = "authenticator_apps"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    salt: Mapped[str] = mapped_column(String(64))
    #: The time step of the last code that was taken: neither it nor an older one is taken again.
    last_step: Mapped[int] = mapped_column(BigInteger)
    #: Wrong codes since the last right one, and when the last of them was.
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    last_failure: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created: Mapped[datetime] = mapped_column(UTCDateTime)


class Passkey(Base):
    """A key pair whose private half an authenticator keeps (WebAuthn)."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: base64url of at most 1023 bytes.
    credential_id: Mapped[str] = mapped_column(String(1364), unique=True)
    #: As COSE writes it (RFC 9052, 7).
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    #: How often the authenticator says that it was used; 0 for ever: it does not count.
    sign_count: Mapped[int] = mapped_column(BigInteger)
    #: What the person calls it.
    name: Mapped[str] = mapped_column(String(100))
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RecoveryCode(Base):
    """A code for the day on which the factors are lost; it goes when it is used."""

    __tablename__ = "recovery_codes"
    __table_args__ = (CheckConstraint("length(sha256) = 64", name="sha256"),)

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)


class SpentTicket(Base):
    """A ticket that has let somebody in, kept until it would be refused for its age anyway."""

    __tablename__ = "spent_tickets"
    __table_args__ = (CheckConstraint("length(sha256) = 64", name="sha256"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
