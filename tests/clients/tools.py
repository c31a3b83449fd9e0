"""The real clients: pip, uv and twine, as somebody runs them who has configured none of them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import uv

_SECONDS = 900.0
# Given to the commands of uv that install nothing outside of a project's own environment. It is no
# variable for all of them: with that ``uv pip`` would change the environment that runs the tests.
_PYTHON = ("--python", sys.executable)


@dataclass(frozen=True)
class Ran:
    """A client's exit status, and all that a person would see, in lines that are not wrapped."""

    status: int
    output: str

    def succeeded(self) -> "Ran":
        """Itself. Fails the test with the client's output if the client failed."""
        assert self.status == 0, self.output
        return self

    def failed(self) -> "Ran":
        """Itself. Fails the test with the client's output if the client succeeded."""
        assert self.status != 0, self.output
        return self

    @property
    def words(self) -> str:
        """The output with single spaces, for texts that a client breaks into lines."""
        return " ".join(self.output.split())


class Clients:
    """The clients, in a home of their own, where *index_url* is the only index there is."""

    def __init__(self, home: Path, index_url: str) -> None:
        self.home = home
        self.index_url = index_url
        self.environment = _environment(home)
        home.mkdir(parents=True, exist_ok=True)

    def run(self, *command: str, cwd: Path | None = None, stdin: str = "", **variables: str) -> Ran:
        """Run any command in the clients' environment."""
        done = subprocess.run(
            command,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
            cwd=cwd or self.home,
            env=self.environment | variables,
        )
        return Ran(done.returncode, done.stdout)

    def twine_upload(self, url: str, *files: Path, password: str, user: str = "__token__") -> Ran:
        """``twine upload``."""
        return self.run(
            *(sys.executable, "-m", "twine", "upload", "--non-interactive"),
            *("--disable-progress-bar", "--repository-url", url, "-u", user, "-p", password),
            *map(str, files),
        )

    def uv_publish(self, url: str, *options: str | Path, **variables: str) -> Ran:
        """``uv publish``; *options* end with the files."""
        return self._uv("publish", "--publish-url", url, *options, **variables)

    def venv(self, name: str) -> Path:
        """A new virtual environment, without pip."""
        folder = self.home / name
        self._uv("venv", "-q", *_PYTHON, folder).succeeded()
        return folder

    def pip_install(self, venv: Path, *arguments: str | Path, index_url: str | None = None) -> Ran:
        """``pip install`` into *venv*."""
        index = ("--index-url", index_url or self.index_url)
        return self._pip("--python", _fresh(venv), "install", *index, *arguments)

    def pip_check(self, venv: Path) -> Ran:
        """``pip check`` of *venv*."""
        return self._pip("--python", venv, "check")

    def pip_download(self, folder: Path, *arguments: str | Path) -> Ran:
        """``pip download`` into *folder*."""
        return self._pip("download", "--index-url", self.index_url, "--dest", folder, *arguments)

    def pip_versions(self, *arguments: str) -> Ran:
        """``pip index versions``."""
        return self._pip("index", "versions", "--index-url", self.index_url, *arguments)

    def uv_pip(self, venv: Path, command: str, *arguments: str | Path) -> Ran:
        """``uv pip install`` or ``uv pip sync``, into *venv* and never anywhere else."""
        index = ("--default-index", self.index_url)
        return self._uv("pip", command, "--python", _fresh(venv), *index, *arguments)

    def uv_compile(self, *arguments: str | Path) -> Ran:
        """``uv pip compile`` for the Python that runs the tests."""
        return self._uv("pip", "compile", "--default-index", self.index_url, *_PYTHON, *arguments)

    def uv_project(self, folder: Path, command: str, *arguments: str) -> Ran:
        """``uv lock`` or ``uv sync`` of the project in *folder*, with an environment of its own."""
        variables = {"UV_DEFAULT_INDEX": self.index_url, "UV_PROJECT_ENVIRONMENT": ".venv"}
        return self._uv(command, *_PYTHON, *arguments, cwd=folder, **variables)

    def installed(self, venv: Path) -> dict[str, str]:
        """What is in *venv*: versions by name. Read from the disk, no client is asked."""
        found = {}
        for metadata in venv.glob("lib/python*/site-packages/*.dist-info/METADATA"):
            lines = metadata.read_text().splitlines()
            fields = dict(line.split(": ", 1) for line in lines if ": " in line)
            found[fields["Name"]] = fields["Version"]
        return found

    def _pip(self, *arguments: str | Path) -> Ran:
        return self.run(sys.executable, "-m", "pip", *map(str, arguments))

    def _uv(self, *arguments: str | Path, cwd: Path | None = None, **variables: str) -> Ran:
        return self.run(uv.find_uv_bin(), *map(str, arguments), cwd=cwd, **variables)


def _fresh(venv: Path) -> Path:
    """*venv*, which is not the environment that runs the tests."""
    assert (venv / "pyvenv.cfg").exists()
    assert venv.resolve() != Path(sys.prefix).resolve()
    return venv


def _environment(home: Path) -> dict[str, str]:
    """Nothing of this machine's own settings, and a proxy that leads nowhere for other hosts."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CONFIG_DIRS": str(home / "config"),
        "LANG": "C.UTF-8",
        "COLUMNS": "1000",
        "NO_COLOR": "1",
        "http_proxy": nowhere,
        "https_proxy": nowhere,
        "no_proxy": "127.0.0.1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INPUT": "1",
        "UV_CACHE_DIR": str(home / "uv"),
        "UV_LINK_MODE": "copy",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
