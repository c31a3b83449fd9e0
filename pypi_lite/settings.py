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
from enum import StrEnum
from pathlib import Path
from typing import Any, get_origin
from urllib.parse import urlsplit

from pypi_lite.issuers import PUBLIC, TrustedIssuer, parse_issuers
from pypi_lite.mailboxes import is_mailbox
from pypi_lite.urls import is_loopback, safe_url

PREFIX = "pypi_lite."
DATABASE_URL = "sqlalchemy.url"
URL = "pypi_lite.url"
DEFAULT_LISTEN = "127.0.0.1:6543"
#: Values of the setting ``reading``.
READING_OPEN, READING_ACCOUNTS = "open", "accounts"
#: Characters of the longest address of an issuer.
LONGEST_ISSUER = 255
#: Values of the setting ``attestations`` that are no path.
ATTESTATIONS_OFF, ATTESTATIONS_PUBLIC = "off", "public"
#: Values of the setting ``description_images`` that are no hosts.
ALLOW, BLOCK = "allow", "block"
_HOST = re.compile(r"(?:https?://)?(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::[0-9]{1,5})?\Z")

#: Values of the setting ``smtp_tls``, and the port that goes with each.
SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LAST_PORT = 65535
_MAIL_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?\Z", re.ASCII | re.IGNORECASE)

#: What argon2 takes (RFC 9106, 3.1): passes over the memory and KiB of it, and lanes.
_MOST_ARGON2, _MOST_LANES = 2**32 - 1, 2**24 - 1
#: Hours of the longest session: ten years.
_LONGEST_SESSION = 87600


class Require(StrEnum):
    """Values of the setting ``require_second_factor``."""

    OFF = "off"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"


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
    #: Who may read without an account: ``open``: everybody what is public; ``accounts``: nobody anything.
    #: Empty: open where it listens, and its ``url`` is, on this machine alone.
    reading: str = ""
    #: Who may read a new project: public, internal or private.
    visibility: str = "public"
    #: Where reading is open: whether somebody without credentials is asked for them where there is
    #: nothing, too, so that names of hidden projects can't be guessed. uv stops at an index that asks.
    challenge_unknown: bool = False
    #: Whether nginx in front sends the bytes of what it asks to send (``X-Accel-Redirect``).
    accel: bool = False
    #: Hours after which somebody who is logged in has to log in again.
    session_hours: float = 12.0
    #: What the hash of a password costs (argon2): passes over the memory,
    argon2_time: int = 3
    #: KiB of memory,
    argon2_memory: int = 65536
    #: and lanes. Where a setting was changed, a hash is made anew at the next log-in.
    argon2_parallelism: int = 4
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
    #: Who must have a second factor, or gets no session: ``off``, ``administrators``, ``everybody``. It is
    #: asked for beside a password, not after single sign-on.
    require_second_factor: Require = Require.OFF
    #: Whether anybody may make an account. With mail, their address is confirmed first.
    registration: bool = False
    #: The host that takes mail to send (docs/people.md). Empty: no mail is sent.
    smtp_host: str = ""
    #: Its port. 0: the usual one for ``smtp_tls``.
    smtp_port: int = 0
    #: The name to log in there with. Empty: without.
    smtp_user: str = ""
    #: The password for it.
    smtp_password: str = field(default="", repr=False)
    #: The file that holds it instead.
    smtp_password_file: Path = field(default=Path())
    #: How the connection is encrypted: ``starttls``, ``tls`` from its beginning, or ``none``.
    smtp_tls: str = "starttls"
    #: The address that mail comes from.
    mail_from: str = ""
    #: The issuer of single sign-on, exactly as its tokens write it (docs/single-sign-on.md). Empty: none.
    oidc_issuer: str = ""
    #: What the provider calls this index.
    oidc_client_id: str = ""
    #: The secret that they share. Empty: none, or in a file.
    oidc_client_secret: str = field(default="", repr=False)
    #: A file that holds nothing but the secret.
    oidc_client_secret_file: Path = field(default=Path())
    #: What is asked for, with spaces between.
    oidc_scopes: str = "openid profile"
    #: What the provider is called on the log-in page's button.
    oidc_name: str = "single sign-on"
    #: The claim that a new account's name is made of.
    oidc_username_claim: str = "preferred_username"
    #: The claim that names a person's groups. Empty: none does.
    oidc_groups_claim: str = ""
    #: Whoever is in this group there administers the index. Empty: nobody does for that.
    oidc_admin_group: str = ""
    #: Whether people of the provider who have no account here get one.
    oidc_create: bool = True
    #: Whether the log-in page hides its form for passwords, until it is asked for.
    oidc_only: bool = False
    #: Issuers of tokens for publishing without a stored secret (docs/trusted-publishing.md): ``github``,
    #: ``gitlab``, or the address of another one, and that of its keys. Empty: none.
    trusted_publishers: tuple[str, ...] = ()
    #: The audience that such a token must be for. Empty: the host of ``url``, and its port, if any.
    trusted_publishers_audience: str = ""
    #: Which pictures descriptions show: ``allow`` all, ``block`` all, or those of these hosts.
    description_images: tuple[str, ...] = (ALLOW,)
    #: Seconds for which browsers are told to come over https only (HSTS). 0: they are not told.
    hsts: int = 0
    #: Whether starting the server brings the database's schema up to date.
    migrate: bool = True
    #: Reload changed templates; for work on pypi_lite itself.
    debug: bool = False

    def __post_init__(self) -> None:
        _check_argon2(self)
        if not 0 < self.session_hours <= _LONGEST_SESSION:
            raise SettingsError(f"session_hours: write more than 0, and at most {_LONGEST_SESSION}")
        data = Path(os.path.abspath(self.data))
        unset = Path()
        replace = {
            "data": data,
            "database_url": self.database_url or f"sqlite:///{data / 'pypi_lite.sqlite'}",
            "blobs": data / "blobs" if self.blobs == unset else self.blobs,
            "cache_folder": data / "cache" if self.cache_folder == unset else self.cache_folder,
            "url": _url(self.url),
            "attestations": _trust(self.attestations),
            "reading": _reading(self.reading),
            "visibility": _visibility(self.visibility),
        }
        _parse_trusted(self.trusted_publishers)
        _check_images(self.description_images)
        _check_proxies(self.trusted_proxy)
        for name, value in replace.items():
            object.__setattr__(self, name, value)
        if self.hsts and not self.url.startswith("https:"):
            raise SettingsError(f"hsts: it needs a url of https, not {self.url!r}")
        _check_mail(self)
        _check_mail_login(self)
        _check_oidc(self)

    @property
    def is_open(self) -> bool:
        """Whether reading what is public needs no account."""
        here = is_loopback(urlsplit(self.url).hostname or "")
        return self.reading == READING_OPEN or (here and not self.reading)

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
    def sends_mail(self) -> bool:
        """Whether there is a host that takes mail."""
        return bool(self.smtp_host)

    @property
    def trusted_issuers(self) -> tuple[TrustedIssuer, ...]:
        """Whose tokens publish; none: trusted publishing is off."""
        return _parse_trusted(self.trusted_publishers)

    @property
    def publisher_issuers(self) -> tuple[TrustedIssuer, ...]:
        """Whose workflows may be publishers: their tokens publish, or, of the public ones, they attest."""
        found = self.trusted_issuers
        if not self.takes_attestations:
            return found
        urls = {issuer.url for issuer in found}
        public = (TrustedIssuer(kind, url) for kind, url in PUBLIC.items() if url not in urls)
        return (*found, *public)

    @property
    def audience(self) -> str:
        """Whom tokens of trusted publishers must be for."""
        return self.trusted_publishers_audience or urlsplit(self.url).netloc

    @property
    def provenance_url(self) -> str | None:
        """Where provenance is, for pages: None where the standard would not have it in them.

        The address has to be one of https (PEP 740, "Index changes"); so has one on this machine alone
        no need to be.
        """
        address = urlsplit(self.url)
        is_safe = address.scheme == "https" or is_loopback(address.hostname or "")
        return self.url + "integrity/" if is_safe else None

    def oidc_secret(self) -> str:
        """The secret that the provider of single sign-on knows too; empty: there is none.

        Raises SettingsError: its file can't be read.
        """
        if self.oidc_client_secret_file == Path():
            return self.oidc_client_secret
        return _secret("oidc_client_secret_file", self.oidc_client_secret_file)

    def smtp_secret(self) -> str:
        """The password for the host that takes mail; empty: there is none.

        Raises SettingsError: its file can't be read.
        """
        if self.smtp_password_file == Path():
            return self.smtp_password
        return _secret("smtp_password_file", self.smtp_password_file)

    @property
    def image_sources(self) -> str:
        """From where descriptions may have pictures, as the Content-Security-Policy says it."""
        if self.description_images == (ALLOW,):
            return "https: data:"
        hosts = (host for host in self.description_images if host != BLOCK)
        return " ".join(host if "://" in host else f"https://{host}" for host in hosts)

    @property
    def hsts_value(self) -> str:
        """The value of Strict-Transport-Security. Empty: it is not sent."""
        return f"max-age={self.hsts}" if self.hsts else ""

    @property
    def shaping_pages(self) -> tuple[str, ...]:
        """The settings that reach a page or its headers, for the cache's build fingerprint.

        The headers: a browser that has the page gets them with another tag only, and nginx, which has
        them from a file that it reads when it starts, passes on what is of a build that it has not.
        """
        # Who may read comes along: what was decided, or published, under other rules is not found.
        who = (str(self.is_open), self.require_second_factor.value)
        return (self.title, self.url, self.image_sources, self.hsts_value, *who)

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


def _url(text: str) -> str:
    """The setting ``url``, with a slash at its end. Raises SettingsError where it can't work."""
    wrong = f"url: write an address such as https://packages.example.com/, not {text!r}"
    url = text.rstrip("/") + "/"
    try:
        parts = urlsplit(url)
        is_reached = bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        raise SettingsError(wrong) from None
    is_plain = url.isprintable() and " " not in url
    if not is_reached or not is_plain or not url.startswith(("http://", "https://")):
        raise SettingsError(wrong)
    if "?" in url or "#" in url:
        raise SettingsError(f"url: write it without a query and a fragment, not {text!r}")
    return url


def _secret(name: str, path: Path) -> str:
    """What stands in the file that is the setting *name*. Raises SettingsError."""
    try:
        return path.read_text().strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{name}: {error}") from None


def _check_argon2(settings: Settings) -> None:
    """Raises SettingsError where no password could be hashed."""
    lanes = settings.argon2_parallelism
    if not 1 <= settings.argon2_time <= _MOST_ARGON2:
        raise SettingsError(f"argon2_time: write a number from 1 to {_MOST_ARGON2}")
    if not 1 <= lanes <= _MOST_LANES:
        raise SettingsError(f"argon2_parallelism: write a number from 1 to {_MOST_LANES}")
    if settings.argon2_memory < 8 * lanes:
        raise SettingsError(f"argon2_memory: write at least 8 KiB for each of the {lanes} lanes")
    here = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
    if settings.argon2_memory > min(here, _MOST_ARGON2):
        raise SettingsError(f"argon2_memory: write fewer KiB than this machine has, {here}")


def _reading(text: str) -> str:
    if text not in ("", READING_OPEN, READING_ACCOUNTS):
        raise SettingsError(f"reading: write {READING_OPEN} or {READING_ACCOUNTS}, not {text!r}")
    return text


def _visibility(text: str) -> str:
    if text not in ("public", "internal", "private"):
        raise SettingsError(f"visibility: write public, internal or private, not {text!r}")
    return text


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


def _check_mail(settings: Settings) -> None:
    """Raises SettingsError where mail can't work."""
    if not settings.sends_mail:
        if settings.mail_from or settings.smtp_port:
            raise SettingsError(
                "smtp_host: without it no mail is sent: write it, or neither smtp_port nor mail_from"
            )
        return
    if not _is_mail_host(settings.smtp_host):
        raise SettingsError(
            f"smtp_host: write a host's name or address, not {settings.smtp_host!r}; its port is"
            " smtp_port, and how it is encrypted smtp_tls"
        )
    if not 0 <= settings.smtp_port <= _LAST_PORT:
        raise SettingsError(
            f"smtp_port: write a port, 1 to {_LAST_PORT}, or 0 for the usual one,"
            f" not {settings.smtp_port}"
        )
    if settings.smtp_tls not in SMTP_PORTS:
        raise SettingsError(f"smtp_tls: write {', '.join(SMTP_PORTS)}, not {settings.smtp_tls!r}")
    if not is_mailbox(settings.mail_from):
        raise SettingsError(f"mail_from: {settings.mail_from!r} is no mail address")


def _check_mail_login(settings: Settings) -> None:
    """Raises SettingsError where nobody could log in to send mail, or the network could read how."""
    has_password = settings.smtp_password or settings.smtp_password_file != Path()
    if (settings.smtp_user or has_password) and not settings.sends_mail:
        raise SettingsError(
            "smtp_host: without it no mail is sent: write it, or none of smtp_user, smtp_password"
            " and smtp_password_file"
        )
    if settings.smtp_user and settings.smtp_tls == "none" and not is_loopback(settings.smtp_host):
        raise SettingsError("smtp_tls: a password is sent encrypted: write starttls or tls")
    if settings.smtp_password and settings.smtp_password_file != Path():
        raise SettingsError("smtp_password: write it here or into a file, not both")
    if has_password and not settings.smtp_user:
        raise SettingsError("smtp_user: there is a password, but nobody whose it is: write it")
    if settings.smtp_user and not settings.smtp_secret():
        raise SettingsError("smtp_password: smtp_user can't log in without one: write it")


def _is_mail_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _MAIL_HOST.match(text) is not None
    return True


def _check_oidc(settings: Settings) -> None:
    """Raises SettingsError where single sign-on can't work, as far as that shows from here."""
    if not settings.oidc_issuer:
        _check_no_oidc(settings)
        return
    try:
        parts = safe_url(settings.oidc_issuer)
    except ValueError as error:
        raise SettingsError(f"oidc_issuer: {error}") from None
    if parts.query or len(settings.oidc_issuer) > LONGEST_ISSUER:
        raise SettingsError("oidc_issuer: it has no query, and at most 255 characters")
    if not settings.oidc_client_id:
        raise SettingsError("oidc_client_id: the provider needs to know who asks")
    if settings.oidc_client_secret and settings.oidc_client_secret_file != Path():
        raise SettingsError("oidc_client_secret: write it here or into a file, not both")
    settings.oidc_secret()
    if "openid" not in settings.oidc_scopes.split():
        raise SettingsError("oidc_scopes: openid must be one of them")
    if not settings.oidc_username_claim:
        raise SettingsError("oidc_username_claim: new accounts need a name")
    if settings.oidc_admin_group and not settings.oidc_groups_claim:
        raise SettingsError("oidc_admin_group: there is no oidc_groups_claim to tell who is in it")


def _check_no_oidc(settings: Settings) -> None:
    """Raises SettingsError where settings are of a provider that there is not."""
    if settings.oidc_only:
        raise SettingsError("oidc_only: there is no oidc_issuer, and nobody could log in")
    if settings.oidc_client_id or settings.oidc_secret():
        raise SettingsError(
            "oidc_issuer: without it there is no single sign-on: write it, or none of"
            " oidc_client_id, oidc_client_secret and oidc_client_secret_file"
        )


def _parse_trusted(texts: tuple[str, ...]) -> tuple[TrustedIssuer, ...]:
    try:
        return parse_issuers(texts)
    except ValueError as error:
        raise SettingsError(f"trusted_publishers: {error}") from error


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
    if issubclass(wanted, StrEnum):
        if text not in set(wanted):
            raise SettingsError(f"{key}: write one of {', '.join(wanted)}, not {text!r}")
        return wanted(text)
    try:
        value = wanted(text)
    except ValueError:
        raise SettingsError(f"{key}: {text!r} is not a number") from None
    if wanted in (int, float) and not 0 <= value < math.inf:
        raise SettingsError(f"{key}: {text!r} is negative or endless")
    return value
