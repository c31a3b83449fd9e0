"""The limit: a WSGI application that returns bytes from memory, on the server that the index runs on.

Usage: python -m benchmarks.bare HOST:PORT FILE CONTENT-TYPE
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from pypi_lite.server import serve


def main(address: str, file: str, content_type: str) -> int:
    """Serve *file*'s bytes at every path, and a 304 to whoever has them."""
    body = Path(file).read_bytes()
    headers = [("Content-Type", content_type), ("ETag", '"bare"')]
    whole = [*headers, ("Content-Length", str(len(body)))]

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_IF_NONE_MATCH"):
            start("304 Not Modified", headers)
            return []
        start("200 OK", whole)
        return [body]

    host, _, port = address.rpartition(":")
    return serve(lambda: application, host=host, port=int(port), workers=1, max_body=1000)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
