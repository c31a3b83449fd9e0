"""An OpenID Connect issuer of the tests' own on loopback, which does whatever wrong it is told to."""

import base64
import contextlib
import hashlib
import html
import http.server
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

#: What an endpoint does instead of answering as it should.
Misbehaviour = Callable[["Handler"], None]


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """A key of 2048 bits, or 1024 where the name says "small"; the same for the same name."""
    bits = 1024 if "small" in name else 2048
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A key on P-256, the same for the same name."""
    return ec.generate_private_key(ec.SECP256R1())


def jwk(name: str, algorithm: str = "RS256", **more: Any) -> dict[str, Any]:
    """The public key called *name* as a member of a JWKS."""
    if algorithm.startswith("ES"):
        shown = ECAlgorithm.to_jwk(ec_key(name).public_key(), as_dict=True)
    else:
        shown = RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True)
    return {"kid": name, "use": "sig", "alg": algorithm, **shown, **more}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers for the issuer that its server belongs to."""

    server: "_Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def answer_json(self, answer: Any, status: int = 200) -> None:
        """Answer with JSON."""
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer_html(self, body: str) -> None:
        """Answer with a page."""
        content = f"<!DOCTYPE html><title>The provider</title>{body}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def redirect(self, url: str) -> None:
        """Lead elsewhere."""
        self.send_response(302)
        self.send_header("Location", url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def authorize(self, *, asks: bool = False) -> None:
        """Send the browser back, at once or by a link that somebody has to follow."""
        back = self.server.issuer.authorize(_single(urlsplit(self.path).query))
        if asks:
            self.answer_html(f'<a href="{html.escape(back)}">Yes, it is me</a>')
        else:
            self.redirect(back)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _answer(self) -> None:
        issuer = self.server.issuer
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length).decode()
        parts = urlsplit(self.path)
        issuer.asked.append(parts.path)
        with contextlib.suppress(ConnectionError):
            if parts.path in issuer.misbehaviours:
                self.close_connection = True
                issuer.misbehaviours[parts.path](self)
            elif parts.path == DISCOVERY:
                self.answer_json(issuer.document)
            elif parts.path == KEYS:
                self.answer_json({"keys": issuer.keys})
            elif parts.path == AUTHORIZE:
                self.authorize()
            elif parts.path == TOKEN:
                self.answer_json(*issuer.exchange(_single(body), self.headers["Authorization"]))
            else:
                self.answer_json({}, 404)


DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"
AUTHORIZE, TOKEN = "/authorize", "/token"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    issuer: "TestIssuer"


class TestIssuer:
    """One issuer. Its attributes are what it answers; change them to make it lie."""

    __test__ = False

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: list[dict[str, Any]] = [jwk("first")]
        self.document: dict[str, Any] = {
            "issuer": url,
            "jwks_uri": url + KEYS,
            "authorization_endpoint": url + AUTHORIZE,
            "token_endpoint": url + TOKEN,
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        self.misbehaviours: dict[str, Misbehaviour] = {}
        #: The paths that were asked for, in order.
        self.asked: list[str] = []
        #: Whoever is logged in there: claims of the ID token beside the usual ones.
        self.person: dict[str, Any] = {"sub": "subject-1", "preferred_username": "rosa"}
        #: Makes the ID token of its claims.
        self.sign: Callable[[dict[str, Any]], str] = self.token
        self.client_secret = "client secret/+%"
        #: The authorization requests that were made, and which code each got.
        self.granted: dict[str, dict[str, str]] = {}

    def claims(self, **more: Any) -> dict[str, Any]:
        """The claims of a token that is valid for ten minutes."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": "pypi-lite",
            "iat": now,
            "exp": now + 600,
            "sub": "someone",
        }
        return {**usual, **more}

    def token(
        self, claims: dict[str, Any], *, key: str = "first", algorithm: str = "RS256", **header: Any
    ) -> str:
        """A token with these claims, signed with the key called *key*."""
        private = ec_key(key) if algorithm.startswith("ES") else rsa_key(key)
        shown = {name: value for name, value in {"kid": key, **header}.items() if value is not None}
        return jwt.encode(claims, private, algorithm, headers=shown)

    def authorize(self, query: dict[str, str]) -> str:
        """Grant what the browser asks for, and where it is sent then."""
        code = secrets.token_urlsafe(8)
        self.granted[code] = query
        return query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]})

    def exchange(self, form: dict[str, str], authorization: str | None) -> tuple[Any, int]:
        """What a code gives, once, to who shows the secret and what the challenge was made of."""
        query = self.granted.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if query is None or query["redirect_uri"] != form.get("redirect_uri"):
            return {"error": "invalid_grant"}, 400
        if query["code_challenge"] != _base64(challenge):
            return {"error": "invalid_grant", "error_description": "PKCE"}, 400
        client = f"{query['client_id']}:{quote_plus(self.client_secret)}".encode()
        if authorization != f"Basic {base64.b64encode(client).decode()}":
            return {"error": "invalid_client"}, 401
        claims = {**self.claims(aud=query["client_id"]), "nonce": query["nonce"], **self.person}
        return {
            "access_token": "token-of-access",
            "token_type": "Bearer",
            "id_token": self.sign(claims),
        }, 200


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@contextlib.contextmanager
def running_issuer(host: str = "127.0.0.1") -> Iterator[TestIssuer]:
    """An issuer that answers until the block ends, under a name of this machine's own."""
    server = _Server(("127.0.0.1", 0), Handler)
    server.issuer = TestIssuer(f"http://{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
