"""A program that serves a small application; test_server.py runs it and stops it.

Usage: python server_program.py OPTIONS, the options a JSON object. Prints what happens to standard
output, a line each: ``url URL``, ``app PID`` when a process has built the application, and
``request PATH`` when a request has reached it.
"""

import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pypi_lite import server
from pypi_lite.server import limits, process, supervisor

BIG = 20 * 1024 * 1024


def say(*words: object) -> None:
    # In one write: several processes share the pipe.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def answer_pid(environ: WSGIEnvironment) -> list[bytes]:
    return [str(os.getpid()).encode()]


def answer_slowly(environ: WSGIEnvironment) -> list[bytes]:
    time.sleep(1)
    return [b"slow but complete"]


def answer_never(environ: WSGIEnvironment) -> list[bytes]:
    time.sleep(60)
    return [b""]


def answer_big(environ: WSGIEnvironment) -> list[bytes]:
    return [b"x" * BIG]


def answer_big_in_pieces(environ: WSGIEnvironment) -> list[bytes]:
    return [b"x" * 65536] * (BIG // 65536)


def answer_more_than_is_kept(environ: WSGIEnvironment) -> list[bytes]:
    return [b"x" * 65536] * 1024


def answer_file(environ: WSGIEnvironment) -> Iterable[bytes]:
    return environ["wsgi.file_wrapper"](io.BytesIO(b"x" * BIG))


def answer_nothing(environ: WSGIEnvironment) -> list[bytes]:
    return []


def answer_whence(environ: WSGIEnvironment) -> list[bytes]:
    return [json.dumps([environ["REMOTE_ADDR"]]).encode()]


def answer_length(environ: WSGIEnvironment) -> list[bytes]:
    return [str(len(environ["wsgi.input"].read())).encode()]


ANSWERS: dict[str, Callable[[WSGIEnvironment], Iterable[bytes]]] = {
    "/pid": answer_pid,
    "/slow": answer_slowly,
    "/never": answer_never,
    "/big": answer_big,
    "/pieces": answer_big_in_pieces,
    "/more": answer_more_than_is_kept,
    "/file": answer_file,
    "/length": answer_length,
    "/304": answer_nothing,
    "/whence": answer_whence,
}


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    say("request", path)
    body = ANSWERS[path](environ)
    headers = [("Content-Type", "text/plain")]
    if path == "/304":
        start_response("304 Not Modified", [("ETag", '"tag"')])
        return body
    if isinstance(body, list):
        headers.append(("Content-Length", str(sum(map(len, body)))))
    start_response("200 OK", headers)
    return body


def make_app(options: dict[str, Any]) -> WSGIApplication:
    say("app", os.getpid())
    if options["failure"] == "error":
        raise RuntimeError("the database is not there")
    if options["failure"] == "exit":
        os._exit(7)
    if options["failure"] == "restart" and os.path.exists(options["flag"]):
        raise RuntimeError("the database has gone")
    if options["failure"] == "hang":
        time.sleep(60)
    return app


def main() -> int:
    options = {"workers": 1, "host": "127.0.0.1", "port": 0, "failure": None, "grace": None}
    options |= {"max_body": 1024 * 1024, "parent_signal": True, "tick": None}
    options |= {"limits": {}, "connections": None, "proxies": []}
    options |= json.loads(sys.argv[1])
    logging.basicConfig(level=logging.INFO)
    if options["grace"] is not None:
        process.GRACE_SECONDS = options["grace"]
    if options["tick"] is not None:
        process.TICK_SECONDS = options["tick"]
    for name, value in options["limits"].items():
        setattr(limits, name, value)
    if options["connections"] is not None:
        process.CONNECTIONS = options["connections"]
    if not options["parent_signal"]:
        supervisor.end_with_parent = lambda: None
    return server.serve(
        lambda: make_app(options),
        host=options["host"],
        port=options["port"],
        workers=options["workers"],
        max_body=options["max_body"],
        trusted_proxies=options["proxies"],
        on_listening=lambda url: say("url", url),
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except server.ServerError as error:
        sys.exit(f"ServerError: {error}")
