"""Bodies in memory: as current as the file, and bounded."""

import os
from pathlib import Path

from pypi_lite.cache.memory import Memory, identity


def test_a_body_is_recalled_for_the_very_same_file_only(tmp_path: Path) -> None:
    memory = Memory(100)
    page = tmp_path / "page"
    page.write_bytes(b"one")
    os.utime(page, ns=(1, 1))
    one = identity(page.stat())
    memory.keep("page", one, b"one")
    assert memory.recall("page", one) == b"one"
    assert memory.recall("other", one) is None
    os.utime(page, ns=(2, 2))
    assert memory.recall("page", identity(page.stat())) is None
    other = tmp_path / "other"
    other.write_bytes(b"two")
    os.utime(other, ns=(1, 1))
    other.replace(page)
    assert memory.recall("page", identity(page.stat())) is None  # the same time and size


def test_it_never_holds_more_than_it_may() -> None:
    memory = Memory(100)
    for number in range(50):
        memory.keep(str(number), (number, 0, 0), bytes(30))
        assert sum(len(body) for _, body in memory._bodies.values()) <= 100
        assert memory.recall(str(number), (number, 0, 0)) is not None
    memory.keep("large", (0, 0, 0), bytes(101))
    assert memory.recall("large", (0, 0, 0)) is None
    nothing = Memory(0)
    nothing.keep("page", (0, 0, 0), b"body")
    assert nothing.recall("page", (0, 0, 0)) is None
