"""Who may be served which published page, found out without the database.

A decision, what the bearer of some credentials may read, is itself a page of the self-populating cache:
made at its first need, swept by the protocol with whatever it depends on (`repository.keys`). So a
revoked token is refused in the very next request, by every worker, and asking costs one look at a file
(`pypi_lite.decisions`).
What a page is published as says which circle it is for (`repository.reach`); a decision says which
circles somebody belongs to. Views decide all this for themselves: a request that finds no decision,
or one that says no, is theirs.
"""

import contextlib
import logging
import time
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.log_in import opens_alone
from pypi_lite.accounts.people import password_identity
from pypi_lite.accounts.sessions import session_identity
from pypi_lite.accounts.tokens import note_use, token_identity
from pypi_lite.cache.hits import EVERYBODY, NOBODY, Environ, Reader
from pypi_lite.cache.pages import Page, for_circle
from pypi_lite.cache.store import Cache
from pypi_lite.database import Database
from pypi_lite.decisions import (
    Credentials,
    Decision,
    Decisions,
    Known,
    any_facts,
    as_json,
    page_of,
)
from pypi_lite.repository import keys
from pypi_lite.repository.reach import Reach, reach_of
from pypi_lite.settings import Require, Settings
from pypi_lite.shown import Shown, has_credentials

log = logging.getLogger(__name__)

_PROJECT = keys.PROJECTS + "/"
#: Seconds that a decision holds at most: at each new one the token's last use is noted.
_SECONDS = 3600


class Bearer:
    """Who has sent a request with these credentials (`cache.hits.Reader`). None: they are nobody's yet,
    as far as is known here.

    What may be theirs is recalled from memory. Whether it still is so is asked when the page has been
    found: the other way round somebody might be shown what came after it was closed to them.
    """

    __slots__ = ("_credentials", "_decisions", "_is_open", "_known")

    def __init__(
        self, decisions: Decisions, credentials: Credentials | None, *, is_open: bool
    ) -> None:
        self._decisions = decisions
        self._credentials = credentials
        self._is_open = is_open
        self._known: Known | None = None

    def pages(self, page: Page) -> Iterable[Page]:
        """Those of the circles that they belong to."""
        if page.is_personal:
            reach = self._reach()
            return (for_circle(page, reach.list_circle),) if reach else ()
        return self._of_project(page)

    def _of_project(self, page: Page) -> Iterable[Page]:
        if self._is_open:
            yield page  # whoever it is
        reach = self._reach()
        if reach:
            for circle in reach.circles_for(page.key.removeprefix(_PROJECT)):
                if circle:
                    yield for_circle(page, circle)

    def _reach(self) -> Reach | None:
        self._known = self._credentials and self._decisions.recall(self._credentials)
        return self._known and self._known.decision.reach

    def stands(self) -> bool:
        """Whether they belong to these circles now."""
        assert self._known is not None
        assert self._credentials is not None
        if self._known.stands():
            return True
        self._decisions.forget(self._credentials)
        return False


class Reading:
    """Decisions, for the way of a hit (`reader`) and before a page is made (`settle`)."""

    def __init__(self, cache: Cache | None, database: Database, settings: Settings) -> None:
        self._cache = cache
        self._decisions = None if cache is None else Decisions(cache, is_open=settings.is_open)
        self._database = database
        self._settings = settings
        self._is_open = settings.is_open
        self._anybody = EVERYBODY if settings.is_open else NOBODY
        #: What requests show of who sent them.
        self.shown = Shown()

    def reader(self, environ: Environ) -> Reader:
        """Who sends a request."""
        if "HTTP_AUTHORIZATION" not in environ and "HTTP_COOKIE" not in environ:
            return self._anybody
        credentials = self.shown.credentials(environ)
        if self._decisions is None or (credentials is None and not has_credentials(environ)):
            return self._anybody
        return Bearer(self._decisions, credentials, is_open=self._is_open)

    def settle(self, environ: Environ) -> bool:
        """Make the decision that a request needs, if it is not there. False: without credentials there
        is nothing to read."""
        if not has_credentials(environ):
            return self._is_open
        credentials = self.shown.credentials(environ)
        if self._cache and self._decisions and credentials:
            try:
                if self._decisions.look(credentials) is None:
                    self._decide(self._cache, credentials)
            except Exception:
                log.exception("a decision can't be kept: the views decide alone")
        return True

    def is_wrong(self, name: str) -> bool:
        """Whether the decision of that name (`Credentials`) says another thing than the rows do."""
        if self._decisions is None:
            return False
        before = self._decisions.read(Credentials(name))
        if before is None:
            return False
        decision = before.decision
        found = self._look_up(Credentials(name, decision.password))
        if not before.stands() or decision.ends <= time.time():
            return False
        return found is None or found[0].reach != decision.reach

    def _decide(self, cache: Cache, credentials: Credentials) -> None:
        """Publish a decision, as the tween does a page. Raises OSError."""
        generation = cache.begin(page_of(credentials))
        if generation is None:
            return  # another is at it
        with contextlib.closing(generation):
            if not cache.holds.recover(keys.reader_key(credentials.name)) or generation.is_swept():
                return
            found = self._look_up(credentials)
            if found is not None:
                generation.publish(as_json(found[0]), any_facts())
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
