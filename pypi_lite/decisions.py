"""What is decided about the bearers of credentials: files of the cache, and a memory of them."""

import json
import os
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from pypi_lite.cache.pages import Facts, Page, is_page_time
from pypi_lite.cache.store import Cache
from pypi_lite.repository import keys
from pypi_lite.repository.reach import Reach

#: Decisions that are kept in memory; then all are forgotten.
_MOST = 4096
# What a page's time can hold (`cache.pages.Facts`): seconds from 2020 on, and a serial.
_SINCE, _SPAN, _SERIALS = 1_577_836_800, 10**9, 10**8


class Credentials(NamedTuple):
    """Something that stands for somebody, without what would let another use it."""

    #: The decision's name: a token's or session's hash, or ``user-`` and a number.
    name: str
    #: Of a password: which one of the account's it is (`people.password_identity`).
    password: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the bearer of some credentials may read, until *ends* (seconds since 1970)."""

    reach: Reach
    ends: float
    password: str = ""


class Known(NamedTuple):
    """A decision as it was found in its file, which has this inode and time."""

    path: str
    inode: int
    mtime_ns: int
    decision: Decision

    def stands(self) -> bool:
        """Whether it is decided so at this very moment. One look at the file."""
        try:
            stat = os.stat(self.path)
        except OSError:
            return False
        return stat.st_ino == self.inode and stat.st_mtime_ns == self.mtime_ns


class Decisions:
    """Those of an index: what is published, and what of it is remembered. Threads may share it."""

    def __init__(self, cache: Cache, *, is_open: bool) -> None:
        self._cache = cache
        self._is_open = is_open
        self._known: dict[str, Known] = {}

    def recall(self, credentials: Credentials) -> Known | None:
        """What was decided when somebody last looked: to be used if it still `stands` afterwards."""
        known = self._known.get(credentials.name) or self.look(credentials)
        if known is None or not _is_for(known.decision, credentials):
            return None
        return known

    def forget(self, credentials: Credentials) -> None:
        """Let the next `recall` look."""
        self._known.pop(credentials.name, None)

    def look(self, credentials: Credentials) -> Known | None:
        """What is decided now."""
        known = self._known.get(credentials.name)
        if known is None or not known.stands():
            known = self.read(credentials)
            if known is None:
                self.forget(credentials)
                return None
            if len(self._known) >= _MOST:
                self._known = {}
            self._known[credentials.name] = known
        return known if _is_for(known.decision, credentials) else None

    def read(self, credentials: Credentials) -> Known | None:
        """What is published, whoever it is for."""
        path = self._cache.path(page_of(credentials))
        try:
            with open(path, "rb") as file:
                stat = os.fstat(file.fileno())
                content = file.read()
        except OSError:
            return None
        if not is_page_time(stat.st_mtime_ns):
            return None  # somebody has touched it
        decision = _from_json(content, self._is_open)
        return Known(path, stat.st_ino, stat.st_mtime_ns, decision)


@lru_cache(maxsize=_MOST)
def page_of(credentials: Credentials) -> Page:
    """The page that the decision is."""
    return Page(key=keys.reader_key(credentials.name), name="reach.json", content_type="")


def any_facts() -> Facts:
    """A time for a decision's file, drawn by lot.

    By inode and time a decision in memory is known to be the one on disk. A page's time has the serial
    of a change, and no two versions have the same; a decision depends on rows that have none.
    """
    moment = datetime.fromtimestamp(_SINCE + secrets.randbelow(_SPAN), UTC)
    return Facts(secrets.randbelow(_SERIALS) + 1, moment)


def as_json(decision: Decision) -> bytes:
    """The page's content."""
    reach = decision.reach
    content = {
        "has_account": reach.has_account,
        "is_admin": reach.is_admin,
        "private": sorted(reach.private),
        "limited": None if reach.limited is None else sorted(reach.limited),
        "ends": decision.ends,
        "password": decision.password,
    }
    return json.dumps(content).encode()


def _from_json(content: bytes, is_open: bool) -> Decision:
    found = json.loads(content)
    limited = found["limited"]
    reach = Reach(
        is_open,
        has_account=found["has_account"],
        is_admin=found["is_admin"],
        private=frozenset(found["private"]),
        limited=None if limited is None else frozenset(limited),
    )
    return Decision(reach, found["ends"], found["password"])


def _is_for(decision: Decision, credentials: Credentials) -> bool:
    return decision.ends > time.time() and decision.password == credentials.password
