"""nginx in front of a running index, with one of the configurations in deploy/."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.running import ENOUGH, free_port

_DEPLOY = Path(__file__).parents[2] / "deploy"
PUBLIC, PRIVATE = _DEPLOY / "nginx.conf", _DEPLOY / "nginx-private.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

# Around the example, what a distribution's nginx.conf has, and more that must not reach pages.
_MAIN = """\
{user}
pcre_jit on;
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; application/json json; application/gzip gz; }}
    default_type application/octet-stream;
    charset utf-8;
    etag off;
    gzip on;
    gzip_types *;
    gzip_min_length 1;
    open_file_cache max=1000;
    open_file_cache_valid 1h;
    {more}
    include {folder}/site.conf;
}}
"""


@contextmanager
def front(
    upstream: str,
    cache: Path,
    blobs: Path,
    folder: Path,
    *,
    conf: Path = PUBLIC,
    port: int | None = None,
    more: str = "",
) -> Iterator[str]:
    """Run nginx, which keeps what it has in *folder*, with *conf*; its address, with its slash.

    *upstream* is where the index listens, as ``127.0.0.1:6543``; *cache* and *blobs* are its folders,
    of which the cache's must be open already. *more* are further lines of nginx's http block.
    """
    port = port or free_port()
    with nginx(_filled_in(conf.read_text(), upstream, cache, blobs, port), folder, port, more):
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def nginx(conf: str, folder: Path, port: int, more: str = "") -> Iterator[None]:
    """Run nginx, which keeps what it has in *folder*, with *conf*, whose server listens on *port*."""
    assert NGINX is not None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.conf").write_text(conf)
    # As root nginx would become a user who can't read pytest's folders.
    user = "user root;" if os.geteuid() == 0 else ""
    main = folder / "nginx.conf"
    main.write_text(_MAIN.format(folder=folder, user=user, more=more))
    with (folder / "start.log").open("wb") as log:
        process = subprocess.Popen(
            [NGINX, "-p", str(folder), "-c", str(main)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(process, port, folder)
        yield
    finally:
        _end(process)


def _filled_in(text: str, upstream: str, cache: Path, blobs: Path, port: int) -> str:
    """The example with this run's values in the lines that are marked as the ones to look at."""
    values = {
        "server 127.0.0.1:6543;": f"server {upstream};",
        "/var/lib/pypi_lite/cache/": f"{cache}/",
        "/var/lib/pypi_lite/blobs/": f"{blobs}/",
        "listen 80;": f"listen 127.0.0.1:{port} backlog=1024;",
        "packages.example.com": "_",
    }
    lines = []
    for line in text.splitlines():
        if "  # <-" in line:
            filled = line
            for example, value in values.items():
                filled = filled.replace(example, value)
            assert filled != line, line
            line = filled
        lines.append(line)
    filled = "\n".join(lines)
    left = [value for value in values if re.search(rf"^[^#]*{re.escape(value)}", filled, re.M)]
    assert not left, left
    return filled


def _wait_for(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    deadline = time.monotonic() + ENOUGH
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((folder / "start.log").read_text()) from None
            time.sleep(0.02)
        else:
            return


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it at once, with what it is doing."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(ENOUGH)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
