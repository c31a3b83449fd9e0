"""What every request finds: the index, its sessions, and the tween of the cache."""

import os
from typing import Any

import pyramid.request
import pyramid_tm
import zope.sqlalchemy
from pyramid.decorator import reify
from pyramid.tweens import EXCVIEW
from sqlalchemy.orm import Session

from pypi_lite.cache.files import Files
from pypi_lite.cache.hits import Hits
from pypi_lite.cache.opening import tell_front
from pypi_lite.cache.pages import Facts, Page, PageRules, for_circle
from pypi_lite.opening import open_index
from pypi_lite.reading import Reading
from pypi_lite.repository import Index
from pypi_lite.repository.pages import ProjectEntry, StoredFile
from pypi_lite.repository.reach import Reach, reach_of
from pypi_lite.security import check_again


class Request(pyramid.request.Request):  # type: ignore[misc] # Pyramid has no types
    """A request, with what `Configurator.add_request_method` would have to add to each one anew."""

    #: What the cache's tween and the views tell each other: the page that is wanted, and, of the
    #: answer that is this page, the last change that it shows.
    page: Page | None = None
    page_facts: Facts | None = None
    #: Of a page that is a link: the file that it leads to.
    page_link: str | None = None

    @reify
    def tm(self) -> Any:
        """The request's transaction manager."""
        return pyramid_tm.create_tm(self)

    @reify
    def index(self) -> Index:
        """The index."""
        index: Index = self.registry["pypi_lite.index"]
        return index

    @reify
    def reader(self) -> Session:
        """The request's one snapshot; nothing can be written through it."""
        return self._joined(self.index.database.reader())

    @reify
    def reach(self) -> Reach:
        """What whoever asks may read."""
        is_open = self.index.settings.is_open
        return reach_of(self.reader, self.identity, is_open=is_open)

    def offer_project(self, project: ProjectEntry, facts: Facts | None = None) -> None:
        """Let the answer be the page, of *project*, with the last change that it shows, where that is
        another one than the project's own."""
        self._offer(self.reach.circle_of(project.visibility))
        self.page_facts = facts or project.facts

    def offer_list(self, facts: Facts) -> None:
        """Let the answer be the page, a list of what may be read, with the last change that it shows."""
        self._offer(self.reach.list_circle)
        self.page_facts = facts

    def offer_file(self, file: StoredFile, path: str) -> None:
        """Let the answer be the page, a link to the bytes of *file* at *path*."""
        self._offer(self.reach.circle_of(file.visibility))
        self.page_link = path

    def _offer(self, circle: str) -> None:
        if self.page is not None:
            self.page = for_circle(self.page, circle)

    @reify
    def writer(self) -> Session:
        """A session that is committed when a person's request has gone well. Nobody else writes
        meanwhile. Raises HTTPForbidden: they have lost what let them in."""
        session = self._joined(self.index.database.writer())
        check_again(self, session)
        return session

    def _joined(self, session: Session) -> Session:
        zope.sqlalchemy.register(session, transaction_manager=self.tm)
        return session


def includeme(config: Any) -> None:
    """Open the index, and hang it into the application."""
    settings = config.registry["pypi_lite.settings"]
    opened = open_index(settings)
    if opened.cache is not None:
        tell_front(
            settings.cache_folder,
            opened.build,
            images=settings.image_sources,
            hsts=settings.hsts_value,
        )
    config.registry["pypi_lite.index"] = opened.index
    config.registry["pypi_lite.cache"] = opened.cache
    config.registry["pypi_lite.build"] = opened.build
    reading = Reading(opened.cache, opened.index.database, settings)
    config.registry["pypi_lite.reading"] = reading
    config.registry["pypi_lite.notifier"] = opened.notifier
    rules = config.registry["pypi_lite.page_rules"] = PageRules()
    config.registry["pypi_lite.hits"] = Hits(
        opened.cache,
        rules,
        opened.build,
        settings.cache_memory,
        Files(os.path.abspath(settings.blobs), accel=settings.accel),
        reading.reader,
        accel=settings.accel,
    )
    config.add_directive("add_page_rule", _add_page_rule)
    config.set_request_factory(Request)
    # Not config.include("pyramid_tm"): its request method would make a class for each request.
    config.add_tween("pyramid_tm.tm_tween_factory", over=EXCVIEW)
    # Outside the transaction: the temp is there, and no hold, before the snapshot is taken.
    config.add_tween("pypi_lite.cache.tween.factory", over="pyramid_tm.tm_tween_factory")


def send_what_waits(application: Any) -> None:
    """Send the mail that *application* has written; for a process that ends."""
    notifier = application.registry["pypi_lite.notifier"]
    if notifier is not None:
        notifier.post.close()


def _add_page_rule(config: Any, prefix: str, rule: Any) -> None:
    config.registry["pypi_lite.page_rules"].add(prefix, rule)
