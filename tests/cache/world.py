"""The smallest index there can be: one row, one page that shows its version, the real cache."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyramid.response import Response
from sqlalchemy import event, select

from pypi_lite.application import Request
from pypi_lite.cache.files import Files
from pypi_lite.cache.hits import Hits
from pypi_lite.cache.opening import open_cache
from pypi_lite.cache.pages import Facts, KeyRegistry, Page, PageRules
from pypi_lite.cache.store import Cache
from pypi_lite.cache.tween import CacheTween
from pypi_lite.database import Database
from pypi_lite.models import Project, now
from pypi_lite.models.base import Base
from pypi_lite.repository import keys

NAME = "sample"
PAGE = Page(key=keys.project_key(NAME), name="page.txt", content_type="text/plain")


class World:
    """A database with one project, whose serial is the version that the page shows."""

    def __init__(
        self,
        folder: Path,
        url: str,
        wait: float = 0.0,
        memory: int = 0,
        written: str | None = None,
    ) -> None:
        """*written* is the key that a change of the row alters, where it is not the page's own."""
        self.folder = folder
        self.database = Database(url)
        self.cache = Cache(str(folder), "build", is_over=self.database.is_over)
        registry = KeyRegistry()
        keys.register(registry)
        if written is not None:
            registry.register(Project, lambda _row, _change: [written])
        self.database.attach(self.cache, registry)
        rules = PageRules()
        rules.add("/page", lambda _request: PAGE)
        self.hits = Hits(self.cache, rules, "build", memory, Files(""))
        self.tween = CacheTween(self._handler, self.cache, self.hits, "build", wait)
        #: Called by the handler before its snapshot, and by writers on both sides of a commit.
        self.step: Callable[[], None] = lambda: None
        session_class = self.database.writer.class_
        event.listen(session_class, "before_commit", lambda _session: self.step())
        event.listen(session_class, "after_commit", lambda _session: self.step(), insert=True)

    def create(self) -> None:
        """Make the row."""
        with self.database.begin_schema_change() as connection:
            Base.metadata.create_all(connection)
        with self.database.write() as session:
            moment = now()
            session.add(
                Project(
                    name=NAME, normalized_name=NAME, created=moment, changed=moment, last_serial=1
                )
            )

    def write(self, commit: bool = True) -> None:
        """Change the row: its next version. With *commit* False the transaction is rolled back."""
        with self.database.writer() as session:
            project = session.scalars(select(Project)).one()
            project.last_serial += 1
            project.changed = now()
            if commit:
                session.commit()
            else:
                session.flush()
                session.rollback()

    def get(self, path: str = "/page", **environ: Any) -> Response:
        """What a reader gets."""
        return self.tween(Request.blank(path, environ=environ))

    def version(self) -> int:
        """The committed version."""
        with self.database.read() as session:
            return session.scalars(select(Project.last_serial)).one()

    def published(self) -> int | None:
        """The version that a published page shows, if there is one. A page in pieces is an error."""
        try:
            text = (self.folder / "pages" / PAGE.key / "build" / PAGE.name).read_text()
        except FileNotFoundError:
            return None
        whole = text.startswith("version ") and text.endswith(" end")
        assert whole, f"in pieces: {text!r}"
        return int(text.split()[1])

    def check(self) -> None:
        """The invariants *whole* and *current*, at this moment."""
        before = self.version()
        shown = self.published()
        assert shown is None or shown >= before, f"the page shows {shown}, committed is {before}"

    def litter(self) -> list[str]:
        """What is left in the cache that is no published page and its folders."""
        left = [p for p in self.folder.rglob("*") if p.is_file()]
        return [
            str(p.relative_to(self.folder)) for p in left if PAGE.name != p.name.removesuffix(".gz")
        ]

    def _handler(self, request: Any) -> Response:
        self.step()
        with self.database.read() as session:
            project = session.scalars(select(Project)).one()
            request.page_facts = Facts(serial=project.last_serial, changed=project.changed)
            version = project.last_serial
        self.step()
        return Response(f"version {version} end", content_type="text/plain")


def publish_in(folder: Path) -> None:
    """Open the cache in *folder* as a process does, and publish a page there."""
    cache = open_cache(folder, "build", is_over=bool)
    assert cache is not None
    generation = cache.begin(PAGE)
    assert generation is not None
    assert generation.publish(b"body", Facts(serial=1, changed=now()))
    generation.close()


def in_thread(function: Callable[[], object]) -> threading.Thread:
    """*function*, running in a thread."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread
