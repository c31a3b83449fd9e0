"""Too much of anything is refused, or is no trouble."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.forms import BOUNDARY, basic, body_of, field, file_part
from tests.clients import raw
from tests.clients.running import RunningIndex
from tests.conftest import PASSWORD, new_token, new_user
from tests.distributions.build import wheel
from tests.web.helpers import put

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIndex]:
    settings = {"max_file_size": str(2 * MIB)}
    running = RunningIndex(tmp_path_factory.mktemp("oversized") / "index", "", 1, settings)
    running.start()
    try:
        new_user(running.index, "ann", is_admin=True)
        put(running.index, wheel("foo", "0.1"))
        yield running
        assert raw.get(f"{running.url}simple/").status == 200
        assert running.stop() == 0
        assert running.scary_lines() == []
    finally:
        running.close()


def ask(running: RunningIndex, method: str, path: str, body: Any = None, **headers: str) -> int:
    """The status; 0: the server has closed the connection before all was sent."""
    parts = urlsplit(running.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body=body, headers=named)
        return connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        return 0
    finally:
        connection.close()


def test_headers_and_addresses(running: RunningIndex) -> None:
    assert ask(running, "GET", "/simple/", X_Long="x" * 60_000) == 200
    assert ask(running, "GET", "/simple/", X_Long="x" * 70_000) in {431, 0}
    assert ask(running, "GET", "/simple/", Cookie="pypi_lite=" + "x" * 60_000) == 200
    assert ask(running, "GET", "/account/", Cookie="pypi_lite=" + "x" * 60_000) == 303
    assert ask(running, "GET", "/account/", Cookie="a=b; " * 10_000) == 303
    assert ask(running, "GET", "/" + "x" * 60_000) == 404
    assert ask(running, "GET", "/simple/" + "x" * 60_000 + "/") == 404
    assert ask(running, "GET", "/" + "x/" * 30_000) == 404
    assert ask(running, "GET", "/simple/?" + "x=y&" * 15_000) == 200
    assert ask(running, "GET", "/login/?" + "next=y&" * 8_000) == 200
    assert ask(running, "GET", "/simple/", Accept="text/html," * 6_000) in {200, 406}
    assert ask(running, "GET", "/simple/", Accept_Encoding="gzip," * 10_000) == 200
    assert ask(running, "GET", "/simple/", If_None_Match='"x",' * 10_000) == 200
    assert ask(running, "GET", "/simple/", Range="bytes=" + "0-1," * 10_000) == 200


def test_credentials(running: RunningIndex) -> None:
    for user, secret in (
        ("ann", "x" * 40_000),
        ("a" * 40_000, PASSWORD),
        ("__token__", "pypi-lite-" + "x" * 40_000),
        ("__token__", "x" * 40_000),
        ("ann", "\0" * 1000),
    ):
        status = ask(running, "POST", "/legacy/", b"", Authorization=basic(user, secret))
        assert status in {400, 401, 403}, (user[:10], status)
    assert ask(running, "POST", "/legacy/", b"", Authorization="Basic " + "=" * 40_000) == 401
    assert ask(running, "POST", "/legacy/", b"", Authorization="Bearer " + "x" * 40_000) == 401


@pytest.mark.parametrize(
    "path", ["/login/", "/setup/", "/account/tokens/", "/api/projects/foo", "/x"]
)
def test_bodies_that_are_no_uploads(running: RunningIndex, path: str) -> None:
    """Forms are read into memory; so anybody could fill it."""
    body = b"name=" + b"x" * MIB
    form = "application/x-www-form-urlencoded"
    for method in ("POST", "PATCH", "GET"):
        assert ask(running, method, path, body, Content_Type=form) == 413
    chunks = iter([body])
    assert ask(running, "POST", path, chunks, Content_Type=form) == 413


def test_forms_of_many_fields(running: RunningIndex) -> None:
    form = "application/x-www-form-urlencoded"
    assert ask(running, "POST", "/login/", b"a=b&" * 60_000, Content_Type=form) == 400
    parts = body_of([field(f"f{number}", "x") for number in range(2_000)])
    multipart = f"multipart/form-data; boundary={BOUNDARY}"
    assert ask(running, "POST", "/login/", parts, Content_Type=multipart) == 400


def test_uploads(running: RunningIndex) -> None:
    token = basic("__token__", new_token(running.index, "ann"))
    headers = {"Authorization": token, "Content_Type": f"multipart/form-data; boundary={BOUNDARY}"}
    filename, content = wheel("foo", "1.0")

    def send(*parts: bytes) -> int:
        return ask(running, "POST", "/legacy/", body_of(parts), **headers)

    # More parts than there may be; a longer field, name or filename; a file that is too large.
    assert send(*[field("classifiers", "x")] * 21_000) == 400
    assert send(field("name", "x" * 70_000)) == 400
    assert send(field("n" * 70_000, "x")) == 400
    assert send(file_part("x" * 70_000 + ".whl", content)) == 400
    assert send(file_part("x" * 3_000 + "-1.0-py3-none-any.whl", content)) == 400
    assert send(file_part(filename, b"x" * (2 * MIB + 1))) in {400, 413}
    assert send(file_part(filename, content), file_part(filename, content)) == 400
    # Larger than any upload may be: refused by its length.
    assert ask(running, "POST", "/legacy/", b"", Content_Length=str(100 * MIB)) in {413, 0}


def test_json(running: RunningIndex) -> None:
    token = basic("__token__", new_token(running.index, "ann"))

    def send(body: str) -> int:
        headers = {"Authorization": token, "Content_Type": "application/json"}
        return ask(running, "PATCH", "/api/projects/foo", body.encode(), **headers)

    assert send("[" * 30_000) in {400, 422}
    assert send('{"status":' * 5_000) in {400, 422}
    assert send(json.dumps({"status": "x" * 60_000})) in {400, 422}
    assert send(json.dumps({"status": "x" * 100_000})) == 413
    assert send('{"status": 1' + "0" * 50_000 + "}") in {400, 422}
    assert send(json.dumps({str(number): 1 for number in range(5_000)})) in {400, 422}
