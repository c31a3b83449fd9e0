"""How often somebody may guess, which no stranger can turn against an account's owner.

Failures are counted, and nothing else; those of the last quarter of an hour count. A network address
has few guesses at one account, and more at all accounts together. Where many addresses guess at one
account, those from which nobody has ever logged in to it get one guess in turn every few seconds,
all of them together; the owner's usual addresses go on as if nothing were.
"""

import hashlib
import ipaddress
import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import Session

from pypi_lite.cache.writing import KEYS_OPTION
from pypi_lite.models import FailedAttempt, KnownAddress, User, now

#: How long a failure counts.
WINDOW = timedelta(minutes=15)
#: Failures in that time of one address: at one account, and at all of them.
MOST_OF_PAIR, MOST_OF_ADDRESS = 5, 50
#: Failures at one account, of all addresses, from which on strange ones wait for each other,
MOST_OF_ACCOUNT = 20
#: so long after each failure.
PACE = timedelta(seconds=10)
#: How long an address stays known without a log-in.
KNOWN_FOR = timedelta(days=90)


class TooManyAttemptsError(Exception):
    """Somebody has guessed too often. The text is for a person."""

    def __init__(self, seconds: int) -> None:
        minutes = math.ceil(seconds / 60)
        wait = f"{seconds} seconds" if seconds < 60 else f"{minutes} minutes"
        super().__init__(f"Too many log-ins failed from here or for this account: wait {wait}.")
        #: After so many seconds one more attempt is looked at.
        self.seconds = seconds


def check(session: Session, account: str, address: str | None) -> None:
    """Raises TooManyAttemptsError unless one more attempt may be made now.

    *account* is a name as somebody typed it, whether there is such an account or not; *address* is
    the request's. Asked before a secret is looked at, so that a refusal costs little and tells
    nothing.
    """
    moment, network = now(), network_of(address)
    of_account = FailedAttempt.account == _hash(account)
    of_address = FailedAttempt.address == network
    ends = [_end(_newest(session, MOST_OF_PAIR, of_account, of_address), MOST_OF_PAIR, WINDOW)]
    if not _is_known(session, account, network):
        ends.append(_end(_newest(session, MOST_OF_ADDRESS, of_address), MOST_OF_ADDRESS, WINDOW))
        failures = _newest(session, MOST_OF_ACCOUNT, of_account)
        if len(failures) == MOST_OF_ACCOUNT:
            ends.append(failures[0] + PACE)
    wait = max(((end - moment).total_seconds() for end in ends if end), default=0)
    if wait > 0:
        raise TooManyAttemptsError(math.ceil(wait))


def failed(session: Session, account: str, address: str | None) -> None:
    """Count a failure. *session* writes, and commits though the request is refused."""
    moment = now()
    old = delete(FailedAttempt).where(FailedAttempt.moment <= moment - WINDOW)
    session.execute(old, execution_options={KEYS_OPTION: ()})
    session.add(FailedAttempt(account=_hash(account), address=network_of(address), moment=moment))


def succeeded(session: Session, user: User, address: str | None) -> None:
    """Somebody has shown all that *user* has to: their failures from there are forgotten.

    Only those at this very account, or who has one could guess at others' for ever.
    """
    moment, network = now(), network_of(address)
    for failure in session.scalars(select(FailedAttempt).where(*_pair(user.name, network))):
        session.delete(failure)
    is_known = False
    for known in session.scalars(select(KnownAddress).where(KnownAddress.user_id == user.id)):
        if known.address == network:
            known.last_used, is_known = moment, True
        elif known.last_used <= moment - KNOWN_FOR:
            session.delete(known)
    if not is_known:
        session.add(KnownAddress(user_id=user.id, address=network, last_used=moment))


def is_worth_noting(session: Session, account: str, address: str | None) -> bool:
    """Whether `succeeded` would change what a later `check` says: nothing is written for nothing."""
    network = network_of(address)
    if session.scalar(select(exists().where(*_pair(account, network)))):
        return True
    of_account = FailedAttempt.account == _hash(account)
    has_failures = session.scalar(select(exists().where(of_account)))
    return bool(has_failures) and not _is_known(session, account, network)


def network_of(address: str | None) -> str:
    """What one person may have of addresses: one of IPv4, 64 bits' worth of IPv6."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"  # behind a socket that has no addresses
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(found), 64), strict=False))
        found = found.ipv4_mapped
    return str(found)


def _newest(session: Session, most: int, *conditions: ColumnElement[bool]) -> Sequence[datetime]:
    """When the last *most* failures that count were, the newest first."""
    query = select(FailedAttempt.moment).where(FailedAttempt.moment > now() - WINDOW, *conditions)
    return session.scalars(query.order_by(FailedAttempt.moment.desc()).limit(most)).all()


def _end(failures: Sequence[datetime], most: int, window: timedelta) -> datetime | None:
    """When there are fewer than *most* of the newest *failures* left."""
    return failures[-1] + window if len(failures) == most else None


def _pair(account: str, network: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return FailedAttempt.account == _hash(account), FailedAttempt.address == network


def _is_known(session: Session, account: str, network: str) -> bool:
    name = account.strip().lower()
    if "\0" in name:
        return False  # nobody's name, and PostgreSQL can't be asked
    since = now() - KNOWN_FOR
    known = exists().where(
        KnownAddress.user_id == User.id,
        User.name == name,
        KnownAddress.address == network,
        KnownAddress.last_used > since,
    )
    return bool(session.scalar(select(known)))


def _hash(account: str) -> str:
    return hashlib.sha256(account.strip().lower().encode("utf-8", "replace")).hexdigest()
