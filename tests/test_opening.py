"""Opening an index."""

import gc
import stat
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import inspect

from pypi_lite.accounts.people import create_user
from pypi_lite.cache.pages import Facts, Page
from pypi_lite.models import Base, now
from pypi_lite.opening import (
    SETUP_SECRET,
    Opened,
    migrate,
    open_index,
    secret,
    setup_secret,
    welcome,
)
from pypi_lite.settings import Settings
from tests.conftest import acting


def test_migrations_make_the_models_schema(settings: Settings) -> None:
    """Alembic finds nothing to add or to change, on either database."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    opened = open_index(settings)
    with opened.index.database.begin_schema_change() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert {"projects", "journal", "burned_filenames"} <= set(
            inspect(connection).get_table_names()
        )


def test_migrating_again_changes_nothing(settings: Settings) -> None:
    migrate(settings)
    migrate(settings)


def test_the_database_is_readable_by_nobody_else(tmp_path: Path) -> None:
    """It has hashes of passwords and tokens. One that is there keeps its mode, and so does its log."""
    settings = Settings(data=tmp_path / "new")
    migrate(settings)
    path = tmp_path / "new" / "pypi_lite.sqlite"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    opened = open_index(settings)
    with opened.index.database.write() as session:
        create_user(session, "ann", password=None, is_admin=True, by=acting("test"))
        for beside in path.parent.glob("pypi_lite.sqlite-*"):
            assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    path.chmod(0o640)
    migrate(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    opened.index.database.dispose()


@pytest.mark.parametrize("mail", [{}, {"smtp_host": "127.0.0.1", "mail_from": "index@example.org"}])
def test_nothing_keeps_an_index_that_nobody_uses(settings: Settings, mail: dict[str, str]) -> None:
    """Its connections and compiled statements go with it: many are opened one after the other here."""
    opened = open_index(replace(settings, **mail))
    with opened.index.database.write() as session:
        create_user(session, "ann", password=None, is_admin=True, by=acting("test"))
    if opened.notifier is not None:
        opened.notifier.post.close()
    opened.index.database.dispose()
    last = weakref.ref(opened.index.database)
    del opened, session
    gc.collect()
    assert last() is None


def test_a_secret_is_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "new")
    first = secret(settings, SETUP_SECRET)
    assert len(first) > 30
    assert secret(settings, SETUP_SECRET) == first
    path = settings.data / SETUP_SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in settings.data.iterdir()] == [SETUP_SECRET]


def test_the_welcome_has_a_setup_link_until_there_is_an_administrator(
    opened: Opened, settings: Settings
) -> None:
    lines: list[str] = []
    welcome(settings, lines.append)
    link = f"{settings.url}setup/?secret={secret(settings, SETUP_SECRET)}"
    assert any(link in line for line in lines)
    assert any(settings.simple_url in line and "pip install" in line for line in lines)
    assert any(settings.upload_url in line and "twine upload" in line for line in lines)
    with opened.index.database.write() as session:
        create_user(session, "root", password="long enough", is_admin=True, by=acting("test"))
    lines.clear()
    welcome(settings, lines.append)
    assert not any("setup" in line for line in lines)
    assert setup_secret(settings) is None  # a link that was never used is good for nothing either


def test_a_cache_that_is_off_leaves_no_pages_to_whoever_looks_there(settings: Settings) -> None:
    """Nobody would sweep them: they would be old for nginx, and when the cache is on again."""
    page = Page(key="home", name="home.html", content_type="text/html")
    for _ in range(2):
        cache = open_index(settings).cache
        assert cache is not None
        assert cache.open(page) is None
        generation = cache.begin(page)
        assert generation is not None
        assert generation.publish(b"body", Facts(serial=1, changed=now()))
        generation.close()
        assert cache.open(page) is not None
        assert open_index(replace(settings, cache=False)).cache is None
        assert cache.open(page) is None


def test_an_index_whose_cache_folder_cant_be_used_is_not_opened(settings: Settings) -> None:
    """It would change what others have cached, and could not sweep it."""
    settings.data.mkdir(parents=True)
    (settings.data / "cache").write_text("a file where the folder should be")
    with pytest.raises(FileExistsError):
        open_index(settings)
