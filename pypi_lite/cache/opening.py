"""Opening the cache's folder: the build, the boot, and what the file system must give."""

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pypi_lite.cache.store import Cache

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: What a file system says of something that it has not got. Others (no space left) may be over soon.
_LACKING = frozenset({errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})


class FileSystemLacks(Exception):
    """The file system of the cache's folder lacks something that the protocol stands on."""


def fingerprint(folders: Iterable[Path], settings: Iterable[str]) -> str:
    """The build: a digest of all files below *folders* and of *settings*.

    Two builds that run side by side during an upgrade never read each other's pages.
    """
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in {".pyc", ".pyo"}:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{path.relative_to(folder)}={content}\n".encode())
    for setting in settings:
        digest.update(f"{setting}\n".encode())
    return digest.hexdigest()[:16]


def open_cache(folder: Path, build: str, *, is_over: Callable[[str], bool]) -> Cache | None:
    """The cache in *folder*, or None (and a line in the log) where the file system won't do.

    The first process after a boot sweeps everything before it serves: a power cut may keep a page
    and lose its bytes, or lose a hold.

    Raises OSError where the folder can't be used now (full, read-only, of another owner). This process
    had better not go on then: others may have published pages there that its changes would not sweep.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cache = Cache(str(folder), build, is_over=is_over)
    try:
        boot = _boot_id()
        mark = folder / "boot"
        if not _says(mark, boot):
            with _locked(folder / "lock"):
                if not _says(mark, boot):
                    _probe(folder)
                    cache.sweep_all()
                    mark.write_text(boot)
    except FileSystemLacks as error:
        log.error("pages are not cached: %s", error)  # noqa: TRY400  the operator's, no traceback
        return None
    with contextlib.suppress(OSError):  # a later process will do it
        cache.holds.remove_litter()
        cache.empty_trash()
    return cache


def _says(mark: Path, boot: str) -> bool:
    """Whether *mark* is of this boot. It is written last: by then all has been swept."""
    try:
        return mark.read_text() == boot
    except FileNotFoundError:
        return False


def discard_pages(folder: Path) -> None:
    """Unpublish every page in *folder*, whose cache is off: nobody sweeps any more what changes.

    nginx in front would still find them, and so would the cache once it is on again. Raises OSError.
    """
    if (folder / "pages").exists():
        Cache(str(folder), "", is_over=lambda _: False).sweep_all()


def tell_front(folder: Path, build: str, **more: str) -> None:
    """Write what a front server's configuration includes: nginx's variable of the build, and *more*.

    Each is called ``$pypi_lite_<name>``; no value has a dollar sign, a quote or a backslash in it.
    """
    path = folder / "nginx-build.conf"
    text = "".join(
        f'map $host $pypi_lite_{name} {{ default "{value}"; }}\n'
        for name, value in {"build": build, **more}.items()
    )
    with contextlib.suppress(FileNotFoundError):
        if path.read_text() == text:
            return
    try:
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix="nginx-", delete=False) as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        os.rename(file.name, path)
    except OSError:
        # nginx finds no pages under another build, and passes all on.
        log.exception("nginx can't be told the build")


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        raise FileSystemLacks("this system does not tell one boot from another") from None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _probe(folder: Path) -> None:
    """Try each thing that the protocol needs, in the cache's own folder.

    Raises FileSystemLacks, or OSError where it can't be tried now: somebody may be removing the folder,
    and a process that took this for a lack would change what it does not sweep.
    """
    with tempfile.TemporaryDirectory(prefix="probe-", dir=folder) as name:
        probe = Path(name)
        for what, works in (
            ("times in nanoseconds", _keeps_nanoseconds),
            ("file operations relative to an open folder", _has_dir_fd),
            ("locks that keep a second descriptor out", _has_flock),
            ("renaming a folder that is open", _renames_folders),
        ):
            try:
                fine = works(probe)
            except NotImplementedError:
                fine = False
            except OSError as error:
                if error.errno not in _LACKING:
                    raise
                fine = False
            if not fine:
                raise FileSystemLacks(f"the file system of {folder} lacks {what}")


def _keeps_nanoseconds(probe: Path) -> bool:
    path = probe / "times"
    path.touch()
    moment = 1_700_000_000_123_456_789
    os.utime(path, ns=(moment, moment))
    return path.stat().st_mtime_ns == moment


def _has_dir_fd(probe: Path) -> bool:
    folder = os.open(probe, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.close(os.open("a", os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=folder))
        os.rename("a", "b", src_dir_fd=folder, dst_dir_fd=folder)
        os.unlink("b", dir_fd=folder)
    finally:
        os.close(folder)
    return True


def _has_flock(probe: Path) -> bool:
    with (probe / "lock").open("w") as one, (probe / "lock").open("r+") as other:
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _renames_folders(probe: Path) -> bool:
    """A file made through the descriptor of a renamed folder appears under its new name only."""
    (probe / "old").mkdir()
    folder = os.open(probe / "old", os.O_RDONLY | os.O_DIRECTORY)
    try:
        (probe / "old").rename(probe / "new")
        (probe / "old").mkdir()
        os.close(os.open("page", os.O_WRONLY | os.O_CREAT, dir_fd=folder))
    finally:
        os.close(folder)
    if (probe / "old" / "page").exists():
        return False
    (probe / "new" / "page").stat()  # or it was removed
    return True
