"""Tokens of other issuers: believed only when everything is right."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from pypi_lite.jwts import Issuer, IssuerError, JwtError
from tests.issuers import DISCOVERY, KEYS, Handler, TestIssuer, jwk, rsa_key, running_issuer

_US = "pypi-lite"


@pytest.fixture
def theirs() -> Iterator[TestIssuer]:
    """An issuer that answers."""
    with running_issuer() as issuer:
        yield issuer


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _refusal(theirs: TestIssuer, token: str) -> str:
    with pytest.raises(JwtError) as caught:
        Issuer(theirs.url).verify(token, audience=_US)
    return str(caught.value)


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256"])
def test_a_token_that_is_right_is_believed(theirs: TestIssuer, algorithm: str) -> None:
    theirs.keys = [jwk("other"), jwk("right", algorithm)]
    claims = theirs.claims(ref="refs/heads/main")
    token = theirs.token(claims, key="right", algorithm=algorithm)
    assert Issuer(theirs.url).verify(token, audience=_US) == claims


def test_no_key_needs_a_name(theirs: TestIssuer) -> None:
    theirs.keys = [
        {k: v for k, v in jwk(name).items() if k != "kid"} for name in ("other", "right")
    ]
    token = theirs.token(theirs.claims(), key="right", kid=None)
    assert Issuer(theirs.url).verify(token, audience=_US)["sub"] == "someone"


def test_keys_may_be_where_a_setting_says(theirs: TestIssuer) -> None:
    theirs.misbehaviours[DISCOVERY] = lambda handler: handler.answer_json({}, 404)
    issuer = Issuer(theirs.url, jwks_url=theirs.url + KEYS)
    assert issuer.verify(theirs.token(theirs.claims()), audience=(_US, "another"))
    with pytest.raises(IssuerError, match="answered 404"):
        issuer.document()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"iss": "https://evil.test"}, "another issuer"),
        ({"aud": "x"}, "somebody else: it must be for 'pypi-lite', and is for 'x'"),
        ({"aud": ["x", "y"]}, "it must be for 'pypi-lite', and is for 'x, y'"),
        ({"aud": []}, "lacks aud"),
        ({"aud": 7}, "it must be for 'pypi-lite', and is for '7'"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
        ({"iat": 4_000_000_000}, "not valid yet"),
        ({"exp": "soon"}, "can't be verified"),
        ({"sub": ""}, "nobody"),
        ({"sub": 7}, "can't be verified"),
    ],
)
def test_a_claim_that_is_wrong(theirs: TestIssuer, change: dict[str, Any], why: str) -> None:
    assert why in _refusal(theirs, theirs.token(theirs.claims(**change)))


@pytest.mark.parametrize("audience", ["x" * 101, "a\nb", "a\x1b[1m", "\ud800", ["a", "\0"]])
def test_what_can_not_be_shown_is_not(theirs: TestIssuer, audience: Any) -> None:
    told = _refusal(theirs, theirs.token(theirs.claims(aud=audience)))
    assert told.endswith("it must be for 'pypi-lite'")


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "sub"])
def test_a_claim_that_is_missing(theirs: TestIssuer, claim: str) -> None:
    claims = theirs.claims()
    del claims[claim]
    assert f"lacks {claim}" in _refusal(theirs, theirs.token(claims))


def test_clocks_may_differ_a_little(theirs: TestIssuer) -> None:
    now = theirs.claims()["iat"]
    late = theirs.claims(iat=now - 600, exp=now - 30)
    early = theirs.claims(iat=now + 30, nbf=now + 30)
    for claims in (late, early):
        assert Issuer(theirs.url).verify(theirs.token(claims), audience=_US)


def test_no_signature_is_none(theirs: TestIssuer) -> None:
    for algorithm in ("none", "None", "NONE", "", None, ["RS256"], 1):
        unsigned = f"{_part({'alg': algorithm, 'kid': 'first'})}.{_part(theirs.claims())}"
        assert "no signed token" in _refusal(theirs, f"{unsigned}.")
        assert "is signed in a way" in _refusal(theirs, f"{unsigned}.AAAA")


def test_a_public_key_is_no_shared_secret(theirs: TestIssuer) -> None:
    public = rsa_key("first").public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = f"{_part({'alg': 'HS256', 'kid': 'first'})}.{_part(theirs.claims())}"
    for secret in (pem, json.dumps(jwk("first")).encode()):
        mac = hmac.digest(secret, unsigned.encode(), hashlib.sha256)
        token = f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert "is signed in a way" in _refusal(theirs, token)


def test_a_shared_secret_in_the_keys_is_no_key(theirs: TestIssuer) -> None:
    theirs.keys = [{"kty": "oct", "kid": "first", "k": "c2VjcmV0", "alg": "RS256"}]
    assert "no key" in _refusal(theirs, theirs.token(theirs.claims()))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("other", {"kid": "first"}),
        ("first", {"kid": "second"}),
        ("first", {"use": "enc"}),
        ("first", {"alg": "RS512"}),
        ("first", {"n": "AQAB"}),
        ("first", {"n": 7}),
        ("first", {"kty": ["RSA"]}),
    ],
)
def test_another_key_is_the_wrong_one(
    theirs: TestIssuer, name: str, change: dict[str, Any]
) -> None:
    theirs.keys = ["no key", jwk(name, **change)]  # type: ignore[list-item]
    _refusal(theirs, theirs.token(theirs.claims()))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_key_that_is_too_small(theirs: TestIssuer) -> None:
    theirs.keys = [jwk("small")]
    assert "can't be verified" in _refusal(theirs, theirs.token(theirs.claims(), key="small"))


def test_a_private_key_is_nobodys(theirs: TestIssuer) -> None:
    theirs.keys = [jwk("first", d="AQAB")]
    assert "no key" in _refusal(theirs, theirs.token(theirs.claims()))


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "a.b", "..", "é.b.c", "a" * 70_000, "W10.e30.AAAA", "bnVsbA.e30.AAAA"],
)
def test_what_is_no_token(theirs: TestIssuer, token: str) -> None:
    assert "no signed token" in _refusal(theirs, token)
    assert theirs.asked == []


def test_a_deep_header_is_no_token(theirs: TestIssuer) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 40_000).rstrip(b"=").decode()
    assert "no signed token" in _refusal(theirs, f"{deep}.e30.AAAA")


def test_an_extension_that_is_not_known_is_not_overlooked(theirs: TestIssuer) -> None:
    for header in ({"crit": ["b64"], "b64": True}, {"crit": ["x"], "x": 1}, {"crit": []}):
        head = _part({"alg": "RS256", "kid": "first", **header})
        why = _refusal(theirs, f"{head}.{_part(theirs.claims())}.AAAA")
        assert "extension" in why or "no signed token" in why


def test_a_changed_token_is_refused(theirs: TestIssuer) -> None:
    header, _claims, signature = theirs.token(theirs.claims()).split(".")
    changed = f"{header}.{_part(theirs.claims(sub='admin'))}.{signature}"
    assert "signature" in _refusal(theirs, changed)


def test_keys_are_fetched_once_an_hour(theirs: TestIssuer) -> None:
    clock = Clock()
    issuer = Issuer(theirs.url, clock=clock)
    assert theirs.asked == []
    for _ in range(3):
        issuer.verify(theirs.token(theirs.claims()), audience=_US)
    assert theirs.asked == [DISCOVERY, KEYS]
    clock.now += 3601
    issuer.verify(theirs.token(theirs.claims()), audience=_US)
    assert sorted(theirs.asked) == sorted([DISCOVERY, KEYS] * 2)


def test_a_new_key_is_fetched_when_it_is_met_and_strangers_cause_few_fetches(
    theirs: TestIssuer,
) -> None:
    clock = Clock()
    issuer = Issuer(theirs.url, clock=clock)
    issuer.verify(theirs.token(theirs.claims()), audience=_US)
    theirs.keys = [jwk("second")]
    new = theirs.token(theirs.claims(), key="second")
    for _ in range(5):
        with pytest.raises(JwtError, match="no key"):
            issuer.verify(new, audience=_US)
    assert theirs.asked.count(KEYS) == 1
    clock.now += 31
    assert issuer.verify(new, audience=_US)
    assert theirs.asked.count(KEYS) == 2
    with pytest.raises(JwtError, match="no key"):
        issuer.verify(theirs.token(theirs.claims()), audience=_US)


def test_a_stranger_cannot_make_known_keys_be_forgotten(theirs: TestIssuer) -> None:
    clock = Clock()
    issuer = Issuer(theirs.url, clock=clock)
    good = theirs.token(theirs.claims())
    issuer.verify(good, audience=_US)
    theirs.misbehaviours[KEYS] = lambda handler: handler.answer_json({}, 500)
    clock.now += 31
    with pytest.raises(JwtError, match="no key"):
        issuer.verify(theirs.token(theirs.claims(), key="unknown"), audience=_US)
    assert issuer.verify(good, audience=_US)
    clock.now += 3600
    with pytest.raises(IssuerError, match="answered 500"):
        issuer.verify(good, audience=_US)


def test_an_issuer_that_fails_is_let_alone_for_a_while(theirs: TestIssuer) -> None:
    clock = Clock()
    issuer = Issuer(theirs.url, clock=clock)
    theirs.misbehaviours[KEYS] = lambda handler: handler.answer_json({}, 500)
    for _ in range(3):
        with pytest.raises(IssuerError, match="answered 500"):
            issuer.verify(theirs.token(theirs.claims()), audience=_US)
    assert theirs.asked.count(KEYS) == 1
    del theirs.misbehaviours[KEYS]
    clock.now += 31
    assert issuer.verify(theirs.token(theirs.claims()), audience=_US)


def _huge(handler: Handler) -> None:
    handler.answer_json({"keys": [], "more": "x" * 1_000_000})


def _endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b" " * 65536)


def _silent(handler: Handler) -> None:
    handler.connection.settimeout(30)
    handler.connection.recv(1)  # until the other side gives up


def _cut(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"keys": []}')


def _elsewhere(handler: Handler) -> None:
    host = handler.headers["Host"].replace("127.0.0.1", "localhost")
    handler.redirect(f"http://{host}/elsewhere")


@pytest.mark.parametrize(
    ("misbehaviour", "why"),
    [
        (_huge, "more than"),
        (_endless, "more than"),
        (_silent, "too long|timed out"),
        (_cut, "broke its answer off"),
        (_elsewhere, "leads elsewhere"),
        (lambda handler: handler.answer_json([]), "no JSON object"),
        (lambda handler: handler.answer_json({"keys": {}}), "no list of keys"),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "broke its answer off"),
        (lambda handler: None, "broke its answer off"),
    ],
)
def test_keys_that_cannot_be_had(
    theirs: TestIssuer, monkeypatch: pytest.MonkeyPatch, misbehaviour: Any, why: str
) -> None:
    monkeypatch.setattr("pypi_lite.fetching.SECONDS", 1.0)
    theirs.misbehaviours[KEYS] = misbehaviour
    with pytest.raises(IssuerError, match=why):
        Issuer(theirs.url).verify(theirs.token(theirs.claims()), audience=_US)
    assert "/elsewhere" not in theirs.asked


def test_an_answer_that_drips_is_cut_off(
    theirs: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = threading.Event()

    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(400):
                handler.wfile.write(b" ")
                time.sleep(0.05)
        except ConnectionError:
            cut.set()

    monkeypatch.setattr("pypi_lite.fetching.SECONDS", 1.0)
    theirs.misbehaviours[KEYS] = drip
    with pytest.raises(IssuerError, match="no JSON"):
        Issuer(theirs.url).verify(theirs.token(theirs.claims()), audience=_US)
    assert cut.wait(60)


def test_a_document_must_be_of_its_issuer(theirs: TestIssuer) -> None:
    theirs.document["issuer"] = "https://evil.test"
    with pytest.raises(IssuerError, match=r"evil\.test"):
        Issuer(theirs.url).document()


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.test/",
        "http://10.0.0.1/",
        "http://127.0.0.1.test/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://user@keys.test/",
        "https://keys.test/#here",
        "https://keys.test:port/",
        "https://keys.test/ x",
        "https://ключи.test/",
        "//keys.test/",
        "",
    ],
)
def test_only_https_or_loopback_is_asked(theirs: TestIssuer, url: str) -> None:
    with pytest.raises(IssuerError):
        Issuer(url)
    with pytest.raises(IssuerError):
        Issuer(theirs.url, jwks_url=url)
    theirs.document["token_endpoint"] = url
    with pytest.raises(IssuerError):
        Issuer(theirs.url).endpoint("token_endpoint")


def test_an_endpoint_that_is_not_named(theirs: TestIssuer) -> None:
    theirs.document["token_endpoint"] = None
    with pytest.raises(IssuerError, match="no token_endpoint"):
        Issuer(theirs.url).endpoint("token_endpoint")


def test_an_issuer_that_is_not_there() -> None:
    with running_issuer() as gone:
        url = gone.url
    with pytest.raises(IssuerError, match="can't be asked"):
        Issuer(url).document()
