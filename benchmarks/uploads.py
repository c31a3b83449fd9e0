"""What an upload costs, side by side with the limit: hashing, one fsync and one commit.

Usage: python -m benchmarks.uploads [--folder FOLDER] [--database sqlite|postgresql] [--quick]

A wheel of 100 KB, from the first byte that is sent to the 200, in turns with what can't be spared on the
same disk and the same database: its three digests, writing it and one fsync, and one commit. Then a
wheel of 500 MB, its rate beside that of the three digests alone, and the memory that it takes.
"""

import argparse
import base64
import contextlib
import hashlib
import http.client
import io
import os
import random
import secrets
import statistics
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import sqlalchemy

from benchmarks import databases, memory
from benchmarks.serving import serving
from tests.clients.running import RunningIndex
from tests.conftest import new_token, new_user
from tests.distributions.build import metadata, wheel, wheel_filename, wheel_files

_SMALL = 100_000
_CHUNK = 256 * 1024


@dataclass(frozen=True)
class Form:
    """An upload's body: what stands before and after the file."""

    filename: str
    sha256: str
    boundary: str = secrets.token_hex(16)

    @property
    def head(self) -> bytes:
        """All fields, and the beginning of the file's."""
        name, version = self.filename.split("-")[:2]
        fields = {":action": "file_upload", "protocol_version": "1", "name": name}
        fields |= {"version": version, "filetype": "bdist_wheel", "pyversion": "py3"}
        fields |= {"sha256_digest": self.sha256}
        begin = f'--{self.boundary}\r\nContent-Disposition: form-data; name="'
        parts = [f'{begin}{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
        parts.append(f'{begin}content"; filename="{self.filename}"\r\n\r\n')
        return "".join(parts).encode()

    @property
    def tail(self) -> bytes:
        """The end of the file's field, and of the form."""
        return f"\r\n--{self.boundary}--\r\n".encode()


class Uploader:
    """A client that keeps its connection."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=600)
        self._credentials = base64.b64encode(f"__token__:{token}".encode()).decode()

    def upload(self, form: Form, file: IO[bytes], size: int) -> float:
        """Send *file*; seconds from the first byte to the answer."""
        connection, head, tail = self._connection, form.head, form.tail
        connection.connect()
        began = time.perf_counter()
        connection.putrequest("POST", "/legacy/")
        connection.putheader("Authorization", f"Basic {self._credentials}")
        connection.putheader("Content-Type", f"multipart/form-data; boundary={form.boundary}")
        connection.putheader("Content-Length", str(len(head) + size + len(tail)))
        connection.endheaders(head)
        while chunk := file.read(_CHUNK):
            connection.send(chunk)
        connection.send(tail)
        response = connection.getresponse()
        text = response.read()
        took = time.perf_counter() - began
        assert response.status == 200, text
        connection.close()
        return took


class Floor:
    """What can't be spared, in *folder* and in the database at *url*."""

    def __init__(self, folder: Path, url: str) -> None:
        self._path = folder / "floor"
        self._connection = sqlalchemy.create_engine(url).raw_connection()
        self._cursor = self._connection.cursor()
        self._cursor.execute("CREATE TABLE IF NOT EXISTS benchmark (moment double precision)")
        self._connection.commit()

    def measure(self, content: bytes) -> float:
        """Seconds for digests, one fsync and one commit."""
        began = time.perf_counter()
        for digest in _digests():
            digest.update(content)
            digest.hexdigest()
        with self._path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._cursor.execute(f"INSERT INTO benchmark VALUES ({began})")
        self._connection.commit()
        took = time.perf_counter() - began
        self._path.unlink()
        return took


def _digests() -> tuple[Any, ...]:
    return hashlib.md5(usedforsecurity=False), hashlib.sha256(), hashlib.blake2b(digest_size=32)


def small_wheels(project: str) -> Iterator[tuple[str, bytes]]:
    """Wheels of 100 KB that don't compress, each a release."""
    source = random.Random(0)
    number = 0
    while True:
        data = source.randbytes(_SMALL * 98 // 100)
        yield wheel(project, f"1.{number}", extra_files={f"{project}/data": data})
        number += 1


def large_wheel(path: Path, size: int) -> tuple[str, str]:
    """Write a wheel of *size* bytes to *path*; its file name and SHA-256."""
    files = wheel_files("large", "1.0", metadata("large", "1.0"))
    own_path = "large-1.0.dist-info/RECORD"
    rows = files.pop(own_path)
    block = random.Random(0).randbytes(1024 * 1024)
    digest, count = hashlib.sha256(), size // len(block)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        with archive.open("large/data", "w", force_zip64=True) as member:
            for _ in range(count):
                member.write(block)
                digest.update(block)
        text = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        row = f"large/data,sha256={text},{count * len(block)}\n"
        archive.writestr(own_path, row.encode() + rows)
    with path.open("rb") as file:
        return wheel_filename("large", "1.0"), hashlib.file_digest(file, "sha256").hexdigest()


def digests_of(path: Path) -> float:
    """Seconds that the three digests of a file take, one after the other for each chunk."""
    digests = _digests()
    took = 0.0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            began = time.perf_counter()
            for digest in digests:
                digest.update(chunk)
            took += time.perf_counter() - began
    return took


def measure_small(kind: str, uploader: Uploader, floor: Floor, rounds: int) -> None:
    """A table row for wheels of 100 KB."""
    times = []
    for (filename, content), number in zip(small_wheels("small"), range(-3, rounds), strict=False):
        form = Form(filename, hashlib.sha256(content).hexdigest())
        taken = uploader.upload(form, io.BytesIO(content), len(content))
        if number >= 0:  # the first ones find a cold server
            times.append((floor.measure(content), taken))
    ratio = statistics.median(taken / least for least, taken in times)
    least, taken = (1000 * statistics.median(column) for column in zip(*times, strict=True))
    slow = 1000 * statistics.quantiles((taken for _, taken in times), n=20)[-1]
    print(f"| {kind} | {least:.2f} | {taken:.2f} | {ratio:.1f} | {slow:.2f} |", flush=True)


def measure_large(kind: str, running: RunningIndex, uploader: Uploader, path: Path) -> None:
    """A table row for the wheel at *path*."""
    filename, sha256 = large_wheel(path, 500_000_000)
    idle = max(memory.resident(worker) for worker in running.worker_pids())
    for worker in running.worker_pids():
        memory.forget_peak(worker)
    least, size = digests_of(path), path.stat().st_size
    with path.open("rb") as file:
        taken = uploader.upload(Form(filename, sha256), file, size)
    more = max(memory.peak(worker) for worker in running.worker_pids()) - idle
    print(
        f"| {kind} | {size / least / 1e6:.0f} | {size / taken / 1e6:.0f} | {least / taken:.2f} |"
        f" {more:.0f} |",
        flush=True,
    )


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--quick", action="store_true", help="few rounds")
    databases.add_option(parser)
    options = parser.parse_args(argv)
    rounds = 20 if options.quick else 200
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        served = {}
        for kind in databases.chosen(options):
            url = stack.enter_context(databases.running(kind, folder / kind))
            served[kind] = stack.enter_context(serving(folder / kind / "served", url)), url
        uploaders = {}
        for kind, (running, _) in served.items():
            root = new_user(running.index, "root", is_admin=True)
            uploaders[kind] = Uploader(running.url, new_token(running.index, root))
        print("| a wheel of 100 KB | limit, ms | upload, ms | upload / limit | p95, ms |")
        print("|---|--:|--:|--:|--:|")
        for kind, (_, url) in served.items():
            measure_small(kind, uploaders[kind], Floor(folder, url), rounds)
        print("\n| a wheel of 500 MB | digests, MB/s | upload, MB/s | ratio | memory, MB |")
        print("|---|--:|--:|--:|--:|")
        for kind, (running, _) in served.items():
            measure_large(kind, running, uploaders[kind], folder / "large.whl")


if __name__ == "__main__":
    main()
