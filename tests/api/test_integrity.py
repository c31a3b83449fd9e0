"""Attestations of uploads, and the provenance that they become (V01-V04, U11, S18, H08, D09)."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.api.integrity import MEDIA
from pypi_lite.attestations import Workflow
from pypi_lite.models import FileAttestation, JournalEntry, ProjectStatus
from pypi_lite.repository import Index, changes, publishers
from pypi_lite.settings import Settings
from pypi_lite.verifying import verify
from tests.api.conftest import incoming, status_of, token_of_new
from tests.api.forms import Form, post, twine, uv
from tests.api.test_media import JSON
from tests.distributions.build import sdist, wheel
from tests.signing import (
    GITLAB_WORKFLOW,
    WORKFLOW,
    World,
    claims_of,
    slsa,
    source_of,
    statement,
)
from tests.web.helpers import put

WHEEL, SDIST = wheel("Foo.Bar", "1.0"), sdist("Foo.Bar", "1.0")
FIRST = wheel("Foo.Bar", "0.1")
URL = f"/integrity/foo-bar/1.0/{WHEEL[0]}/provenance"


@pytest.fixture
def settings(settings: Settings, root: Path) -> Settings:
    """Of an index that takes attestations, at an address that pages may name."""
    return replace(settings, attestations=str(root), url="https://index.test/")


@pytest.fixture
def foo(index: Index) -> str:
    """A project with a file and a publisher; its normalized name."""
    put(index, FIRST)
    trust(index, WORKFLOW)
    return "foo-bar"


@pytest.fixture
def token(index: Index) -> str:
    """Somebody's who may upload everywhere."""
    return token_of_new(index, "root", is_admin=True)


def trust(index: Index, workflow: Workflow) -> int:
    with index.database.write() as session:
        return publishers.add(session, OPERATOR, "foo-bar", source_of(workflow))


def attested(form: Form, *attestations: Any) -> Form:
    """*form* with the attestations in it, as uv and twine send them."""
    return form.having(attestations=json.dumps(attestations))


def read(app: TestApp, url: str = URL, **keywords: Any) -> Any:
    return app.get(url, headers={"Accept": keywords.pop("accept", MEDIA)}, **keywords)


def files_of(app: TestApp) -> list[dict[str, Any]]:
    """The files in the simple JSON."""
    return list(read(app, "/simple/foo-bar/", accept=JSON).json["files"])


def file_of(app: TestApp, filename: str) -> dict[str, Any]:
    """The file's entry in the simple JSON."""
    (found,) = [file for file in files_of(app) if file["filename"] == filename]
    return found


def test_a_true_one_becomes_provenance(
    app: TestApp, index: Index, world: World, foo: str, token: str
) -> None:
    trust(index, GITLAB_WORKFLOW)
    first = world.attest(statement(*WHEEL))
    second = world.attest(slsa(*WHEEL), claims_of(GITLAB_WORKFLOW))
    posted = post(app, attested(uv(WHEEL), first, second), token)
    answer = read(app)
    assert answer.headers["Content-Type"] == MEDIA
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-PyPI-Last-Serial"] == posted.headers["X-PyPI-Last-Serial"]
    github = {"kind": "GitHub", "repository": "acme/foo", "workflow": "release.yml"}
    gitlab = {
        "kind": "GitLab",
        "repository": "acme/tools/foo",
        "workflow_filepath": "ci/release.yml",
    }
    unknown = {"claims": None, "environment": None}
    assert answer.json == {
        "version": 1,
        "attestation_bundles": [
            {"publisher": github | unknown, "attestations": [first]},
            {"publisher": gitlab | unknown, "attestations": [second]},
        ],
    }
    again = read(app)
    assert (status_of(again), again.body) == ("hit", answer.body)
    assert again.headers["ETag"] == answer.headers["ETag"]


def test_others_read_it_too(app: TestApp, world: World, foo: str, token: str) -> None:
    """V01: the model of PyPI's own library, and sigstore with the trust root."""
    from pypi_attestations import Provenance

    post(app, attested(uv(WHEEL), world.attest(statement(*WHEEL))), token)
    found = Provenance.model_validate_json(read(app).body)
    (bundle,) = found.attestation_bundles
    assert (bundle.publisher.kind, bundle.publisher.repository) == ("GitHub", "acme/foo")
    assert bundle.attestations[0].statement["subject"][0]["name"] == WHEEL[0]


def test_the_simple_pages_say_where_it_is(app: TestApp, world: World, foo: str, token: str) -> None:
    """S18, H08: an absolute address of https; nothing where there is none."""
    post(app, attested(twine(WHEEL), world.attest(statement(*WHEEL))), token)
    address = f"https://index.test{URL}"
    assert file_of(app, WHEEL[0])["provenance"] == address
    assert "provenance" not in file_of(app, FIRST[0])
    page = read(app, "/simple/foo-bar/", accept="text/html")
    marked = [a for a in page.html.find_all("a") if a.has_attr("data-provenance")]
    assert [(a.text, a["data-provenance"]) for a in marked] == [(WHEEL[0], address)]
    assert read(app, address.removeprefix("https://index.test")).status_int == 200


SHOWN = {
    "http://index.test/": None,
    "http://127.0.0.1:6543/x/": f"http://127.0.0.1:6543/x{URL}",
    "http://localhost/": f"http://localhost{URL}",
    "http://[::1]/": f"http://[::1]{URL}",
    "https://index.test/x": f"https://index.test/x{URL}",
}


def test_an_address_that_the_standard_forbids_is_not_shown(
    app: TestApp, settings: Settings, world: World, foo: str, token: str
) -> None:
    """S18: one of http for nobody but who sits on this machine. Each address has pages of its own."""
    post(app, attested(uv(WHEEL), world.attest(statement(*WHEEL))), token)
    for url, shown in SHOWN.items():
        application = make_app(replace(settings, url=url))
        other = TestApp(application)
        assert file_of(other, WHEEL[0]).get("provenance") == shown
        page = read(other, "/simple/foo-bar/", accept="text/html")
        assert ("data-provenance" in page) == bool(shown)
        assert read(other).status_int == 200
        application.registry["pypi_lite.index"].database.dispose()


def test_one_that_is_false_refuses_the_upload(
    app: TestApp, settings: Settings, index: Index, world: World, foo: str, token: str
) -> None:
    """U11: 400, with what is wrong in the reason phrase and in the body; nothing has changed."""
    with index.database.read() as session:
        before = len(session.scalars(select(JournalEntry)).all())
    form = attested(uv(WHEEL), world.attest(statement(*SDIST)))
    text = f"can't be taken: number 1 is about a file named '{SDIST[0]}'"
    for accept in ("*/*", "application/json"):
        answer = post(app, form, token, status=400, Accept=accept)
        assert text in answer.status
        assert text in answer.text
    with index.database.read() as session:
        assert len(session.scalars(select(JournalEntry)).all()) == before
    assert incoming(settings) == []
    read(app, status=404)
    post(app, uv(WHEEL), token)


def test_what_is_no_list_of_them_refuses_it_too(app: TestApp, foo: str, token: str) -> None:
    for text in ("[]", "{}", "x", "[" * 60_000, "[null]", "x" * 70_000):
        post(app, uv(WHEEL).having(attestations=text), token, status=400)
    assert [file["filename"] for file in files_of(app)] == [FIRST[0]]


def test_a_project_without_publishers_takes_no_attestation(
    app: TestApp, world: World, token: str
) -> None:
    """Also one that is only beginning."""
    form = attested(uv(WHEEL), world.attest(statement(*WHEEL)))
    assert "it has none" in post(app, form, token, status=400).text
    read(app, "/simple/foo-bar/", accept=JSON, status=404)
    post(app, uv(WHEEL).having(attestations=""), token)


def test_a_pending_publisher_attests_what_its_person_begins(
    app: TestApp, index: Index, world: World
) -> None:
    """And nothing that somebody else begins."""
    anns, others = token_of_new(index, "ann"), token_of_new(index, "bob")
    with index.database.write() as session:
        publishers.add_pending(session, OPERATOR, "foo-bar", source_of(WORKFLOW), user_name="ann")
    form = attested(uv(WHEEL), world.attest(statement(*WHEEL)))
    assert "is no publisher any more" in post(app, form, others, status=400).text
    read(app, "/simple/foo-bar/", accept=JSON, status=404)
    post(app, form, anns)
    read(app)


def test_a_publisher_that_goes_while_an_upload_comes(
    app: TestApp,
    index: Index,
    world: World,
    foo: str,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is asked again when nobody else writes."""
    from pypi_lite.repository import attestations

    check = attestations.check

    def check_and_remove(*arguments: Any) -> Any:
        found = check(*arguments)
        with index.database.write() as session:
            (publisher,) = publishers.of(session, foo)
            publishers.remove(session, OPERATOR, foo, publisher.id)
        return found

    monkeypatch.setattr(attestations, "check", check_and_remove)
    form = attested(uv(WHEEL), world.attest(statement(*WHEEL)))
    assert "is no publisher any more" in post(app, form, token, status=400).text
    assert [file["filename"] for file in files_of(app)] == [FIRST[0]]


def test_provenance_stays_when_its_publisher_goes(
    app: TestApp, index: Index, world: World, foo: str, token: str
) -> None:
    post(app, attested(uv(WHEEL), world.attest(statement(*WHEEL))), token)
    before = read(app).body
    with index.database.write() as session:
        (publisher,) = publishers.of(session, foo)
        publishers.remove(session, OPERATOR, foo, publisher.id)
    assert read(app, URL + "?anew").body == before
    form = attested(uv(SDIST), world.attest(statement(*SDIST)))
    assert "it has none" in post(app, form, token, status=400).text


def test_the_same_file_again_is_a_success_and_changes_nothing(
    app: TestApp, world: World, foo: str, token: str
) -> None:
    """Attestations are of the upload that brought the file."""
    post(app, uv(WHEEL), token)
    post(app, attested(uv(WHEEL), world.attest(statement(*WHEEL))), token)
    read(app, status=404)


def test_where_none_are_taken_the_field_is_ignored(
    settings: Settings, index: Index, world: World, foo: str, token: str
) -> None:
    """U11: uv sends what lies beside a file. What was taken before is offered as before."""
    application = make_app(settings)
    form = attested(uv(SDIST), world.attest(statement(*SDIST)))
    post(TestApp(application), form, token)
    application.registry["pypi_lite.index"].database.dispose()
    application = make_app(replace(settings, attestations="off"))
    app = TestApp(application)
    for text in ("x", "x" * 70_000, json.dumps([world.attest(statement(*SDIST))])):
        post(app, uv(WHEEL).having(attestations=text), token)
    read(app, status=404)
    read(app, f"/integrity/foo-bar/1.0/{SDIST[0]}/provenance")
    assert "provenance" in file_of(app, SDIST[0])
    application.registry["pypi_lite.index"].database.dispose()


def test_a_trust_root_that_is_broken_is_no_fault_of_the_uploader(
    settings: Settings, index: Index, world: World, foo: str, token: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.json"
    path.write_text("{}")
    application = make_app(replace(settings, attestations=str(path)))
    form = attested(uv(WHEEL), world.attest(statement(*WHEEL)))
    answer = post(TestApp(application), form, token, status=503)
    assert "Attestations can't be verified now" in answer.text
    application.registry["pypi_lite.index"].database.dispose()


def test_which_address_and_which_type(app: TestApp, world: World, foo: str, token: str) -> None:
    """V02. One address, 301 from other spellings, 404 for the rest, 406 for other types."""
    post(app, attested(uv(WHEEL), world.attest(statement(*WHEEL))), token)
    rest = f"{WHEEL[0]}/provenance"
    for other in (f"/integrity/Foo.Bar/1.0/{rest}", f"/integrity/foo-bar/1.0.0/{rest}"):
        assert read(app, other, status=301).location == f"http://localhost{URL}"
    for other in (
        f"/integrity/foo-bar/1.1/{rest}",
        f"/integrity/foo-bar/x/{rest}",
        f"/integrity/other/1.0/{rest}",
        f"/integrity/-/1.0/{rest}",
        f"/integrity/foo-bar/0.1/{FIRST[0]}/provenance",
        "/integrity/foo-bar/1.0/nothing.whl/provenance",
        "/integrity/foo-bar/1.0/%00/provenance",
    ):
        for _ in range(2):
            assert read(app, other, status=404).content_type == "text/plain"
    for accept in ("*/*", "application/*", f"text/html, {MEDIA};q=0.1"):
        assert read(app, accept=accept).content_type == MEDIA
    for accept in ("text/html", "application/json", f"{MEDIA};q=0", JSON):
        for _ in range(2):
            answer = read(app, accept=accept, status=406)
            assert MEDIA in answer.text


def test_versions_with_all_that_they_may_have(
    app: TestApp, index: Index, world: World, foo: str, token: str
) -> None:
    file = wheel("foo_bar", "1!2.0rc1.post2.dev3+local.4")
    post(app, attested(uv(file), world.attest(statement(*file))), token)
    address = file_of(app, file[0])["provenance"]
    assert address.startswith("https://index.test/integrity/foo-bar/1!2.0rc1.post2.dev3+local.4/")
    for status in ("stored", "hit"):
        assert status in status_of(read(app, address.removeprefix("https://index.test")))


def test_what_nobody_signed_of_one_is_stored_as_any_text(
    app: TestApp, world: World, foo: str, token: str
) -> None:
    """The name beside a checkpoint's signature: a NUL in it is no text for PostgreSQL's own types."""
    attestation = world.attest(statement(*WHEEL))
    (entry,) = attestation["verification_material"]["transparency_entries"]
    checkpoint = entry["inclusionProof"]["checkpoint"]
    checkpoint["envelope"] = checkpoint["envelope"].replace(
        "\u2014 log.test", "\u2014 l\0g<b>\u00f6"
    )
    post(app, attested(uv(WHEEL), attestation), token)
    (bundle,) = read(app).json["attestation_bundles"]
    assert bundle["attestations"] == [attestation]


@pytest.fixture
def workers(settings: Settings) -> Iterator[list[TestApp]]:
    """Two of one index, which know each other by the cache's folder alone."""
    applications = [make_app(settings) for _ in range(2)]
    yield [TestApp(application) for application in applications]
    for application in applications:
        application.registry["pypi_lite.index"].database.dispose()


def test_no_worker_shows_what_was_before(
    workers: list[TestApp], index: Index, world: World, foo: str, token: str
) -> None:
    """What makes a file unreachable makes its provenance so, for every worker, at once."""
    first, second = workers

    def upload(file: tuple[str, bytes]) -> None:
        post(first, attested(uv(file), world.attest(statement(*file))), token)

    def change(function: Any, *arguments: str) -> None:
        with index.database.write() as session:
            function(session, OPERATOR, *arguments)

    def found(app: TestApp) -> tuple[list[str], list[str]]:
        """The files whose provenance there is, and those of which the page says so."""
        urls = {name: f"/integrity/foo-bar/1.0/{name}/provenance" for name in (WHEEL[0], SDIST[0])}
        there = [n for n, url in urls.items() if read(app, url, status="*").status_int == 200]
        page = read(app, "/simple/foo-bar/", accept=JSON, status="*")
        files = page.json["files"] if page.status_int == 200 else []
        return there, [file["filename"] for file in files if "provenance" in file]

    both = [WHEEL[0], SDIST[0]]
    steps: list[tuple[Any, list[str]]] = [
        (lambda: upload(WHEEL), [WHEEL[0]]),
        (lambda: upload(SDIST), both),
        (lambda: change(changes.yank, "foo-bar", "1.0"), both),
        (lambda: change(changes.delete_file, WHEEL[0]), [SDIST[0]]),
        (lambda: change(changes.delete_release, "foo-bar", "1.0"), []),
    ]
    for make, wanted in steps:
        for app in workers:
            found(app)
        make()
        for app in (second, first):
            there, shown = found(app)
            assert there == wanted
            assert sorted(shown) == sorted(wanted)
        assert verify(first.app, fix=False, out=sys.stdout)
    with index.database.read() as session:
        assert session.scalars(select(FileAttestation)).all() == []


def test_a_project_takes_its_provenance_and_publishers_along(
    app: TestApp, index: Index, world: World, foo: str, token: str
) -> None:
    """Whoever begins it anew is trusted for nothing that was before."""
    post(app, attested(uv(WHEEL), world.attest(statement(*WHEEL))), token)
    read(app)
    with index.database.write() as session:
        changes.delete_project(session, OPERATOR, foo)
    read(app, status=404)
    put(index, wheel("foo_bar", "2.0"))
    with index.database.read() as session:
        assert publishers.of(session, foo) == []


def test_verify_knows_these_pages(
    app: TestApp, index: Index, world: World, foo: str, token: str, settings: Settings
) -> None:
    post(app, attested(uv(WHEEL), world.attest(statement(*WHEEL))), token)
    app.get("/")
    read(app)
    trust(index, GITLAB_WORKFLOW)
    app.get("/")
    assert verify(app.app, fix=False, out=sys.stdout)
    (page,) = (settings.cache_folder / "pages").rglob(f"provenance-1.0-{WHEEL[0]}")
    page.write_bytes(b"{}")
    assert not verify(app.app, fix=True, out=sys.stdout)
    assert read(app).json["version"] == 1
    assert verify(app.app, fix=False, out=sys.stdout)


def test_a_project_in_quarantine_offers_no_provenance(
    app: TestApp, index: Index, world: World, foo: str, token: str
) -> None:
    """As its files: from the next request on, and again when it is lifted."""
    post(app, attested(uv(WHEEL), world.attest(statement(*WHEEL))), token)
    before = read(app).body
    with index.database.write() as session:
        changes.set_status(session, OPERATOR, foo, ProjectStatus.QUARANTINED, "malware")
    for _ in range(2):
        read(app, status=404)
    assert files_of(app) == []
    with index.database.write() as session:
        changes.set_status(session, OPERATOR, foo, ProjectStatus.ACTIVE)
    assert read(app).body == before
