"""A built wheel, installed alone outside of the checkout: it migrates and serves."""

import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent


@pytest.mark.network
def test_a_built_wheel_migrates_and_serves(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(CHECKOUT)], check=True
    )
    [wheel] = tmp_path.glob("pypi_lite-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    binaries = tmp_path / "venv" / "bin"
    subprocess.run([str(binaries / "python"), "-m", "pip", "--quiet", "install", wheel], check=True)
    command = [str(binaries / "pypi-lite"), "--data", str(tmp_path / "data")]
    subprocess.run([*command, "migrate"], check=True, cwd=tmp_path)
    server = subprocess.Popen(
        [*command, "serve", "--listen", "127.0.0.1:0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert server.stdout is not None
        url = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
        assert url is not None
        for path in ("", "simple/", "login/"):
            with urllib.request.urlopen(url[0] + path, timeout=30) as response:
                assert response.status == 200
    finally:
        server.terminate()
        assert server.wait(timeout=30) == 0
