"""Opening an index: its schema brought up to date, its cache opened, its first start announced."""

import functools
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pypi_lite.migrations
import pypi_lite.templates
from pypi_lite.accounts.people import has_admin
from pypi_lite.cache.opening import discard_pages, fingerprint, open_cache
from pypi_lite.cache.pages import KeyRegistry
from pypi_lite.cache.store import Cache
from pypi_lite.database import Database
from pypi_lite.mail import Post
from pypi_lite.notifying import Notifier
from pypi_lite.repository import Index, keys
from pypi_lite.settings import Settings
from pypi_lite.storage import Blobs

#: Files in the data folder that hold secrets; readable by the index's own user only.
FORM_SECRET = "form-secret"  # noqa: S105
SETUP_SECRET = "setup-secret"  # noqa: S105
FACTOR_SECRET = "factor-secret"  # noqa: S105
SINGLE_SIGN_ON_SECRET = "single-sign-on-secret"  # noqa: S105

#: Libraries whose next version may make other bytes of the same page.
_SHAPING_LIBRARIES = ("Jinja2", "MarkupSafe", "packaging")


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that is ready for reading and writing."""

    index: Index
    cache: Cache | None
    #: The fingerprint of all that shapes a page beside the rows.
    build: str
    #: Tells people by mail; None: the index sends none.
    notifier: Notifier | None = None


def migrate(settings: Settings) -> None:
    """Make the data folder, and bring the database's schema up to date."""
    settings.data.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url)
    try:
        database.make_private()
        with database.begin_schema_change() as connection:
            pypi_lite.migrations.migrate(connection)
    finally:
        database.dispose()


def open_index(settings: Settings) -> Opened:
    """Open the index. Every write through its database sweeps the pages that it alters."""
    build = _build(settings.shaping_pages)
    database = Database(settings.database_url)
    cache = None
    if settings.cache:
        cache = open_cache(settings.cache_folder, build, is_over=database.is_over)
    else:
        discard_pages(settings.cache_folder)
    registry = KeyRegistry()
    keys.register(registry)
    database.attach(cache, registry)
    # After the cache: people are told of what every page shows.
    notifier = Notifier(settings, database, Post(settings)) if settings.sends_mail else None
    return Opened(Index(settings, database, Blobs(settings.blobs)), cache, build, notifier)


def secret(settings: Settings, name: str) -> str:
    """The secret in the data folder's file *name*, made at its first use, with mode 600."""
    path = settings.data / name
    settings.data.mkdir(parents=True, exist_ok=True)
    private = path.with_name(f".{name}.{secrets.token_hex(8)}")
    if not path.exists():
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(private, path)  # of several processes the first decides
        except FileExistsError:
            pass
        finally:
            private.unlink()
    return path.read_text()


def setup_secret(settings: Settings) -> str | None:
    """The secret of the link that makes the first administrator; None: there is none, or it is used."""
    try:
        return (settings.data / SETUP_SECRET).read_text()
    except FileNotFoundError:
        return None


def burn_setup_secret(settings: Settings) -> None:
    """Let the link be good for nothing from now on, whatever becomes of the administrators."""
    (settings.data / SETUP_SECRET).unlink(missing_ok=True)


def welcome(settings: Settings, write: Callable[[str], object] = print) -> None:
    """Say where the index is and how to use it; at the first start, how to become administrator.

    The one-time link works until there is an administrator, however they were made.
    """
    write(f"{settings.title} is at {settings.url}")
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            is_new = not has_admin(session)
    finally:
        database.dispose()
    if is_new:
        link = f"{settings.url}setup/?secret={secret(settings, SETUP_SECRET)}"
        write(f"Make the first administrator here, once: {link}")
    else:
        burn_setup_secret(settings)
    if settings.is_open:
        write("Everybody who can reach it may read what is public (the setting reading).")
    else:
        write("Reading needs an account or a token (the setting reading).")
    write(f"Install from here:  pip install --index-url {settings.simple_url} PROJECT")
    write(f"Publish to here:    twine upload --repository-url {settings.upload_url} dist/*")


@functools.cache
def _build(shaping_pages: tuple[str, ...]) -> str:
    """The build with these settings: read once, as is the program that runs.

    Beside them, the program's and the templates' files shape a page.
    """
    folders = [Path(__file__).parent, Path(pypi_lite.templates.__file__).parent]
    versions = [f"{name} {version(name)}" for name in _SHAPING_LIBRARIES]
    return fingerprint(folders, [*shaping_pages, *versions])
