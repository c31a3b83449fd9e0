"""A session that ends with its request's transaction.

zope.sqlalchemy is for that. It also imports PostgreSQL's driver, whatever the database is (6 MiB and
20 ms of each process), and hangs seven listeners on each session, which a request has for one page.
"""

from typing import Any

from sqlalchemy.orm import Session


def join(session: Session, manager: Any) -> None:
    """Commit *session* when the transaction of *manager* commits; in the end, close it.

    *manager* is a transaction manager of the `transaction` package, whose transaction has begun. Of
    what raises in the commit nothing is left.
    """
    manager.get().join(_Resource(session, manager))


class _Resource:
    """The session as a resource (`transaction.interfaces.IDataManager`)."""

    def __init__(self, session: Session, manager: Any) -> None:
        self.transaction_manager = manager
        self._session = session

    def sortKey(self) -> str:  # noqa: N802  the interface's name
        """The last to vote, and so to commit: all others are ready then."""
        return "~sqlalchemy"

    def tpc_begin(self, _transaction: Any) -> None:
        self._session.flush()

    def commit(self, _transaction: Any) -> None:
        """Nothing yet; see `sortKey`."""

    def tpc_vote(self, _transaction: Any) -> None:
        self._session.commit()
        self._session.close()

    def tpc_finish(self, _transaction: Any) -> None:
        """Nothing any more: the vote has been the commit."""

    def tpc_abort(self, _transaction: Any) -> None:
        self._session.close()

    def abort(self, _transaction: Any) -> None:
        self._session.close()
