"""Changes by processes of their own, which may die at any moment: ``python -m tests.faults.child INI``
(and ``--delays``).

Reads orders from stdin, one JSON object a line, and forks for each a process that opens the index,
makes the change and says on stdout what came of it; a serial only after the commit. What forks has
no connection and no thread, so that a dead writer costs no new interpreter.

An order: ``change`` (a function of `pypi_lite.repository.changes` or `.roles`), ``arguments``,
``roll_back``, and ``pause``: seconds to wait right before the COMMIT and right after it, before the
cache knows of it.
"""

import json
import os
import sys
import time
from typing import Any

from pyramid.paster import get_appsettings
from sqlalchemy import event
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.opening import open_index
from pypi_lite.repository import Index, changes, roles
from pypi_lite.repository.errors import Refusal
from pypi_lite.settings import Settings
from tests.faults import broken


class RolledBackOnPurpose(Exception):
    """Raised after a change, so that it is not committed."""


def main(ini: str, *options: str) -> None:
    """Fork for each order, until stdin ends."""
    broken.apply(with_delays="--delays" in options)
    settings = Settings.from_ini(get_appsettings(ini))
    _say(ready=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _obey(settings, json.loads(line))
        _, status = os.waitpid(pid, 0)
        _say(ended=status)


def _obey(settings: Settings, order: dict[str, Any]) -> None:
    _say(pid=os.getpid())
    try:
        index = open_index(settings).index
    except OSError as error:  # the cache's folder is full, read-only, or just being replaced
        _say(refused=str(error))
        os._exit(0)
    try:
        _say(**_change(index, order))
    except BaseException as error:
        _say(error=repr(error)[:300])
    os._exit(0)


def _change(index: Index, order: dict[str, Any]) -> dict[str, Any]:
    """What came of it. Raises what says that the outcome is unknown."""
    before, after = order["pause"]
    writer = index.database.writer.class_
    # After the cache's own listener before the commit, and before its own after it.
    event.listen(writer, "before_commit", lambda _session: time.sleep(before))
    event.listen(writer, "after_commit", lambda _session: time.sleep(after), insert=True)
    module = roles if order["change"] in ("grant", "revoke") else changes
    change = getattr(module, order["change"])
    try:
        with index.database.write() as session:
            serial = change(session, OPERATOR, *order["arguments"])
            _finish(session, order["roll_back"])
    except RolledBackOnPurpose:
        return {"rolled_back": True}
    except (Refusal, ChangeRefused) as error:
        return {"refused": str(error)}
    return {"serial": serial}


def _finish(session: Session, roll_back: bool) -> None:
    if roll_back:
        session.flush()
        raise RolledBackOnPurpose


def _say(**what: Any) -> None:
    # In one write, and at once: the next thing that happens may be the end.
    os.write(1, (json.dumps(what) + "\n").encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
