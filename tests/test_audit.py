"""Who, by which means, from where: every kind of change says it in the journal, and no secret.

One story in which each change is made as people and programs make it, from an address of the tests'
own; then the journal is read. A new `Action` has to be told in it.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from webtest import TestApp

import pypi_lite
from pypi_lite import make_app
from pypi_lite.__main__ import main
from pypi_lite.accounts.people import create_user
from pypi_lite.models import Action
from pypi_lite.opening import SETUP_SECRET, migrate, secret
from pypi_lite.repository.journal import Wanted, lines
from pypi_lite.settings import Settings
from tests.api.forms import basic, post, twine
from tests.conftest import acting
from tests.distributions.build import wheel
from tests.web.helpers import form_for, log_in

ADDRESS = "192.0.2.7"
PASSWORD, OTHER_PASSWORD = "the story's own secret", "another secret of the story"


class Deed(NamedTuple):
    """What the journal says of who did something."""

    actor: str
    #: A regular expression; None: nothing.
    means: str | None = None
    address: str | None = ADDRESS
    #: Part of the note.
    note: str = ""


BY_TOKEN = Deed("ann", r"token \d+")
BY_SESSION = Deed("ann", r"session( \d+)?")
BY_ADMIN = Deed("root", r"session( \d+)?")
BY_OPERATOR = Deed("command line", None, None)

DEEDS = {
    Action.PROJECT_CREATE: BY_TOKEN,
    Action.PROJECT_RENAME: BY_TOKEN,
    Action.PROJECT_DELETE: BY_TOKEN,
    Action.PROJECT_STATUS: BY_TOKEN._replace(note="archived: it is over"),
    Action.RELEASE_CREATE: BY_TOKEN,
    Action.RELEASE_DELETE: BY_TOKEN,
    Action.RELEASE_YANK: BY_TOKEN._replace(note="loses data"),
    Action.RELEASE_UNYANK: BY_TOKEN,
    Action.FILE_ADD: BY_TOKEN,
    Action.FILE_DELETE: BY_TOKEN,
    Action.USER_CREATE: Deed("setup link", note="root"),
    Action.TOKEN_CREATE: BY_SESSION._replace(note="ann"),
    Action.TOKEN_REVOKE: BY_SESSION._replace(note="ann: token"),
    Action.NAMESPACE_GRANT: BY_ADMIN._replace(note="acme"),
    Action.NAMESPACE_REVOKE: BY_ADMIN._replace(note="acme"),
    Action.PUBLISHER_ADD: BY_OPERATOR._replace(note="octo/foo"),
    Action.PUBLISHER_REMOVE: BY_OPERATOR._replace(note="octo/foo"),
}
#: Those that are not told, and why.
UNTOLD = {
    Action.INDEX_CREATE: "it is the migration that makes the first row",
    **dict.fromkeys(
        [Action.ROLE_GRANT, Action.ROLE_REVOKE, Action.PROJECT_VISIBILITY],
        "roles and visibility are not changed anywhere yet",
    ),
    **dict.fromkeys(
        [
            Action.USER_CHANGE,
            Action.USER_DISABLE,
            Action.USER_ENABLE,
            Action.USER_INVITE,
            Action.USER_RESET,
            Action.GROUP_CREATE,
            Action.GROUP_DELETE,
            Action.GROUP_ADD,
            Action.GROUP_REMOVE,
        ],
        "people and groups are not changed anywhere yet",
    ),
    **dict.fromkeys(
        [
            Action.PASSWORD_CHANGE,
            Action.FACTOR_ADD,
            Action.FACTOR_REMOVE,
            Action.SESSION_BEGIN,
            Action.SESSION_END,
        ],
        "there are no sessions, second factors and changes of passwords yet",
    ),
}


class Story:
    """An index, and all that is done to it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        migrate(settings)
        self.wsgi = make_app(settings)
        self.index = self.wsgi.registry["pypi_lite.index"]
        #: What must never be read anywhere.
        self.secrets = [PASSWORD, OTHER_PASSWORD]
        self.root, self.ann = self.browser(), self.browser()

    def browser(self) -> TestApp:
        """Somebody's browser."""
        return TestApp(self.wsgi, extra_environ={"REMOTE_ADDR": ADDRESS})

    def command(self, *arguments: str) -> None:
        """What the operator does."""
        assert main(["--data", str(self.settings.data), *arguments]) == 0

    def tell(self) -> None:
        """All of it, in an order in which it can be done."""
        self.people()
        token = self.tokens()
        self.uploads(token)
        self.publishers()
        self.changes(token)
        self.namespaces()
        for browser in (self.root, self.ann):
            self.secrets += [str(value) for value in browser.cookies.values()]

    def people(self) -> None:
        given = secret(self.settings, SETUP_SECRET)
        self.secrets.append(given)
        form = self.root.get(f"/setup/?secret={given}").form
        form["name"], form["password"], form["again"] = "root", PASSWORD, PASSWORD
        form.submit(status=303)

    def tokens(self) -> str:
        """A token of ann's, for everything."""
        self.make_user("ann")
        log_in(self.ann, "ann", OTHER_PASSWORD)
        token = self.make_token()
        self.make_token()
        forms = self.ann.get("/account/").forms.values()
        next(form for form in forms if "revoke" in form.action).submit(status=303)
        return token

    def make_user(self, name: str) -> None:
        with self.index.database.write() as session:
            create_user(session, name, password=OTHER_PASSWORD, is_admin=False, by=acting("test"))

    def make_token(self) -> str:
        form = form_for(self.ann.get("/account/"), "/account/tokens/")
        for number in range(4):
            form.set("scope", True, index=number)
        page = form.submit()
        (banner,) = page.html.select("[role=status] code")
        token = str(banner.get_text())
        self.secrets += [token, token[-20:], form["csrf_token"].value]
        return token

    def uploads(self, token: str) -> None:
        for file in (wheel("foo", "1.0"), wheel("Foo", "2.0"), wheel("foo", "3.0")):
            post(self.browser(), twine(file), token)

    def changes(self, token: str) -> None:
        release = "/api/projects/foo/releases/1.0"
        self.ask("PATCH", release, token, {"yanked": True, "yanked_reason": "loses data"})
        self.ask("PATCH", release, token, {"yanked": False})
        self.ask("DELETE", "/api/files/foo-2.0-py3-none-any.whl", token)
        self.ask("DELETE", release, token)
        status = {"status": "archived", "status_reason": "it is over"}
        self.ask("PATCH", "/api/projects/foo", token, status)
        self.ask("DELETE", "/api/projects/foo", token)

    def ask(self, method: str, url: str, token: str, body: Any = None) -> None:
        headers = {"Authorization": basic("__token__", token), "Content-Type": "application/json"}
        sent = b"" if body is None else json.dumps(body).encode()
        status = 200 if body else 204
        self.browser().request(url, method=method, headers=headers, body=sent, status=status)

    def publishers(self) -> None:
        workflow = ["--github", "octo/foo", "--workflow", "release.yml"]
        self.command("publisher", "add", "foo", *workflow)
        self.command("publisher", "remove", "foo", "1")

    def namespaces(self) -> None:
        form = form_for(self.root.get("/namespaces/"), "/namespaces/")
        form["name"], form["owners"] = "acme", "ann"
        form.submit(status=303)
        form_for(self.root.get("/namespaces/"), "/namespaces/revoke/").submit(status=303)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    story = Story(Settings(data=tmp_path_factory.mktemp("story"), url="http://localhost/"))
    story.tell()
    yield story
    story.index.database.dispose()


@pytest.fixture(scope="module")
def journal(story: Story) -> list[dict[str, Any]]:
    """All entries, but those of what the test itself did."""
    text = "".join(lines(story.index.database, Wanted()))
    found = [json.loads(line) for line in text.splitlines()]
    return [entry for entry in found if entry["actor"] != "test"]


@pytest.mark.parametrize("action", DEEDS)
def test_who_by_which_means_from_where(journal: list[dict[str, Any]], action: Action) -> None:
    deed = DEEDS[action]
    found = [entry for entry in journal if entry["action"] == action]
    assert found
    for entry in found:
        assert entry["actor"] == deed.actor, entry
        assert entry["address"] == deed.address, entry
        assert re.fullmatch(deed.means or "", entry["means"] or ""), entry
    assert any(deed.note in (entry["note"] or "") for entry in found), found


def test_each_action_is_told_or_it_is_said_why_not() -> None:
    assert set(DEEDS) | set(UNTOLD) == set(Action)
    assert not set(DEEDS) & set(UNTOLD)


def test_what_is_not_told_is_not_done() -> None:
    """An action that the program performs needs a deed."""
    done = set()
    for path in Path(pypi_lite.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                done.update(filter(None, map(_action, node.args)))
    assert done == {action.name for action in DEEDS}


def _action(node: ast.expr) -> str | None:
    """The name of the `Action` that an argument is."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == "Action" else None
    return None


def test_nothing_in_it_is_a_secret(story: Story, journal: list[dict[str, Any]]) -> None:
    text = json.dumps(journal, ensure_ascii=False)
    assert len(story.secrets) > 8
    assert all(len(each) > 8 for each in story.secrets)
    assert [each for each in story.secrets if each in text] == []


def test_the_migration_says_nothing_that_it_does_not_know(journal: list[dict[str, Any]]) -> None:
    first = journal[0]
    assert first["action"] == Action.INDEX_CREATE
    assert (first["means"], first["address"]) == (None, None)


def test_the_documentation_names_each_action() -> None:
    text = (Path(__file__).parent.parent / "docs" / "audit.md").read_text()
    named = set(re.findall(r"`([a-z]+\.[a-z]+)`", text.partition("## Actions")[2]))
    assert named == set(Action)
