"""A page through deploy/nginx.conf, side by side with the same nginx sending the same bytes as a file.

Usage: python -m benchmarks.front [--rounds 5] [--seconds 3]

Needs wrk and nginx. Runs interleaved on loopback, prints medians and the median ratio of a round:
to a plain file, and to a plain file that comes with as many headers as a page, which cost both sides.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.pages import JSON, RELEASES, Target, compare, fetch, fill, served
from benchmarks.serving import free_port
from tests.deploy.asking import ask
from tests.deploy.front import NGINX, front

_PLAIN = """
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        types {{ }}
        default_type {json};
        charset off;
        gzip off;
        sendfile on;
        open_file_cache off;
        location /plain/ {{ alias {folder}/; }}
        location /headers/ {{ alias {folder}/; include {folder}/headers.conf; }}
    }}
"""
_NGINX_ADDS = {"content-length", "content-type", "date", "server", "connection"}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.front", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args(argv)
    if shutil.which("wrk") is None or NGINX is None:
        raise SystemExit("wrk or nginx is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        with served(folder) as index:
            _measure(folder, index.url, options.rounds, options.seconds)


def _measure(folder: Path, simple: str, rounds: int, seconds: int) -> None:
    """*simple* is the address of the root list, past nginx."""
    upstream, data, plain_port = urlsplit(simple).netloc, folder / "data", free_port()
    # The page is there from here on, and nginx can be told the build.
    bodies = {n: fetch(f"{simple}sample-{n}/")[0] for n in RELEASES[1:]}
    files = folder / "plain"
    files.mkdir()
    for releases, body in bodies.items():
        (files / str(releases)).write_bytes(body)
    (files / "headers.conf").write_text(_headers(f"{simple}sample-{RELEASES[1]}/"))
    plain = _PLAIN.format(port=plain_port, json=JSON, folder=files)
    folders = (data / "cache", data / "blobs", folder / "nginx")
    print("| page | connections | plain file, req/s | ours, req/s | ours / plain | p99 / plain's |")
    print("|---|--:|--:|--:|--:|--:|")
    with front(upstream, *folders, more=plain) as url:
        for releases, body in bodies.items():
            ours = Target("ours", f"{url}simple/sample-{releases}/")
            title = f"200, {len(body) / 1000:.0f} KB"
            for place, beside in ("plain", ""), ("headers", ", same headers"):
                limit = Target(place, f"http://127.0.0.1:{plain_port}/{place}/{releases}")
                compare(title + beside, limit, ours, rounds, seconds)


def _headers(url: str) -> str:
    """What lets nginx send a file with the headers of the page at *url*."""
    lines = [
        f"add_header {name} '{value.replace(chr(39), chr(92) + chr(39))}';"
        for name, value in ask(url, ("Accept", JSON)).headers
        if name not in _NGINX_ADDS
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
