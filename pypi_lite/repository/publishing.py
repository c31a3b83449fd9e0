"""Trusted publishing: a token of an issuer is exchanged for one of ours, for minutes and for uploads.

A publisher's token reaches the projects that have named that publisher, and no others: mostly one. It
opens nothing from the moment on in which the publisher is removed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.assertions import Assertion
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import identity_of
from pypi_lite.accounts.publisher_tokens import means_of
from pypi_lite.accounts.tokens import new_secret, token_hash
from pypi_lite.issuers import Claimed, Source
from pypi_lite.models import (
    Action,
    Project,
    Publisher,
    PublisherToken,
    PublisherTokenPublisher,
    UsedAssertion,
    User,
    now,
)
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.publishers import journal

#: How long a token lasts (PEP 807 has at least as long).
LIFETIME = timedelta(minutes=15)
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token."""

    secret: str
    expires: datetime


def mint(session: Session, assertion: Assertion, *, address: str | None = None) -> Minted:
    """A token for what *assertion* says, which is taken this once.

    *address* is where it comes from, for the journal. Raises Refusal: it has been taken before, or no
    project has named such a publisher. Then nothing has changed, and it is still good.
    """
    _remove_expired(session)
    if session.get(UsedAssertion, assertion.once) is not None:
        raise Refusal(
            Code.REUSED_TOKEN, "The identity token has been used already: ask for a new one."
        )
    publishers = _publishers(session, assertion.claimed)
    session.add(UsedAssertion(sha256=assertion.once, expires=assertion.expires))
    moment, secret = now(), new_secret()
    name = actor_name(assertion.claimed.source)
    token = PublisherToken(
        sha256=token_hash(secret), name=name, created=moment, expires=moment + LIFETIME
    )
    token.publishers = [PublisherTokenPublisher(publisher_id=each.id) for each in publishers]
    session.add(token)
    actor = Identity(name, None, means=means_of(each.id for each in publishers), address=address)
    for publisher in publishers:
        publisher.owner_id = publisher.owner_id or assertion.claimed.owner_id or None
        journal(session, Action.PUBLISHER_MINT, actor, publisher)
    return Minted(secret, token.expires)


def actor_name(source: Source) -> str:
    """What the journal calls who publishes: ``GitHub acme/foo (release.yml)``, as far as it fits.

    No account can be called so: a space comes before all that a job may choose.
    """
    if source.repository:
        name = f"{source.kind} {source.repository} ({source.workflow})"
    else:
        name = f"publisher {source}"
    return "".join(c if c.isprintable() else " " for c in name)[:_LONGEST_NAME]


def is_known(session: Session, secret: str) -> bool:
    """Whether *secret* is a publisher's token, expired or not."""
    return session.scalar(_by_secret(secret)) is not None


def burn(session: Session, secret: str) -> None:
    """Let a publisher's token open nothing from now on; one that is none is as good as gone."""
    found = session.scalar(_by_secret(secret))
    if found is not None:
        session.delete(found)


def beginner(session: Session, identity: Identity, normalized_name: str) -> Identity:
    """Who owns the project of that name, which *identity* is about to begin: for a publisher whoever has
    named it. Raises Refusal where nobody has, or is no longer there."""
    if identity.publisher_token_id is None:
        return identity
    user = session.scalar(
        select(User)
        .join(Publisher, Publisher.pending_by == User.id)
        .join(PublisherTokenPublisher, PublisherTokenPublisher.publisher_id == Publisher.id)
        .where(
            PublisherTokenPublisher.token_id == identity.publisher_token_id,
            Publisher.pending_name == normalized_name,
            ~User.is_disabled,
        )
        .order_by(Publisher.id)
        .limit(1)
    )
    person = None
    if user is not None:
        person = identity_of(user, means=identity.means, address=identity.address)
    if person is None:
        raise Refusal(
            Code.NOT_ALLOWED, f"{identity.name!r} may not begin the project {normalized_name!r}."
        )
    return person


def settle(session: Session, identity: Identity, project: Project, owner: Identity) -> None:
    """*project* has just been begun, and is *owner*'s: their pending publishers become its publishers,
    those of others are removed, since the name is taken."""
    query = select(Publisher).where(Publisher.pending_name == project.normalized_name)
    with session.no_autoflush:
        found = session.scalars(query.order_by(Publisher.id)).all()
    for publisher in found:
        if publisher.pending_by == owner.user_id:
            publisher.project, publisher.person, publisher.pending_name = project, None, None
            more = f"; {owner.name} owns the project"
            journal(session, Action.PUBLISHER_ADD, identity, publisher, more)
        else:
            session.delete(publisher)
            more = ": others began the project"
            journal(session, Action.PUBLISHER_REMOVE, identity, publisher, more)


def _by_secret(secret: str) -> Select[PublisherToken]:
    return select(PublisherToken).where(PublisherToken.sha256 == token_hash(secret))


def _publishers(session: Session, claimed: Claimed) -> list[Publisher]:
    """Those that the job is, in the order in which they came. Raises Refusal: it is none."""
    source = claimed.source
    query = (
        select(Publisher)
        .outerjoin(Publisher.person)
        .where(
            Publisher.kind == source.kind.value,
            Publisher.issuer == source.issuer,
            Publisher.repository == source.repository,
            Publisher.workflow == source.workflow,
            Publisher.environment.in_({"", source.environment}),
            or_(Publisher.pending_by.is_(None), ~User.is_disabled),
        )
        .order_by(Publisher.id)
    )
    found = session.scalars(query).all()
    if not found:
        where = "" if source.environment or not source.repository else ", in no environment"
        raise Refusal(
            Code.INVALID_PUBLISHER,
            f"No project here has named this publisher: {source}{where}. Compare it, letter by letter,"
            " with what the project's owner has written.",
        )
    ours = [each for each in found if each.owner_id in (None, claimed.owner_id or None)]
    if not ours:
        raise Refusal(
            Code.INVALID_PUBLISHER,
            f"{source.repository} belongs to another account than when it published here first, under"
            " the same name. If that is right, remove the publisher and name it again.",
        )
    return ours


def _remove_expired(session: Session) -> None:
    moment = now()
    for token in session.scalars(select(PublisherToken).where(PublisherToken.expires <= moment)):
        session.delete(token)
    for used in session.scalars(select(UsedAssertion).where(UsedAssertion.expires <= moment)):
        session.delete(used)
