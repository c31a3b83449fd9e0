"""Every route, asked by every kind of person and token: who is let in, and who is not.

A route, or a method of one, that has no row here fails: whoever adds it says who it is for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.people import create_user
from pypi_lite.accounts.permissions import OF_ROLE, SCOPE, Permission
from pypi_lite.accounts.sessions import COOKIE, begin_session
from pypi_lite.models import (
    File,
    FileAttestation,
    Group,
    GroupMember,
    RoleName,
    Scope,
    Token,
    User,
    WebSession,
    now,
)
from pypi_lite.repository import Index, changes, namespaces, roles
from pypi_lite.settings import READING_ACCOUNTS, Settings
from tests.conftest import acting, new_token
from tests.distributions.build import wheel
from tests.test_reading import bearing
from tests.web.helpers import put

ADMIN = "admin"
TOKEN, COOKIES, NOTHING = "token", "session", "nothing"


@dataclass(frozen=True)
class Kind:
    """Somebody who asks: what they are to the project, and what they show."""

    #: A role on the project, `ADMIN`, or None.
    role: str | None = None
    shows: str = TOKEN
    scopes: frozenset[Scope] = frozenset(Scope)
    #: Whether the token is for the project; whether what they show is good at all.
    reaches: bool = True
    is_good: bool = True
    in_group: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether they may do that to the project."""
        if not self.is_good or not self.reaches or SCOPE[permission] not in self.scopes:
            return False
        return self.role == ADMIN or permission in OF_ROLE.get(self.role, ())  # type: ignore[call-overload]


KINDS = {
    "nobody": Kind(shows=NOTHING, is_good=False),
    "a wrong token": Kind(is_good=False),
    "a revoked token of an owner": Kind("owner", is_good=False),
    "a disabled owner's token": Kind("owner", is_good=False),
    "a disabled owner's session": Kind("owner", COOKIES, is_good=False),
    "an owner's session that has ended": Kind("owner", COOKIES, is_good=False),
    "an account": Kind(),
    "a reader": Kind("reader"),
    "a member of a group of readers": Kind("reader", in_group=True),
    "an uploader": Kind("uploader"),
    "a maintainer": Kind("maintainer"),
    "an owner": Kind("owner"),
    "an owner's token for reading": Kind("owner", scopes=frozenset({Scope.READ})),
    "an owner's token for uploading": Kind("owner", scopes=frozenset({Scope.UPLOAD})),
    "an owner's token for yanking": Kind("owner", scopes=frozenset({Scope.YANK})),
    "an owner's token for another project": Kind("owner", reaches=False),
    "an administrator's token": Kind(ADMIN),
    "an account's session": Kind(shows=COOKIES),
    "an owner's session": Kind("owner", COOKIES),
    "an administrator's session": Kind(ADMIN, COOKIES),
}

Need = Callable[[Kind], bool]


def anybody(_kind: Kind) -> bool:
    return True


def a_reader(kind: Kind) -> bool:
    """Of what is not about a project."""
    return kind.is_good and Scope.READ in kind.scopes


def a_program(kind: Kind) -> bool:
    """A reader who shows it: a cookie is nothing for other methods."""
    return a_reader(kind) and kind.shows == TOKEN


def an_uploader(kind: Kind) -> bool:
    return kind.is_good and kind.shows == TOKEN and Scope.UPLOAD in kind.scopes


def sees_to_tokens(kind: Kind) -> bool:
    return kind.is_good and Scope.MANAGE in kind.scopes


def a_person(kind: Kind) -> bool:
    return kind.is_good and kind.shows == COOKIES


def an_administrator(kind: Kind) -> bool:
    return a_person(kind) and kind.role == ADMIN


def reads_it(kind: Kind) -> bool:
    return kind.may(Permission.READ)


def manages_it(kind: Kind) -> bool:
    return a_person(kind) and kind.may(Permission.MANAGE)


def audits(kind: Kind) -> bool:
    """Who may read all of the journal."""
    return kind.role == ADMIN and kind.may(Permission.MANAGE)


def by_token(permission: Permission) -> Need:
    """A program that may do that to the project; a cookie is nothing where something changes."""
    return lambda kind: kind.shows == TOKEN and kind.may(permission)


#: Of each route who is let in, by method and path. ``{victim}`` is one project for each kind.
ROWS: dict[str, list[tuple[str, str, Need]]] = {
    "api.namespaces": [("GET", "/simple/namespaces", a_reader)],
    "api.namespace": [("GET", "/simple/namespace/acme", a_reader)],
    "api.simple.index": [("GET", "/simple/", a_reader)],
    "api.simple.index.noslash": [("GET", "/simple", a_reader)],
    "api.simple.project": [("GET", "/simple/hidden/", reads_it)],
    "api.simple.project.noslash": [("GET", "/simple/hidden", a_reader)],
    "api.provenance": [("GET", "/integrity/hidden/1.0/{filename}/provenance", reads_it)],
    "api.json.project": [("GET", "/pypi/hidden/json", reads_it)],
    "api.json.project.slash": [("GET", "/pypi/hidden/json/", reads_it)],
    "api.json.release": [("GET", "/pypi/hidden/1.0/json", reads_it)],
    "api.json.release.slash": [("GET", "/pypi/hidden/1.0/json/", reads_it)],
    "api.rss.updates": [("GET", "/rss/updates.xml", a_reader)],
    "api.rss.packages": [("GET", "/rss/packages.xml", a_reader)],
    "api.rss.releases": [("GET", "/rss/project/hidden/releases.xml", reads_it)],
    "api.file": [("GET", "/files/hidden/{sha256}/{filename}", reads_it)],
    "api.mirror.simple": [("GET", "/mirror/simple/", a_reader)],
    "api.mirror.simple.noslash": [("GET", "/mirror/simple", a_reader)],
    "api.mirror.json": [("GET", "/mirror/pypi/hidden/json", reads_it)],
    "api.mirror.file": [("GET", "/packages/hidden/{sha256}/{filename}", a_reader)],
    "api.mirror.changes": [("GET", "/mirror/changes", a_reader)],
    "api.upload.0": [("POST", "/legacy/", an_uploader)],
    "api.upload.1": [("POST", "/legacy", an_uploader)],
    "api.upload.2": [("POST", "/", an_uploader)],
    "api.upload.3": [("POST", "/simple/", an_uploader)],
    "api.upload.4": [("POST", "/simple", an_uploader)],
    "api.oidc.audience": [("GET", "/_/oidc/audience", anybody)],
    "api.oidc.mint": [("POST", "/_/oidc/mint-token", anybody)],
    "api.oidc.burn": [("POST", "/_/oidc/burn-token", anybody)],
    "api.file.resource": [
        ("GET", "/api/files/{filename}", reads_it),
        ("DELETE", "/api/files/{victim_file}", by_token(Permission.DELETE)),
        ("PUT", "/api/files/{filename}", a_program),
    ],
    "api.release": [
        ("GET", "/api/projects/hidden/releases/1.0", reads_it),
        ("PATCH", "/api/projects/hidden/releases/1.0", by_token(Permission.YANK)),
        ("DELETE", "/api/projects/{victim}/releases/1.0", by_token(Permission.DELETE)),
        ("PUT", "/api/projects/hidden/releases/1.0", a_program),
    ],
    "api.roles": [
        ("GET", "/api/projects/hidden/roles", lambda kind: kind.may(Permission.MANAGE)),
        ("PUT", "/api/projects/hidden/roles", lambda kind: kind.is_good and kind.shows == TOKEN),
    ],
    "api.role": [
        ("PUT", "/api/projects/hidden/roles/@team", by_token(Permission.MANAGE)),
        ("DELETE", "/api/projects/{victim}/roles/@team", by_token(Permission.MANAGE)),
        ("POST", "/api/projects/hidden/roles/@team", lambda k: k.is_good and k.shows == TOKEN),
    ],
    "api.project": [
        ("GET", "/api/projects/hidden", reads_it),
        ("PATCH", "/api/projects/hidden", by_token(Permission.MANAGE)),
        ("DELETE", "/api/projects/{victim}", by_token(Permission.DELETE)),
        ("PUT", "/api/projects/hidden", a_program),
    ],
    "api.journal": [
        ("GET", "/api/journal", audits),
        ("GET", "/api/journal?project=hidden", lambda kind: kind.may(Permission.MANAGE)),
        ("PUT", "/api/journal", a_program),
    ],
    "api.tokens": [
        ("GET", "/api/tokens", sees_to_tokens),
        # Whose token may make none is told so when the body is one.
        ("POST", "/api/tokens", lambda kind: kind.is_good and kind.shows == TOKEN),
        ("PUT", "/api/tokens", lambda kind: kind.is_good and kind.shows == TOKEN),
    ],
    # There is none of this number, which is told to who may ask.
    "api.token": [("DELETE", "/api/tokens/999999", lambda _kind: False)],
    "api.openapi": [("GET", "/api/openapi.json", a_reader)],
    "web.static": [("GET", "/static/x/style.css", anybody)],
    "web.home": [("GET", "/", a_reader)],
    "web.search": [("GET", "/search/?q=hidden", a_reader)],
    "web.project": [("GET", "/project/hidden/", reads_it)],
    "web.release": [("GET", "/project/hidden/1.0/", reads_it)],
    "web.project.noslash": [("GET", "/project/hidden", reads_it)],
    "web.release.noslash": [("GET", "/project/hidden/1.0", reads_it)],
    # Whoever has no form from here is told that before anything is looked for.
    "web.manage": [("GET", "/manage/hidden/", manages_it), ("POST", "/manage/hidden/", a_person)],
    "web.upload": [("GET", "/upload/", a_person), ("POST", "/upload/", a_person)],
}
PEOPLE = {
    "web.namespaces": "/namespaces/",
    "web.namespaces.revoke": "/namespaces/revoke/",
    "web.people": "/admin/people/",
    "web.person": "/admin/people/owner/",
    "web.groups": "/admin/groups/",
    "web.group": "/admin/groups/team/",
}
ROWS |= {
    name: [("GET", path, an_administrator), ("POST", path, an_administrator)]
    for name, path in PEOPLE.items()
}
ROWS |= {
    name: [("GET", path, a_person), ("POST", path, a_person)]
    for name, path in {
        "web.tokens": "/account/tokens/",
        "web.tokens.revoke": "/account/tokens/revoke/",
        "web.factors.app": "/account/factors/app/",
        "web.factors.passkey": "/account/factors/passkey/",
        "web.factors.recovery": "/account/factors/recovery/",
        "web.factors.remove": "/account/factors/remove/",
        "web.sessions.end": "/account/sessions/end/",
        "web.sessions.end_others": "/account/sessions/end-others/",
        "web.password": "/account/password/",
        "web.mail": "/account/mail/",
        "web.publishing": "/account/publishing/",
        "web.sso.connect": "/account/sso/",
    }.items()
}
ROWS |= {
    "web.account": [("GET", "/account/", a_person)],
    "web.journal": [("GET", "/admin/journal/", an_administrator)],
    "web.journal.project": [("GET", "/manage/hidden/journal/", manages_it)],
    "web.journal.account": [("GET", "/account/journal/", a_person)],
    "web.factors": [("GET", "/account/factors/", a_person)],
    "web.sso.disconnect": [("POST", "/account/sso/disconnect/", a_person)],
    "web.publishers": [
        ("GET", "/manage/hidden/publishers/", manages_it),
        ("POST", "/manage/hidden/publishers/", a_person),
    ],
}
ROWS |= {
    name: [(method, path, anybody) for method in methods.split()]
    for name, (path, methods) in {
        "web.login": ("/login/", "GET POST"),
        "web.logout": ("/logout/", "POST"),
        "web.login.factor": ("/login/factor/", "GET POST"),
        "web.login.enrol": ("/login/enrol/", "GET POST"),
        "web.login.passkey": ("/login/passkey/", "GET POST"),
        "web.link": ("/link/", "GET POST"),
        "web.forgotten": ("/forgotten/", "GET POST"),
        "web.register": ("/register/", "GET POST"),
        "web.sso": ("/login/sso/", "GET"),
        "web.sso.callback": ("/login/sso/callback/", "GET"),
        "web.setup": ("/setup/", "GET POST"),
    }.items()
}
#: Bodies that change nothing for whoever is let in.
BODIES = {
    "api.project": b'{"visibility": "private"}',
    "api.release": b'{"yanked": false}',
    "api.role": b'{"role": "reader"}',
}


@dataclass
class World:
    """The index, and what each kind of person shows."""

    app: TestApp
    index: Index
    headers: dict[str, dict[str, str]]
    values: dict[str, str]

    def is_let_in(self, who: str, route: str, method: str, path: str) -> bool:
        victim, filename = victim_of(who), wheel(victim_of(who), "1.0")[0]
        path = path.format(victim=victim, victim_file=filename, **self.values)
        self.app.reset()
        response = self.app.request(
            path,
            method=method,
            headers={**self.headers[who], "Accept": "*/*", "Content-Type": "application/json"},
            body=BODIES.get(route, b"") if method in ("PATCH", "PUT") else b"",
            status="*",
            expect_errors=True,
        )
        assert response.status_int < 500 or "sso" in path, (who, path, response)
        asked = response.status_int == 303 and "/login/" in response.location
        return not asked and response.status_int not in (401, 403, 404)


def victim_of(who: str) -> str:
    return f"victim-{list(KINDS).index(who)}"


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    settings = replace(
        settings,
        reading=READING_ACCOUNTS,
        trusted_publishers=("github",),
        oidc_issuer="http://127.0.0.1:9/",
        oidc_client_id="index",
        registration=True,
        smtp_host="127.0.0.1",
        smtp_tls="none",
        mail_from="index@index.test",
    )
    app = TestApp(make_app(settings))
    index: Index = app.app.registry["pypi_lite.index"]
    fill(index)
    with index.database.read() as session:
        file = session.query(File).filter_by(filename=wheel("hidden", "1.0")[0]).one()
        values = {"filename": file.filename, "sha256": file.sha256}
    headers = {who: shown(index, who, kind) for who, kind in KINDS.items()}
    spoil(index)
    yield World(app, index, headers, values)
    index.database.dispose()


def fill(index: Index) -> None:
    """The project, one for each kind to lose, and an account for each role."""
    projects = ["hidden", *map(victim_of, KINDS)]
    for name in projects:
        put(index, wheel(name, "1.0"))
    with index.database.write() as session:
        for name in ("account", "member", "disabled", ADMIN, *RoleName):
            create_user(session, name, password=None, is_admin=name == ADMIN, by=OPERATOR)
        session.flush()
        member = session.query(User).filter_by(name="member").one()
        group = Group(name="team", created=now())
        session.add_all([group, GroupMember(group=group, user=member)])
        namespaces.grant(session, OPERATOR, "acme", [ADMIN])
        (file,) = session.query(File).filter_by(filename=wheel("hidden", "1.0")[0])
        session.add(
            FileAttestation(
                file=file,
                predicate_type="p",
                kind="GitHub",
                repository="o/r",
                workflow="w.yml",
                body={},
            )
        )
    with index.database.write() as session:
        for name in projects:
            for role in RoleName:
                roles.grant(session, OPERATOR, name, role, role)
            roles.grant(session, OPERATOR, name, "disabled", RoleName.OWNER)
            roles.grant(session, OPERATOR, name, "@team", RoleName.READER)
            changes.set_visibility(session, OPERATOR, name, "private")


def shown(index: Index, who: str, kind: Kind) -> dict[str, str]:
    """The headers that somebody of that kind sends."""
    if kind.shows == NOTHING:
        return {}
    name = "member" if kind.in_group else kind.role or "account"
    if "disabled" in who:
        name = "disabled"
    if kind.shows == COOKIES:
        with index.database.write() as session:
            user = session.query(User).filter_by(name=name).one()
            secret = begin_session(
                session, user, hours=1, address="127.0.0.1", agent=who, by=acting(name)
            )
        return {"Cookie": f"{COOKIE}={secret}"}
    if who == "a wrong token":
        return bearing("pypi-lite-" + "x" * 43)
    projects = [] if kind.reaches else ["other"]
    token = new_token(index, name, *kind.scopes, projects=projects)
    if "revoked" in who:
        with index.database.write() as session:
            session.delete(session.query(Token).order_by(Token.id.desc()).first())
    return bearing(token)


def spoil(index: Index) -> None:
    """Disable who is disabled, end what has ended."""
    with index.database.write() as session:
        session.query(User).filter_by(name="disabled").one().is_disabled = True
        ended = "an owner's session that has ended"
        session.delete(session.query(WebSession).filter_by(agent=ended).one())


def test_every_route_lets_in_whom_it_is_for(world: World) -> None:
    wrong = []
    for route, rows in ROWS.items():
        for method, path, need in rows:
            for who, kind in KINDS.items():
                if need is anybody:
                    continue
                if world.is_let_in(who, route, method, path) != need(kind):
                    wrong.append(f"{method} {path}: {who} is {'not ' * need(kind)}let in")
    assert not wrong, "\n".join(wrong)


def test_a_search_finds_and_counts_what_one_may_read(world: World) -> None:
    for who, kind in KINDS.items():
        world.app.reset()
        for path in ("/search/?q=hidden", "/search/"):
            page = world.app.get(path, headers=world.headers[who], status="*", expect_errors=True)
            rows = page.html.select("ol.rows > li") if page.status_int == 200 else []
            names = {row.a["href"] for row in rows}
            assert ("../project/hidden/" in names) == reads_it(kind), (who, path)
            if page.status_int == 200:
                counted = page.html.select_one("[role=status]").get_text().split()[0]
                assert counted == str(len(rows)), (who, path)


def test_what_is_for_anybody_asks_nobody(world: World) -> None:
    for rows in ROWS.values():
        for method, path, need in rows:
            if need is anybody:
                response = world.app.request(path, method=method, status="*", expect_errors=True)
                assert response.status_int != 401, path
                assert "next=" not in response.headers.get("Location", ""), path


def test_every_route_and_method_has_a_row(world: World) -> None:
    introspector = world.app.app.registry.introspector
    routes = {
        entry["introspectable"]["name"]: entry["introspectable"]
        for entry in introspector.get_category("routes")
    }
    assert sorted(ROWS) == sorted(routes)
    for entry in introspector.get_category("views"):
        view: Any = entry["introspectable"]
        if view["context"] is not None or not view["route_name"]:
            continue
        name = view["route_name"]
        asked = {method for method, _, _ in ROWS[name]}
        methods = view["request_methods"] or routes[name]["request_methods"] or ()
        for method in [methods] if isinstance(methods, str) else methods:
            assert method in asked | {"HEAD"}, f"{method} of {name} has no row"
