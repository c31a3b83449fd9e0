"""The upload API: what real clients send is taken, and what is refused is said to each of them."""

import io
import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pyramid.request import Request
from sqlalchemy import func, select
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.api.upload import refusal_response
from pypi_lite.models import (
    BurnedFilename,
    File,
    JournalEntry,
    Project,
    Release,
    Role,
    Scope,
    Token,
    now,
)
from pypi_lite.repository import Index, changes
from pypi_lite.settings import Settings
from tests.api.conftest import Shelf, incoming, token_of_new
from tests.api.forms import (
    CLIENTS,
    Form,
    basic,
    body_of,
    digests,
    field,
    file_part,
    post,
    post_body,
    twine,
)
from tests.conftest import PASSWORD, new_token, new_user
from tests.distributions.build import pack_zip, sdist, wheel
from tests.web.helpers import put

FILE = wheel("Foo.Bar", "1.0")
#: Not the shelf's, which has that file.
NEW = wheel("New.One", "1.0")
FORM = twine(FILE)


def rows(index: Index) -> dict[str, int]:
    """How many rows the tables have that an upload writes."""
    with index.database.read() as session:
        return {
            model.__name__: session.scalar(select(func.count()).select_from(model)) or 0
            for model in (Project, Release, File, BurnedFilename, JournalEntry, Role)
        }


def refused(app: TestApp, form: Form, token: str | None, status: int, **keywords: str) -> str:
    """The reason with which *form* is refused: the same as reason phrase, text and JSON (U21)."""
    plain = post(app, form, token, status=status, Accept="*/*", **keywords)
    assert plain.content_type == "text/plain"
    text = str(plain.text).rstrip("\n")
    assert "\n" not in text
    assert text.isprintable()
    phrase = plain.status.partition(" ")[2]
    assert phrase == text[:400].encode("latin-1", "replace").decode("latin-1")
    wanted = post(app, form, token, status=status, Accept="application/json", **keywords)
    assert wanted.headers["Content-Type"] == "application/json"
    document = json.loads(wanted.body)
    assert document["message"] == text
    assert document["code"] == f"{status} {text}"
    assert set(document) == {"code", "message", "title"}
    return text


# What is taken


def test_what_each_client_sends_is_taken(app: TestApp, index: Index, token: str) -> None:
    """U01-U06, U09: odd, missing and unknown fields are no reason to refuse a file."""
    for client, form in CLIENTS.items():
        for file in (wheel(f"From.{client}", "1.0"), sdist(f"From.{client}", "1.0")):
            post(app, form(file), token, status=200)
        assert app.get(f"/simple/from-{client}/").text.count("<a ") == 2
    assert rows(index)["Release"] == len(CLIENTS)


def test_every_address_that_people_try_takes_uploads(app: TestApp, token: str) -> None:
    """U17, U18: no client follows a redirect with its file."""
    for number, url in enumerate(["/legacy/", "/legacy", "/", "/simple/", "/simple"]):
        file = wheel("foo", f"1.{number}")
        post(app, twine(file), token, url=url, status=200)
        assert file[0] in app.get("/simple/foo/").text


def test_there_is_no_list_below_the_address_of_uploads(app: TestApp, token: str) -> None:
    """U16: hatch looks there for names to pass over, as devpi has it, and goes on without. A name that
    is taken by other bytes is better told (409) than passed over in silence."""
    post(app, FORM, token)
    headers = {"Authorization": basic("__token__", token), "Cache-Control": "no-cache"}
    app.get("/legacy/%2Bsimple/foo-bar/", headers=headers, status=404)


def test_a_form_needs_no_more_than_what_identifies_the_file(app: TestApp, token: str) -> None:
    """U04: everything else is in the archive."""
    fields = [(n, v) for n, v in FORM.fields if n in ("name", "version", "filetype", "pyversion")]
    post(app, Form(fields + digests(FILE[1], "md5_digest"), FILE), token, status=200)


def test_empty_and_unknown_are_absent(app: TestApp, token: str) -> None:
    """U05."""
    form = FORM.having(protocol_version="", md5_digest="", action="UNKNOWN", comment="UNKNOWN")
    post(app, form, token, status=200)
    file = sdist("Foo.Bar", "1.0")
    post(app, twine(file).having(pyversion=""), token, status=200)


def test_name_and_version_may_be_spelled_otherwise(app: TestApp, token: str) -> None:
    """U04: the same under normalization."""
    for name in ("foo-bar", "Foo.Bar", "FOO__BAR"):
        for version in ("1.0", "1", "v1.0.0"):
            file = wheel("Foo.Bar", "1.0", tag=f"py3-none-{name[-3:]}{version.replace('.', '')}")
            post(app, twine(file).having(name=name, version=version), token, status=200)


def test_digests_may_be_in_upper_case(app: TestApp, token: str) -> None:
    """U07."""
    fields = digests(FILE[1], "md5_digest", "sha256_digest", "blake2_256_digest")
    upper = {name: value.upper() for name, value in fields}
    post(app, FORM.having(**upper), token, status=200)


def test_signatures_and_attestations_are_passed_over(app: TestApp, token: str) -> None:
    """U10, U11: pdm sends its signature as a file."""
    parts = [field(name, value) for name, value in FORM.fields]
    parts += [
        field("attestations", '[{"version": 1}]'),
        file_part("foo.whl.asc", b"-----BEGIN PGP", name="gpg_signature"),
        file_part(*FILE),
        field("after", "the file"),
    ]
    assert post_body(app, body_of(parts), token).status_int == 200


def test_the_file_may_come_first(app: TestApp, token: str) -> None:
    parts = [file_part(*FILE), *(field(name, value) for name, value in FORM.fields)]
    assert post_body(app, body_of(parts), token).status_int == 200


def test_metadata_of_record_are_the_archives(app: TestApp, token: str) -> None:
    """U04: what the form says of the rest is not believed."""
    file = wheel("Foo.Bar", "1.0", summary="true", requires_python=">=3.9", requires=["six"])
    form = twine(file).having(
        summary="false", requires_python=">=2", requires_dist="evil", author="nobody"
    )
    post(app, form, token)
    info = app.get("/pypi/foo-bar/json").json["info"]
    assert info["summary"] == "true"
    assert info["requires_python"] == ">=3.9"
    assert info["requires_dist"] == ["six"]
    assert info["author"] is None


def test_a_wheels_python_version_is_its_filenames(app: TestApp, token: str) -> None:
    """U09."""
    post(app, FORM.having(pyversion="cp27"), token)
    assert app.get("/pypi/foo-bar/json").json["urls"][0]["python_version"] == "py3"


def test_the_display_name_is_the_newest_metadatas(app: TestApp, index: Index, token: str) -> None:
    """U27."""
    post(app, FORM, token)
    for name, version in (("foo_bar", "1.1"), ("foo-bar", "0.9")):
        post(app, twine(wheel(name, version)), token)
        assert app.get("/pypi/foo-bar/json").json["info"]["name"] == name
    assert rows(index)["Project"] == 1
    with index.database.read() as session:
        notes = session.scalars(
            select(JournalEntry.note).where(JournalEntry.action == "project.rename")
        ).all()
    assert sorted(str(note) for note in notes) == ["Foo.Bar -> foo_bar", "foo_bar -> foo-bar"]


def test_who_begins_a_project_owns_it(app: TestApp, index: Index, token: str) -> None:
    post(app, FORM, token)
    with index.database.read() as session:
        (role,) = session.scalars(select(Role)).all()
        assert (role.user.name, role.project.normalized_name) == ("ann", "foo-bar")
        assert role.role == "owner"
        (file,) = session.scalars(select(File)).all()
        assert file.uploaded_by == role.user_id


def test_equal_versions_are_one_release(app: TestApp, index: Index, token: str) -> None:
    """M07."""
    post(app, twine(wheel("foo", "1.0")), token)
    post(app, twine(sdist("foo", "1.0.0", filename="foo-1.0.0.tar.gz")), token)
    assert rows(index)["Release"] == 1
    assert app.get("/pypi/foo/1.0/json").json["info"]["version"] == "1.0"


# The same file again


def test_the_very_same_file_again_is_fine(app: TestApp, index: Index, token: str) -> None:
    """U12, U14: twine users have no other way to try again."""
    first = post(app, FORM, token)
    before = rows(index)
    again = post(app, FORM, token, status=200)
    assert "already" in again.text
    assert again.headers["X-PyPI-Last-Serial"] == first.headers["X-PyPI-Last-Serial"]
    assert rows(index) == before


def test_a_file_is_never_replaced(app: TestApp, index: Index, token: str) -> None:
    """U13, K06: poetry and pdm look for "already exist"."""
    post(app, FORM, token)
    before = rows(index)
    other = (FILE[0], wheel("Foo.Bar", "1.0", summary="another")[1])
    text = refused(app, twine(other), token, 409)
    assert text.startswith("File already exists")
    assert rows(index) == before


def test_the_name_of_a_deleted_file_stays_taken(app: TestApp, index: Index, token: str) -> None:
    """K06, U26: even for the same bytes."""
    post(app, FORM, token)
    with index.database.write() as session:
        changes.delete_file(session, OPERATOR, FILE[0])
    assert "deleted" in refused(app, FORM, token, 409)
    with index.database.write() as session:
        changes.delete_project(session, OPERATOR, "foo-bar")
    assert "deleted" in refused(app, FORM, token, 409)
    app.get("/simple/foo-bar/", status=404)


# What is refused

NEW_FORM = twine(NEW)
BAD_WHEEL = (NEW[0], b"PK\x03\x04 no zip at all")
NO_METADATA = (NEW[0], pack_zip({"new_one/__init__.py": b""}))


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (NEW_FORM.without("sha256_digest", "blake2_256_digest"), "digest"),
        (NEW_FORM.having(sha256_digest="0" * 64), "does not match"),
        (NEW_FORM.having(blake2_256_digest="0" * 64), "does not match"),
        (NEW_FORM.having(md5_digest="ä"), "does not match"),
        (NEW_FORM.without("name"), "lacks name"),
        (NEW_FORM.without("version", "filetype"), "lacks version, filetype"),
        (NEW_FORM.having(name="other"), "'other'"),
        (NEW_FORM.having(name="-"), "-"),
        (NEW_FORM.having(version="1.1"), "1.1"),
        (NEW_FORM.having(version="nonsense"), "nonsense"),
        (NEW_FORM.having(filetype="bdist_egg"), "bdist_egg"),
        (NEW_FORM.having(filetype="sdist"), "sdist"),
        (NEW_FORM.without("pyversion"), "pyversion"),
        (twine(sdist("foo", "1.0")).having(pyversion="py3"), "source"),
        (NEW_FORM.having(protocol_version="2"), "protocol"),
        (NEW_FORM.having(action="dance"), "dance"),
        (NEW_FORM.having(name="foo\0bar"), "NUL"),
        (NEW_FORM.holding(None), "no file"),
        (NEW_FORM.holding(("../" + NEW[0], NEW[1])), "not allowed"),
        (NEW_FORM.holding(("foo-1.0.exe", NEW[1])), "not accepted"),
        (NEW_FORM.holding(("", NEW[1])), ""),
        (NEW_FORM.holding(("föö-1.0.zip", NEW[1])), "not allowed"),
        (twine(BAD_WHEEL), ""),
        (twine(NO_METADATA), ""),
        (twine((wheel("another", "1.0")[0], NEW[1])), ""),
        (twine((wheel("New.One", "2.0")[0], NEW[1])), ""),
        (twine((NEW[0], wheel("New.One", "1.0", metadata_version="9.9")[1])), "9.9"),
        (twine((NEW[0], b"")), ""),
    ],
)
def test_what_is_wrong_is_refused_and_leaves_nothing(shelf: Shelf, form: Form, words: str) -> None:
    """U01, U04, U05, U07, U08, U21: status 400, and a text that says what is wrong."""
    before, blobs = rows(shelf.index), sorted(shelf.settings.blobs.rglob("*"))
    assert words in refused(shelf.app, form, shelf.token, 400)
    assert rows(shelf.index) == before
    assert sorted(shelf.settings.blobs.rglob("*")) == blobs
    assert incoming(shelf.settings) == []


def test_only_one_file_a_form(app: TestApp, token: str, settings: Settings) -> None:
    parts = [field(n, v) for n, v in FORM.fields] + [file_part(*FILE), file_part(*FILE)]
    answer = post_body(app, body_of(parts), token, status=400)
    assert "more than one file" in answer.text
    assert incoming(settings) == []
    app.get("/simple/foo-bar/", status=404)


@pytest.mark.parametrize("action", ["submit", "submit_pkg_info", "doc_upload"])
def test_what_is_gone_is_gone(shelf: Shelf, action: str) -> None:
    """U25: with a file or without."""
    assert action in refused(shelf.app, FORM.having(action=action), shelf.token, 410)
    assert action in refused(shelf.app, FORM.having(action=action).holding(None), shelf.token, 410)


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"--", FORM.body()[:-10], FORM.body()[:700], body_of([b"no header"])]
)
def test_a_broken_form_is_400(shelf: Shelf, body: bytes) -> None:
    answer = post_body(shelf.app, body, shelf.token, status=400)
    assert answer.status.startswith("400 ")
    assert answer.content_type == "text/plain"
    assert incoming(shelf.settings) == []
    form = {"name": "foo"}
    answer = shelf.app.post(
        "/legacy/", form, headers={"Authorization": basic("x", shelf.token)}, status=400
    )
    assert "multipart/form-data" in answer.text


def test_a_file_that_is_too_large_is_refused(settings: Settings, index: Index, token: str) -> None:
    """U24: and the limit itself is not too much."""
    application = make_app(replace(settings, max_file_size=len(FILE[1])))
    app = TestApp(application)
    larger = wheel("Foo.Bar", "1.0", extra_files={"foo_bar/x.py": b"#"})
    assert str(len(FILE[1])) in refused(app, twine(larger), token, 413)
    assert incoming(settings) == []
    post(app, FORM, token, status=200)
    application.registry["pypi_lite.index"].database.dispose()


def test_texts_that_no_reason_phrase_can_hold_are_in_the_body(app: TestApp, token: str) -> None:
    """U21: a reason phrase is Latin-1, one line, and not endless."""
    text = refused(app, FORM.having(name="日本\r\nSet-Cookie: a=b"), token, 400)
    assert "日本" in text
    text = refused(app, FORM.having(filetype="é" * 1000), token, 400)
    assert "é" * 300 in text


def test_a_reason_phrase_is_one_line() -> None:
    """Whatever text gets there: a line of its own would be a header."""
    text = "no\r\nSet-Cookie: a=b\u2028\x85\x00"
    status = refusal_response(Request.blank("/"), 400, "code", text).status
    assert status == "400 no  Set-Cookie: a=b   "


def test_the_body_is_read_to_its_end_before_an_error(
    app: TestApp, index: Index, token: str
) -> None:
    """U23: uv reports a broken connection otherwise, and not the error."""
    drained(app, FORM.body(), {}, 401)
    drained(app, FORM.body(), {"Authorization": "Basic bm8="}, 401)
    reading = new_token(index, "ann", Scope.READ)
    drained(app, FORM.body(), {"Authorization": basic("x", reading)}, 403)
    authorization = {"Authorization": basic("x", token)}
    for form in (FORM.having(protocol_version="9"), FORM.having(name="\0")):
        drained(app, form.body(), authorization, 400)
    drained(app, FORM.body(), {**authorization, "Content-Type": "text/plain"}, 400)
    drained(app, b"\r\n" * 300_000, authorization, 400)


def drained(app: TestApp, body: bytes, headers: dict[str, str], status: int) -> None:
    source = io.BytesIO(body)
    sent = {"Content-Type": "multipart/form-data; boundary=----a-boundary-of-the-tests", **headers}
    request = app.RequestClass.blank("/legacy/", method="POST", headers=sent)
    request.environ["wsgi.input"] = source
    request.environ["CONTENT_LENGTH"] = str(len(body))
    assert request.get_response(app.app).status_int == status
    assert source.tell() == len(body)


# Who may


def test_credentials_are_asked_for(app: TestApp, index: Index, token: str) -> None:
    """U19: missing or wrong ones are 401, with a challenge."""
    wrong: list[dict[str, str]] = [
        {},
        {"Authorization": basic("__token__", token + "x")},
        {"Authorization": basic("__token__", "")},
        {"Authorization": basic("ann", "no password of hers")},
        {"Authorization": basic("nobody", "x")},
        {"Authorization": basic("no\0body", "x\0")},
        {"Authorization": "Basic !!!"},
        {"Authorization": f"Bearer {token}x"},
    ]
    for headers in wrong:
        for accept in ("*/*", "application/json"):
            answer = post(app, FORM, None, status=401, **headers, Accept=accept)
            assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')
            assert "token" in answer.status  # a reason phrase that helps
    assert rows(index)["File"] == 0


def test_tokens_come_with_any_user_name_and_passwords_with_their_own(
    app: TestApp, index: Index, token: str
) -> None:
    """U20."""
    for number, name in enumerate(("__token__", "ann", "", "whoever")):
        form = twine(wheel("foo", f"1.{number}"))
        post(app, form, None, Authorization=basic(name, token), status=200)
    new_user(index, "bob")
    form = twine(wheel("bobs", "1.0"))
    post(app, form, None, Authorization=basic("Bob", PASSWORD), status=200)
    post(app, form, None, Authorization=basic("__token__", PASSWORD), status=401)


def test_a_session_cookie_uploads_nothing(app: TestApp, index: Index) -> None:
    """A07: no page elsewhere can make a browser upload for somebody."""
    from tests.web.helpers import log_in

    log_in(app, new_user(index, "ann"))
    post(app, FORM, None, status=401)


def test_who_is_known_but_may_not_is_403(app: TestApp, index: Index, token: str) -> None:
    """U19: by the token's scope, by its projects, by the project's owners."""
    assert "scope" in refused(app, FORM, new_token(index, "ann", Scope.READ), 403)
    limited = new_token(index, "ann", projects=["Only.This"])
    assert "limited" in refused(app, FORM, limited, 403)
    post(app, twine(wheel("only_this", "1.0")), limited, status=200)
    post(app, FORM, token, status=200)
    other = token_of_new(index, "eve")
    assert "owners" in refused(app, twine(wheel("Foo.Bar", "2.0")), other, 403)
    post(app, twine(wheel("Foo.Bar", "2.0")), token_of_new(index, "root", is_admin=True))


def test_a_form_cannot_reach_another_project_by_its_name(
    app: TestApp, index: Index, token: str
) -> None:
    """The name in the form is advisory: the file's own counts, also where the file is known."""
    post(app, FORM, token)
    token_of_new(index, "eve")
    eve = new_token(index, "eve", projects=["eves"])
    for file in (FILE, wheel("Foo.Bar", "2.0")):
        answer = post(app, twine(file).having(name="eves"), eve, status=400)
        assert "eves" in answer.text
    assert rows(index)["File"] == 1


def test_a_token_ends(app: TestApp, index: Index, token: str) -> None:
    with index.database.write() as session:
        (row,) = session.scalars(select(Token)).all()
        row.expires = now() - timedelta(seconds=1)
    post(app, FORM, token, status=401)
    with index.database.write() as session:
        (row,) = session.scalars(select(Token)).all()
        row.expires = now() + timedelta(minutes=1)
    post(app, FORM, token, status=200)
    with index.database.write() as session:
        session.delete(session.scalars(select(Token)).one())
    post(app, FORM, token, status=401)


# At the same time


def together(count: int, function: Any) -> list[Any]:
    """What *function* returns for 0, 1, ... in as many threads that begin at once."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        barrier.wait()
        results[number] = function(number)

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_of_two_files_of_one_name_one_wins(app: TestApp, index: Index, token: str) -> None:
    """U29."""
    contents = [wheel("Foo.Bar", "1.0", summary=f"number {number}")[1] for number in range(4)]
    answers = together(4, lambda n: post(app, twine((FILE[0], contents[n])), token, status="*"))
    assert sorted(answer.status_int for answer in answers) == [200, 409, 409, 409]
    (winner,) = [n for n, answer in enumerate(answers) if answer.status_int == 200]
    (file,) = app.get("/pypi/foo-bar/json").json["urls"]
    assert app.get(file["url"].removeprefix("http://index.test")).body == contents[winner]
    assert rows(index)["File"] == rows(index)["Release"] == rows(index)["Project"] == 1


def test_the_same_file_sent_twice_at_once_is_there_once(
    app: TestApp, index: Index, token: str
) -> None:
    """U12, U22: parallel runs of one CI job."""
    answers = together(4, lambda _: post(app, FORM, token, status="*"))
    assert {answer.status_int for answer in answers} == {200}
    assert rows(index)["File"] == 1
    assert len({answer.headers["X-PyPI-Last-Serial"] for answer in answers}) == 1


def test_many_files_of_one_project_at_once(app: TestApp, index: Index, token: str) -> None:
    """U29: all are there, one row for the release, serials unique; each thread sees its own file."""

    def upload(number: int) -> tuple[int, bool]:
        file = wheel("foo", "1.0", tag=f"py3-none-plat_{number}")
        answer = post(app, twine(file), token)
        return int(answer.headers["X-PyPI-Last-Serial"]), file[0] in app.get("/simple/foo/").text

    results = together(20, upload)
    assert all(seen for _, seen in results)
    assert len({serial for serial, _ in results}) == 20
    found = rows(index)
    assert (found["File"], found["Release"], found["Project"], found["Role"]) == (20, 1, 1, 1)
    with index.database.read() as session:
        serials = session.scalars(select(JournalEntry.serial).order_by(JournalEntry.serial)).all()
        assert list(serials) == list(range(1, len(serials) + 1))
        moments = session.scalars(select(JournalEntry.moment).order_by(JournalEntry.serial)).all()
        assert list(moments) == sorted(moments)
    assert app.get("/simple/foo/").text.count("<a ") == 20


# When the cache can't be swept


def test_a_change_whose_pages_cannot_be_swept_is_refused(
    app: TestApp, index: Index, settings: Settings, token: str
) -> None:
    """The commit must not happen: nothing is changed, nothing half done, and trying again helps."""
    put(index, wheel("Foo.Bar", "0.1"))
    admin = token_of_new(index, "root", is_admin=True)
    before, page = rows(index), app.get("/simple/foo-bar/").body
    holds = settings.cache_folder / "holds"
    if holds.exists():
        holds.rename(settings.cache_folder / "aside")
    holds.write_text("a file where the folder should be")
    answer = post(app, FORM, admin, status=503)
    assert "Try again" in answer.text
    assert rows(index) == before
    assert app.get("/simple/foo-bar/").body == page
    assert incoming(settings) == []
    holds.unlink()
    post(app, FORM, admin, status=200)
    assert FILE[0] in app.get("/simple/foo-bar/").text


# When the disk can't take the file


def test_a_file_that_cannot_be_stored_is_refused(
    app: TestApp, settings: Settings, token: str
) -> None:
    settings.blobs.mkdir(parents=True)
    (settings.blobs / "incoming").write_text("a file where the folder should be")
    answer = post(app, FORM, token, status=503)
    assert answer.text.startswith("The file could not be stored")
    assert answer.headers["Retry-After"]
    (settings.blobs / "incoming").unlink()
    post(app, FORM, token, status=200)
