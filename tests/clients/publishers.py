"""The clients that upload, each in the one way that its documentation shows, from a project's folder."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.clients.installing import environment
from tests.clients.tools import Clients, Ran
from tests.distributions.build import module_name, sdist, wheel

_PYPROJECT = """\
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "{name}"
version = "{version}"
description = "{summary}"
requires-python = ">=3.9"
"""


@dataclass(frozen=True)
class Project:
    """The sources of a project in *folder*, and what was built of it in its folder ``dist``."""

    folder: Path
    name: str

    @property
    def dist(self) -> Path:
        """What is uploaded, except by flit, which builds it first."""
        return self.folder / "dist"

    @property
    def files(self) -> list[Path]:
        """The built files."""
        return sorted(self.dist.iterdir())


def project(
    folder: Path, name: str, version: str, summary: str = "Tiny", source: str | None = None
) -> Project:
    """A project with a wheel and an sdist; equal arguments make equal files, by flit too.

    *source* is its one module.
    """
    shutil.rmtree(folder, ignore_errors=True)
    made = Project(folder, name)
    made.dist.mkdir(parents=True)
    text = _PYPROJECT.format(name=name, version=version, summary=summary)
    (folder / "pyproject.toml").write_text(text)
    module = f"{module_name(name)}.py"
    source = source or f'"""{summary}."""\n'
    (folder / module).write_text(source)
    for make in wheel, sdist:
        filename, content = make(
            name, version, summary=summary, requires_python=">=3.9", extra_files={module: source}
        )
        (made.dist / filename).write_bytes(content)
    return made


#: The client's home, the project, the address to publish to, a user's name, the password or token, and
#: further options of the command.
Publish = Callable[..., Ran]


def twine(
    clients: Clients, project: Project, url: str, user: str, password: str, *options: str
) -> Ran:
    """``twine upload``."""
    return clients.run(
        *(_program("twine"), "upload", "--non-interactive", "--disable-progress-bar"),
        *("--repository-url", url, "-u", user, "-p", password, *options),
        *map(str, project.files),
    )


def uv(
    clients: Clients, project: Project, url: str, user: str, password: str, *options: str
) -> Ran:
    """``uv publish``."""
    return clients.run(
        *(_program("uv"), "publish", "--publish-url", url, "-u", user, "-p", password, *options),
        *map(str, project.files),
    )


def poetry(
    clients: Clients, project: Project, url: str, user: str, password: str, *options: str
) -> Ran:
    """``poetry publish``."""
    return clients.run(
        *(_program("poetry"), "publish", "--no-interaction", "-r", "here"),
        *("-u", user, "-p", password, *options),
        cwd=project.folder,
        POETRY_REPOSITORIES_HERE_URL=url,
    )


def pdm(
    clients: Clients, project: Project, url: str, user: str, password: str, *options: str
) -> Ran:
    """``pdm publish``."""
    return clients.run(
        *(_program("pdm"), "publish", "--no-build", "-r", url, "-u", user, "-P", password),
        *options,
        cwd=project.folder,
        PDM_USE_VENV="0",
        PDM_CHECK_UPDATE="0",
    )


def hatch(
    clients: Clients, project: Project, url: str, user: str, password: str, *options: str
) -> Ran:
    """``hatch publish``."""
    return clients.run(
        *(_program("hatch"), "publish", "--no-prompt", "-r", url, "-u", user, "-a", password),
        *options,
        *map(str, project.files),
        cwd=project.folder,
    )


def flit(
    clients: Clients, project: Project, url: str, user: str, password: str, *options: str
) -> Ran:
    """``flit publish``. Without the date the same sources make another sdist each time."""
    return clients.run(
        *(_program("flit"), "publish", *options),
        cwd=project.folder,
        FLIT_INDEX_URL=url,
        FLIT_USERNAME=user,
        FLIT_PASSWORD=password,
        SOURCE_DATE_EPOCH="1700000000",
    )


PUBLISHERS: dict[str, Publish] = {
    "twine": twine,
    "uv": uv,
    "poetry": poetry,
    "pdm": pdm,
    "hatch": hatch,
    "flit": flit,
}


def _program(client: str) -> str:
    return str(environment(client) / "bin" / client)
