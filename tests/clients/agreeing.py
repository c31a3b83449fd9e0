"""Five independent readers of an index's pages, HTML and JSON, beside what is known of its files.

pypi-simple, mousebender, unearth and pip's own parser read the pages (`reading.py`). uv can't be asked for
a page: it locks every version of every project that this machine's Python can install.
"""

import json
import platform
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from pypi_lite.models import File
from pypi_lite.repository import Index
from tests.clients import raw
from tests.clients.between import between
from tests.clients.installing import environment
from tests.clients.tools import Clients, Ran
from tests.corpus.files import Distribution

#: What each reader knows of a page beside what `_expected` always has.
_ALWAYS = frozenset({"url", "sha256", "requires_python", "yanked", "metadata"})
_KNOWS: Mapping[str, Mapping[str, frozenset[str]]] = {
    raw.JSON: {
        "pypi-simple": frozenset({"size", "upload_time"}),
        "mousebender": frozenset({"size", "upload_time"}),
        "unearth": frozenset({"upload_time"}),
        "pip": frozenset({"upload_time"}),
    },
    raw.HTML: dict.fromkeys(("pypi-simple", "mousebender", "unearth", "pip"), frozenset()),
}
_SECONDS = "%Y-%m-%dT%H:%M:%S"  # uv keeps no more


@dataclass(frozen=True)
class Truth:
    """A file of the index."""

    version: str
    sha256: str
    size: int
    requires_python: str | None
    #: The SHA-256 of the metadata beside it, if there are some.
    metadata: str | None
    #: The reason, which may be "", or None.
    yanked: str | None
    #: ISO 8601, with the UTC offset.
    upload_time: str


#: Files by name, by normalized name of their project.
Truths = Mapping[str, Mapping[str, Truth]]


def truths(index: Index, files: Iterable[Distribution]) -> Truths:
    """What the archives say; versions, yanks and times from the rows, since no archive has those."""
    with index.database.read() as session:
        rows = session.scalars(select(File).options(joinedload(File.release))).all()
    by_name = {row.filename: row for row in rows}
    found: dict[str, dict[str, Truth]] = {}
    for file in files:
        row = by_name[file.path.name]
        release = row.release
        found.setdefault(file.project, {})[file.path.name] = Truth(
            version=release.version,
            sha256=file.sha256,
            size=file.size,
            requires_python=file.requires_python,
            metadata=file.metadata_sha256,
            yanked=(release.yanked_reason or "") if release.yanked else None,
            upload_time=row.uploaded.isoformat(),
        )
    return found


def disagreements(url: str, clients: Clients, truth: Truths) -> list[str]:
    """What any of the five reads otherwise on the pages of the index at *url*, in either form."""
    found = []
    for accept in raw.JSON, raw.HTML:
        with between(url, accept=accept) as way:
            simple = f"{way.url}simple/"
            for reader, pages in _read(clients, simple, truth).items():
                where = f"{reader}, {accept}"
                found += [f"{where}: {text}" for text in _compared(pages, truth, accept, reader)]
            found += [f"uv, {accept}: {text}" for text in _uv(clients, simple, truth, accept)]
    return found


def _read(clients: Clients, simple: str, projects: Iterable[str]) -> Any:
    """What `reading.py` prints."""
    python = environment("readers") / "bin" / "python"
    script = Path(__file__).with_name("reading.py")
    # mousebender warns of each API version that is newer than itself.
    command = (str(python), "-W", "ignore", str(script), simple)
    ran = clients.run(*command, stdin="\n".join(projects)).succeeded()
    return json.loads(ran.output)


def _compared(pages: Any, truth: Truths, accept: str, reader: str) -> Iterable[str]:
    for project, expected in truth.items():
        files = pages[project]
        if files.keys() != expected.keys():
            yield f"{project} has the files {sorted(files)}, not {sorted(expected)}"
        for name in files.keys() & expected.keys():
            wanted = _expected(project, name, expected[name])
            fields = _ALWAYS | _KNOWS[accept][reader]
            read = {**files[name], "url": unquote(urlsplit(files[name]["url"]).path)}
            if read != {field: wanted[field] for field in fields}:
                yield f"{name} is read as {read}, it is {wanted}"


def _expected(project: str, name: str, truth: Truth) -> dict[str, object]:
    return {
        "url": f"/files/{project}/{truth.sha256}/{name}",
        "sha256": truth.sha256,
        "requires_python": truth.requires_python,
        "yanked": truth.yanked,
        "metadata": truth.metadata,
        "size": truth.size,
        "upload_time": truth.upload_time,
    }


# uv


def _uv(clients: Clients, simple: str, truth: Truths, accept: str) -> Iterable[str]:
    """One lock for the first version of each project, one for the second, and so on."""
    versions = [
        [f"{project}==={version}" for version in dict.fromkeys(_installable(files))]
        for project, files in truth.items()
    ]
    for pins in zip_longest(*versions):
        asked = [pin for pin in pins if pin is not None]
        lock = clients.home / "pylock.toml"
        ran = _lock(clients, simple, asked, lock)
        if ran.status != 0:
            yield ran.output
            continue
        yield from _compared_lock(tomllib.loads(lock.read_text()), truth, accept)
        yield from _compared_yanks(ran, asked, truth)


def _installable(files: Mapping[str, Truth]) -> list[str]:
    """The versions of the files that fit this Python."""
    return [truth.version for name, truth in files.items() if _fits(name, truth)]


def _fits(name: str, truth: Truth) -> bool:
    """Whether a Python from this one on can take the file, on any system."""
    version = platform.python_version()
    if not SpecifierSet(truth.requires_python or "").contains(version, prereleases=True):
        return False
    if not name.endswith(".whl"):
        return True
    minor = int(version.split(".")[1])
    for tag in parse_wheel_filename(name)[3]:
        series = tag.interpreter.removeprefix("cp3")
        is_cpython = tag.interpreter != series
        if tag.interpreter.startswith("py3"):
            return True
        if is_cpython and (tag.abi == "abi3" or int(series) >= minor):
            return True
    return False


def _lock(clients: Clients, simple: str, pins: Sequence[str], lock: Path) -> Ran:
    asked = clients.home / "asked.in"
    asked.write_text("".join(f"{pin}\n" for pin in pins))
    lock.unlink(missing_ok=True)
    return clients.run(
        *(str(environment("uv") / "bin" / "uv"), "pip", "compile", "--default-index", simple),
        *("--python", str(environment("pip") / "bin" / "python"), "--universal", "--no-deps"),
        *("--format", "pylock.toml", "--output-file", str(lock), str(asked)),
    )


def _compared_lock(lock: Any, truth: Truths, accept: str) -> Iterable[str]:
    for package in lock["packages"]:
        project = package["name"]
        expected = truth[project]
        entries = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
        names = set()
        for entry in entries:
            path = unquote(urlsplit(entry["url"]).path)
            name = path.rpartition("/")[2]
            names.add(name)
            time = entry["upload-time"].strftime(_SECONDS) if "upload-time" in entry else None
            read = (path, entry["hashes"], entry.get("size"), time)
            file = expected[name]
            size, upload_time = (
                (file.size, file.upload_time[:19]) if accept == raw.JSON else (None,) * 2
            )
            url = f"/files/{project}/{file.sha256}/{name}"
            wanted = (url, {"sha256": file.sha256}, size, upload_time)
            if read != wanted:
                yield f"{name} is locked as {read}, it is {wanted}"
        fitting = {
            name
            for name, file in expected.items()
            if file.version == package["version"] and _fits(name, file)
        }
        if names != fitting:
            yield f"{project} {package['version']} is locked with {names}, not {fitting}"


def _compared_yanks(ran: Ran, pins: Sequence[str], truth: Truths) -> Iterable[str]:
    """uv says of what it has locked whether it was yanked, and why."""
    yanked = 0
    for pin in pins:
        project, _, version = pin.partition("===")
        reasons = {file.yanked for file in truth[project].values() if file.version == version}
        (reason,) = reasons
        if reason is None:
            continue
        yanked += 1
        said = f"`{project}=={version}` is yanked"
        wanted = f'{said} (reason: "{reason}")' if reason else said
        if wanted not in ran.output:
            yield f"of {pin}: {ran.output}"
    if ran.output.count("is yanked") != yanked:
        yield f"{yanked} are yanked: {ran.output}"
