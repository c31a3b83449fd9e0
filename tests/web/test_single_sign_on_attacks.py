"""A provider, or somebody else, that lies: nobody is logged in, and is told why in words."""

import base64
import hashlib
import hmac
import json
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import select
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.models import JournalEntry
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.issuers import DISCOVERY, KEYS, TOKEN, TestIssuer, ec_key, jwk, rsa_key, running_issuer
from tests.web.helpers import form_for, log_in
from tests.web.signing_on import (
    CALLBACK,
    browser,
    callback,
    is_nobody,
    refused,
    sign_on,
    with_provider,
)


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """SQLite alone: nothing here asks a database for more than the log-ins that go well do."""
    path = tmp_path / "index.sqlite"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def theirs() -> Iterator[TestIssuer]:
    """A provider that answers."""
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def settings(settings: Settings, theirs: TestIssuer) -> Settings:
    """An index whose people the provider knows."""
    return with_provider(settings, theirs)


def _changed(**claims: Any) -> Any:
    """Sign the claims after *claims* have been put into them; those that are None are left out."""

    def sign(theirs: TestIssuer, given: dict[str, Any]) -> str:
        changed = {**given, **claims}
        return theirs.token({name: value for name, value in changed.items() if value is not None})

    return sign


def _unsigned(_theirs: TestIssuer, claims: dict[str, Any]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "kid": "first"}, claims)]
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts) + "."


def _with_another_key(theirs: TestIssuer, claims: dict[str, Any]) -> str:
    return theirs.token(claims, key="another", kid="first")


@pytest.mark.parametrize(
    ("sign", "why"),
    [
        (_changed(iss="https://evil.test"), "another issuer"),
        (_changed(aud="another-client"), "somebody else"),
        (_changed(aud=["pypi-lite", "another-client"]), "somebody else"),
        (_changed(azp="another-client"), "somebody else"),
        (_changed(exp=1_700_000_000), "expired"),
        (_changed(exp=None), "lacks exp"),
        (_changed(nbf=4_000_000_000), "not valid yet"),
        (_changed(nonce=None), "not for this log-in"),
        (_changed(nonce="another"), "not for this log-in"),
        (_changed(nonce=["é"]), "not for this log-in"),
        (_changed(sub="a\0b"), "names nobody"),
        (_changed(sub="x" * 256), "names nobody"),
        (_unsigned, "no signed token"),
        (_with_another_key, "signature is wrong"),
        (lambda theirs, claims: "nonsense", "no signed token"),
    ],
)
def test_a_token_that_is_wrong(app: TestApp, theirs: TestIssuer, sign: Any, why: str) -> None:
    theirs.sign = lambda claims: sign(theirs, claims)
    refused(app, sign_on(app, theirs), 403, why)


def test_a_token_for_several_that_says_it_is_ours(app: TestApp, theirs: TestIssuer) -> None:
    more = {"aud": ["another", "pypi-lite"], "azp": "pypi-lite"}
    theirs.sign = lambda claims: theirs.token(claims | more)
    sign_on(app, theirs)
    assert not is_nobody(app)


def test_a_token_of_another_log_in(app: TestApp, theirs: TestIssuer) -> None:
    seen: list[str] = []
    theirs.sign = lambda claims: seen.append(theirs.token(claims)) or seen[0]  # type: ignore[func-returns-value]
    victim = browser(app)
    sign_on(victim, theirs)
    assert not is_nobody(victim)
    page = sign_on(app, theirs)
    assert page.status_int == 403
    assert "not for this log-in" in page.text
    assert is_nobody(app)


def test_elliptic_keys(app: TestApp, theirs: TestIssuer) -> None:
    assert ec_key("curve")
    theirs.keys = [jwk("curve", "ES256")]
    theirs.sign = lambda claims: theirs.token(claims, key="curve", algorithm="ES256")
    sign_on(app, theirs)
    assert not is_nobody(app)


def test_an_answer_for_another_browser(app: TestApp, theirs: TestIssuer) -> None:
    attacker = browser(app)
    url = callback(theirs, attacker.get("/login/sso/").location)
    refused(app, app.get(url, status="*"), 400, "has not begun")  # it began nothing
    app.get("/login/sso/")
    refused(app, app.get(url, status="*"), 400, "has not begun")  # it began something else
    assert theirs.asked.count(TOKEN) == 0


@pytest.mark.parametrize("state", [None, "", "another", "é"])
def test_an_answer_without_its_state(app: TestApp, theirs: TestIssuer, state: str | None) -> None:
    app.get("/login/sso/")
    query = {"code": "abc"} | ({} if state is None else {"state": state})
    refused(app, app.get(CALLBACK, query, status="*"), 400, "has not begun")


def test_a_cookie_that_is_not_ours(app: TestApp, theirs: TestIssuer) -> None:
    url = callback(theirs, app.get("/login/sso/").location)
    signed = app.cookies["pypi_lite_sso"].strip('"')
    for cookie in ("", "x", signed[:-8], "A" + signed, signed.swapcase()):
        app.set_cookie("pypi_lite_sso", cookie)
        refused(app, app.get(url, status="*"), 400, "has not begun")
    app.set_cookie("pypi_lite_sso", signed)
    assert app.get(url).status_int == 303


def test_an_attempt_ends(app: TestApp, theirs: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    url = callback(theirs, app.get("/login/sso/").location)
    kept = app.cookies["pypi_lite_sso"].strip('"')
    moment = time.time() + 601
    monkeypatch.setattr("pypi_lite.web.single_sign_on.time.time", lambda: moment)
    app.reset()  # a cookie's own end is the browser's to keep, or not
    app.set_cookie("pypi_lite_sso", kept)
    refused(app, app.get(url, status="*"), 400, "too long ago")


def test_a_code_counts_once(app: TestApp, theirs: TestIssuer) -> None:
    url = callback(theirs, app.get("/login/sso/").location)
    cookie = app.cookies["pypi_lite_sso"].strip('"')
    assert app.get(url).status_int == 303
    thief = browser(app)
    page = app.get(url, status="*")
    assert page.status_int == 400
    thief.set_cookie("pypi_lite_sso", cookie)
    page = thief.get(url, status="*")
    assert page.status_int == 403
    assert "invalid_grant" in page.text
    assert is_nobody(thief)


def test_a_code_without_its_verifier(app: TestApp, theirs: TestIssuer) -> None:
    """Injected: the code of somebody else's log-in, with one's own state."""
    theirs_code = parse_qs(
        urlsplit(callback(theirs, browser(app).get("/login/sso/").location)).query
    )["code"][0]
    state = parse_qs(urlsplit(app.get("/login/sso/").location).query)["state"][0]
    page = app.get(CALLBACK, {"state": state, "code": theirs_code}, status="*")
    refused(app, page, 403, "invalid_grant")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("access_denied", "access_denied"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("x" * 500, "an error without a name"),
        ("a\nb", "an error without a name"),
        ("", "an error without a name"),
    ],
)
def test_the_provider_says_no(app: TestApp, theirs: TestIssuer, error: str, shown: str) -> None:
    state = parse_qs(urlsplit(app.get("/login/sso/").location).query)["state"][0]
    query = {"state": state, "error": error, "error_description": "<b>a lie</b>", "code": "abc"}
    page = app.get(CALLBACK, query, status="*")
    refused(app, page, 403, shown)
    assert "<script>alert" not in page.text
    assert "a lie" not in page.text
    assert theirs.asked.count(TOKEN) == 0


def test_an_answer_of_another_issuer(app: TestApp, theirs: TestIssuer) -> None:
    url = callback(theirs, app.get("/login/sso/").location)
    refused(app, app.get(f"{url}&iss=https://evil.test", status="*"), 403, "another issuer")
    url = callback(theirs, app.get("/login/sso/").location)
    assert app.get(f"{url}&iss={theirs.url}").status_int == 303


def test_an_issuer_that_names_itself_must(app: TestApp, theirs: TestIssuer) -> None:
    theirs.document["authorization_response_iss_parameter_supported"] = True
    refused(app, sign_on(app, theirs), 403, "another issuer")


def _redirect(handler: Any) -> None:
    handler.redirect("http://localhost:1/")


def _server_error(handler: Any) -> None:
    handler.answer_json({"error": "server_error"}, 500)


@pytest.mark.parametrize("path", [DISCOVERY, KEYS, TOKEN])
@pytest.mark.parametrize(
    "misbehaviour",
    [
        _redirect,
        _server_error,
        lambda handler: handler.answer_json({"keys": [], "x": "x" * 1_000_000}),
    ],
)
def test_a_provider_that_cannot_be_asked(
    app: TestApp, theirs: TestIssuer, path: str, misbehaviour: Any
) -> None:
    theirs.misbehaviours[path] = misbehaviour
    begun = app.get("/login/sso/", status="*")
    if path == DISCOVERY:
        return refused(app, begun, 503, "can't be asked")
    page = app.get(callback(theirs, begun.location), status="*")
    return refused(app, page, 503, "can't be asked")


@pytest.mark.parametrize("answer", [[], {}, {"id_token": 7}, {"access_token": "x"}])
def test_an_answer_without_a_token(app: TestApp, theirs: TestIssuer, answer: Any) -> None:
    theirs.misbehaviours[TOKEN] = lambda handler: handler.answer_json(answer)
    refused(app, sign_on(app, theirs), 403, "no ID token")


def test_what_is_secret_is_nowhere(
    app: TestApp, index: Index, theirs: TestIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = [theirs.client_secret, "token-of-access"]

    def sign(claims: dict[str, Any]) -> str:
        secrets.extend([theirs.token(claims), claims["nonce"]])
        return theirs.token(claims | {"nonce": "another"})

    sign_on(app, theirs)
    theirs.sign = sign
    secrets += theirs.granted
    page = sign_on(browser(app), theirs)
    secrets += theirs.granted
    assert page.status_int == 403
    assert "single sign-on: the provider is not believed" in caplog.text
    with index.database.read() as session:
        rows = [str(vars(row)) for row in session.scalars(select(JournalEntry))]
    for text in (page.text, caplog.text, *rows):
        assert [value for value in secrets if value in text] == []
    assert theirs.client_secret not in repr(index.settings)


def test_the_attempts_cookie(settings: Settings, theirs: TestIssuer) -> None:
    app = TestApp(make_app(replace(settings, url="https://index.test/")))
    cookie = app.get("/login/sso/").headers["Set-Cookie"].lower()
    for word in ("httponly", "samesite=lax", "secure", "max-age=600"):
        assert word in cookie


def test_a_public_key_that_signs_nothing(app: TestApp, theirs: TestIssuer) -> None:
    """RFC 8725, 3.1: HS256 with the public key as the secret."""
    pem = (
        rsa_key("first")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )

    def sign(claims: dict[str, Any]) -> str:
        parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "first"}, claims)]
        text = ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts)
        mac = hmac.digest(pem, text.encode(), hashlib.sha256)
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    theirs.sign = sign
    refused(app, sign_on(app, theirs), 403, "signed in a way")


def test_a_provider_that_is_slow_holds_nobody_for_long(
    app: TestApp, theirs: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pypi_lite.fetching.SECONDS", 0.5)
    over = threading.Event()
    theirs.misbehaviours[TOKEN] = lambda _handler: over.wait(60) and None
    try:
        refused(app, sign_on(app, theirs), 503, "can't be asked")
    finally:
        over.set()


def test_passwords_are_guessed_no_faster_when_connecting(
    app: TestApp, theirs: TestIssuer, ann: str
) -> None:
    log_in(app, ann)
    page = sign_on(app, theirs, "/account/sso/")
    for _ in range(30):
        form = form_for(page, "/account/sso/")
        form["password"] = "not her password"
        page = form.submit(status=(403, 429))
        if page.status_int == 429:
            break
    assert page.status_int == 429
    assert "Retry-After" in page.headers
