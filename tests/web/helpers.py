"""What the tests of the web pages share."""

from typing import Any
from urllib.parse import urljoin

from sqlalchemy import select
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.models import Action, JournalEntry
from pypi_lite.repository import Index
from pypi_lite.repository.upload import Published, Submission, publish
from tests.conftest import PASSWORD

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def put(index: Index, file: tuple[str, bytes], identity: Identity = OPERATOR) -> Published:
    """Publish *file*, as the operator or as somebody else."""
    filename, content = file
    with index.blobs.receive() as incoming:
        incoming.write(content)
        return publish(
            index,
            Submission(
                identity=identity, filename=filename, incoming=incoming, digests=incoming.finish()
            ),
        )


def log_in(app: TestApp, name: str, password: str = PASSWORD) -> Any:
    """Log the test's browser in; the answer to the form."""
    form = form_for(app.get("/login/"), "/login/")
    form["name"], form["password"] = name, password
    return form.submit(status="*")


def newest_log_in(index: Index) -> str | None:
    """What the journal says of it: who, and what they have shown."""
    found = select(JournalEntry.note).where(JournalEntry.action == Action.SESSION_BEGIN)
    with index.database.read() as session:
        return session.scalars(found.order_by(JournalEntry.serial.desc())).first()


def addresses(page: Any) -> list[str]:
    """All addresses that a page's elements name."""
    elements = page.html.find_all(True)
    return [e[a] for e in elements for a in ("href", "src", "action") if e.has_attr(a)]


def below_index(page: Any, address: str) -> str:
    """Where *address* leads from *page*, as a path."""
    return urljoin(page.request.path, address)


def form_for(page: Any, action: str) -> Any:
    """The one form of *page* that goes to *action*."""
    (form,) = [f for f in page.forms.values() if below_index(page, f.action) == action]
    return form
