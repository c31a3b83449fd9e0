"""The indexes that are measured side by side: how each is installed, filled and run.

Each runs as its own documentation wants it in production, on this machine alone, without a server in
front of it, and holds the same files:

* pypi_lite of this checkout, on SQLite, with one worker and with two.
* pypiserver as its container runs it: gunicorn, one gevent worker, the application loaded before the
  worker is forked, the cached backend, uploads with a password from an htpasswd file. In this form its
  cache holds; started plainly with watchdog 6, reading a file to hash it drops the cache each time.
* devpi-server with its own settings (SQLite, 50 threads, 10,000 entries of cache), a secret file as
  its guide for permanent installations says, no mirror of other indexes; uploads with the token of a
  login, which spares it the hash of a password that other clients make it compute at each request.
* nginx, that serves pypi_lite's own pages and files as files: the floor for the clients.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urljoin

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from benchmarks.serving import Server, free_port
from tests.clients import raw

_USER, _PASSWORD = "ann", "correct horse battery"


class Index(ABC):
    """An index in a folder of its own, with a server that can be started."""

    name: str
    #: The path of the root list.
    simple_path = "/simple/"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.url = f"http://127.0.0.1:{free_port()}"
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def simple(self) -> str:
        """The address of the root list."""
        return self.url + self.simple_path

    @abstractmethod
    def server(self, project: str) -> Server:
        """The server; it has started when *project*'s page is answered."""

    def page(self, project: str) -> str:
        """The address of a project's page."""
        return f"{self.simple}{project}/"


class Writable(Index):
    """An index that takes files."""

    #: The path that files are uploaded to.
    upload_path: str

    @property
    def upload_url(self) -> str:
        """Where files are uploaded."""
        return self.url + self.upload_path

    @abstractmethod
    def fill(self, corpus: Path) -> None:
        """Take the files of the folder *corpus* in."""

    @abstractmethod
    def credentials(self) -> dict[str, str]:
        """The headers of a request that may upload, while the server runs."""


class PypiLite(Writable):
    """This checkout."""

    upload_path = "/legacy/"

    def __init__(self, folder: Path, workers: int) -> None:
        super().__init__(folder)
        self.name = f"pypi_lite, {workers} worker{'s' if workers > 1 else ''}"
        self._workers = workers
        self._token = ""

    def fill(self, corpus: Path) -> None:
        run(*self._command("import", str(corpus)), log=self.log)
        self._add_user()

    def fill_like(self, other: "PypiLite") -> None:
        """Take over what *other* was filled with, while its server is stopped."""
        shutil.copytree(other.folder, self.folder, dirs_exist_ok=True)
        self._token = other._token

    def server(self, project: str) -> Server:
        address = self.url.removeprefix("http://")
        serve = self._command("serve", "--listen", address, "--workers", str(self._workers))
        return Server(serve, self.page(project), self.log)

    def credentials(self) -> dict[str, str]:
        return _basic("__token__", self._token)

    def _add_user(self) -> None:
        user = self._command("user", "create", _USER, "--admin", "--password-stdin")
        subprocess.run(user, input=_PASSWORD.encode(), check=True, capture_output=True)
        token = self._command("token", "create", _USER, "--scope", "upload")
        made = subprocess.run(token, check=True, capture_output=True, text=True)
        self._token = made.stdout.strip()

    def _command(self, *arguments: str) -> list[str]:
        data = ("--data", str(self.folder / "data"))
        return [sys.executable, "-m", "pypi_lite", *data, *arguments]


class Installed(Writable):
    """One that is installed from PyPI into an environment of its own."""

    #: What to install.
    requirements: Sequence[str]

    def __init__(self, folder: Path, venv: Path) -> None:
        super().__init__(folder)
        self._venv = venv

    def install(self) -> None:
        """Install it, unless it is there already."""
        ready = self._venv / "installed"
        wanted = "\n".join(self.requirements)
        if ready.exists() and ready.read_text() == wanted:
            return
        run(sys.executable, "-m", "venv", "--clear", str(self._venv), log=self.log)
        run(self._program("pip"), "install", *self.requirements, log=self.log)
        ready.write_text(wanted)

    def _program(self, name: str) -> str:
        return str(self._venv / "bin" / name)


class Pypiserver(Installed):
    """pypiserver in the form that its container has."""

    name = "pypiserver 2.4.2"
    upload_path = "/"
    # What was tried together; newer ones may do as well.
    requirements = (
        "pypiserver[passlib,cache]==2.4.2",
        "watchdog==6.0.0",
        "gunicorn==27.0.1",
        "gevent==26.9.0",
    )

    def fill(self, corpus: Path) -> None:
        shutil.copytree(corpus, self.folder / "packages", copy_function=os.link)
        digest = base64.b64encode(hashlib.sha1(_PASSWORD.encode()).digest()).decode()
        (self.folder / "htpasswd").write_text(f"{_USER}:{{SHA}}{digest}\n")
        settings = 'preload_app = True\nworkers = 1\nworker_class = "gevent"\n'
        (self.folder / "gunicorn.conf.py").write_text(settings)

    def server(self, project: str) -> Server:
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        options = ("--server", "gunicorn", "--backend", "cached-dir", "--disable-fallback")
        access = ("--passwords", str(self.folder / "htpasswd"), "--authenticate", "update")
        command = [
            *(self._program("pypi-server"), "run"),
            *("--interface", host, "--port", port, *options, *access),
            str(self.folder / "packages"),
        ]
        return Server(command, self.page(project), self.log, self.folder)

    def credentials(self) -> dict[str, str]:
        return _basic(_USER, _PASSWORD)


class Devpi(Installed):
    """devpi-server, with one index that has no bases."""

    name = "devpi-server 6.20.3"
    requirements = ("devpi-server==6.20.3",)
    _INDEX = "root/dev"
    simple_path = f"/{_INDEX}/+simple/"
    upload_path = f"/{_INDEX}/"

    def fill(self, corpus: Path) -> None:
        """Through what it offers for that: an export, written here, that it imports."""
        first, export = self.folder / "first", self.folder / "export"
        self._run("devpi-init", "--serverdir", first, "--no-root-pypi", "--root-passwd", _PASSWORD)
        self._run("devpi-export", "--serverdir", first, export)
        index = json.loads((export / "dataindex.json").read_text())
        index["indexes"] = {self._INDEX: _exported_index(corpus, export)}
        (export / "dataindex.json").write_text(json.dumps(index))
        server = ("--serverdir", self.folder / "server", "--no-root-pypi")
        self._run("devpi-import", *server, export)
        self._run("devpi-gen-secret", "--secretfile", self.folder / "secret")

    def server(self, project: str) -> Server:
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        command = [
            *(self._program("devpi-server"), "--host", host, "--port", port),
            *("--serverdir", str(self.folder / "server")),
            *("--secretfile", str(self.folder / "secret")),
        ]
        return Server(command, self.page(project), self.log)

    def credentials(self) -> dict[str, str]:
        body = json.dumps({"user": "root", "password": _PASSWORD}).encode()
        headers = {"Content-Type": "application/json"}
        answer = raw.request("POST", f"{self.url}/+login", headers, body)
        token = answer.json()["result"]["password"]
        return {"X-Devpi-Auth": base64.b64encode(f"root:{token}".encode()).decode()}

    def _run(self, program: str, *arguments: str | Path) -> None:
        run(self._program(program), *map(str, arguments), log=self.log)


class Static(Index):
    """nginx and files: what another index answers to installers, for some of its projects."""

    name = "nginx, files"

    def __init__(self, folder: Path, projects: Sequence[str]) -> None:
        super().__init__(folder)
        self._projects = projects

    def save(self, source: Index) -> None:
        """Fetch pages, files and metadata from *source*, whose server runs."""
        root = self.folder / "root"
        for project in self._projects:
            page = f"simple/{project}/"
            folder = root / page
            folder.mkdir(parents=True, exist_ok=True)
            answer = _fetch(source.page(project), {"Accept": raw.JSON})
            (folder / "index.json").write_bytes(answer.body)
            twin = _fetch(source.page(project), {"Accept": raw.JSON, "Accept-Encoding": "gzip"})
            if twin.headers.get("content-encoding") == "gzip":
                (folder / "index.json.gz").write_bytes(twin.body)
            for file in answer.json()["files"]:
                path = urljoin(page, file["url"])
                _save(source, root, path)
                if file.get("core-metadata"):
                    _save(source, root, f"{path}.metadata")

    def server(self, project: str) -> Server:
        (self.folder / "nginx.conf").write_text(self._configuration())
        command = [_nginx(), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        return Server(command, self.page(project), self.log)

    def _configuration(self) -> str:
        temporary = "".join(
            f"    {kind}_temp_path {self.folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            ("user root;\n" if os.geteuid() == 0 else "")
            + f"daemon off;\nworker_processes 1;\npid {self.folder}/pid;\n"
            f"error_log {self.folder}/error.log;\nevents {{}}\nhttp {{\n{temporary}"
            f"    access_log off;\n    sendfile on;\n    gzip_static on;\n"
            f"    types {{ {raw.JSON} json; }}\n    default_type application/octet-stream;\n"
            f"    server {{\n        listen {self.url.removeprefix('http://')};\n"
            f"        root {self.folder}/root;\n        index index.json;\n    }}\n}}\n"
        )


def run(*command: str, log: Path) -> None:
    """Run a command to its end. Raises SystemExit when it fails; what it said is in *log*."""
    with log.open("ab") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed, see {log}")


def _exported_index(corpus: Path, export: Path) -> dict[str, object]:
    """devpi's description of an index that has the files of *corpus*; they are linked there."""
    folder = export / "root" / "dev"
    shutil.copytree(corpus, folder, copy_function=os.link)
    projects: dict[str, dict[str, dict[str, str]]] = {}
    files = []
    for path in sorted(folder.iterdir()):
        parse = parse_wheel_filename if path.suffix == ".whl" else parse_sdist_filename
        project, version = map(str, parse(path.name)[:2])
        release = {"name": project, "version": version, "requires_python": ">=3.8"}
        projects.setdefault(project, {})[version] = release
        files.append(
            {
                "type": "releasefile",
                "projectname": project,
                "version": version,
                "relpath": str(path.relative_to(export)),
                "entrymapping": {"last_modified": "Thu, 01 Jan 2026 00:00:00 GMT"},
            }
        )
    settings = {"type": "stage", "bases": [], "volatile": True, "acl_upload": ["root"]}
    return {"indexconfig": settings, "projects": projects, "files": files}


def _fetch(url: str, headers: dict[str, str]) -> raw.Answer:
    answer = raw.get(url, headers)
    if answer.status != 200:
        raise SystemExit(f"{url} is answered with {answer.status}")
    return answer


def _save(source: Index, root: Path, path: str) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(_fetch(f"{source.url}/{path}", {}).body)


def _nginx() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise SystemExit("nginx is not installed")
    return found


def _basic(user: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}
