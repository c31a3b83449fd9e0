"""What every request finds: the index, its sessions, and the tween of the cache."""

from typing import Any

import zope.sqlalchemy
from sqlalchemy.orm import Session

from pypi_lite.cache.pages import PageRules
from pypi_lite.opening import open_index
from pypi_lite.repository import Index


def includeme(config: Any) -> None:
    """Open the index, and hang it into the application."""
    opened = open_index(config.registry["pypi_lite.settings"])
    config.registry["pypi_lite.index"] = opened.index
    config.registry["pypi_lite.cache"] = opened.cache
    config.registry["pypi_lite.build"] = opened.build
    config.registry["pypi_lite.page_rules"] = PageRules()
    config.add_request_method(_index, "index", reify=True)
    config.add_request_method(_reader, "reader", reify=True)
    config.add_request_method(_writer, "writer", reify=True)
    config.add_directive("add_page_rule", _add_page_rule)
    # Outside the transaction: the temp is there, and no hold, before the snapshot is taken.
    config.add_tween("pypi_lite.cache.tween.factory", over="pyramid_tm.tm_tween_factory")


def _index(request: Any) -> Index:
    index: Index = request.registry["pypi_lite.index"]
    return index


def _reader(request: Any) -> Session:
    """The request's one snapshot; nothing can be written through it."""
    session = request.index.database.reader()
    zope.sqlalchemy.register(session, transaction_manager=request.tm)
    return session  # type: ignore[no-any-return]


def _writer(request: Any) -> Session:
    """A session that is committed when the request has gone well. Nobody else writes meanwhile."""
    session = request.index.database.writer()
    zope.sqlalchemy.register(session, transaction_manager=request.tm)
    return session  # type: ignore[no-any-return]


def _add_page_rule(config: Any, prefix: str, rule: Any) -> None:
    config.registry["pypi_lite.page_rules"].add(prefix, rule)
