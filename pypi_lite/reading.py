"""Who may be served which published page, found out without the database.

A decision, what the bearer of some credentials may read, is itself a page of the self-populating cache:
made at its first need, swept by the protocol with whatever it depends on (`repository.keys`). So a
revoked token is refused in the very next request, by every worker, and asking costs one look at a file.
What a page is published as says which circle it is for (`repository.reach`); a decision says which
circles somebody belongs to. Views decide all this for themselves: a request that finds no decision,
or one that says no, is theirs.
"""

import contextlib
import hmac
import json
import logging
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from pypi_lite.accounts.credentials import secret_of
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.log_in import opens_alone
from pypi_lite.accounts.people import password_identity
from pypi_lite.accounts.sessions import cookie_hash, session_identity
from pypi_lite.accounts.tokens import (
    is_token,
    is_wellformed,
    note_use,
    token_hash,
    token_identity,
)
from pypi_lite.cache.pages import Facts, Page, for_circle, is_page_time
from pypi_lite.cache.store import Cache
from pypi_lite.database import Database
from pypi_lite.repository import keys
from pypi_lite.repository.reach import Reach, reach_of
from pypi_lite.settings import Require, Settings

log = logging.getLogger(__name__)

Environ = Mapping[str, Any]

_PROJECT = keys.PROJECTS + "/"
#: Seconds that a decision holds at most: at each new one the token's last use is noted.
_SECONDS = 3600
#: Decisions, and passwords, that are kept in memory; then all are forgotten.
_MOST = 4096
# What a page's time can hold (`cache.pages.Facts`): seconds from 2020 on, and a serial.
_SINCE, _SPAN, _SERIALS = 1_577_836_800, 10**9, 10**8


@dataclass(frozen=True, slots=True)
class Credentials:
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


class Reading:
    """Decisions, for the way of a hit (`readable`) and before a page is made (`settle`)."""

    def __init__(self, cache: Cache | None, database: Database, settings: Settings) -> None:
        self._cache = cache
        self._database = database
        self._settings = settings
        self._is_open = settings.is_open
        #: By path: inode and time of the file, and what it says.
        self._decisions: dict[str, tuple[int, int, Decision]] = {}
        #: By a digest that means nothing outside of this process: what a name and password stand for.
        self._passwords: dict[bytes, Credentials] = {}
        self._key = secrets.token_bytes(32)

    def readable(self, environ: Environ, page: Page) -> Iterable[Page]:
        """The pages that may answer a request for *page* (`cache.hits.Readable`)."""
        if "HTTP_AUTHORIZATION" not in environ and "HTTP_COOKIE" not in environ:
            return (page,) if self._is_open else ()
        credentials = self._credentials(environ)
        if credentials is None and not has_credentials(environ):
            return (page,) if self._is_open else ()
        if page.is_personal:
            decision = credentials and self._decision(credentials)
            return (for_circle(page, decision.reach.list_circle),) if decision else ()
        return self._of_project(credentials, page)

    def _of_project(self, credentials: Credentials | None, page: Page) -> Iterable[Page]:
        if self._is_open:
            yield page  # whoever it is
        decision = credentials and self._decision(credentials)
        if decision:
            for circle in decision.reach.circles_for(page.key.removeprefix(_PROJECT)):
                if circle:
                    yield for_circle(page, circle)

    def settle(self, environ: Environ) -> bool:
        """Make the decision that a request needs, if it is not there. False: without credentials there
        is nothing to read."""
        if not has_credentials(environ):
            return self._is_open
        credentials = self._credentials(environ)
        if self._cache and credentials and self._decision(credentials) is None:
            try:
                self._decide(self._cache, credentials)
            except Exception:
                log.exception("a decision can't be kept: the views decide alone")
        return True

    def remember(self, user_name: str, password: str, identity: Identity) -> None:
        """Know this name and password again, which have just been found to be *identity*'s."""
        if len(self._passwords) >= _MOST:
            self._passwords = {}
        credentials = Credentials(f"user-{identity.user_id}", identity.password)
        self._passwords[self._digest(user_name, password)] = credentials

    def is_wrong(self, name: str) -> bool:
        """Whether the decision of that name (`Credentials`) says another thing than the rows do."""
        if self._cache is None:
            return False
        path = self._cache.path(_page(Credentials(name)))
        before = self._read(path)
        if before is None:
            return False
        decision = before[2]
        found = self._look_up(Credentials(name, decision.password))
        if self._read(path) != before or decision.ends <= time.time():
            return False
        return found is None or found[0].reach != decision.reach

    def _credentials(self, environ: Environ) -> Credentials | None:
        authorization = environ.get("HTTP_AUTHORIZATION")
        if authorization is None:
            name = cookie_hash(environ)
            return Credentials(name) if name else None
        found = secret_of(authorization)
        if found is None:
            return None
        user_name, secret = found
        if is_token(user_name, secret):
            return Credentials(token_hash(secret)) if is_wellformed(secret) else None
        return self._passwords.get(self._digest(user_name, secret))

    def _digest(self, user_name: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{user_name}\0{password}".encode(), "sha256")

    def _decision(self, credentials: Credentials) -> Decision | None:
        if self._cache is None:
            return None
        path = self._cache.path(_page(credentials))
        try:
            stat = os.stat(path)
        except OSError:
            return None
        known = self._decisions.get(path)
        if known is None or known[:2] != (stat.st_ino, stat.st_mtime_ns):
            known = self._read(path)
            if known is None:
                return None
        decision = known[2]
        if decision.ends <= time.time() or decision.password != credentials.password:
            return None
        return decision

    def _read(self, path: str) -> tuple[int, int, Decision] | None:
        try:
            with open(path, "rb") as file:
                stat = os.fstat(file.fileno())
                content = file.read()
        except OSError:
            return None
        if not is_page_time(stat.st_mtime_ns):
            return None  # somebody has touched it
        if len(self._decisions) >= _MOST:
            self._decisions = {}
        known = stat.st_ino, stat.st_mtime_ns, _from_json(content, self._is_open)
        self._decisions[path] = known
        return known

    def _decide(self, cache: Cache, credentials: Credentials) -> None:
        """Publish a decision, as the tween does a page. Raises OSError."""
        generation = cache.begin(_page(credentials))
        if generation is None:
            return  # another is at it
        with contextlib.closing(generation):
            if not cache.holds.recover(keys.reader_key(credentials.name)) or generation.is_swept():
                return
            found = self._look_up(credentials)
            if found is not None:
                generation.publish(_as_json(found[0]), _any_facts())
        if found is not None and found[1] is not None:
            note_use(self._database, found[1])

    def _look_up(self, credentials: Credentials) -> tuple[Decision, int | None] | None:
        """The decision as it is now, and the number of the token, if the credentials are one. None:
        they are nobody's."""
        with self._database.read() as session:
            found = _identity(session, credentials, self._settings.require_second_factor)
            if found is None:
                return None
            identity, ends = found
            reach = reach_of(session, identity, is_open=self._is_open)
        latest = time.time() + _SECONDS
        end = min(latest, ends.timestamp()) if ends else latest
        return Decision(reach, end, identity.password), identity.token_id


def _any_facts() -> Facts:
    """A time for a decision's file, drawn by lot.

    By inode and time a decision in memory is known to be the one on disk. A page's time has the serial
    of a change, and no two versions have the same; a decision depends on rows that have none.
    """
    moment = datetime.fromtimestamp(_SINCE + secrets.randbelow(_SPAN), UTC)
    return Facts(secrets.randbelow(_SERIALS) + 1, moment)


def has_credentials(environ: Environ) -> bool:
    """Whether a request shows what may be somebody's."""
    authorization = environ.get("HTTP_AUTHORIZATION")
    if authorization is None:
        return cookie_hash(environ) is not None
    found = secret_of(authorization)
    return found is not None and (not is_token(*found) or is_wellformed(found[1]))


@lru_cache(maxsize=_MOST)
def _page(credentials: Credentials) -> Page:
    return Page(key=keys.reader_key(credentials.name), name="reach.json", content_type="")


_Found = tuple[Identity, datetime | None] | None


def _identity(session: Session, credentials: Credentials, require: Require) -> _Found:
    """Who they are, and when that ends."""
    if not credentials.password:
        name = credentials.name
        return token_identity(session, name) or session_identity(session, name, require)
    identity = password_identity(session, int(credentials.name.removeprefix("user-")))
    if identity is None or not opens_alone(session, identity, require):
        return None
    return identity, None


def _as_json(decision: Decision) -> bytes:
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
