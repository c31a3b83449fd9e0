"""Namespaces: prefixes of project names that are reserved for somebody (PEP 752)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pypi_lite.models.account import User
from pypi_lite.models.base import Base, UTCDateTime


class Namespace(Base):
    """A grant: ``acme`` is the project ``acme`` and all whose names begin with ``acme-``."""

    __tablename__ = "namespaces"
    __table_args__ = (
        CheckConstraint("normalized_name = lower(normalized_name)", name="normalized_is_lower"),
        CheckConstraint("normalized_name <> ''", name="normalized_is_not_empty"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    normalized_name: Mapped[str] = mapped_column(String(200), unique=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime)

    owners: Mapped[list["NamespaceOwner"]] = relationship(
        back_populates="namespace", cascade="all, delete-orphan", passive_deletes=True
    )


class NamespaceOwner(Base):
    """Somebody who may begin projects in a namespace."""

    __tablename__ = "namespace_owners"

    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("namespaces.id", ondelete="CASCADE"), primary_key=True
    )
    # No cascade: an account that owns a namespace stays until somebody else does. A namespace without
    # owners would keep everybody out, and pages would change behind the cache's back.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)

    namespace: Mapped[Namespace] = relationship(back_populates="owners")
    user: Mapped[User] = relationship()
