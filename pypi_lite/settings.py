"""Every setting in one typed place: its name, type, default, and what it is for.

A setting is read from an INI file (``pypi_lite.data = var``) or from its default; the command line's
``--data`` and ``--listen`` win over both. A relative folder is relative to the working directory,
which is why the INI files say ``%(here)s/...``.
"""

import importlib.util
import ipaddress
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_origin
from urllib.parse import urlsplit

PREFIX = "pypi_lite."
DATABASE_URL = "sqlalchemy.url"
URL = "pypi_lite.url"
DEFAULT_LISTEN = "127.0.0.1:6543"
#: Values of the setting ``attestations`` that are no path.
ATTESTATIONS_OFF, ATTESTATIONS_PUBLIC = "off", "public"
#: Values of the setting ``description_images`` that are no hosts.
ALLOW, BLOCK = "allow", "block"
_HOST = re.compile(r"(?:https?://)?(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::[0-9]{1,5})?\Z")


class SettingsError(ValueError):
    """A setting cannot be used; the text says which one and why."""


@dataclass(frozen=True)
class Settings:
    """The settings of one index."""

    #: Folder that holds everything the index keeps: database, blobs, cache, secrets.
    data: Path = field(default=Path("var"))
    #: SQLAlchemy's address of the database. Empty: SQLite in the data folder.
    database_url: str = ""
    #: Folder of the uploaded files. Empty: ``blobs`` in the data folder.
    blobs: Path = field(default=Path())
    #: Whether pages are kept on disk. Off, each request makes its page.
    cache: bool = True
    #: Folder of the pages. Empty: ``cache`` in the data folder. One host, one folder.
    cache_folder: Path = field(default=Path())
    #: Seconds that a request waits for a page that another request is making.
    cache_wait: float = 2.0
    #: Bytes of small pages that each worker keeps in memory; each use looks at the file first.
    cache_memory: int = 32 * 1024**2
    #: The index's name, on every page.
    title: str = "pypi_lite"
    #: The address under which people reach the index, for the commands that pages show.
    url: str = "http://127.0.0.1:6543/"
    #: Addresses or networks of reverse proxies in front, whose X-Forwarded-* headers are believed.
    trusted_proxy: tuple[str, ...] = ()
    #: Whether nginx in front sends the bytes of what it asks to send (``X-Accel-Redirect``).
    accel: bool = False
    #: The largest file that may be uploaded, in bytes.
    max_file_size: int = 1024**3
    #: A wheel that unpacks to at most so many bytes has each member compared with its digest in RECORD.
    record_hashed: int = 16 * 1024**2
    #: The most bytes that all files of one project may have. 0: no limit.
    max_project_size: int = 0
    #: Days after which a release takes no more files. 0: never.
    close_releases_after: float = 0
    #: Refuse a second source distribution of a release.
    refuse_second_sdists: bool = False
    #: Refuse local versions such as 1.0+ours.
    refuse_local_versions: bool = False
    #: Refuse dependencies that name a URL.
    refuse_direct_urls: bool = False
    #: Refuse wheels for platforms that PyPI does not take, such as linux_x86_64.
    refuse_other_platforms: bool = False
    #: Refuse filenames that are not normalized, and source distributions that are no .tar.gz.
    refuse_unusual_filenames: bool = False
    #: Refuse a new project whose name looks like that of another one: 1 and l and i, 0 and o, separators.
    refuse_similar_names: bool = False
    #: Refuse a new project that is called like a module of Python's standard library.
    refuse_standard_library_names: bool = False
    #: SPDX identifiers of the licences that are taken. Empty: all, and none at all too.
    allowed_licences: tuple[str, ...] = ()
    #: Classifiers that each file must have, such as "Private :: Do Not Upload".
    required_classifiers: tuple[str, ...] = ()
    #: Refuse classifiers that PyPI does not know; those that begin with "Private ::" are always taken.
    refuse_unknown_classifiers: bool = False
    #: Whether attestations are taken, and whom they are verified against (docs/attestations.md):
    #: ``off``, the path of a trust root's JSON file, or ``public``.
    attestations: str = ATTESTATIONS_OFF
    #: Which pictures descriptions show: ``allow`` all, ``block`` all, or those of these hosts.
    description_images: tuple[str, ...] = (ALLOW,)
    #: Seconds for which browsers are told to come over https only (HSTS). 0: they are not told.
    hsts: int = 0
    #: Whether starting the server brings the database's schema up to date.
    migrate: bool = True
    #: Reload changed templates and show more in the log; for work on pypi_lite itself.
    debug: bool = False

    def __post_init__(self) -> None:
        data = Path(os.path.abspath(self.data))
        unset = Path()
        replace = {
            "data": data,
            "database_url": self.database_url or f"sqlite:///{data / 'pypi_lite.sqlite'}",
            "blobs": data / "blobs" if self.blobs == unset else self.blobs,
            "cache_folder": data / "cache" if self.cache_folder == unset else self.cache_folder,
            "url": self.url.rstrip("/") + "/",
            "attestations": _trust(self.attestations),
        }
        _check_images(self.description_images)
        _check_proxies(self.trusted_proxy)
        for name, value in replace.items():
            object.__setattr__(self, name, value)

    @property
    def simple_url(self) -> str:
        """What an installer is pointed at."""
        return self.url + "simple/"

    @property
    def upload_url(self) -> str:
        """What an uploader is pointed at."""
        return self.url + "legacy/"

    @property
    def takes_attestations(self) -> bool:
        """Whether the attestations of an upload are looked at."""
        return self.attestations != ATTESTATIONS_OFF

    @property
    def provenance_url(self) -> str | None:
        """Where provenance is, for pages: None where the standard would not have it in them.

        The address has to be one of https (PEP 740, "Index changes"); so has one on this machine alone
        no need to be.
        """
        address = urlsplit(self.url)
        is_safe = address.scheme == "https" or _is_loopback(address.hostname or "")
        return self.url + "integrity/" if is_safe else None

    @property
    def image_sources(self) -> str:
        """From where descriptions may have pictures, as the Content-Security-Policy says it."""
        if self.description_images == (ALLOW,):
            return "https: data:"
        hosts = (host for host in self.description_images if host != BLOCK)
        return " ".join(host if "://" in host else f"https://{host}" for host in hosts)

    @property
    def hsts_value(self) -> str:
        """The value of Strict-Transport-Security. Empty: over http it means nothing (RFC 6797, 7.2)."""
        return f"max-age={self.hsts}" if self.hsts and self.url.startswith("https:") else ""

    @property
    def shaping_pages(self) -> tuple[str, ...]:
        """The settings that reach a page or its headers, for the cache's build fingerprint.

        The headers: a browser that has the page gets them with another tag only, and nginx, which has
        them from a file that it reads when it starts, passes on what is of a build that it has not.
        """
        return (self.title, self.url, self.image_sources, self.hsts_value)

    @classmethod
    def from_ini(cls, ini: Mapping[str, str], **overrides: Any) -> "Settings":
        """Settings from the strings of an INI section; *overrides* that are not None win.

        Raises SettingsError for a value of the wrong type and for an unknown ``pypi_lite.`` name.
        """
        values: dict[str, Any] = {}
        if ini.get(DATABASE_URL):
            values["database_url"] = ini[DATABASE_URL]
        types = {f.name: f.type for f in fields(cls)}
        for key, text in ini.items():
            if not key.startswith(PREFIX):
                continue
            name = key.removeprefix(PREFIX)
            if name not in types or name == "database_url":
                raise SettingsError(f"{key}: there is no such setting")
            values[name] = _convert(key, text, types[name])
        values.update((name, value) for name, value in overrides.items() if value is not None)
        return cls(**values)


def _trust(text: str) -> str:
    """The setting ``attestations``, its path absolute. Raises SettingsError where it can't work."""
    if text == ATTESTATIONS_OFF:
        return text
    if importlib.util.find_spec("pypi_attestations") is None:
        raise SettingsError("attestations: install pypi_lite[attestations] to have them verified")
    if text == ATTESTATIONS_PUBLIC:
        return text
    path = os.path.abspath(text)
    if not os.path.isfile(path):
        raise SettingsError(f"attestations: write off, public, or a trust root's path: no {path}")
    return path


def _check_images(values: tuple[str, ...]) -> None:
    """Raises SettingsError."""
    if values in ((ALLOW,), (BLOCK,)):
        return
    wrong = [value for value in values if not _HOST.match(value) or value in (ALLOW, BLOCK)]
    if wrong or not values:
        raise SettingsError(
            "description_images: write allow, block, or hosts such as images.example.com,"
            f" *.example.com, not {', '.join(wrong) or 'nothing'}"
        )


def _check_proxies(values: tuple[str, ...]) -> None:
    """Raises SettingsError."""
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError as error:
            raise SettingsError(f"trusted_proxy: {error}") from None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _convert(key: str, text: str, wanted: Any) -> Any:
    text = text.strip()
    if wanted is bool:
        if text.lower() in {"true", "yes", "on", "1"}:
            return True
        if text.lower() in {"false", "no", "off", "0"}:
            return False
        raise SettingsError(f"{key}: write true or false, not {text!r}")
    if get_origin(wanted) is tuple:
        return tuple(value.strip() for value in re.split("[,\n]", text) if value.strip())
    try:
        value = wanted(text)
    except ValueError:
        raise SettingsError(f"{key}: {text!r} is not a number") from None
    if wanted in (int, float) and not 0 <= value < math.inf:
        raise SettingsError(f"{key}: {text!r} is negative or endless")
    return value
