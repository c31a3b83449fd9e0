"""An index to read from, with one of everything, and who may upload to a new one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.people import create_user
from pypi_lite.opening import migrate
from pypi_lite.repository import Index, changes
from pypi_lite.settings import READING_OPEN, Settings
from tests.clients.conftest import database_url as new_database
from tests.conftest import acting, new_token
from tests.distributions.build import sdist, wheel
from tests.web.helpers import ATTACK, put

WHEEL = wheel("Foo.Bar", "1.0", requires=["six>=1.0"], requires_python=">=3.8,<4", summary="Näh")
SDIST = sdist("Foo.Bar", "1.0", requires_python=">=3.8,<4")
#: Its metadata may change when it is built (PEP 643), so that they are not offered beside it.
OLD_SDIST = sdist("Foo.Bar", "2.0", metadata_version="2.1")
YANKED = wheel("Foo.Bar", "2.0")
YANKED_WITHOUT_REASON = wheel("Foo.Bar", "3.0")
DELETED = wheel("Foo.Bar", "4.0rc1")
LOCAL = wheel("foo_bar", "5.0+local.1")


@dataclass(frozen=True)
class Shelf:
    """An index that nobody changes."""

    app: TestApp
    index: Index
    settings: Settings
    #: An administrator's.
    token: str


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shelf(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shelf]:
    """The index for all tests of a module, which only read."""
    settings = Settings(
        data=tmp_path_factory.mktemp("shelf"),
        database_url=new_database(request) if request.param == "postgresql" else "",
        url="http://index.test/",
        reading=READING_OPEN,
    )
    migrate(settings)
    application = make_app(settings)
    index = application.registry["pypi_lite.index"]
    fill(index)
    token = token_of_new(index, "root", is_admin=True)
    yield Shelf(TestApp(application), index, settings, token)
    index.database.dispose()


def fill(index: Index) -> None:
    """One of everything, in the project foo-bar; and another project."""
    for file in (WHEEL, SDIST, OLD_SDIST, YANKED, YANKED_WITHOUT_REASON, DELETED, LOCAL):
        put(index, file)
    put(index, wheel("other", "0.1"))
    put(index, wheel("Foo.Bar", "0.1"))
    with index.database.write() as session:
        changes.yank(session, OPERATOR, "foo-bar", "2.0", ATTACK)
        changes.yank(session, OPERATOR, "foo-bar", "3.0", None)
        changes.delete_file(session, OPERATOR, DELETED[0])


@pytest.fixture
def token(index: Index) -> str:
    """A token of the user ann."""
    return token_of_new(index, "ann")


def token_of_new(index: Index, name: str, *, is_admin: bool = False) -> str:
    """A token of a new user, who has no password: hashing one takes its time."""
    with index.database.write() as session:
        create_user(session, name, password=None, is_admin=is_admin, by=acting("test"))
    return new_token(index, name)


def cached(settings: Settings) -> list[str]:
    """The files and folders in the cache's pages, without the build's folder."""
    folder = settings.cache_folder / "pages"
    paths = [p.relative_to(folder) for p in folder.rglob("*")] if folder.exists() else []
    return sorted(str(p) for p in paths)


def status_of(response: Any) -> str:
    """What the response says about the cache (RFC 9211)."""
    return str(response.headers["Cache-Status"]).removeprefix("pypi_lite; ")


def incoming(settings: Settings) -> list[Path]:
    """Files that were arriving and are still there."""
    folder = settings.blobs / "incoming"
    return list(folder.iterdir()) if folder.exists() else []
