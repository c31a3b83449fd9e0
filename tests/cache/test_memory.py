"""Pages in memory: as current as the file, and bounded."""

import os
from pathlib import Path

from pypi_lite.cache.memory import Memory, Remembered
from pypi_lite.cache.pages import Page
from pypi_lite.cache.representation import Representation

PAGE = Page(key="project/sample", name="page.html", content_type="text/html")


def remembered(path: Path, body: bytes | None) -> Remembered:
    stat = path.stat()
    shown = Representation(PAGE, "build", stat.st_mtime_ns, stat.st_size, "")
    return Remembered(stat.st_ino, shown, body)


def test_a_page_is_recalled_for_the_very_same_file_only(tmp_path: Path) -> None:
    memory = Memory(10_000)
    page = tmp_path / "page"
    page.write_bytes(b"one")
    os.utime(page, ns=(1, 1))
    one = remembered(page, b"one")
    memory.keep("page", one)
    assert memory.recall("page", page.stat()) is one
    assert memory.recall("other", page.stat()) is None
    os.utime(page, ns=(2, 2))
    assert memory.recall("page", page.stat()) is None
    other = tmp_path / "other"
    other.write_bytes(b"two")
    os.utime(other, ns=(1, 1))
    other.replace(page)
    assert memory.recall("page", page.stat()) is None  # the same time and size


def test_it_never_holds_more_than_it_may(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.touch()
    memory = Memory(10_000)
    for number in range(50):
        memory.keep(str(number), remembered(page, bytes(3000)))
        kept = memory._pages.values()
        assert sum(len(known.body or b"") for known in kept) <= 10_000
        assert memory.recall(str(number), page.stat()) is not None
    memory.keep("large", remembered(page, bytes(10_000)))
    assert memory.recall("large", page.stat()) is None
    nothing = Memory(0)
    nothing.keep("page", remembered(page, b""))
    assert nothing.recall("page", page.stat()) is None
