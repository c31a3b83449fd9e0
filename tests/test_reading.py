"""Who may read what: the same whether the answer is published or made, and never a moment too long."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite import application, make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.log_in import change_password
from pypi_lite.accounts.passwords import DEFAULT
from pypi_lite.accounts.people import create_user
from pypi_lite.accounts.sessions import COOKIE, begin_session, end_sessions
from pypi_lite.accounts.tokens import note_use, revoke_token, token_hash
from pypi_lite.cache.hits import Hits
from pypi_lite.models import Action, File, Group, GroupMember, Scope, Token, User, now
from pypi_lite.models.journal import append
from pypi_lite.repository import Index, changes, keys, roles
from pypi_lite.settings import Settings
from pypi_lite.verifying import verify
from tests.conftest import PASSWORD, acting, new_token
from tests.distributions.build import wheel
from tests.web.helpers import put

NAMES = ("open", "inside", "hidden")
PATHS = (
    "/simple/{name}/",
    "/pypi/{name}/json",
    "/pypi/{name}/1.0/json",
    "/project/{name}/",
    "/project/{name}/1.0/",
    "/rss/project/{name}/releases.xml",
    "{file}",
    "{file}.metadata",
    # These are never pages of the cache.
    "/api/projects/{name}",
    "/api/projects/{name}/releases/1.0",
    "/api/files/{filename}",
    "/mirror/pypi/{name}/json",
)
LISTS = (
    "/simple/",
    "/",
    "/rss/updates.xml",
    "/rss/packages.xml",
    "/mirror/simple/",
    "/mirror/changes",
)
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class World:
    """An index with a project of each visibility, and people."""

    settings: Settings
    app: TestApp
    index: Index

    def write(self, change: Callable[..., Any], *arguments: Any) -> Any:
        with self.index.database.write() as session:
            return change(session, *arguments)

    def get(self, path: str, headers: dict[str, str], app: TestApp | None = None) -> Any:
        asked = {"Accept": "*/*", **headers}
        return (app or self.app).get(path, headers=asked, status="*")

    def rita(self, how: str) -> dict[str, str]:
        """What rita shows who she is by."""
        if how == "session":
            return {"Cookie": f"{COOKIE}={session_of(self, 'rita')}"}
        if how == "token":
            return bearing(new_token(self.index, "rita"))
        with self.index.database.write() as session:
            rita = session.query(User).filter_by(name="rita").one()
            rita.password_hash = DEFAULT.hash(PASSWORD, name="rita")
        return basic("rita", PASSWORD)

    def paths(self, name: str) -> list[str]:
        filename, _ = wheel(name, "1.0")
        file = next(f for f in self.files if f.endswith(filename))
        return [p.format(name=name, file=file, filename=filename) for p in PATHS]

    @property
    def files(self) -> list[str]:
        """The addresses of all files."""
        with self.index.database.read() as session:
            rows = session.query(File).all()
            return [
                f"/files/{r.release.project.normalized_name}/{r.sha256}/{r.filename}" for r in rows
            ]


def basic(user: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def bearing(token: str) -> dict[str, str]:
    return basic("__token__", token)


@pytest.fixture(params=["open", "accounts"])
def world(settings: Settings, request: pytest.FixtureRequest) -> Iterator[World]:
    settings = replace(settings, reading=request.param)
    application = make_app(settings)
    index: Index = application.registry["pypi_lite.index"]
    world = World(settings, TestApp(application), index)
    for name in NAMES:
        put(index, wheel(name, "1.0"))
    world.write(changes.set_visibility, OPERATOR, "inside", "internal")
    world.write(changes.set_visibility, OPERATOR, "hidden", "private")
    with index.database.write() as session:
        for name in ("ann", "rita", "greta"):
            create_user(session, name, password=None, is_admin=False, by=acting("test"))
        create_user(session, "root", password=None, is_admin=True, by=acting("test"))
        session.add(group := Group(name="team", created=now()))
        session.flush()
        greta = session.query(User).filter_by(name="greta").one()
        session.add(GroupMember(group=group, user=greta))
    world.write(roles.grant, OPERATOR, "hidden", "rita", "reader")
    world.write(roles.grant, OPERATOR, "hidden", "@team", "reader")
    yield world
    index.database.dispose()


def people(world: World) -> dict[str, tuple[dict[str, str], set[str]]]:
    """Everybody: their headers, and the names of the projects that they may read."""
    anonymous = {"open"} if world.settings.is_open else set()
    token = lambda name, *scopes, **kw: bearing(new_token(world.index, name, *scopes, **kw))  # noqa: E731
    return {
        "nobody": ({}, anonymous),
        "an account": (token("ann"), {"open", "inside"}),
        "a reader": (token("rita", Scope.READ), set(NAMES)),
        "a member": (token("greta"), set(NAMES)),
        "an administrator": (token("root"), set(NAMES)),
        "an uploader's token": (token("rita", Scope.UPLOAD), anonymous),
        "a limited token": (token("rita", projects=["hidden"]), anonymous | {"hidden"}),
        "a token limited elsewhere": (token("rita", projects=["x"]), anonymous),
        "a wrong token": (bearing("pypi-lite-" + "x" * 43), anonymous),
        "nonsense": ({"Authorization": "Basic !"}, anonymous),
        "a session": ({"Cookie": f"{COOKIE}={session_of(world, 'rita')}"}, set(NAMES)),
        "an old session": ({"Cookie": f"{COOKIE}={'x' * 43}"}, anonymous),
    }


def session_of(world: World, name: str) -> str:
    with world.index.database.write() as session:
        user = session.query(User).filter_by(name=name).one()
        return begin_session(
            session, user, hours=1, address="127.0.0.1", agent="test", by=acting(name)
        )


def test_everybody_reads_what_is_theirs_and_nothing_else(world: World) -> None:
    """Twice each, and in two orders: what was published for one is not served to another."""
    everybody = list(people(world).items())
    for who, (headers, mine) in (*everybody, *reversed(everybody)):
        for name in NAMES:
            for path in world.paths(name):
                response = world.get(path, headers)
                assert (response.status_int == 200) == (name in mine), (who, path, response)
                if name not in mine:
                    assert response.status_int in (401, 403, 404, 303), (who, path)
                    assert "Requires" not in response.text, (who, path)
        for path in LISTS:
            for accept in (JSON, "text/html", "*/*"):
                response = world.get(path, {**headers, "Accept": accept})
                if not mine and not world.settings.is_open:
                    # A token that is limited to what is not there may read, and finds nothing.
                    assert response.status_int in (200, 401, 403, 303), (who, path)
                else:
                    assert response.status_int == 200, (who, path)
                # Its style sheet has a class of that name.
                text = response.text.replace('class="hidden"', "")
                shown = {name for name in NAMES if name in text}
                assert shown <= mine, (who, path, shown)
                if path != "/mirror/changes":
                    assert shown == mine, (who, path, shown)


def test_who_shows_nothing_is_asked_and_who_shows_something_finds_nothing(world: World) -> None:
    missing = "no-such-project"
    for path in ("/simple/{}/", "/pypi/{}/json", "/api/projects/{}"):
        asked = world.get(path.format("hidden"), {})
        assert asked.status_int == 401
        assert asked.headers["WWW-Authenticate"].startswith("Basic ")
        wrong = bearing(new_token(world.index, "ann"))
        hidden, absent = (world.get(path.format(n), wrong) for n in ("hidden", missing))
        assert (hidden.status_int, absent.status_int) == (404, 404)
        assert hidden.text.replace("hidden", "x") == absent.text.replace(missing, "x")
        unknown = world.get(path.format(missing), {})
        assert unknown.status_int == (404 if world.settings.is_open else 401)
    page = world.get("/project/hidden/", {"Accept": "text/html"})
    assert page.status_int == 303
    assert page.location.endswith("/login/?next=%2Fproject%2Fhidden%2F")


def test_wrong_credentials_are_asked_for_again(world: World) -> None:
    """A01: pip and uv react to nothing but a 401. Each of these is shown once, and is no guess too many."""
    hidden = ("/simple/hidden/", "/pypi/hidden/json")
    for path in (*hidden, *(() if world.settings.is_open else ("/simple/", "/simple/open/"))):
        for headers in (
            bearing("pypi-lite-" + "x" * 43),
            basic("nobody", "wrong"),
            {"Authorization": "Bearer x"},
            {"Authorization": "Basic !"},
        ):
            answer = world.get(path, headers)
            assert answer.status_int == 401, (path, headers, answer)
            assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')
            assert "Set-Cookie" not in answer.headers


def test_names_of_hidden_projects_can_be_kept_from_guessing(settings: Settings) -> None:
    app = TestApp(make_app(replace(settings, challenge_unknown=True)))
    assert app.get("/simple/no-such-project/", status=401).headers["WWW-Authenticate"]
    index = app.app.registry["pypi_lite.index"]
    index.database.dispose()


def test_a_hit_is_a_hit_for_whoever_may_read(world: World) -> None:
    for _, (headers, mine) in people(world).items():
        for name, accept in product(mine, ("*/*", JSON)):
            for path in world.paths(name)[:8]:
                asked = {**headers, "Accept": accept}
                world.get(path, asked)
                response = world.get(path, asked)
                assert response.headers["Cache-Status"] == "pypi_lite; hit", path
                is_public = name == "open" and world.settings.is_open
                assert response.headers["Cache-Control"].startswith("private, ") != is_public
                tag = {"If-None-Match": response.headers["ETag"]}
                assert world.get(path, {**asked, **tag}).status_int == 304
    rita = bearing(new_token(world.index, "rita"))
    for path, accept in product(LISTS[:4], ("*/*", JSON)):
        for _ in range(2):
            response = world.get(path, {**rita, "Accept": accept})
        assert response.headers.get("Cache-Status") in ("pypi_lite; hit", None)
        assert response.status_int == 200


def test_a_list_that_gets_shorter_has_another_serial(world: World) -> None:
    """Or two versions might have one tag, and be one page to whoever remembers the first."""
    ann = bearing(new_token(world.index, "ann"))
    put(world.index, wheel("inside2", "1.0"))
    world.write(changes.set_visibility, OPERATOR, "inside2", "internal")

    def serials(headers: dict[str, str]) -> list[int]:
        answers = [world.get(path, headers) for path in ("/simple/", "/", "/rss/updates.xml")]
        return [int(answer.headers.get("X-PyPI-Last-Serial", 0)) for answer in answers]

    before, of_anybody = serials(ann), serials({})
    world.write(changes.delete_project, OPERATOR, "inside")
    after = serials(ann)
    assert all(new > old for new, old in zip(after, before, strict=True))
    assert serials({}) == of_anybody  # who is told nothing of it
    world.write(changes.delete_project, OPERATOR, "hidden")
    assert serials(ann) == after


def test_a_visibility_that_stays_what_it_is_leaves_no_list_behind(world: World) -> None:
    """A list shows the serial of the last change of any visibility, whatever came of it."""
    ann = bearing(new_token(world.index, "ann"))
    for path in LISTS[:4]:
        world.get(path, ann)
    serial = world.write(changes.set_visibility, OPERATOR, "hidden", "private")
    for path in LISTS[:4]:
        assert world.get(path, ann).headers["X-PyPI-Last-Serial"] == str(serial), path


def test_a_hit_stays_one_when_the_last_use_is_noted(world: World, second: TestApp) -> None:
    """A decision says nothing of it, nor of a token's name: neither sweeps it."""
    secret = new_token(world.index, "rita")
    rita = bearing(secret)
    path = "/simple/hidden/"
    for app in (world.app, second):
        world.get(path, rita, app)
        assert world.get(path, rita, app).headers["Cache-Status"] == "pypi_lite; hit"
    folder = world.settings.cache_folder / "pages" / keys.READERS / token_hash(secret)
    (decision,) = folder.rglob("*.json")
    before = decision.stat().st_ino
    with world.index.database.write() as session:
        token = session.query(Token).one()
        number, token.last_used, token.name = token.id, None, "another"
    note_use(world.index.database, number)
    with world.index.database.read() as session:
        assert session.query(Token).one().last_used is not None
    assert decision.stat().st_ino == before
    for app in (world.app, second):
        assert world.get(path, rita, app).headers["Cache-Status"] == "pypi_lite; hit"


def test_who_looks_after_decisions_uses_no_token(world: World) -> None:
    secret = new_token(world.index, "rita")
    world.get("/simple/hidden/", bearing(secret))
    with world.index.database.write() as session:
        session.query(Token).one().last_used = None
    with open(os.devnull, "w") as out:
        assert verify(world.app.app, fix=False, out=out)
    with world.index.database.read() as session:
        assert session.query(Token).one().last_used is None


def test_a_hit_notes_no_use(world: World) -> None:
    rita = bearing(new_token(world.index, "rita"))
    world.get("/simple/hidden/", rita)
    with world.index.database.write() as session:
        token = session.query(Token).one()
        assert token.last_used is not None  # where the decision was made
        token.last_used = None
    response = world.get("/simple/hidden/", rita)
    assert response.headers["Cache-Status"] == "pypi_lite; hit"
    with world.index.database.read() as session:
        assert session.query(Token).one().last_used is None


def test_a_new_decision_notes_the_use_though_the_page_is_published(world: World) -> None:
    world.get("/simple/hidden/", bearing(new_token(world.index, "rita")))
    other = new_token(world.index, "rita")
    response = world.get("/simple/hidden/", bearing(other))
    assert response.headers["Cache-Status"].endswith("collapsed")  # no view was asked
    with world.index.database.read() as session:
        token = session.query(Token).filter_by(sha256=token_hash(other)).one()
        assert token.last_used is not None


def test_no_session_is_shown_as_a_token(world: World) -> None:
    """What is in a cookie opens nothing elsewhere."""
    secret = session_of(world, "rita")
    world.get("/simple/hidden/", {"Cookie": f"{COOKIE}={secret}"})
    for headers in (bearing(secret), basic("rita", secret), {"Authorization": f"Bearer {secret}"}):
        for _ in range(2):
            assert world.get("/simple/hidden/", headers).status_int in (401, 404)


@pytest.fixture
def second(world: World) -> Iterator[TestApp]:
    """Another process's application, with all that it may have in memory."""
    application = make_app(world.settings)
    yield TestApp(application)
    application.registry["pypi_lite.index"].database.dispose()


def disable(session: Any) -> None:
    session.query(User).filter_by(name="rita").one().is_disabled = True


def leave(session: Any) -> None:
    session.delete(session.query(GroupMember).one())
    # As whatever changes what somebody may read does: a decision is told from the one before it by
    # its serial, since the file's inode may be the same.
    append(session, Action.GROUP_REMOVE, by=OPERATOR)


CHANGES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "the token is revoked": ("token", lambda s: revoke_token(s, *_token(s), by=OPERATOR)),
    "the role is revoked": ("token", lambda s: roles.revoke(s, OPERATOR, "hidden", "rita")),
    "the account is disabled": ("token", disable),
    "the member leaves": ("greta", leave),
    "the group's role is revoked": (
        "greta",
        lambda s: roles.revoke(s, OPERATOR, "hidden", "@team"),
    ),
    "the session ends": ("session", lambda s: end_sessions(s, _rita(s), by=OPERATOR)),
    "the session's account is disabled": ("session", disable),
}


def _token(session: Any) -> tuple[int, int]:
    token = session.query(Token).join(User).filter(User.name == "rita").one()
    return token.user_id, token.id


def _rita(session: Any) -> int:
    return int(session.query(User).filter_by(name="rita").one().id)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_taken_away_is_gone_in_the_next_request(
    world: World, second: TestApp, change: str
) -> None:
    who, make = CHANGES[change]
    headers = {
        "token": lambda: bearing(new_token(world.index, "rita")),
        "greta": lambda: bearing(new_token(world.index, "greta")),
        "session": lambda: {"Cookie": f"{COOKIE}={session_of(world, 'rita')}"},
    }[who]()
    pages = [*world.paths("hidden")[:8], "/simple/"]
    for app in (world.app, second):
        for path in pages * 2:
            assert world.get(path, headers, app).status_int == 200
    with world.index.database.write() as session:
        make(session)
    for app in (second, world.app):
        for path in pages[:-1]:
            response = world.get(path, headers, app)
            assert response.status_int in (401, 404, 303), path
        assert "hidden" not in world.get("/simple/", headers, app).text


@pytest.mark.parametrize(
    ("way", "who"), [("hit", "token"), *product(["miss"], ["token", "session", "password"])]
)
def test_nobody_sees_what_came_after_it_was_closed_to_them(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str, who: str
) -> None:
    """Not even in a request that has begun before: who somebody is, and what is shown, are of one moment,
    or the page is older."""
    rita, greta = world.rita(who), bearing(new_token(world.index, "greta"))
    reached: list[str] = []

    def close_and_publish() -> None:
        if not reached:
            reached.append(way)
            world.write(disable)
            put(world.index, wheel("hidden", "2.0"))
            if way == "hit":
                assert "2.0" in world.get("/simple/hidden/", greta).text

    def before(place: Any, name: str) -> None:
        original = getattr(place, name)

        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            close_and_publish()
            return original(*arguments, **keywords)

        monkeypatch.setattr(place, name, wrapper)

    if way == "hit":
        for _ in range(2):
            response = world.get("/simple/hidden/", rita)
        assert response.headers["Cache-Status"] == "pypi_lite; hit"
        before(Hits, "_published")
    else:
        before(application, "reach_of")
    response = world.get("/simple/hidden/", rita)
    assert reached
    assert "2.0" not in response.text
    assert "2.0" in world.get("/simple/hidden/", greta).text


def test_what_is_hidden_is_hidden_from_the_next_request_on(world: World, second: TestApp) -> None:
    ann = bearing(new_token(world.index, "ann"))
    for app in (world.app, second):
        for path in [*world.paths("open"), *LISTS] * 2:
            assert world.get(path, ann, app).status_int == 200
    world.write(changes.set_visibility, OPERATOR, "open", "private")
    for app in (second, world.app):
        for path in world.paths("open"):
            assert world.get(path, ann, app).status_int == 404, path
        for path in LISTS:
            assert "/open/" not in world.get(path, ann, app).text, path
            assert ">open<" not in world.get(path, ann, app).text, path
    world.write(changes.set_visibility, OPERATOR, "open", "public")
    for path in world.paths("open"):
        assert world.get(path, ann, second).status_int == 200, path


def test_a_token_that_ends_opens_nothing_from_then_on(world: World) -> None:
    headers = bearing(new_token(world.index, "rita"))
    for _ in range(2):
        assert world.get("/simple/hidden/", headers).status_int == 200
    with world.index.database.write() as session:
        session.query(Token).one().expires = now()
    assert world.get("/simple/hidden/", headers).status_int in (401, 404)


def test_a_password_is_verified_once_and_no_longer_good_when_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.index.database.write() as session:
        create_user(session, "pete", password=PASSWORD, is_admin=False, by=acting("test"))
    world.write(roles.grant, OPERATOR, "hidden", "pete", "reader")
    headers = basic("pete", PASSWORD)
    for _ in range(3):
        response = world.get("/simple/hidden/", headers)
        assert response.status_int == 200
    assert response.headers["Cache-Status"] == "pypi_lite; hit"
    assert world.get("/simple/hidden/", basic("pete", "wrong")).status_int in (401, 404)
    with world.index.database.write() as session:
        pete = session.query(User).filter_by(name="pete").one()
        change_password(
            session, pete, DEFAULT.hash("another long phrase", name="pete"), by=OPERATOR
        )
    assert world.get("/simple/hidden/", headers).status_int in (401, 404)


def test_decisions_hold_no_secret_and_are_verified(world: World) -> None:
    token = new_token(world.index, "rita")
    for path in ("/simple/", "/simple/hidden/", "/"):
        world.get(path, bearing(token))
    folder = world.settings.cache_folder / "pages" / keys.READERS / token_hash(token)
    (decision,) = folder.rglob("*.json")
    assert token not in decision.read_text()
    out = open(os.devnull, "w")  # noqa: SIM115
    with out:
        assert verify(world.app.app, fix=False, out=out)
        content = json.loads(decision.read_text())
        assert content["private"] == ["hidden"]
        stat = decision.stat()
        decision.write_text(json.dumps({**content, "private": ["hidden", "more"]}))
        os.utime(decision, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert not verify(world.app.app, fix=False, out=out)
