"""A page through deploy/nginx.conf, side by side with the same nginx sending the same bytes as a file.

Usage: python -m benchmarks.front [--rounds 5] [--seconds 3]

Needs wrk and nginx. Runs interleaved on loopback, prints medians and the median ratio of a round.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pages import RELEASES, Target, compare, fetch, fill, free_port, running

_PLAIN = """
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root {folder};
        types {{ }}
        default_type application/vnd.pypi.simple.v1+json;
        charset off;
        gzip off;
        sendfile on;
        open_file_cache off;
    }}
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    from tests.deploy.front import NGINX, front

    parser = argparse.ArgumentParser(prog="python -m benchmarks.front", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args(argv)
    if shutil.which("wrk") is None or NGINX is None:
        raise SystemExit("wrk or nginx is not installed")
    print("| page | connections | plain file, req/s | ours, req/s | ours / plain | p99 / plain's |")
    print("|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as name:
        folder, port, plain_port = Path(name), free_port(), free_port()
        fill(folder)
        files = folder / "plain"
        files.mkdir()
        upstream, data = f"127.0.0.1:{port}", folder / "data"
        plain = _PLAIN.format(port=plain_port, folder=files)
        serve = ("pypi_lite", "--data", str(data), "serve", "--listen", upstream)
        with running(port, *serve):
            fetch(f"http://{upstream}/simple/")  # answers, and has told nginx its build
            folders = (data / "cache", data / "blobs", folder / "nginx")
            with front(upstream, *folders, more=plain) as url:
                for releases in RELEASES[1:]:
                    path = f"simple/sample-{releases}/"
                    body, _ = fetch(url + path)
                    (files / str(releases)).write_bytes(body)
                    limit = Target("plain", f"http://127.0.0.1:{plain_port}/{releases}")
                    both = limit, Target("ours", url + path)
                    title = f"200, {len(body) / 1000:.0f} KB"
                    compare(title, *both, options.rounds, options.seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
