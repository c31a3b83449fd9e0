"""Schema changes of an index that is in use: nothing that it has is lost."""

from pathlib import Path

import pytest
import sqlalchemy.exc
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text

from pypi_lite import migrations
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.cache.writing import KEYS_OPTION
from pypi_lite.models import Action, JournalEntry, Scope, TokenScope, now
from pypi_lite.opening import migrate
from pypi_lite.repository import Index, changes, pages
from pypi_lite.repository.reach import EVERYTHING
from pypi_lite.settings import Settings
from tests.conftest import new_token
from tests.distributions.build import sdist, wheel
from tests.repository.test_status import new_person, owned, set_status
from tests.web.helpers import put


def downgrade(index: Index, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with index.database.begin_schema_change() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_an_index_of_the_first_schema_keeps_all_it_has(index: Index, settings: Settings) -> None:
    owned(index, new_person(index, "ann"), wheel("foo", "1.0"))
    put(index, wheel("foo", "2.0"))
    new_token(index, "ann", Scope.UPLOAD)

    def everything() -> list[object]:
        with index.database.read() as session:
            # What came later is lost on the way.
            tables = {
                **dict.fromkeys(("releases", "files", "token_scopes"), "*"),
                "roles": "id, user_id, project_id, role",
                "tokens": "id, user_id, sha256, created, expires",
                "journal": "serial, moment, action, actor, project, version, filename, note",
                "users": "id, name, password_hash, is_admin, created",
            }
            return [
                [tuple(r) for r in session.execute(text(f"SELECT {names} FROM {table} ORDER BY 1"))]
                for table, names in tables.items()
            ]

    before = everything()
    downgrade(index, "0001")
    with index.database.read() as session, pytest.raises(sqlalchemy.exc.DBAPIError):
        session.execute(text("SELECT status FROM projects"))
    migrate(settings)
    assert everything() == before
    with index.database.read() as session:
        project = pages.project(session, "foo", EVERYTHING)
    assert project is not None
    assert (project.status.value, project.status_reason) == ("active", None)
    assert len(project.releases) == 2


def test_the_latest_releases_of_what_is_there_are_noted(index: Index, settings: Settings) -> None:
    """As every later change notes them."""
    for version in ("1.0", "1.10", "1.9", "2.0rc1"):
        put(index, wheel("foo", version, summary=f"ÄBOUT Foo_{version}"))
    put(index, sdist("foo", "1.10", summary="of the source"))
    put(index, sdist("bar", "1.0", summary=None))
    put(index, wheel("empty", "1.0"))
    with index.database.write() as session:
        changes.yank(session, OPERATOR, "foo", "1.10")
        changes.delete_release(session, OPERATOR, "empty", "1.0")

    def noted() -> list[tuple[object, ...]]:
        query = "SELECT latest_version, latest_summary, latest_summary_folded FROM projects ORDER BY name"
        with index.database.read() as session:
            return [tuple(row) for row in session.execute(text(query))]

    before = noted()
    assert before[-1] == ("1.9", "ÄBOUT Foo_1.9", "äbout foo-1-9")
    downgrade(index, "0011")
    migrate(settings)
    assert noted() == before


def test_a_status_is_not_forgotten_by_going_back(index: Index) -> None:
    owned(index, new_person(index, "ann"), wheel("foo", "1.0"))
    set_status(index, "archived")
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        downgrade(index, "0001")
    with index.database.write() as session:
        changes.yank(session, OPERATOR, "foo", "1.0")


def test_the_database_takes_each_action_and_scope(index: Index) -> None:
    """Each migration that adds one to a constraint has to name those of the others as well."""
    new_person(index, "ann")
    new_token(index, "ann", Scope.READ)
    with index.database.write() as session:
        number = session.scalar(select(TokenScope.token_id))
        for serial, action in enumerate(Action, start=1000):
            row = {"serial": serial, "moment": now(), "action": action, "actor": "test"}
            session.execute(insert(JournalEntry).values(row), execution_options={KEYS_OPTION: []})
        for scope in set(Scope) - {Scope.READ}:
            row = {"token_id": number, "scope": scope}
            session.execute(insert(TokenScope).values(row), execution_options={KEYS_OPTION: []})


def test_the_newest_revision_is_the_one_that_alembic_goes_to() -> None:
    """Or a start would take an old schema for the newest, or call Alembic each time."""
    folder = Path(migrations.__file__).parent
    assert migrations.newest_revision() == ScriptDirectory(str(folder)).get_current_head()


def test_revisions_are_in_the_order_of_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for name in ("0009_b.py", "0010_a.py", "0001_c.py", "__init__.py", "0011_c.pyc"):
        (versions / name).touch()
    monkeypatch.setattr(migrations, "_FOLDER", tmp_path)
    assert migrations.newest_revision() == "0010"
