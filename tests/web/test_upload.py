"""The upload form, with and without its script."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp, TestRequest, Upload

from pypi_lite import make_app
from pypi_lite.accounts import users
from pypi_lite.accounts.log_in import change_password
from pypi_lite.accounts.people import find_user
from pypi_lite.accounts.sessions import end_session, sessions_of
from pypi_lite.models import WebSession, now
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.conftest import acting, new_user
from tests.distributions.build import sdist, wheel
from tests.web.helpers import ATTACK, below_index, log_in, put

JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def csrf(app: TestApp, ann: str) -> str:
    log_in(app, ann)
    return str(app.get("/upload/").form["csrf_token"].value)


def send(app: TestApp, *files: tuple[str, bytes], token: str, **keywords: Any) -> Any:
    """The form as a browser sends it."""
    fields: list[tuple[str, Any]] = [("csrf_token", token)]
    fields += [("content", Upload(name, content)) for name, content in files]
    keywords.setdefault("status", "*")
    return app.post("/upload/", fields, content_type="multipart/form-data", **keywords)


def send_body(app: TestApp, body: bytes, kind: str, token: str) -> Any:
    """A body as it is; WebTest would take a broken one apart and put it together again."""
    headers = {"X-CSRF-Token": token, "Content-Type": kind}
    return app.request("/upload/", method="POST", body=body, headers=headers, status=400)


def leftovers(settings: Settings) -> list[str]:
    folder = settings.blobs / "incoming"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_several_files_one_of_them_refused(app: TestApp, csrf: str, settings: Settings) -> None:
    good, more = wheel("foo", "1.0"), sdist("Foo", "1.0")
    page = send(app, good, ("foo-1.1.tar.gz", b"no archive"), more, token=csrf)
    assert page.status_int == 200
    rows = [e.get_text(" ", strip=True) for e in page.html.select("[data-results] li")]
    assert rows[0] == f"{good[0]} Published."
    assert rows[1].startswith("foo-1.1.tar.gz The file is not a gzip compressed tar archive")
    assert rows[2] == f"{more[0]} Published."
    for link in page.html.select("[data-results] a"):
        assert "foo" in app.get(below_index(page, link["href"])).text.lower()
    assert leftovers(settings) == []


def test_the_same_file_again(app: TestApp, csrf: str) -> None:
    file = wheel("foo", "1.0")
    send(app, file, token=csrf)
    assert "the very same file" in send(app, file, token=csrf).text
    other = wheel("foo", "1.0", summary="changed")
    assert "File already exists" in send(app, other, token=csrf).text


def test_one_file_as_json(app: TestApp, csrf: str) -> None:
    name, content = wheel("foo", "1.0")
    headers = JSON | {"X-CSRF-Token": csrf}
    files = [("content", name, content)]
    answer = app.post("/upload/", upload_files=files, headers=headers)
    assert answer.json == {
        "results": [
            {"filename": name, "ok": True, "text": "Published.", "path": "project/foo/1.0/"}
        ],
        "error": None,
    }
    assert answer.headers["Cache-Control"] == "no-store"
    files = [("content", "foo-2.0.tar.gz", b"")]
    (result,) = app.post("/upload/", upload_files=files, headers=headers).json["results"]
    assert (result["ok"], result["path"]) == (False, None)
    assert result["text"]


def test_a_project_of_somebody_else(app: TestApp, index: Index, csrf: str) -> None:
    put(index, wheel("theirs", "1.0"))
    page = send(app, wheel("theirs", "1.1"), token=csrf)
    assert "may not upload to" in page.text
    app.get("/project/theirs/1.1/", status=404)


def test_the_uploader_owns_what_they_begin(app: TestApp, index: Index, csrf: str) -> None:
    send(app, wheel("mine", "1.0"), token=csrf)
    assert "Published." in send(app, wheel("mine", "1.1"), token=csrf).text
    new_user(index, "bo")
    app.reset()
    log_in(app, "bo")
    token = app.get("/upload/").form["csrf_token"].value
    assert "may not upload to" in send(app, wheel("mine", "1.2"), token=token).text


def test_hostile_file_names_are_escaped(app: TestApp, csrf: str) -> None:
    name = ATTACK.replace('"', "")
    page = send(app, (name, b"x"), token=csrf)
    assert "<script>alert" not in page.text
    assert page.html.select("[data-results] li.bad")


def test_a_file_that_is_too_large(settings: Settings, index: Index, ann: str) -> None:
    small = Settings(
        data=settings.data, database_url=settings.database_url, url=settings.url, max_file_size=2000
    )
    application = make_app(small)
    app = TestApp(application)
    log_in(app, ann)
    token = app.get("/upload/").form["csrf_token"].value
    page = send(app, ("foo-1.0.tar.gz", bytes(300_000)), wheel("foo", "1.0"), token=token)
    rows = [e.get_text(" ", strip=True) for e in page.html.select("[data-results] li")]
    assert "larger than this index takes" in rows[0]
    assert rows[1].endswith("Published.")
    assert leftovers(small) == []
    application.registry["pypi_lite.index"].database.dispose()


def test_no_file(app: TestApp, csrf: str) -> None:
    for files in ((), (("", b""),)):
        page = send(app, *files, token=csrf)
        assert page.status_int == 400
        assert "Choose a file first" in page.text


def test_files_under_another_name(app: TestApp, csrf: str) -> None:
    fields = [("csrf_token", csrf), ("other", Upload(*wheel("foo", "1.0")))]
    page = app.post("/upload/", fields, content_type="multipart/form-data")
    assert "Files are taken as" in page.text
    app.get("/project/foo/", status=404)


@pytest.mark.parametrize("token", ["", "0" * 40, "ä"])
def test_nothing_is_taken_without_the_token(app: TestApp, token: str) -> None:
    file = wheel("foo", "1.0")
    assert send(app, file, token=token).status_int == 400
    app.get("/project/foo/", status=404)


def test_the_token_comes_before_the_files(app: TestApp, csrf: str) -> None:
    fields = [("content", Upload(*wheel("foo", "1.0"))), ("csrf_token", csrf)]
    app.post("/upload/", fields, content_type="multipart/form-data", status=400)
    app.get("/project/foo/", status=404)


def test_a_wrong_header_counts(app: TestApp, csrf: str) -> None:
    headers = JSON | {"X-CSRF-Token": "wrong"}
    answer = send(app, wheel("foo", "1.0"), token=csrf, headers=headers)
    assert (answer.status_int, answer.content_type) == (400, "text/plain")
    assert "reload the page" in answer.text


def test_over_https_the_form_comes_from_here(app: TestApp, csrf: str) -> None:
    app.extra_environ = {"wsgi.url_scheme": "https", "HTTP_HOST": "localhost:80"}
    file = wheel("foo", "1.0")
    evil = send(app, file, token=csrf, headers={"Origin": "https://evil.test"})
    assert evil.status_int == 400
    good = send(app, file, token=csrf, headers={"Origin": "https://localhost"})
    assert "Published." in good.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=b"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Dis"),
        ("multipart/form-data; boundary=b", b"--b\r\nNonsense\r\n\r\n--b--\r\n"),
    ],
)
def test_broken_forms(app: TestApp, csrf: str, kind: str, body: bytes) -> None:
    page = send_body(app, body, kind, csrf)
    assert page.html.select_one("[role=alert]") is not None


def test_a_form_that_breaks_off_keeps_what_arrived(app: TestApp, csrf: str) -> None:
    name, content = wheel("foo", "1.0")
    head = f'--b\r\nContent-Disposition: form-data; name="content"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + b"\r\n" + head.replace("1.0", "2.0").encode() + b"PK"
    page = send_body(app, body, "multipart/form-data; boundary=b", csrf)
    assert "did not arrive as it should" in page.text
    assert "Published." in page.text
    app.get("/project/foo/1.0/", status=200)
    app.get("/project/foo/2.0/", status=404)


def test_needs_a_login(app: TestApp, csrf: str) -> None:
    app.reset()
    assert send(app, wheel("foo", "1.0"), token=csrf).location.startswith("http://localhost/login/")
    app.get("/project/foo/", status=404)


class Interrupted(io.BytesIO):
    """A body, and what happens while it arrives."""

    def __init__(self, content: bytes, happens: Callable[[], None]) -> None:
        super().__init__(content)
        self._happens: Callable[[], None] | None = happens

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        if self._happens is not None:
            happens, self._happens = self._happens, None
            happens()
        return content


def ended(session: Session) -> None:
    """By its owner, elsewhere."""
    user = find_user(session, "ann")
    (row,) = sessions_of(session, user.id)
    assert end_session(session, user.id, row.id, by=acting("ann"))


def expired(session: Session) -> None:
    for row in session.scalars(select(WebSession)):
        row.expires = now()


def another_password(session: Session) -> None:
    change_password(session, find_user(session, "ann"), "x" * 20, by=acting("root"))


def disabled(session: Session) -> None:
    users.disable_user(session, "ann", by=acting("root"))


@pytest.mark.parametrize("happens", [None, ended, expired, another_password, disabled])
def test_who_is_logged_out_meanwhile_publishes_nothing(
    app: TestApp, index: Index, csrf: str, happens: Callable[[Session], None] | None
) -> None:
    """As an upload whose token is revoked while it arrives."""
    name, content = wheel("foo", "1.0")
    head = f'--b\r\nContent-Disposition: form-data; name="content"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + b"\r\n--b--\r\n"

    def happen() -> None:
        if happens is not None:
            with index.database.write() as session:
                happens(session)

    request = TestRequest.blank("/upload/", method="POST", headers={"X-CSRF-Token": csrf, **JSON})
    request.content_type = "multipart/form-data; boundary=b"
    request.body_file = Interrupted(body, happen)
    request.content_length = len(body)
    (result,) = app.do_request(request, status=200).json["results"]
    assert result["ok"] == (happens is None)
    if happens is not None:
        assert "no longer valid" in result["text"]
    app.get("/project/foo/", status=200 if happens is None else 404)


def test_a_file_that_cannot_be_stored(app: TestApp, csrf: str, settings: Settings) -> None:
    settings.blobs.mkdir(parents=True)
    (settings.blobs / "incoming").write_text("a file where the folder should be")
    page = send(app, wheel("foo", "1.0"), token=csrf)
    assert page.status_int == 200
    assert "The file could not be stored" in page.text
