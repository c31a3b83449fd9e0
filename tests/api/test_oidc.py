"""Trusted publishing: what is exchanged for a token, what is refused, and what the token opens."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import event, select
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.people import authenticate, is_user_name, refresh
from pypi_lite.accounts.tokens import TOKEN_PREFIX
from pypi_lite.issuers import IssuerKind, Source
from pypi_lite.models import (
    Action,
    File,
    Group,
    JournalEntry,
    Project,
    Publisher,
    PublisherToken,
    Role,
    RoleName,
    UsedAssertion,
    User,
    now,
)
from pypi_lite.repository import Index, changes, namespaces, publishers
from pypi_lite.repository.errors import Refusal
from pypi_lite.repository.publishing import actor_name
from pypi_lite.settings import Settings
from tests.api.conftest import token_of_new
from tests.api.forms import post, twine
from tests.api.test_projects import fits
from tests.distributions.build import sdist, wheel
from tests.issuers import DISCOVERY, KEYS, TestIssuer, running_issuer
from tests.web.helpers import put

AUDIENCE, MINT, BURN = "/_/oidc/audience", "/_/oidc/mint-token", "/_/oidc/burn-token"
WHEEL, SDIST = wheel("foo", "1.0"), sdist("foo", "1.0")


@pytest.fixture(scope="module")
def running() -> Iterator[TestIssuer]:
    """An issuer whose tokens have GitHub's claims."""
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def gitlab() -> Iterator[TestIssuer]:
    """One whose tokens have GitLab's."""
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def other() -> Iterator[TestIssuer]:
    """One of which nothing but the subject is known."""
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(running: TestIssuer) -> TestIssuer:
    """The first one, as it should be."""
    running.misbehaviours.clear()
    return running


@pytest.fixture
def settings(
    settings: Settings, issuer: TestIssuer, gitlab: TestIssuer, other: TestIssuer
) -> Settings:
    """Of an index that trusts them."""
    trusted = (f"github {issuer.url}", f"GitLab {gitlab.url}", f"{other.url} {other.url}{KEYS}")
    return replace(settings, trusted_publishers=trusted)


_numbers = iter(range(1, 1_000_000))


def github_claims(issuer: TestIssuer, **more: Any) -> dict[str, Any]:
    """What GitHub says of a job of release.yml in acme/foo."""
    usual = issuer.claims(
        aud="index.test",
        jti=f"job-{next(_numbers)}",
        sub="repo:acme/foo:environment:release",
        repository="acme/foo",
        repository_owner="acme",
        repository_owner_id="1001",
        repository_id="2002",
        workflow_ref="acme/foo/.github/workflows/release.yml@refs/tags/v1.0",
        job_workflow_ref="acme/foo/.github/workflows/release.yml@refs/tags/v1.0",
        ref="refs/tags/v1.0",
        event_name="push",
        environment="release",
    )
    return {name: value for name, value in {**usual, **more}.items() if value is not None}


def gitlab_claims(issuer: TestIssuer, **more: Any) -> dict[str, Any]:
    """What GitLab says of a job of ci/release.yml in acme/tools/foo."""
    host = issuer.url.removeprefix("http://")
    usual = {
        "aud": "index.test",
        "jti": f"job-{next(_numbers)}",
        "sub": "project_path:acme/tools/foo:ref_type:branch:ref:main",
        "project_path": "acme/tools/foo",
        "namespace_id": "72",
        "ci_config_ref_uri": f"{host}/acme/tools/foo//ci/release.yml@refs/heads/main",
    }
    return issuer.claims(**{**usual, **more})


def source(issuer: TestIssuer, **values: str) -> Source:
    """release.yml of acme/foo there, unless *values* say otherwise."""
    usual = {"repository": "acme/foo", "workflow": "release.yml"}
    return Source(IssuerKind.GITHUB, issuer.url, **{**usual, **values})


def trust(index: Index, name: str, source: Source) -> int:
    """Let *source* be a publisher of a project that is there."""
    with index.database.write() as session:
        return publishers.add(session, OPERATOR, name, source)


def expect(index: Index, name: str, source: Source, *, user_name: str) -> int:
    """Let *source* be a pending publisher."""
    with index.database.write() as session:
        return publishers.add_pending(session, OPERATOR, name, source, user_name=user_name)


def ask(app: TestApp, token: object, status: Any = 200) -> Any:
    """Ask for a token in exchange for *token*."""
    return app.post_json(MINT, {"token": token}, status=status)


def minted(app: TestApp, issuer: TestIssuer, **claims: Any) -> str:
    """A new token of ours."""
    found: str = ask(app, issuer.token(github_claims(issuer, **claims))).json["token"]
    return found


def refusal(answer: Any) -> tuple[str, str]:
    """Code and text of an answer that is one, as every client reads it."""
    assert answer.status_int == 422, answer.text
    assert fits("TokenFailure", answer.json)["message"] == "Token request failed"
    (error,) = answer.json["errors"]
    assert sorted(error) == ["code", "description"]
    return error["code"], error["description"]


def refused(app: TestApp, issuer: TestIssuer, **claims: Any) -> tuple[str, str]:
    """Why a token with these claims is refused."""
    return refusal(ask(app, issuer.token(github_claims(issuer, **claims)), status="*"))


@pytest.fixture
def foo(index: Index, issuer: TestIssuer) -> int:
    """The number of the publisher of the project foo."""
    put(index, wheel("foo", "0.1"))
    put(index, wheel("bar", "0.1"))
    return trust(index, "foo", source(issuer))


def test_the_audience_is_the_indexs_host(app: TestApp) -> None:
    answer = app.get(AUDIENCE)
    assert fits("Audience", answer.json) == {"audience": "index.test"}
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_the_audience_is_what_the_setting_says(settings: Settings) -> None:
    application = make_app(replace(settings, trusted_publishers_audience="ours"))
    assert TestApp(application).get(AUDIENCE).json == {"audience": "ours"}
    application.registry["pypi_lite.index"].database.dispose()


def test_without_an_issuer_there_is_nothing(settings: Settings) -> None:
    application = make_app(replace(settings, trusted_publishers=()))
    app = TestApp(application)
    for answer in (app.get(AUDIENCE, status=404), ask(app, "a.b.c", status=404)):
        assert fits("TokenFailure", answer.json)["errors"][0]["code"] == "not-found"
    application.registry["pypi_lite.index"].database.dispose()


def test_where_it_is_off_a_client_that_asks_costs_nothing(settings: Settings) -> None:
    """T05: uv asks each time that it publishes without credentials."""
    application = make_app(replace(settings, trusted_publishers=()))
    database = application.registry["pypi_lite.index"].database
    asked: list[str] = []
    with database.read() as session:
        engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    TestApp(application).get(AUDIENCE, status=404)
    assert asked == []
    TestApp(application).get("/simple/no-such-project/", status=404)
    assert asked  # which is where it would have been seen
    database.dispose()


def test_there_is_no_discovery(app: TestApp) -> None:
    """T08: a draft, and none of its names is here."""
    app.get("/.well-known/pytp?discover=%2Flegacy%2F", status=404)


def test_a_token_is_exchanged_and_publishes(
    app: TestApp, index: Index, issuer: TestIssuer, foo: int
) -> None:
    before = int(time.time())
    answer = ask(app, issuer.token(github_claims(issuer)))
    assert fits("MintedToken", answer.json)["success"] is True
    token, expires = answer.json["token"], answer.json["expires"]
    assert token.startswith(TOKEN_PREFIX)
    assert before + 900 <= expires <= time.time() + 900
    assert answer.headers["Cache-Control"] == "no-store"
    post(app, twine(WHEEL), token)
    assert WHEEL[0] in app.get("/simple/foo/").text
    with index.database.read() as session:
        assert (
            session.scalars(select(File).where(File.filename == WHEEL[0])).one().uploaded_by is None
        )
        rows = session.execute(
            select(
                JournalEntry.action, JournalEntry.actor, JournalEntry.means, JournalEntry.project
            )
            .where(JournalEntry.means == f"publisher {foo}")
            .order_by(JournalEntry.serial)
        ).all()
    name = "GitHub acme/foo (release.yml)"
    assert rows == [
        (action, name, f"publisher {foo}", "foo")
        for action in ("publisher.mint", "release.create", "file.add")
    ]


def test_it_is_for_that_project_and_for_uploads_alone(
    app: TestApp, index: Index, issuer: TestIssuer, foo: int
) -> None:
    token = minted(app, issuer)
    for name in ("bar", "new"):
        answer = post(app, twine(wheel(name, "1.0")), token, status=403)
        assert "limited to other projects" in answer.text
    app.authorization = ("Basic", ("__token__", token))
    for url, body in (
        ("/api/projects/foo", {"status": "archived"}),
        ("/api/projects/foo/releases/0.1", {"yanked": True}),
    ):
        answer = app.patch_json(url, body, status=403)
        assert "may upload, and nothing else" in answer.json["detail"]
    assert app.delete("/api/projects/foo", status="*").status_int == 403
    with index.database.read() as session:
        assert session.scalars(
            select(Project.normalized_name).order_by("normalized_name")
        ).all() == [
            "bar",
            "foo",
        ]


def test_no_role_of_a_group_is_its_own(
    app: TestApp, index: Index, issuer: TestIssuer, foo: int
) -> None:
    """Neither a group's role nor a publisher has a user."""
    with index.database.write() as session:
        project = session.scalars(select(Project).where(Project.normalized_name == "foo")).one()
        group = Group(name="core", created=now())
        session.add(Role(group=group, project=project, role=RoleName.OWNER))
    nobody = Identity("nobody", None)
    with pytest.raises(Refusal, match="may not delete"), index.database.write() as session:
        changes.delete_project(session, nobody, "foo")


def test_it_is_taken_once(app: TestApp, index: Index, issuer: TestIssuer, foo: int) -> None:
    token = issuer.token(github_claims(issuer))
    ask(app, token)
    assert refusal(ask(app, token, status="*"))[0] == "invalid-reuse-token"
    # Another spelling of the same one.
    assert refusal(ask(app, issuer.token(github_claims(issuer) | {"jti": _jti(token)}), "*"))[
        0
    ] == ("invalid-reuse-token")


def _jti(token: str) -> str:
    found: str = jwt.decode(token, options={"verify_signature": False})["jti"]
    return found


def test_without_an_id_it_is_taken_once_too(app: TestApp, issuer: TestIssuer, foo: int) -> None:
    token = issuer.token(github_claims(issuer, jti=None))
    ask(app, token)
    assert refusal(ask(app, token, status="*"))[0] == "invalid-reuse-token"
    ask(app, issuer.token(github_claims(issuer, jti=None, sha="another job")))


def test_of_many_at_once_one_wins(app: TestApp, issuer: TestIssuer, foo: int) -> None:
    token = issuer.token(github_claims(issuer))
    ask(app, issuer.token(github_claims(issuer)))  # the keys are here
    together, found = threading.Barrier(4), []

    def race() -> None:
        mine = TestApp(app.app)
        together.wait()
        found.append(ask(mine, token, status="*").status_int)

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200, 422, 422, 422]


def test_what_has_expired_goes(app: TestApp, index: Index, issuer: TestIssuer, foo: int) -> None:
    old = minted(app, issuer)
    with index.database.write() as session:
        for row in session.scalars(select(PublisherToken)):
            row.expires = now() - timedelta(seconds=1)
        for used in session.scalars(select(UsedAssertion)):
            used.expires = now() - timedelta(seconds=1)
    assert post(app, twine(WHEEL), old, status="*").status_int == 401
    minted(app, issuer)
    with index.database.read() as session:
        assert len(session.scalars(select(PublisherToken)).all()) == 1
        assert len(session.scalars(select(UsedAssertion)).all()) == 1


def test_a_token_is_taken_back(app: TestApp, issuer: TestIssuer, foo: int) -> None:
    token, kept = minted(app, issuer), minted(app, issuer)
    for _ in range(2):
        assert app.post_json(BURN, {"token": token}).status_int == 204
    assert post(app, twine(WHEEL), token, status="*").status_int == 401
    post(app, twine(WHEEL), kept)


def test_a_publisher_that_is_removed_publishes_nothing(
    app: TestApp, index: Index, issuer: TestIssuer, foo: int
) -> None:
    token = minted(app, issuer)
    with index.database.write() as session:
        publishers.remove(session, OPERATOR, "foo", foo)
    assert post(app, twine(WHEEL), token, status="*").status_int == 401
    assert refused(app, issuer)[0] == "invalid-publisher"
    trust(index, "foo", source(issuer))
    assert post(app, twine(WHEEL), token, status="*").status_int == 401


def test_it_is_asked_again_when_nobody_else_writes(
    app: TestApp, index: Index, issuer: TestIssuer, foo: int
) -> None:
    """A publisher that goes between the request's beginning and the upload's end."""
    token = minted(app, issuer)
    with index.database.read() as session:
        identity = authenticate(session, "__token__", token)
        assert identity is not None
        assert (identity.user_id, identity.is_admin, identity.projects) == (None, False, {"foo"})
        assert refresh(session, identity) == identity
    with index.database.write() as session:
        publishers.remove(session, OPERATOR, "foo", foo)
    with pytest.raises(Refusal, match="no longer valid"):
        put(index, WHEEL, identity)
    with index.database.read() as session:
        assert refresh(session, identity) is None


def test_a_project_that_is_deleted_takes_its_publishers_along(
    app: TestApp, index: Index, issuer: TestIssuer, foo: int
) -> None:
    token = minted(app, issuer)
    with index.database.write() as session:
        changes.delete_project(session, OPERATOR, "foo")
    assert post(app, twine(WHEEL), token, status="*").status_int == 401


ANOTHER_JOB: list[tuple[dict[str, Any], str, str]] = [
    (
        {"aud": "another.index"},
        "invalid-token",
        "meant for somebody else: it must be for 'index.test', and is for 'another.index'",
    ),
    ({"exp": 1_000_000_000}, "invalid-token", "has expired"),
    ({"nbf": 4_000_000_000}, "invalid-token", "not valid yet"),
    ({"iss": "https://evil.test"}, "invalid-token", "no issuer that is trusted"),
    ({"exp": 1e18}, "invalid-token", "no moment"),
    ({"exp": float("inf")}, "invalid-token", "can't be verified"),
    ({"repository": "acme/bar"}, "invalid-token", "none of its repository"),
    # A fork, or another repository altogether, with a workflow of the same name.
    (
        {
            "repository": "eve/foo",
            "workflow_ref": "eve/foo/.github/workflows/release.yml@refs/heads/main",
        },
        "invalid-publisher",
        "release.yml of eve/foo",
    ),
    # It calls ours: the job's own workflow is the trusted one, what was started is not.
    (
        {
            "repository": "eve/foo",
            "workflow_ref": "eve/foo/.github/workflows/evil.yml@refs/heads/main",
        },
        "invalid-publisher",
        "evil.yml of eve/foo",
    ),
    (
        {"workflow_ref": "acme/foo/.github/workflows/ci.yml@refs/heads/main"},
        "invalid-publisher",
        "ci.yml of acme/foo",
    ),
    (
        {"workflow_ref": "acme/foo/.github/workflows/release.yml@x.yml@refs/heads/main"},
        "invalid-publisher",
        "release.yml@x.yml",
    ),
    (
        {"workflow_ref": "acme/foo/.github/workflows/x.yml@refs/heads/release.yml@refs/a"},
        "invalid-publisher",
        "x.yml@refs/heads/release.yml",
    ),
    ({"workflow_ref": "acme/foo/.github/workflows/release.yml"}, "invalid-token", "which ref"),
    ({"workflow_ref": None}, "invalid-token", "no claim workflow_ref"),
    ({"repository": 7}, "invalid-token", "no claim repository"),
    ({"repository_owner_id": None}, "invalid-token", "no claim repository_owner_id"),
    ({"repository": "acme/foo\0"}, "invalid-token", "no claim repository"),
]


def test_another_job_is_refused(app: TestApp, index: Index, issuer: TestIssuer, foo: int) -> None:
    for claims, code, words in ANOTHER_JOB:
        found = refused(app, issuer, **claims)
        assert found[0] == code, claims
        assert words in found[1], claims
    with index.database.read() as session:
        assert session.scalars(select(PublisherToken)).all() == []
    minted(app, issuer)


def test_an_environment_is_the_one_that_is_named(
    app: TestApp, index: Index, issuer: TestIssuer
) -> None:
    put(index, wheel("foo", "0.1"))
    trust(index, "foo", source(issuer, environment="release"))
    minted(app, issuer)
    for environment, words in ((None, "in no environment"), ("", "in no"), ("Release", "Release")):
        code, text = refused(app, issuer, environment=environment)
        assert code == "invalid-publisher"
        assert words in text


def test_a_name_that_has_changed_hands_is_another(
    app: TestApp, index: Index, issuer: TestIssuer, foo: int
) -> None:
    minted(app, issuer)
    with index.database.read() as session:
        assert session.get_one(Publisher, foo).owner_id == "1001"
    minted(app, issuer)
    code, text = refused(app, issuer, repository_owner_id="6666")
    assert code == "invalid-publisher"
    assert "belongs to another account" in text


NO_REQUEST = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"token"',
    b"{}",
    b'{"token": 7}',
    b'{"token": null}',
    '{"token": "ä"}'.encode(),
    b"\xff",
    b"[" * 20_000,
    b'{"token": "' + b"a" * 70_000 + b'"}',
]


def test_what_is_no_request_is_refused(app: TestApp) -> None:
    for body in NO_REQUEST:
        for address in (MINT, BURN):
            refusal(app.post(address, body, content_type="application/json", status="*"))


def encoded(content: object) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_what_is_no_token_is_refused(app: TestApp, issuer: TestIssuer, foo: int) -> None:
    good = issuer.token(github_claims(issuer))
    head, payload, signature = good.split(".")
    unsigned = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    for token in (
        "",
        ".",
        "..",
        "a.b.c",
        f"{head}.{payload}",
        f"{head}.{payload}.",
        f"{head}.{payload}.{signature[:-8]}AAAAAAAA",
        f"{unsigned}.{payload}.",
        f"{unsigned}.{payload}.{signature}",
        *(f"{head}.{encoded(wrong)}.{signature}" for wrong in ({}, [], {"iss": ["a"]}, "a", 7)),
        f"{good}.{signature}",
        good + "A" * 40_000,
    ):
        assert refusal(ask(app, token, status="*"))[0] == "invalid-token", token[:80]
    ask(app, good)


def test_a_key_of_another_issuer_signs_nothing(app: TestApp, issuer: TestIssuer, foo: int) -> None:
    token = issuer.token(github_claims(issuer), key="somebody-elses", kid="first")
    assert refusal(ask(app, token, status="*")) == (
        "invalid-token",
        "The identity token is refused: the token's signature is wrong.",
    )


def test_an_issuer_that_does_not_answer_is_no_fault_of_the_token(
    settings: Settings, index: Index, issuer: TestIssuer
) -> None:
    issuer.misbehaviours[DISCOVERY] = lambda handler: handler.answer_json({}, 500)
    application = make_app(settings)
    answer = ask(TestApp(application), issuer.token(github_claims(issuer)), status=503)
    assert fits("TokenFailure", answer.json)["errors"][0]["code"] == "busy"
    assert "Retry-After" in answer.headers
    application.registry["pypi_lite.index"].database.dispose()


def test_gitlab(app: TestApp, index: Index, gitlab: TestIssuer) -> None:
    put(index, wheel("foo", "0.1"))
    place = {"repository": "acme/tools/foo", "workflow": "ci/release.yml"}
    number = trust(index, "foo", Source(IssuerKind.GITLAB, gitlab.url, **place))
    token = ask(app, gitlab.token(gitlab_claims(gitlab))).json["token"]
    post(app, twine(WHEEL), token)
    with index.database.read() as session:
        assert session.get_one(Publisher, number).owner_id == "72"
    host = gitlab.url.removeprefix("http://")
    for wrong in (
        {"namespace_id": "73"},
        {"project_path": "eve/foo"},
        {"ci_config_ref_uri": f"{host}/acme/tools/foo//ci.yml@refs/heads/main"},
        {"ci_config_ref_uri": f"{host}/eve/acme/tools/foo//ci/release.yml@refs/heads/main"},
        {"ci_config_ref_uri": f"{host}/eve//acme/tools/foo//ci/release.yml@refs/heads/main"},
        {"ci_config_ref_uri": None},
    ):
        refusal(ask(app, gitlab.token(gitlab_claims(gitlab, **wrong)), status="*"))


def test_another_issuers_subject(
    app: TestApp, index: Index, issuer: TestIssuer, other: TestIssuer
) -> None:
    put(index, wheel("foo", "0.1"))
    subject = "organization:acme:pipeline:foo:ref:refs/heads/main:commit:1:step:build"
    trust(index, "foo", Source(IssuerKind.OTHER, other.url, "", subject))
    token = other.token(other.claims(aud="index.test", sub=subject))
    post(app, twine(WHEEL), ask(app, token).json["token"])
    for wrong in (subject + "2", subject[:-1], subject.upper()):
        refusal(ask(app, other.token(other.claims(aud="index.test", sub=wrong)), status="*"))
    with index.database.read() as session:
        query = select(JournalEntry.actor).where(JournalEntry.action == "publisher.mint")
        assert session.scalars(query).all() == [f"publisher {subject}"[:64]]
    # The same subject, of an issuer of whose claims more is known.
    refusal(ask(app, issuer.token(issuer.claims(aud="index.test", sub=subject)), status="*"))


@pytest.mark.parametrize("subject", ["ann", "ann" * 21, "\u3000ann\u2028"])
def test_no_subject_is_called_like_an_account(subject: str) -> None:
    name = actor_name(Source(IssuerKind.OTHER, "https://ci.test/a", "", subject))
    assert name.startswith("publisher ")
    assert len(name) <= 64
    assert not is_user_name(name)


def test_the_same_repository_elsewhere_is_another(
    app: TestApp, index: Index, issuer: TestIssuer
) -> None:
    put(index, wheel("foo", "0.1"))
    trust(index, "foo", replace(source(issuer), issuer="https://ghe.test"))
    assert refused(app, issuer)[0] == "invalid-publisher"


def test_a_token_reaches_each_project_that_trusts_the_job(
    app: TestApp, index: Index, issuer: TestIssuer, foo: int
) -> None:
    bar = trust(index, "bar", source(issuer))
    token = minted(app, issuer)
    for name in ("foo", "bar"):
        post(app, twine(wheel(name, "1.0")), token)
    with index.database.write() as session:
        newest = select(JournalEntry.means).order_by(JournalEntry.serial.desc()).limit(1)
        assert session.scalar(newest) == f"publishers {foo}, {bar}"
        publishers.remove(session, OPERATOR, "bar", bar)
    post(app, twine(wheel("foo", "2.0")), token)
    assert post(app, twine(wheel("bar", "2.0")), token, status="*").status_int == 403


def roles(index: Index, name: str) -> list[tuple[str, str]]:
    """Who is what to a project."""
    with index.database.read() as session:
        query = select(User.name, Role.role).join(Role.user).join(Role.project)
        rows = session.execute(query.where(Project.normalized_name == name))
        return [(row[0], row[1]) for row in rows]


def test_a_pending_publisher_begins_its_project(
    app: TestApp, index: Index, issuer: TestIssuer
) -> None:
    token_of_new(index, "ann")
    number = expect(index, "Foo", source(issuer), user_name="ann")
    assert app.get("/simple/foo/", status=404)
    token = minted(app, issuer)
    post(app, twine(WHEEL), token)
    post(app, twine(SDIST), token)
    assert SDIST[0] in app.get("/simple/foo/").text
    assert roles(index, "foo") == [("ann", "owner")]
    with index.database.read() as session:
        (entry,) = publishers.of(session, "foo")
        assert (entry.id, entry.owner_id, entry.pending_name) == (number, "1001", None)
        assert publishers.pending(session) == []
        notes = session.scalars(
            select(JournalEntry.note)
            .where(JournalEntry.action.in_([Action.PUBLISHER_ADD, Action.PUBLISHER_MINT]))
            .order_by(JournalEntry.serial)
        ).all()
    shown = f"{number}: {entry.source}"
    assert notes == [
        f"{shown} for foo, pending",
        f"{shown} for foo, pending",
        f"{shown}; ann owns the project",
    ]
    assert post(app, twine(wheel("bar", "1.0")), token, status="*").status_int == 403


def test_of_several_pending_publishers_the_first_upload_decides(
    app: TestApp, index: Index, issuer: TestIssuer
) -> None:
    for name in ("ann", "bob"):
        token_of_new(index, name)
    expect(index, "foo", source(issuer), user_name="ann")
    with pytest.raises(Refusal, match="named for 'foo' already"):
        expect(index, "foo", source(issuer), user_name="bob")
    his = expect(index, "foo", source(issuer, repository="bob/foo"), user_name="bob")
    also = expect(index, "foo", source(issuer, workflow="nightly.yml"), user_name="ann")
    bobs = minted(
        app,
        issuer,
        repository="bob/foo",
        workflow_ref="bob/foo/.github/workflows/release.yml@refs/heads/main",
    )
    post(app, twine(WHEEL), minted(app, issuer))
    assert roles(index, "foo") == [("ann", "owner")]
    assert post(app, twine(SDIST), bobs, status="*").status_int == 401
    with index.database.read() as session:
        assert session.get(Publisher, his) is None
        assert also in [entry.id for entry in publishers.of(session, "foo")]


def test_who_begins_it_otherwise_leaves_nothing_pending(
    app: TestApp, index: Index, issuer: TestIssuer
) -> None:
    token_of_new(index, "ann")
    bobs = token_of_new(index, "bob")
    expect(index, "foo", source(issuer), user_name="ann")
    token = minted(app, issuer)
    post(app, twine(WHEEL), bobs)
    assert roles(index, "foo") == [("bob", "owner")]
    assert post(app, twine(SDIST), token, status="*").status_int == 401
    with pytest.raises(Refusal, match="There is a project 'foo'"):
        expect(index, "foo", source(issuer), user_name="ann")


def test_namespaces_hold_for_who_named_it(app: TestApp, index: Index, issuer: TestIssuer) -> None:
    for name in ("ann", "bob"):
        token_of_new(index, name)
    expect(index, "acme-foo", source(issuer), user_name="ann")
    token = minted(app, issuer)
    with index.database.write() as session:
        namespaces.grant(session, OPERATOR, "acme", ["bob"])
    answer = post(app, twine(wheel("acme-foo", "1.0")), token, status="*")
    assert (answer.status_int, "only bob may begin" in answer.text) == (409, True)
    with pytest.raises(Refusal, match="only bob may begin"):
        expect(index, "acme-bar", source(issuer), user_name="ann")
    with index.database.write() as session:
        namespaces.grant(session, OPERATOR, "acme", ["ann"])
    post(app, twine(wheel("acme-foo", "1.0")), token)


def test_who_is_disabled_has_nothing_pending(
    app: TestApp, index: Index, issuer: TestIssuer
) -> None:
    token_of_new(index, "ann")
    expect(index, "foo", source(issuer), user_name="ann")
    token = minted(app, issuer)
    with index.database.write() as session:
        session.scalars(select(User).where(User.name == "ann")).one().is_disabled = True
    assert post(app, twine(WHEEL), token, status="*").status_int == 401
    assert refused(app, issuer)[0] == "invalid-publisher"
    assert app.get("/simple/foo/", status=404)


def test_a_token_of_ours_is_no_secret_of_the_journal(
    app: TestApp, index: Index, issuer: TestIssuer, foo: int
) -> None:
    shown = issuer.token(github_claims(issuer))
    token = ask(app, shown).json["token"]
    with index.database.read() as session:
        text = repr(session.execute(select(JournalEntry.__table__)).all())
        kept = repr(session.execute(select(PublisherToken.__table__)).all())
    for secret in (shown, token, token.removeprefix(TOKEN_PREFIX)):
        assert secret not in text + kept
