"""Tokens that trusted publishers have got: whom one stands for. No person, and for uploads alone."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.models import (
    Project,
    Publisher,
    PublisherToken,
    PublisherTokenPublisher,
    Scope,
    User,
    now,
)

_LONGEST_MEANS = 64
#: A token, once for each publisher that it still speaks for. A pending one needs its person.
_TOKENS = (
    select(
        PublisherToken.id,
        PublisherToken.name,
        PublisherToken.expires,
        Publisher.id.label("publisher"),
        func.coalesce(Project.normalized_name, Publisher.pending_name).label("project"),
    )
    .join(PublisherTokenPublisher, PublisherTokenPublisher.token_id == PublisherToken.id)
    .join(Publisher, PublisherTokenPublisher.publisher_id == Publisher.id)
    .outerjoin(Publisher.project)
    .outerjoin(Publisher.person)
    .where(or_(Publisher.pending_by.is_(None), ~User.is_disabled))
    .order_by(Publisher.id)
)


def publisher_identity(session: Session, condition: ColumnElement[bool]) -> Identity | None:
    """Whom the publishers' token that meets *condition* stands for.

    None: there is none, it has expired, or no publisher that it speaks for is one any more.
    """
    rows = session.execute(_TOKENS.where(condition)).all()
    if not rows or rows[0].expires <= now():
        return None
    return Identity(
        name=rows[0].name,
        user_id=None,
        means=means_of(row.publisher for row in rows),
        publisher_token_id=rows[0].id,
        scopes=frozenset({Scope.UPLOAD}),
        projects=frozenset(row.project for row in rows),
    )


def means_of(numbers: Iterable[int]) -> str:
    """What the journal calls publishers with these numbers: ``publisher 3``, ``publishers 3, 5``."""
    listed = ", ".join(map(str, numbers))
    return f"publisher{'s' if ',' in listed else ''} {listed}"[:_LONGEST_MEANS]
