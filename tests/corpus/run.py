"""The run on real input: ``python -m tests.corpus.run --work DIR [--postgresql URL]``.

Takes real projects from PyPI, with this machine's own settings of pip; from there on nothing but an
index of ours is asked. Uploads a third of the files with twine, a third with uv and a third through
the web form, compares every page with the files, once by itself and once as five independent readers
see it, installs everything with pip and with uv, and prints what came of it. The exit status is 1 if
anything was not as it should be.

The downloads stay in ``DIR/files`` for the next time. *URL* is that of an empty database, for
SQLAlchemy; without it the index is on SQLite.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urljoin

from packaging.utils import canonicalize_name

from tests.clients import raw
from tests.clients.agreeing import disagreements, truths
from tests.clients.running import RunningIndex
from tests.clients.tools import Clients, Ran
from tests.conftest import PASSWORD, new_token, new_user
from tests.corpus import projects
from tests.corpus.files import Distribution, read

_COMPLETE = ".complete"
_FILES_PER_FORM = 10
# uv takes normalized filenames only: of others it says this, and that all is well.
_SKIPPED = re.compile(r"has a non-normalized filename .*, skipping")
# What twine and uv say when it was the index that refused.
_ANSWERED = re.compile(r"HTTPError: \d\d\d|Server returned status code \d\d\d")
_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass
class Report:
    """What came of the run."""

    counts: dict[str, object] = field(default_factory=dict)
    uploaded: Counter[str] = field(default_factory=Counter)
    #: By the index, and by a client itself; those went through the web form then.
    refused: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def check(self, good: bool, problem: str) -> None:
        """Note *problem* unless all is good."""
        if not good:
            self.problems.append(problem)

    def lines(self) -> Iterable[str]:
        """The table."""
        counts = {
            **self.counts,
            **{f"uploaded with {client}": number for client, number in self.uploaded.items()},
            "not taken by a client itself": len(self.left_out),
            "refused by the index": len(self.refused),
            "problems": len(self.problems),
        }
        width = max(map(len, counts))
        yield from (f"{name:<{width}}  {value}" for name, value in counts.items())
        yield from (f"LEFT OUT {name}: {why}" for name, why in self.left_out.items())
        yield from (f"REFUSED {name}: {why}" for name, why in self.refused.items())
        yield from (f"PROBLEM {problem}" for problem in self.problems)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(description="The run on real input.")
    parser.add_argument("--work", type=Path, required=True, help="a folder, for all of it")
    parser.add_argument("--postgresql", metavar="URL", default="", help="an empty database")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    report = Report()
    work = options.work.resolve()
    files = [read(path) for path in downloaded(work / "files")]
    _count(report, files)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=work))
    running = RunningIndex(folder / "index", options.postgresql)
    try:
        running.start()
        _fill(report, running, Clients(folder / "home", running.simple_url), files)
        report.check(running.stop() == 0, "the server did not stop as it should")
        report.problems += [f"log: {line}" for line in running.scary_lines()]
    finally:
        running.close()
    report.counts["duration"] = f"{time.monotonic() - started:.0f} s"
    print(*report.lines(), sep="\n")
    return 1 if report.problems else 0


def _fill(
    report: Report, running: RunningIndex, clients: Clients, files: list[Distribution]
) -> None:
    started = time.monotonic()
    upload(report, running, clients, files)
    report.counts["uploads took"] = f"{time.monotonic() - started:.0f} s"
    compare(report, running, files)
    read_independently(report, running, clients, files)
    for group, asked in (("all", projects.PROJECTS), ("old", projects.OLD)):
        install(report, clients, group, asked)


# From PyPI


def downloaded(folder: Path) -> list[Path]:
    """The files; from PyPI the first time, and from the disk from then on."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / _COMPLETE).exists():
        _download(folder)
        (folder / _COMPLETE).touch()
    return sorted(path for path in folder.iterdir() if path.name != _COMPLETE)


def _download(folder: Path) -> None:
    def pip(*arguments: str) -> bool:
        command = [sys.executable, "-m", "pip", "download", "-q", "--dest", str(folder)]
        # Not in the checkout: what it has would be taken for what is asked for.
        return subprocess.run([*command, *arguments], check=False, cwd=folder).returncode == 0

    sources = ",".join(projects.SDISTS)
    fine = (
        pip(*projects.PROJECTS)
        and pip("--no-deps", "--no-binary", sources, *projects.SDISTS)
        and pip("--no-binary", ",".join(_names(projects.OLD)), *projects.OLD)
        and all(
            # One by one: the builds of their metadata share nothing.
            pip("--no-deps", "--no-binary", *_names([requirement]), requirement)
            for requirement in projects.OLD_ALONE
        )
        and all(
            pip("--no-deps", "--only-binary", ":all:", requirement)
            for requirement in projects.OLD_WHEELS
        )
    )
    if not fine:
        raise SystemExit("the downloads failed")
    for python in projects.MANY_PYTHONS:
        for platform in projects.MANY_PLATFORMS:
            # Not every project has a wheel for each of them.
            target = ("--python-version", python, "--platform", platform)
            pip("--no-deps", "--only-binary", ":all:", *target, projects.MANY)


def _names(requirements: Iterable[str]) -> list[str]:
    return [requirement.partition("==")[0] for requirement in requirements]


def _count(report: Report, files: list[Distribution]) -> None:
    by_project = Counter(file.project for file in files)
    many = by_project[canonicalize_name(projects.MANY)]
    report.counts |= {
        "projects": len(by_project),
        "asked for by name": len({*map(canonicalize_name, projects.PROJECTS)}),
        "files": len(files),
        "wheels": sum(file.is_wheel for file in files),
        "source distributions": sum(not file.is_wheel for file in files),
        "bytes": f"{sum(file.size for file in files):,}",
        f"files of {projects.MANY}": many,
    }
    report.check(many >= projects.MANY_AT_LEAST, f"{projects.MANY} has {many} files only")


# Into the index


def upload(
    report: Report, running: RunningIndex, clients: Clients, files: list[Distribution]
) -> None:
    """A third of the files with each of the clients."""
    ann = new_user(running.index, "ann")
    token = new_token(running.index, ann)

    def twine(*paths: Path) -> Ran:
        return clients.twine_upload(running.upload_url, *paths, password=token)

    def uv(*paths: Path) -> Ran:
        return clients.uv_publish(running.upload_url, *paths, UV_PUBLISH_TOKEN=token)

    # Clients in turn over the sorted names: no kind of file is one client's alone.
    paths = [file.path for file in files]
    left = _upload_with(report, "twine", twine, paths[0::3])
    left += _upload_with(report, "uv", uv, paths[1::3])
    _upload_by_form(report, running, ann, [*paths[2::3], *left])
    for name, reason in report.refused.items():
        expected = projects.REFUSED.get(name)
        good = expected is not None and expected in reason
        report.check(good, f"{name} was refused: {reason}")
    for name in projects.REFUSED.keys() - report.refused.keys():
        report.problems.append(f"{name} was not refused")


def _upload_with(
    report: Report, client: str, publish: Callable[..., Ran], paths: list[Path]
) -> list[Path]:
    """All at once; clients stop at the first refusal, and then each is uploaded for itself.

    Returns what the client has left out by itself, without asking the index.
    """
    ran = publish(*paths)
    if ran.status == 0 and not _SKIPPED.search(ran.output):
        report.uploaded[client] += len(paths)
        return []
    left = []
    for path in paths:
        ran = publish(path)
        if _SKIPPED.search(ran.output) or (ran.status != 0 and not _ANSWERED.search(ran.output)):
            left.append(path)
            report.left_out[path.name] = f"{client}: {_last_line(ran)}"
        elif ran.status == 0:
            report.uploaded[client] += 1
        else:
            report.refused[path.name] = f"{client}: {_last_line(ran)}"
    return left


def _last_line(ran: Ran) -> str:
    return " ".join(ran.output.strip().splitlines()[-1].split())


def _upload_by_form(report: Report, running: RunningIndex, user: str, paths: list[Path]) -> None:
    """As a person with a browser: log in, and send the form with several files."""
    cookie, token = _log_in(running, user)
    for start in range(0, len(paths), _FILES_PER_FORM):
        group = paths[start : start + _FILES_PER_FORM]
        body, content_type = raw.multipart(
            {"csrf_token": token}, *((path.name, path.read_bytes()) for path in group)
        )
        headers = {"Cookie": cookie, "Content-Type": content_type, "Accept": "application/json"}
        answer = raw.request("POST", f"{running.url}upload/", headers, body)
        if answer.status != 200:
            report.problems.append(f"the upload form: {answer.status} {answer.text[:500]}")
            continue
        for result in answer.json()["results"]:
            if result["ok"]:
                report.uploaded["the web form"] += 1
            else:
                report.refused[result["filename"]] = f"web form: {result['text']}"


def _log_in(running: RunningIndex, user: str) -> tuple[str, str]:
    """The session's cookie and its CSRF token."""
    url = f"{running.url}login/"
    shown = raw.get(url)
    form = {
        "csrf_token": _csrf_token(shown),
        "name": user,
        "password": PASSWORD,
        "next": "/upload/",
    }
    headers = {
        "Cookie": _cookie(shown),
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": running.url.rstrip("/"),
    }
    logged_in = raw.request("POST", url, headers, urlencode(form).encode())
    assert logged_in.status == 303, (logged_in.status, logged_in.text)
    cookie = _cookie(logged_in)
    shown = raw.get(urljoin(url, logged_in.headers["location"]), {"Cookie": cookie})
    return cookie, _csrf_token(shown)


def _csrf_token(answer: raw.Answer) -> str:
    match = _CSRF.search(answer.text)
    assert match, answer.text
    return match[1]


def _cookie(answer: raw.Answer) -> str:
    return "; ".join(f"{name}={value}" for name, value in answer.cookies.items())


# What the index says


def compare(report: Report, running: RunningIndex, files: list[Distribution]) -> None:
    """Every page against the files, every download against its bytes."""
    offered = [file for file in files if file.path.name not in report.refused]
    by_project: dict[str, dict[str, Distribution]] = {}
    for file in offered:
        by_project.setdefault(file.project, {})[file.path.name] = file
    root = {
        entry["name"]
        for entry in raw.get(running.simple_url, {"Accept": raw.JSON}).json()["projects"]
    }
    report.check({*map(canonicalize_name, root)} == by_project.keys(), "the root list differs")
    for project, expected in by_project.items():
        answer = running.page(project)
        report.check(answer.status == 200, f"{project}: its page is answered with {answer.status}")
        shown = answer.files() if answer.status == 200 else {}
        report.check(shown.keys() == expected.keys(), f"{project}: the files differ")
        html = raw.get(f"{running.simple_url}{project}/", {"Accept": raw.HTML}).text
        for name in shown.keys() & expected.keys():
            _compare_file(report, f"{running.simple_url}{project}/", shown[name], expected[name])
            report.check(f">{name}</a>" in html, f"{name}: not on the HTML page")
    report.counts["files compared with their pages"] = len(offered)


def _compare_file(
    report: Report, page: str, shown: dict[str, object], expected: Distribution
) -> None:
    core = shown.get("core-metadata")
    found = (
        shown["hashes"],
        shown["size"],
        shown.get("requires-python"),
        core["sha256"] if isinstance(core, dict) else None,
    )
    right = (
        {"sha256": expected.sha256},
        expected.size,
        expected.requires_python,
        expected.metadata_sha256,
    )
    name = expected.path.name
    report.check(found == right, f"{name}: the page says {found}, it should be {right}")
    url = urljoin(page, str(shown["url"]))
    same = raw.get(url).body == expected.path.read_bytes()
    report.check(same, f"{name}: the download differs")
    status = raw.get(f"{url}.metadata").status
    wanted = 404 if expected.metadata_sha256 is None else 200
    report.check(status == wanted, f"{name}: its metadata is answered with {status}")


def read_independently(
    report: Report, running: RunningIndex, clients: Clients, files: list[Distribution]
) -> None:
    """Every page as five readers that are not ours see it."""
    offered = [file for file in files if file.path.name not in report.refused]
    truth = truths(running.index, offered)
    report.problems += disagreements(running.url, clients, truth)
    report.counts["projects read by five readers"] = len(truth)


# Out of the index


def install(report: Report, clients: Clients, group: str, asked: Sequence[str]) -> None:
    """*asked*, from the index alone, with each of the installers; and see what pip thinks of it."""
    for installer in "pip", "uv":
        venv = clients.venv(f"{group}-{installer}")
        started = time.monotonic()
        if installer == "pip":
            ran = clients.pip_install(venv, *asked)
        else:
            ran = clients.uv_pip(venv, "install", *asked)
        title = f"{group}, {installer}"
        report.check(ran.status == 0, f"{title}: {ran.output[-2000:]}")
        checked = clients.pip_check(venv)
        report.check(checked.status == 0, f"{title}, pip check: {checked.words}")
        found = {*map(canonicalize_name, clients.installed(venv))}
        missing = {*map(canonicalize_name, _names(asked))} - found
        report.check(not missing, f"{title}: not installed: {sorted(missing)}")
        seconds = time.monotonic() - started
        text = f"{len(found)} projects in {seconds:.0f} s; pip check: {checked.words}"
        report.counts[f"installed ({title})"] = text


if __name__ == "__main__":
    sys.exit(main())
