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
from pypi_lite.cache.pages import Facts, Page, PageRules
from pypi_lite.opening import open_index
from pypi_lite.repository import Index


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
    def writer(self) -> Session:
        """A session that is committed when the request has gone well. Nobody else writes meanwhile."""
        return self._joined(self.index.database.writer())

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
    rules = config.registry["pypi_lite.page_rules"] = PageRules()
    config.registry["pypi_lite.hits"] = Hits(
        opened.cache,
        rules,
        opened.build,
        settings.cache_memory,
        Files(os.path.abspath(settings.blobs), accel=settings.accel),
        accel=settings.accel,
    )
    config.add_directive("add_page_rule", _add_page_rule)
    config.set_request_factory(Request)
    # Not config.include("pyramid_tm"): its request method would make a class for each request.
    config.add_tween("pyramid_tm.tm_tween_factory", over=EXCVIEW)
    # Outside the transaction: the temp is there, and no hold, before the snapshot is taken.
    config.add_tween("pypi_lite.cache.tween.factory", over="pyramid_tm.tm_tween_factory")


def _add_page_rule(config: Any, prefix: str, rule: Any) -> None:
    config.registry["pypi_lite.page_rules"].add(prefix, rule)
