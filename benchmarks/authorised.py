"""What authority costs: a private page for a token that may read it, beside a public one for anybody.

Usage: python -m benchmarks.authorised [--rounds 15] [--seconds 1]

The same page of the same index by the same server's program, first public on an index that is open,
then private on one whose reading needs authority. Needs wrk. Runs interleaved on loopback.
"""

import argparse
import base64
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pages import JSON, RELEASES, fill
from benchmarks.serving import Server, free_port, load

_CONNECTIONS = (1, 8, 32)
_OPEN, _PRIVATE = "open", "accounts"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=1)
    options = parser.parse_args(argv)
    print("| page | connections | anybody, req/s | with a token, req/s | time, token / anybody |")
    print("|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in (_OPEN, _PRIVATE):
            (folder / kind).mkdir()
            fill(folder / kind)
        token = _hide(folder / _PRIVATE)
        headers = {"Accept": JSON, "Authorization": f"Basic {_shown(token)}"}
        with _served(folder, _OPEN) as anybody, _served(folder, _PRIVATE) as hidden:
            for releases in RELEASES[:2]:
                for connections in _CONNECTIONS:
                    urls = [
                        s.url.replace("login", f"simple/sample-{releases}")
                        for s in (anybody, hidden)
                    ]
                    _compare(*urls, headers, connections, options.rounds, options.seconds)


def _compare(
    anybody: str, hidden: str, headers: dict[str, str], connections: int, rounds: int, seconds: int
) -> None:
    rates = []
    for _ in range(rounds):
        public = load(anybody, connections, seconds, {"Accept": JSON})
        private = load(hidden, connections, seconds, headers)
        if public.errors or private.errors:
            raise SystemExit(f"errors: {public.errors} {private.errors}")
        rates.append((public.rate, private.rate))
    ratio = statistics.median(public / private for public, private in rates)
    public_rate, private_rate = (statistics.median(column) for column in zip(*rates, strict=True))
    name = anybody.rstrip("/").rpartition("/")[2]
    print(f"| {name} | {connections} | {public_rate:,.0f} | {private_rate:,.0f} | {ratio:.2f} |")


def _hide(folder: Path) -> str:
    """Make the projects private; a token of somebody who may read them."""
    _run(folder, "user", "create", "ann", "--password-stdin", stdin="correct horse battery\n")
    for releases in RELEASES[:2]:
        _run(folder, "project", "set", f"sample-{releases}", "--visibility", "private")
        _run(folder, "role", "grant", f"sample-{releases}", "ann", "reader")
    return _run(folder, "token", "create", "ann", "--scope", "read").strip()


def _run(folder: Path, *arguments: str, stdin: str = "") -> str:
    command = [sys.executable, "-m", "pypi_lite", "--data", str(folder / "data"), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def _served(folder: Path, kind: str) -> Server:
    url = f"http://127.0.0.1:{free_port()}"
    ini = folder / f"{kind}.ini"
    ini.write_text(
        f"[app:main]\nuse = egg:pypi_lite\npypi_lite.data = {folder / kind / 'data'}\n"
        f"pypi_lite.url = {url}/\npypi_lite.reading = {kind}\n"
    )
    command = [sys.executable, "-m", "pypi_lite", "--config", str(ini), "serve"]
    command += ["--listen", url.removeprefix("http://")]
    return Server(command, f"{url}/login/", folder / f"{kind}.log")


def _shown(token: str) -> str:
    return base64.b64encode(f"__token__:{token}".encode()).decode()


if __name__ == "__main__":
    main()
