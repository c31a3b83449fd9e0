"""Requests with exactly the headers that a test names, and answers with all of theirs."""

import gzip
import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_SECONDS = 120.0
# Of the connection, or of the moment. Behind nginx pages have no Last-Modified, and it names itself.
_NOT_OF_THE_ANSWER = {"date", "connection", "server", "last-modified"}


@dataclass(frozen=True)
class Answer:
    """A response; its headers with lower-case names, sorted, each as often as it came."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The one value of the header *name*."""
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) < 2, (name, values)
        return values[0] if values else None

    @property
    def text(self) -> str:
        """The body as text, whatever its encoding."""
        is_compressed = self.header("Content-Encoding") == "gzip"
        return (gzip.decompress(self.body) if is_compressed else self.body).decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    @property
    def comparable(self) -> "Answer":
        """Without what may differ when somebody else answers."""
        kept = tuple(h for h in self.headers if h[0] not in _NOT_OF_THE_ANSWER)
        return Answer(self.status, self.reason, kept, self.body)


def ask(url: str, *headers: tuple[str, str], method: str = "GET") -> Answer:
    """One request, whose target is sent as it stands in *url*."""
    parts = urlsplit(url)
    target = url.removeprefix(f"{parts.scheme}://{parts.netloc}")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        response = connection.getresponse()
        found = sorted((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, response.reason, tuple(found), response.read())
    finally:
        connection.close()
