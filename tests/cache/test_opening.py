"""Opening the cache's folder."""

import os
from pathlib import Path

import pytest

from pypi_lite.cache import opening
from pypi_lite.cache.opening import fingerprint, open_cache, tell_front
from pypi_lite.cache.pages import Facts, Page
from pypi_lite.cache.store import Cache
from pypi_lite.models import now

PAGE = Page(key="project/sample", name="page.html", content_type="text/html")


def opened(folder: Path) -> Cache:
    cache = open_cache(folder, "build", is_over=lambda _: True)
    assert cache is not None
    return cache


def publish(cache: Cache) -> None:
    generation = cache.begin(PAGE)
    assert generation is not None
    assert generation.publish(b"body", Facts(serial=1, changed=now()))
    generation.close()


def test_a_build_is_the_files_and_the_settings(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("one")
    builds = {fingerprint([tmp_path], ["title"])}
    assert fingerprint([tmp_path], ["title"]) in builds
    builds.add(fingerprint([tmp_path], ["another title"]))
    (tmp_path / "page.html").write_text("two")
    builds.add(fingerprint([tmp_path], ["title"]))
    (tmp_path / "page.html").rename(tmp_path / "other.html")
    builds.add(fingerprint([tmp_path], ["title"]))
    assert len(builds) == 4
    (tmp_path / "page.pyc").write_text("compiled")
    assert fingerprint([tmp_path], ["title"]) in builds


def test_pages_outlive_the_process_but_not_the_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(opened(tmp_path))
    assert opened(tmp_path).open(PAGE) is not None
    boot = tmp_path / "another-boot"
    boot.write_text("0b1c")
    monkeypatch.setattr(opening, "_BOOT_ID", boot)
    cache = opened(tmp_path)
    assert cache.open(PAGE) is None
    publish(cache)
    assert opened(tmp_path).open(PAGE) is not None


def test_a_missing_trash_does_not_keep_the_first_process_of_a_boot_from_sweeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(opened(tmp_path))
    for entry in (tmp_path / "trash").iterdir() if (tmp_path / "trash").exists() else []:
        entry.rmdir()
    if (tmp_path / "trash").exists():
        (tmp_path / "trash").rmdir()
    boot = tmp_path / "another-boot"
    boot.write_text("0b1c")
    monkeypatch.setattr(opening, "_BOOT_ID", boot)
    assert opened(tmp_path).open(PAGE) is None


def test_holds_outlive_the_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database may be on another machine, and decide about the transaction only later."""
    opened(tmp_path).place(PAGE.key, "4711").abandon()
    boot = tmp_path / "another-boot"
    boot.write_text("0b1c")
    monkeypatch.setattr(opening, "_BOOT_ID", boot)
    cache = open_cache(tmp_path, "build", is_over=lambda _: False)
    assert cache is not None
    assert not cache.holds.recover(PAGE.key)


def test_a_front_server_is_told_the_build(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "nginx-build.conf"
    tell_front(tmp_path, "0b1c")
    assert path.read_text() == 'map $host $pypi_lite_build { default "0b1c"; }\n'
    assert path.stat().st_mode & 0o777 == 0o644
    first = path.stat().st_ino
    tell_front(tmp_path, "0b1c")
    assert path.stat().st_ino == first  # nothing is written that nothing is new in
    tell_front(tmp_path, "4d5e")
    assert "4d5e" in path.read_text()
    assert list(tmp_path.iterdir()) == [path]
    tell_front(tmp_path / "nowhere", "4d5e")
    assert "nginx can't be told" in caplog.text


@pytest.mark.parametrize(
    ("probe", "what"),
    [
        ("_keeps_nanoseconds", "nanoseconds"),
        ("_has_dir_fd", "open folder"),
        ("_has_flock", "locks"),
        ("_renames_folders", "renaming"),
    ],
)
def test_what_the_file_system_lacks_turns_the_cache_off_and_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    probe: str,
    what: str,
) -> None:
    monkeypatch.setattr(opening, probe, lambda _folder: False)
    assert open_cache(tmp_path, "build", is_over=lambda _: True) is None
    assert what in caplog.text


def test_what_somebody_removes_is_not_what_the_file_system_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process without the cache would change what others have published."""
    close = os.close

    def close_and_remove(descriptor: int) -> None:
        close(descriptor)
        for page in tmp_path.rglob("page"):
            page.unlink()

    monkeypatch.setattr("pypi_lite.cache.opening.os.close", close_and_remove)
    with pytest.raises(FileNotFoundError):
        open_cache(tmp_path, "build", is_over=lambda _: True)


def test_a_system_that_does_not_tell_its_boots_apart_has_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "_BOOT_ID", tmp_path / "nowhere")
    assert open_cache(tmp_path, "build", is_over=lambda _: True) is None
    assert "boot" in caplog.text
