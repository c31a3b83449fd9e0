"""Pages, what makes them what they are, and which request asks for which."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

_SECOND = 10**9  # nanoseconds
# Moments are counted from 2020 on, so that their seconds are nanoseconds of a file's time until 2051.
_EPOCH = 1_577_836_800
# Leaves room for what temps and twins add to a name within 255 bytes.
_LONGEST = 210


@dataclass(frozen=True, slots=True)
class Page:
    """One representation of one URL. All that it answers with beside its bytes is decided here."""

    key: str
    #: Unique within the key, and fit for a file name.
    name: str
    content_type: str
    #: Request headers that choose among the representations of the URL.
    vary: str = "Accept-Encoding"
    #: Further response headers, the same for every request.
    headers: tuple[tuple[str, str], ...] = ()
    #: Whether it is published as a link to a file that never changes (`pypi_lite.cache.files`).
    is_link: bool = False
    #: Whether its content differs with what its reader may read.
    is_personal: bool = False
    #: Whether only some may read it, so that no cache between may keep it.
    is_private: bool = False


@lru_cache(maxsize=4096)
def for_circle(page: Page, circle: str) -> Page:
    """*page* as those see it who belong to *circle*: published under a name of its own, so that nobody
    else is served it, and the same page where the circle is everybody (``""``)."""
    assert not page.is_private, f"{page} is somebody's already"
    return replace(page, name=f"{circle}~{page.name}", is_private=True) if circle else page


@dataclass(frozen=True, slots=True)
class Facts:
    """The last change that a page shows: facts of the database, never of the clock."""

    serial: int
    changed: datetime

    @property
    def mtime_ns(self) -> int:
        """The modification time, in nanoseconds, that carries both.

        Its seconds are the serial, whose decimal digits are read as hexadecimal ones: a front server
        can tell the whole seconds of the file that it has open in hexadecimal only (nginx's ETag), and
        so it tells the serial, of which no two versions of a page have the same. Its nanoseconds are
        the moment, in seconds since 2020.
        """
        moment = int(self.changed.timestamp()) - _EPOCH
        return int(str(self.serial), 16) * _SECOND + min(max(moment, 0), _SECOND - 1)


def is_page_time(mtime_ns: int) -> bool:
    """Whether it is a page's modification time; others are of files that somebody has touched."""
    return f"{mtime_ns // _SECOND:x}".isdecimal()


def serial_of(mtime_ns: int) -> int:
    """The serial that a page's modification time carries. Raises ValueError, see `is_page_time`."""
    return int(f"{mtime_ns // _SECOND:x}")


def moment_of(mtime_ns: int) -> int:
    """When the last change was that the page shows, in seconds since 1970."""
    return _EPOCH + mtime_ns % _SECOND


@lru_cache(maxsize=4096)
def file_name(text: str) -> str:
    """*text* as a file name: itself, or where it would be too long a part of it and its digest.

    ``~`` occurs in no key and no page's own name, and after a circle's name (`for_circle`) it comes
    earlier: so a shortened name never meets another's own.
    """
    if len(text.encode()) <= _LONGEST:
        return text
    return f"{text[:60]}~{hashlib.sha256(text.encode()).hexdigest()}"


@lru_cache(maxsize=4096)
def key_path(key: str) -> str:
    """The relative path of *key*'s folder; each part shortened on its own."""
    return "/".join(file_name(part) for part in key.split("/"))


def with_keys_above(key: str) -> list[str]:
    """The keys whose sweep takes *key*'s pages: those above it, and it: ``a`` and ``a/b`` of ``a/b``."""
    parts = key.split("/")
    return ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]


PageRule = Callable[[Mapping[str, Any]], Page | None]


class PageRules:
    """Which request asks for which page: a list of functions, each for one prefix of the path."""

    def __init__(self) -> None:
        self._rules: list[tuple[str, PageRule]] = []

    def add(self, prefix: str, rule: PageRule) -> None:
        """Let *rule* decide for paths that begin with *prefix*; the longest prefix decides.

        A rule gets the request's WSGI environment and returns its page, or None: the URL is not a
        page's canonical one, or no representation of it is acceptable. It asks for nothing but
        ``PATH_INFO``, ``QUERY_STRING`` and ``HTTP_ACCEPT``.
        """
        self._rules.append((prefix, rule))
        self._rules.sort(key=lambda item: -len(item[0]))

    def page_of(self, environ: Mapping[str, Any]) -> Page | None:
        """The page that a request asks for, or None."""
        path = environ["PATH_INFO"]
        for prefix, rule in self._rules:
            if path.startswith(prefix):
                return rule(environ)
        return None


class Change(StrEnum):
    """How a row changed, for the functions that name its keys."""

    NEW = "new"
    MODIFIED = "modified"
    DELETED = "deleted"


KeyFunction = Callable[[Any, Change], Iterable[str]]


class KeyRegistry:
    """Which keys a change of which kind of row alters. The one place where the two sides meet."""

    def __init__(self) -> None:
        self._functions: dict[type, KeyFunction] = {}

    def register(self, model: type, function: KeyFunction) -> None:
        """Let *function* name the keys for rows of *model*; it gets the row and a `Change`."""
        self._functions[model] = function

    def keys_of(self, row: object, change: Change) -> frozenset[str]:
        """The keys that *change* of *row* alters.

        Raises TypeError for a kind of row that nobody registered, so that none is forgotten.
        """
        try:
            function = self._functions[type(row)]
        except KeyError:
            raise TypeError(f"no cache keys are registered for {type(row).__name__}") from None
        return frozenset(function(row, change))
