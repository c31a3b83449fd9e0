"""The real clients: pip, uv and twine, as somebody runs them who has configured none of them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import uv

_SECONDS = 600.0


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

    def run(self, *command: str, cwd: Path | None = None, **variables: str) -> Ran:
        """Run any command in the clients' environment."""
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
            cwd=cwd or self.home,
            env=self.environment | variables,
        )
        return Ran(done.returncode, done.stdout)

    def twine_upload(
        self, url: str, *files: Path, password: str, user: str = "__token__"
    ) -> Ran:
        """``twine upload``."""
        return self.run(
            *(sys.executable, "-m", "twine", "upload", "--non-interactive"),
            *("--disable-progress-bar", "--repository-url", url, "-u", user, "-p", password),
            *map(str, files),
        )

    def uv_publish(self, url: str, *options: str | Path, **variables: str) -> Ran:
        """``uv publish``; *options* end with the files."""
        return self.run(uv.find_uv_bin(), "publish", "--publish-url", url, *map(str, options),
                        **variables)

    def venv(self, name: str) -> Path:
        """A new virtual environment, without pip."""
        folder = self.home / name
        self.run(
            uv.find_uv_bin(), "venv", "-q", "--python", sys.executable, str(folder)
        ).succeeded()
        return folder

    def pip(self, venv: Path | None, command: str, *arguments: str | Path, cwd: Path | None = None,
            index_url: str | None = None) -> Ran:
        """A command of pip that asks the index, on *venv*."""
        on = ("--python", str(venv)) if venv else ()
        index = ("--index-url", index_url or self.index_url)
        return self.run(sys.executable, "-m", "pip", *on, command, *index, *map(str, arguments),
                        cwd=cwd)

    def pip_check(self, venv: Path) -> Ran:
        """``pip check``."""
        return self.run(sys.executable, "-m", "pip", "--python", str(venv), "check")

    def uv(self, *arguments: str | Path, venv: Path | None = None, cwd: Path | None = None) -> Ran:
        """A command of uv that asks the index."""
        variables = {"UV_DEFAULT_INDEX": self.index_url}
        if venv is not None:
            variables["VIRTUAL_ENV"] = str(venv)
        return self.run(uv.find_uv_bin(), *map(str, arguments), cwd=cwd, **variables)

    def installed(self, venv: Path) -> dict[str, str]:
        """What is in *venv*: versions by name. Read from the disk, no client is asked."""
        found = {}
        for metadata in venv.glob("lib/python*/site-packages/*.dist-info/METADATA"):
            lines = metadata.read_text().splitlines()
            fields = dict(line.split(": ", 1) for line in lines if ": " in line)
            found[fields["Name"]] = fields["Version"]
        return found


def _environment(home: Path) -> dict[str, str]:
    """Nothing of this machine's own settings, and a proxy that leads nowhere for other hosts."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
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
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
    }
