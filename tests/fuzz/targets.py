"""What is fuzzed, and what must hold whatever comes."""

import contextlib
import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from webtest import TestApp

from benchmarks import memory
from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.distributions import InvalidDistribution, bounds, read_distribution
from pypi_lite.opening import migrate
from pypi_lite.settings import Settings
from tests.api.conftest import incoming, token_of_new
from tests.api.forms import BOUNDARY, CLIENTS, basic, digests
from tests.distributions import build
from tests.distributions.hostile import CASES
from tests.distributions.test_filename import assert_presentable
from tests.fuzz.mutating import mutated, mutated_tar_gz

#: Seconds that one input may take; no measure of speed.
ENOUGH = 60
#: Seeds are no larger, so that many mutations are tried.
_LARGEST_SEED = 50_000

# What the standard library raises for broken bytes, and InvalidDistribution stands for. Anything else
# behind that is a fault of ours which it hides.
_HIDDEN = (AssertionError, KeyError, IndexError, AttributeError, TypeError, MemoryError, NameError)

VALID = (
    build.wheel("foo", "1.0", description="Text\n" * 20, requires=["six"]),
    build.sdist("foo", "1.0", description="Text\n" * 20),
    build.sdist("foo", "1.0", extension=".zip"),
)


class Finding(Exception):
    """Something that must not be, and the input that makes it."""

    def __init__(self, what: str, content: bytes) -> None:
        super().__init__(what)
        self.content = content


class Watch:
    """Time and memory of one input. The memory is this process's peak, above what it was before."""

    @contextlib.contextmanager
    def watching(self, content: bytes) -> Iterator[None]:
        """Raise Finding for whatever else happens in the block, for too much time, or memory."""

        def too_long(_signal: int, _frame: FrameType | None) -> None:
            raise Finding("it goes on and on", content)

        before = signal.signal(signal.SIGALRM, too_long)
        signal.alarm(ENOUGH)
        process = os.getpid()
        most = memory.resident(process) + bounds.MAX_MEMORY / 1e6
        memory.forget_peak(process)
        try:
            yield
        except Finding:
            raise
        except Exception as error:
            raise Finding(f"{type(error).__name__}: {error}", content) from error
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        if memory.peak(process) > most:
            raise Finding("it takes too much memory", content)


def seeds() -> list[tuple[str, bytes]]:
    """Valid and hostile archives that are not large."""
    found = list(VALID)
    for name, case in CASES.items():
        if "bomb" not in name:
            found.append((case.filename, case.content()))
    return [(filename, content) for filename, content in found if len(content) < _LARGEST_SEED]


class Archives:
    """Mutated archives, read as an upload reads them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._path = folder / "upload"
        self._seeds = seeds()
        self._contents = [content for _, content in self._seeds]
        self._watch = Watch()
        #: What came of them.
        self.outcomes: Counter[str] = Counter()

    def run(self) -> None:
        """One input. Raises Finding."""
        filename, seed = self._chance.choice(self._seeds)
        content = mutation(self._chance, filename, seed, self._contents)
        self._path.write_bytes(content)
        with self._watch.watching(content):
            self.outcomes[_inspected(self._path, filename)] += 1


def mutation(chance: random.Random, filename: str, seed: bytes, others: Sequence[bytes]) -> bytes:
    """A mutation of an archive that is called *filename*."""
    if filename.endswith(".tar.gz") and chance.random() < 0.8:
        return mutated_tar_gz(chance, seed, others)
    return mutated(chance, seed, others)


def _inspected(path: Path, filename: str) -> str:
    try:
        read_distribution(path, filename)
    except InvalidDistribution as error:
        assert_presentable(error)
        if isinstance(error.__cause__, _HIDDEN):
            raise error.__cause__ from error
        return str(error.code)
    return "taken"


class Uploads:
    """Mutated bodies and archives, sent to the application; an index of its own, on SQLite."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._folder = folder
        self._seeds = seeds()
        self._contents = [content for _, content in self._seeds]
        self._forms = [make(file) for make in CLIENTS.values() for file in VALID]
        self._bodies = [form.body() for form in self._forms]
        self._watch = Watch()
        self.outcomes: Counter[str] = Counter()
        self._open()

    def _open(self) -> None:
        """An empty index. Once a file has been taken its name is taken, and nothing gets past that."""
        data = Path(tempfile.mkdtemp(dir=self._folder))
        self._settings = Settings(data=data, url="http://index.test/", reading="open")
        migrate(self._settings)
        application = make_app(self._settings)
        self._index = application.registry["pypi_lite.index"]
        self._app = TestApp(application)
        self._token = token_of_new(self._index, OPERATOR.name.replace(" ", "-"))

    def close(self) -> None:
        """Close the database."""
        self._index.database.dispose()

    def run(self) -> None:
        """One input. Raises Finding."""
        if self._chance.random() < 0.5:
            body = mutated(self._chance, self._chance.choice(self._bodies), self._bodies)
        else:
            filename, seed = self._chance.choice(self._seeds)
            content = mutation(self._chance, filename, seed, self._contents)
            make = self._chance.choice(list(CLIENTS.values()))
            body = make((filename, content)).body()
        self.send(body)

    def send(self, body: bytes) -> None:
        """This input. Raises Finding."""
        blobs = self._blobs()
        with self._watch.watching(body):
            status = self._sent(body)
        self.outcomes[str(status)] += 1
        if status != 200 and not 400 <= status < 500:
            raise Finding(f"it is answered with {status}", body)
        if incoming(self._settings):
            raise Finding("something was left that had arrived", body)
        if status != 200 and self._blobs() != blobs:
            raise Finding("it was refused, and files have come or gone", body)
        if status == 200:
            self.close()
            self._open()

    def _sent(self, body: bytes) -> int:
        headers = {
            "Authorization": basic("__token__", self._token),
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        }
        request = self._app.RequestClass.blank(
            "/legacy/", method="POST", headers=headers, body=body
        )
        answer: Any = request.get_response(self._app.app)
        return int(answer.status_int)

    def _blobs(self) -> set[Path]:
        return set(self._index.blobs.all_paths())


def form_of(filename: str, content: bytes, fields: dict[str, str]) -> bytes:
    """A body with right digests, and *fields* in place of twine's own."""
    form = CLIENTS["twine"]((filename, content))
    return form.having(**fields, **dict(digests(content, "sha256_digest"))).body()
