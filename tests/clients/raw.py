"""Plain requests, each over a connection of its own, so that any of the workers may answer."""

import base64
import hashlib
import http.client
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

HTML = "text/html"
JSON = "application/vnd.pypi.simple.v1+json"
_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    """A response; headers have lower-case names."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes
    cookies: dict[str, str]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def files(self) -> dict[str, dict[str, Any]]:
        """The files of a project's JSON page, by name."""
        assert self.status == 200, (self.status, self.text)
        return {file["filename"]: file for file in self.json()["files"]}


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """GET."""
    return request("GET", url, headers)


def request(
    method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """One request."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        cookies = SimpleCookie()
        for value in response.headers.get_all("Set-Cookie", []):
            cookies.load(value)
        return Answer(
            status=response.status,
            reason=response.reason,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=response.read(),
            cookies={name: morsel.value for name, morsel in cookies.items()},
        )
    finally:
        connection.close()


def upload(
    url: str, filename: str, content: bytes, secret: str, fields: Mapping[str, str] | None = None
) -> Answer:
    """The upload API's form, as small as it may be."""
    name, version = filename.removesuffix(".tar.gz").split("-")[:2]
    is_wheel = filename.endswith(".whl")
    form = {
        ":action": "file_upload",
        "protocol_version": "1",
        "name": name,
        "version": version,
        "filetype": "bdist_wheel" if is_wheel else "sdist",
        "pyversion": "py3" if is_wheel else "source",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        **(fields or {}),
    }
    body, content_type = multipart(form, (filename, content))
    return request("POST", url, {**_credentials(secret), "Content-Type": content_type}, body)


def patch(url: str, members: Mapping[str, Any], secret: str) -> Answer:
    """A change by the API of projects and releases."""
    headers = {**_credentials(secret), "Content-Type": "application/json"}
    return request("PATCH", url, headers, json.dumps(members).encode())


def _credentials(secret: str) -> dict[str, str]:
    credentials = base64.b64encode(f"__token__:{secret}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


def multipart(fields: Mapping[str, str], *files: tuple[str, bytes]) -> tuple[bytes, str]:
    """A form of fields and of files, each called ``content``; the body and its type."""
    boundary = secrets.token_hex(16)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    body = bytearray()
    for name, value in fields.items():
        body += f'{head}{name}"\r\n\r\n{value}\r\n'.encode()
    for filename, content in files:
        body += f'{head}content"; filename="{filename}"\r\n'.encode()
        body += b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return bytes(body), f"multipart/form-data; boundary={boundary}"
