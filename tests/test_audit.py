"""Who, by which means, from where: every kind of change says it in the journal, and no secret.

One story in which each change is made as people and programs make it, from an address of the tests'
own; then the journal is read. A new `Action` has to be told in it.
"""

import ast
import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select
from webtest import TestApp

import pypi_lite
from pypi_lite import make_app
from pypi_lite.__main__ import main
from pypi_lite.accounts import totp
from pypi_lite.models import Action, WebSession, now
from pypi_lite.opening import SETUP_SECRET, migrate, secret
from pypi_lite.repository.journal import Wanted, lines
from pypi_lite.settings import Settings
from tests.api.forms import basic, post, twine
from tests.api.test_oidc import ask, github_claims
from tests.distributions.build import wheel
from tests.issuers import TestIssuer, running_issuer
from tests.web.helpers import form_for, log_in

ADDRESS = "192.0.2.7"
PASSWORD, OTHER_PASSWORD = "the story's own secret", "another secret of the story"
NEW_PASSWORD = "the third secret of the story"


class Deed(NamedTuple):
    """What the journal says of who did something."""

    actor: str
    #: A regular expression; None: nothing.
    means: str | None = None
    address: str | None = ADDRESS
    #: Part of the note.
    note: str = ""


BY_TOKEN = Deed("ann", r"token \d+")
BY_SESSION = Deed("ann", r"session \d+")
BY_ADMIN = Deed("root", r"session \d+")
BY_OPERATOR = Deed("command line", None, None)

#: Who does it in the story; others may do it as well.
DEEDS = {
    Action.PROJECT_CREATE: BY_TOKEN,
    Action.PROJECT_RENAME: BY_TOKEN,
    Action.PROJECT_DELETE: BY_TOKEN,
    Action.PROJECT_STATUS: BY_TOKEN._replace(note="archived: it is over"),
    Action.PROJECT_VISIBILITY: BY_SESSION._replace(note="internal"),
    Action.RELEASE_CREATE: BY_TOKEN,
    Action.RELEASE_DELETE: BY_TOKEN,
    Action.RELEASE_YANK: BY_TOKEN._replace(note="loses data"),
    Action.RELEASE_UNYANK: BY_TOKEN,
    Action.FILE_ADD: BY_TOKEN,
    Action.FILE_DELETE: BY_TOKEN,
    Action.ROLE_GRANT: BY_SESSION._replace(note="root: reader"),
    Action.ROLE_REVOKE: BY_SESSION._replace(note="root"),
    Action.USER_CREATE: Deed("setup link", note="root"),
    Action.USER_CHANGE: BY_ADMIN._replace(note="ann: an administrator"),
    Action.USER_DISABLE: BY_ADMIN._replace(note="bob"),
    Action.USER_ENABLE: BY_ADMIN._replace(note="bob"),
    Action.USER_INVITE: BY_ADMIN,
    Action.USER_RESET: BY_ADMIN._replace(note="bob"),
    Action.PASSWORD_CHANGE: BY_SESSION._replace(note="ann"),
    Action.FACTOR_ADD: BY_SESSION._replace(note="ann: authenticator app"),
    Action.FACTOR_REMOVE: BY_SESSION._replace(note="ann: authenticator app"),
    Action.SESSION_BEGIN: Deed("ann", None),
    Action.SESSION_END: BY_SESSION._replace(note="ann: session"),
    Action.GROUP_CREATE: BY_ADMIN._replace(note="devs"),
    Action.GROUP_ADD: BY_ADMIN._replace(note="devs: bob"),
    Action.GROUP_REMOVE: BY_ADMIN._replace(note="devs: bob"),
    Action.GROUP_DELETE: BY_ADMIN._replace(note="devs"),
    Action.TOKEN_CREATE: BY_SESSION._replace(note="laptop"),
    Action.TOKEN_REVOKE: BY_SESSION._replace(note="laptop"),
    Action.NAMESPACE_GRANT: BY_ADMIN._replace(note="acme"),
    Action.NAMESPACE_REVOKE: BY_ADMIN._replace(note="acme"),
    Action.PUBLISHER_ADD: BY_SESSION._replace(note="acme/foo"),
    Action.PUBLISHER_MINT: Deed(r"GitHub acme/foo .*", r"publisher \d+"),
    Action.PUBLISHER_REMOVE: BY_SESSION._replace(note="acme/foo"),
}
#: Those that are not told, and why.
UNTOLD = {Action.INDEX_CREATE: "it is the migration that makes the first row"}
#: Who acts by no request.
WITHOUT_ADDRESS = {"migration", "command line"}


class Story:
    """An index, and all that is done to it."""

    def __init__(self, settings: Settings, issuer: TestIssuer) -> None:
        self.settings, self.issuer = settings, issuer
        migrate(settings)
        self.wsgi = make_app(settings)
        self.index = self.wsgi.registry["pypi_lite.index"]
        #: What must never be read anywhere.
        self.secrets = [PASSWORD, OTHER_PASSWORD, NEW_PASSWORD]
        self.root, self.ann = self.browser(), self.browser()

    def browser(self) -> TestApp:
        """Somebody's browser."""
        return TestApp(self.wsgi, extra_environ={"REMOTE_ADDR": ADDRESS})

    def tell(self) -> None:
        """All of it, in an order in which it can be done."""
        self.administrator()
        self.people()
        self.groups()
        self.sessions()
        self.factors()
        token = self.tokens()
        self.uploads(token)
        self.operator()
        self.roles()
        self.publishers()
        self.changes(token)
        self.namespaces()
        for browser in (self.root, self.ann):
            self.secrets += [str(value) for value in browser.cookies.values()]

    def administrator(self) -> None:
        given = secret(self.settings, SETUP_SECRET)
        self.secrets.append(given)
        fill(self.root.get(f"/setup/?secret={given}").form, 303, name="root", password=PASSWORD)

    def people(self) -> None:
        """ann is invited, bob is made; both choose their passwords by a link.

        bob, who is logged in, is given another link, and is disabled when he is logged in again.
        """
        invited = self.act("/admin/people/", "invite", 200, invited="ann@example.org", days="3")
        fill(self.ann.get(self.link(invited)).form, 200, name="ann", password=OTHER_PASSWORD)
        made = self.act("/admin/people/", "create", 200, name="bob")
        fill(self.browser().get(self.link(made)).form, 200, password=OTHER_PASSWORD)
        self.act("/admin/people/ann/", "promote")
        self.act("/admin/people/ann/", "demote")
        log_in(self.browser(), "bob", OTHER_PASSWORD)
        reset = self.link(self.act("/admin/people/bob/", "reset", 200))
        fill(self.browser().get(reset).form, 200, password=OTHER_PASSWORD)
        log_in(self.browser(), "bob", OTHER_PASSWORD)
        self.act("/admin/people/bob/", "disable")
        self.act("/admin/people/bob/", "enable")

    def act(self, path: str, do: str, status: int = 303, **fields: str) -> Any:
        """What an administrator does with a form."""
        return fill(form_to(self.root.get(path), do), status, **fields)

    def link(self, page: Any) -> str:
        """The path of the one-time link that a page shows, once."""
        found = re.findall(r"http://localhost(/link/\S+)", page.html.get_text())[0]
        self.secrets.append(found.rpartition("=")[2])
        return str(found)

    def groups(self) -> None:
        fill(form_for(self.root.get("/admin/groups/"), "/admin/groups/"), 303, name="devs")
        path = "/admin/groups/devs/"
        self.act(path, "add", user="bob")
        self.act(path, "remove")
        self.act(path, "delete", sure="yes")

    def sessions(self) -> None:
        """ann logs in twice, and changes her password, which ends the other session."""
        for browser in (self.ann, self.browser()):
            browser.reset()
            log_in(browser, "ann", OTHER_PASSWORD)
        form = form_for(self.ann.get("/account/"), "/account/password/")
        fill(form, 303, old=OTHER_PASSWORD, new=NEW_PASSWORD, again=NEW_PASSWORD)

    def factors(self) -> None:
        """An app with codes is added, and removed with the recovery codes that were made for it."""
        page = self.ann.get("/account/factors/app/")
        seed = page.html.select_one(".seed").get_text()
        code = totp.code_at(base64.b32decode(seed), totp.step_at(now()))
        fill(form_for(page, "/account/factors/app/"), 303, code=code, proof=NEW_PASSWORD)
        recovery = form_for(self.ann.get("/account/factors/"), "/account/factors/recovery/")
        codes = fill(recovery, 200, proof=NEW_PASSWORD).html.select_one("[role=status] code")
        self.secrets += [seed, *codes.get_text().split()]
        forms = self.ann.get("/account/factors/").forms.values()
        remove = next(form for form in forms if "remove" in form.action)
        fill(remove, 303, proof=NEW_PASSWORD)

    def tokens(self) -> str:
        """A token of ann's, for everything."""
        token = self.make_token()
        self.make_token()
        forms = self.ann.get("/account/").forms.values()
        next(form for form in forms if "tokens/revoke" in form.action).submit(status=303)
        return token

    def make_token(self) -> str:
        form = form_for(self.ann.get("/account/"), "/account/tokens/")
        for number in range(4):
            form.set("scope", True, index=number)
        (shown,) = fill(form, 200, name="laptop").html.select("[role=status] code")
        token = str(shown.get_text())
        self.secrets += [token, token[-20:], form["csrf_token"].value]
        return token

    def uploads(self, token: str) -> None:
        for file in (wheel("foo", "1.0"), wheel("Foo", "2.0"), wheel("foo", "3.0")):
            post(self.browser(), twine(file), token)

    def operator(self) -> None:
        """What is done on the machine itself."""
        command = ["--data", str(self.settings.data), "yank", "foo", "3.0"]
        assert main(command) == 0

    def roles(self) -> None:
        path = "/manage/foo/"
        fill(form_to(self.ann.get(path), "visibility"), 303, visibility="internal")
        fill(form_to(self.ann.get(path), "grant-role"), 303, who="root", role="reader")
        forms = self.ann.get(path).forms.values()
        (revoke,) = [f for f in forms if "who" in f.fields and f["who"].value == "root"]
        revoke.submit(status=303)

    def publishers(self) -> None:
        """A workflow is named a publisher, publishes once, and is named no longer."""
        path = "/manage/foo/publishers/"
        (form,) = [f for f in self.ann.get(path).forms.values() if "repository" in f.fields]
        fill(form, 303, repository="acme/foo", workflow="release.yml")
        assertion = self.issuer.token(github_claims(self.issuer, aud="localhost"))
        minted = ask(self.browser(), assertion).json["token"]
        self.secrets += [assertion, minted, minted[-20:]]
        post(self.browser(), twine(wheel("foo", "4.0")), minted)
        fill(form_to(self.ann.get(path), "remove"), 303)

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

    def namespaces(self) -> None:
        form = form_for(self.root.get("/namespaces/"), "/namespaces/")
        fill(form, 303, name="acme", owners="ann")
        form_for(self.root.get("/namespaces/"), "/namespaces/revoke/").submit(status=303)


def fill(form: Any, status: int, **fields: str) -> Any:
    """Send *form* with these values; a password is typed twice."""
    for name, value in fields.items():
        form[name] = value
    if "again" in form.fields and "again" not in fields:
        form["again"] = fields["password"]
    return form.submit(status=status)


def form_to(page: Any, do: str) -> Any:
    """The first form of *page* whose field ``do`` says so."""
    return next(f for f in page.forms.values() if "do" in f.fields and f["do"].value == do)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with running_issuer() as issuer:
        settings = Settings(
            data=tmp_path_factory.mktemp("story"),
            url="http://localhost/",
            trusted_publishers=(f"github {issuer.url}",),
            argon2_time=1,
            argon2_memory=1024,
        )
        story = Story(settings, issuer)
        story.tell()
        yield story
        story.index.database.dispose()


@pytest.fixture(scope="module")
def journal(story: Story) -> list[dict[str, Any]]:
    """All entries."""
    text = "".join(lines(story.index.database, Wanted()))
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("action", DEEDS)
def test_who_by_which_means_from_where(journal: list[dict[str, Any]], action: Action) -> None:
    deed = DEEDS[action]
    found = [entry for entry in journal if entry["action"] == action]
    assert any(
        re.fullmatch(deed.actor, entry["actor"])
        and re.fullmatch(deed.means or "", entry["means"] or "")
        and entry["address"] == deed.address
        and deed.note in (entry["note"] or "")
        for entry in found
    ), found


def test_each_session_that_is_ended_is_told(story: Story, journal: list[dict[str, Any]]) -> None:
    """By its owner, with another password or a link for one, and by who disables the account."""
    told, cause = [], None
    for entry in journal:
        if entry["action"] != Action.SESSION_END:
            cause = entry
            continue
        name, _, number = entry["note"].rpartition(": session ")
        told.append(int(number))
        assert cause is not None
        assert (cause["actor"], cause["means"]) == (entry["actor"], entry["means"])
        assert (cause["action"], cause["note"]) in (
            (Action.PASSWORD_CHANGE, name),
            (Action.USER_DISABLE, name),
        )
    begun = [entry["serial"] for entry in journal if entry["action"] == Action.SESSION_BEGIN]
    with story.index.database.read() as session:
        alive = session.scalars(select(WebSession.id)).all()
    assert sorted([*told, *alive]) == sorted(begun)
    means = [e["means"].split()[0] for e in journal if e["action"] == Action.SESSION_END]
    assert means == ["reset", "session", "session", "session"]


def test_every_request_has_an_address(journal: list[dict[str, Any]]) -> None:
    for entry in journal:
        expected = None if entry["actor"] in WITHOUT_ADDRESS else ADDRESS
        assert entry["address"] == expected, entry


def test_nobody_acts_without_means_but_at_a_door(journal: list[dict[str, Any]]) -> None:
    """Where somebody is let in there is no session yet; the operator is on the machine."""
    doors = {(actor, action) for actor in WITHOUT_ADDRESS for action in Action}
    doors |= {("setup link", Action.USER_CREATE)}
    doors |= {(actor, Action.SESSION_BEGIN) for actor in ("ann", "bob", "root")}
    found = {(e["actor"], Action(e["action"])) for e in journal if e["means"] is None}
    assert found - doors == set()


def test_means_say_where_they_began(journal: list[dict[str, Any]]) -> None:
    """A number of a token or session is that of one entry, and so no other's."""
    begins = {"token": Action.TOKEN_CREATE, "session": Action.SESSION_BEGIN}
    means = {entry["means"].rpartition(" ") for entry in journal if entry["means"]}
    named = [(begins[kind], int(number)) for kind, _, number in means if kind in begins]
    assert len(named) >= 3
    for action, number in named:
        assert journal[number - 1]["serial"] == number
        assert journal[number - 1]["action"] == action


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
