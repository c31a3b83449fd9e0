"""Feeds of what is new (RSS 2.0): releases of the index, its projects, releases of one project.

They are pages of the cache: whoever polls one gets a 304 from a look at a file.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape
from typing import Any
from xml.etree import ElementTree as ET

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.addresses import Addresses
from pypi_lite.cache.pages import Page
from pypi_lite.headers import CLOSED_HEADERS
from pypi_lite.repository import feeds, keys, pages
from pypi_lite.repository.pages import NewRelease

_PREFIX = "/rss/"
_UPDATES, _PACKAGES = "/rss/updates.xml", "/rss/packages.xml"
_RELEASES = Addresses("/rss/project/", "releases.xml")
_MOST = 40
_CONTENT_TYPE = "application/rss+xml"
_HEADERS = (*CLOSED_HEADERS, ("Access-Control-Allow-Origin", "*"))
_ATOM = "http://www.w3.org/2005/Atom"
# What XML 1.0 has no way to write ("Char", section 2.2): metadata may hold any of it.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

ET.register_namespace("atom", _ATOM)


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of news. *path* is below the index, the same for ever, and so its identity."""

    title: str
    path: str
    description: str | None
    moment: datetime


def includeme(config: Any) -> None:
    """Add the routes and the pages."""
    get = {"request_method": ("GET", "HEAD")}
    config.add_route("api.rss.updates", _UPDATES, **get)
    config.add_route("api.rss.packages", _PACKAGES, **get)
    config.add_route("api.rss.releases", "/rss/project/{name}/releases.xml", **get)
    config.add_page_rule(_PREFIX, page_of)
    config.scan(__name__)


def page_of(environ: Mapping[str, Any]) -> Page | None:
    """The page of a canonical URL below ``/rss/``."""
    path = environ["PATH_INFO"]
    if path in (_UPDATES, _PACKAGES):
        return _page(keys.HOME, f"rss.{path.removeprefix(_PREFIX)}")
    named = _RELEASES.canonical(path)
    if named is None or named[1] is not None:
        return None
    return _page(keys.project_key(named[0]), "rss.releases.xml")


def _page(key: str, name: str) -> Page:
    return Page(
        key=key,
        name=name,
        content_type=_CONTENT_TYPE,
        headers=_HEADERS,
        is_personal=key == keys.HOME,
    )


@view_config(route_name="api.rss.updates", permission=Permission.READ)
def updates(request: Any) -> Response:
    """The newest releases of the index."""
    facts, releases = pages.newest_releases(request.reader, request.reach, _MOST)
    request.offer_list(facts)
    return _feed(request, "newest releases", "", "updates.xml", map(_release, releases))


@view_config(route_name="api.rss.packages", permission=Permission.READ)
def packages(request: Any) -> Response:
    """The newest projects of the index."""
    facts, projects = feeds.newest_projects(request.reader, request.reach, _MOST)
    request.offer_list(facts)
    items = (Item(p.name, f"project/{p.normalized_name}/", p.summary, p.created) for p in projects)
    return _feed(request, "newest projects", "", "packages.xml", items)


@view_config(route_name="api.rss.releases", permission=Permission.READ)
def releases(request: Any) -> Response:
    """The newest releases of one project."""
    project, _, _ = _RELEASES.look_up(request)
    request.offer_project(project)
    path = f"project/{project.normalized_name}/"
    items = map(_release, feeds.newest_releases_of(request.reader, project, _MOST))
    return _feed(request, f"releases of {project.name}", path, f"{path}releases.xml", items)


def _release(release: NewRelease) -> Item:
    return Item(
        f"{release.name} {release.version}",
        f"project/{release.normalized_name}/{release.version}/",
        release.summary,
        release.created,
    )


def _feed(request: Any, title: str, path: str, own: str, items: Iterable[Item]) -> Response:
    """The feed of *items*; *path* below the index is the page that it is about, *own* below
    ``/rss/`` its own. Addresses are absolute, as RSS wants them."""
    settings, facts = request.index.settings, request.page_facts
    rss = ET.Element("rss", version="2.0")
    channel = ET.SubElement(rss, "channel")
    _add(channel, "title", f"{settings.title}: {title}")
    _add(channel, "link", settings.url + path)
    _add(channel, "description", f"The {title} on {settings.title}.")
    _add(channel, "lastBuildDate", _date(facts.changed))
    address = f"{settings.url}rss/{own}"
    ET.SubElement(channel, f"{{{_ATOM}}}link", href=address, rel="self", type=_CONTENT_TYPE)
    for item in items:
        element = ET.SubElement(channel, "item")
        _add(element, "title", item.title)
        _add(element, "link", settings.url + item.path)
        _add(element, "guid", settings.url + item.path)
        if item.description:
            # Readers take it for HTML, which a summary is not.
            _add(element, "description", escape(item.description))
        _add(element, "pubDate", _date(item.moment))
    return Response(ET.tostring(rss, encoding="UTF-8", xml_declaration=True))


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _NO_XML.sub("", text)


def _date(moment: datetime) -> str:
    """RFC 822, with a year of four digits."""
    return format_datetime(moment, usegmt=True)
