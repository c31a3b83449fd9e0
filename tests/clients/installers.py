"""The clients that install, each as a person uses it: requirements into an environment of their own."""

import json
import shutil
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clients.installing import environment
from tests.clients.tools import Clients, Ran


@dataclass(frozen=True)
class Setting:
    """Where an installer works: an empty *folder*, and the addresses of simple pages, first one first."""

    clients: Clients
    folder: Path
    indexes: Sequence[str]


class Installer(ABC):
    """One client. *options* are those of its own command line."""

    name: str

    @abstractmethod
    def install(self, setting: Setting, *requirements: str, options: Sequence[str] = ()) -> Ran:
        """Resolve the requirements and install them into the folder's ``.venv``."""

    @abstractmethod
    def lock(self, setting: Setting, *requirements: str, options: Sequence[str] = ()) -> Ran:
        """Resolve the requirements and install nothing."""

    @abstractmethod
    def locked(self, setting: Setting) -> dict[str, str]:
        """What was locked: versions by name."""

    def installed(self, setting: Setting) -> dict[str, str]:
        """What is in the environment: versions by name."""
        return setting.clients.installed(setting.folder / ".venv")

    def program(self, name: str = "") -> str:
        """The path of a program of the client's environment."""
        return str(environment(self.name) / "bin" / (name or self.name))


class Pip(Installer):
    """pip, which locks as its report of a dry run does."""

    def __init__(self, name: str) -> None:
        self.name = name

    def install(self, setting: Setting, *requirements: str, options: Sequence[str] = ()) -> Ran:
        new_environment(setting)
        return self._install(setting, *options, *requirements)

    def lock(self, setting: Setting, *requirements: str, options: Sequence[str] = ()) -> Ran:
        new_environment(setting)
        report = ("--dry-run", "--report", str(setting.folder / "report.json"))
        return self._install(setting, *report, *options, *requirements)

    def locked(self, setting: Setting) -> dict[str, str]:
        report = json.loads((setting.folder / "report.json").read_text())
        found = [entry["metadata"] for entry in report["install"]]
        return {metadata["name"]: metadata["version"] for metadata in found}

    def run(self, setting: Setting, command: str, *arguments: str) -> Ran:
        """Another command of pip's, that looks at the indexes."""
        pip = (self.program("python"), "-m", "pip", "--python", str(setting.folder / ".venv"))
        index, *others = setting.indexes
        more = [word for url in others for word in ("--extra-index-url", url)]
        return setting.clients.run(*pip, command, "--index-url", index, *more, *arguments)

    def _install(self, setting: Setting, *arguments: str) -> Ran:
        return self.run(setting, "install", *arguments)


class Uv(Installer):
    """``uv pip``."""

    name = "uv"

    def install(self, setting: Setting, *requirements: str, options: Sequence[str] = ()) -> Ran:
        new_environment(setting)
        python = ("--python", str(setting.folder / ".venv"))
        return self.run(setting, "pip", "install", *python, *options, *requirements)

    def lock(self, setting: Setting, *requirements: str, options: Sequence[str] = ()) -> Ran:
        new_environment(setting)
        (setting.folder / "locked.txt").unlink(missing_ok=True)  # uv would keep to it
        (setting.folder / "asked.in").write_text("".join(f"{line}\n" for line in requirements))
        files = ("asked.in", "--output-file", "locked.txt", "--no-header", "--no-annotate")
        python = ("--python", str(setting.folder / ".venv"))
        return self.run(setting, "pip", "compile", *python, *options, *files)

    def locked(self, setting: Setting) -> dict[str, str]:
        lines = (setting.folder / "locked.txt").read_text().splitlines()
        pairs = [line.split()[0].split("==") for line in lines if "==" in line]
        return {name.partition("[")[0]: version for name, version in pairs}

    def run(self, setting: Setting, *arguments: str) -> Ran:
        """Any command of uv's."""
        *others, last = setting.indexes
        return setting.clients.run(
            *(self.program(), *arguments),
            cwd=setting.folder,
            UV_DEFAULT_INDEX=last,
            UV_INDEX=" ".join(others),
        )


class OfProjects(Installer):
    """A client that works on a project, whose indexes are its sources."""

    def install(self, setting: Setting, *requirements: str, options: Sequence[str] = ()) -> Ran:
        self.write(setting, requirements)
        return self.run(setting, "install", *options)

    def lock(self, setting: Setting, *requirements: str, options: Sequence[str] = ()) -> Ran:
        self.write(setting, requirements)
        return self.run(setting, "lock", *options)

    def locked(self, setting: Setting) -> dict[str, str]:
        packages = tomllib.loads((setting.folder / f"{self.name}.lock").read_text())["package"]
        return {package["name"]: package["version"] for package in packages}

    def write(self, setting: Setting, requirements: Sequence[str]) -> None:
        """A new project: what was locked for other requirements goes."""
        (setting.folder / f"{self.name}.lock").unlink(missing_ok=True)
        (setting.folder / "pyproject.toml").write_text(
            f'[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
            f"dependencies = {json.dumps(list(requirements))}\n{self.settings(setting.indexes)}"
        )

    @abstractmethod
    def settings(self, indexes: Sequence[str]) -> str:
        """The client's own tables of pyproject.toml."""

    @abstractmethod
    def run(self, setting: Setting, *arguments: str) -> Ran:
        """Any command of the client's."""


class Poetry(OfProjects):
    """poetry."""

    name = "poetry"

    def settings(self, indexes: Sequence[str]) -> str:
        text = "[tool.poetry]\npackage-mode = false\n"
        for number, url in enumerate(indexes):
            priority = "supplemental" if number else "primary"
            text += f'[[tool.poetry.source]]\nname = "index{number}"\nurl = "{url}"\n'
            text += f'priority = "{priority}"\n'
        return text

    def run(self, setting: Setting, *arguments: str) -> Ran:
        return setting.clients.run(
            *(self.program(), "--no-interaction", *arguments),
            cwd=setting.folder,
            POETRY_VIRTUALENVS_IN_PROJECT="1",
            POETRY_VIRTUALENVS_OPTIONS_NO_PIP="1",
            POETRY_KEYRING_ENABLED="0",
        )


class Pdm(OfProjects):
    """pdm."""

    name = "pdm"

    def settings(self, indexes: Sequence[str]) -> str:
        text = "[tool.pdm]\ndistribution = false\n"
        for number, url in enumerate(indexes):
            name = f"index{number}" if number else "pypi"  # in place of the default
            text += f'[[tool.pdm.source]]\nname = "{name}"\nurl = "{url}"\nverify_ssl = false\n'
        return text

    def run(self, setting: Setting, *arguments: str) -> Ran:
        return setting.clients.run(
            *(self.program(), *arguments),
            cwd=setting.folder,
            PDM_CHECK_UPDATE="0",
            PDM_NON_INTERACTIVE="1",
        )


INSTALLERS: dict[str, Installer] = {
    "pip": Pip("pip"),
    "oldest-pip": Pip("oldest-pip"),
    "uv": Uv(),
    "poetry": Poetry(),
    "pdm": Pdm(),
}


def new_environment(setting: Setting) -> None:
    """The folder's environment; one that is there is made anew."""
    folder = setting.folder / ".venv"
    shutil.rmtree(folder, ignore_errors=True)
    uv = str(environment("uv") / "bin" / "uv")
    python = str(environment("pip") / "bin" / "python")
    setting.clients.run(uv, "venv", "-q", "--python", python, str(folder)).succeeded()
