"""Further commands of single clients, as far as they ask the index for something."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.clients.conftest import Served
from tests.clients.installers import INSTALLERS, OfProjects, Pip, Setting, Uv, new_environment
from tests.clients.installing import environment
from tests.clients.matrix.conftest import rows
from tests.clients.tools import Clients
from tests.distributions.build import sdist, wheel


@pytest.fixture
def setting(served: Served, clients: Clients, tmp_path: Path) -> Setting:
    """A new project's folder, and this index alone."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Setting(clients, folder, [served.running.simple_url])


@pytest.mark.parametrize("client", rows(["pip", "oldest-pip"], quick=()), indirect=True)
def test_pip_download(served: Served, setting: Setting, client: str, name: str) -> None:
    """The very bytes; an sdist where it is asked for."""
    files = dict([wheel(name, "1.0", requires=[f"{name}-base"]), sdist(name, "1.0")])
    files |= [wheel(f"{name}-base", "1.0")]
    served.upload(*files.items())
    pip, got = INSTALLERS[client], setting.folder / "got"
    assert isinstance(pip, Pip)
    new_environment(setting)
    pip.run(setting, "download", "--dest", str(got), name).succeeded()
    options = ("--no-deps", "--no-binary", ":all:", "--dest", str(got))
    pip.run(setting, "download", *options, name).succeeded()
    assert {path.name: path.read_bytes() for path in got.iterdir()} == files


@pytest.mark.parametrize("client", rows(["pip"], quick=()), indirect=True)
def test_pip_lock(served: Served, setting: Setting, client: str, name: str) -> None:
    """pylock.toml (PEP 751) with the page's digests."""
    served.upload(wheel(name, "1.0", requires=[f"{name}-base"]), wheel(f"{name}-base", "1.0"))
    pip = INSTALLERS[client]
    assert isinstance(pip, Pip)
    new_environment(setting)
    path = setting.folder / "pylock.toml"
    pip.run(setting, "lock", "--output", str(path), name).succeeded()
    packages = tomllib.loads(path.read_text())["packages"]
    assert {package["name"] for package in packages} == {name, f"{name}-base"}
    for package in packages:
        (locked,) = package["wheels"]
        (file,) = served.page_of(package["name"]).values()
        assert locked["hashes"] == file["hashes"]


@pytest.mark.parametrize("client", rows(["uv"], quick=()), indirect=True)
def test_uv_project(served: Served, setting: Setting, client: str, name: str) -> None:
    """``uv add``, ``uv lock --upgrade``, ``uv sync``, ``uv tree --outdated``."""
    served.upload(wheel(name, "1.0"))
    (setting.folder / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n'
    )
    uv = INSTALLERS[client]
    assert isinstance(uv, Uv)
    uv.run(setting, "add", name).succeeded()
    assert uv.installed(setting) == {name: "1.0"}
    served.upload(wheel(name, "1.1"))
    assert "1.1" in uv.run(setting, "tree", "--outdated").succeeded().words
    uv.run(setting, "lock", "--upgrade").succeeded()
    uv.run(setting, "sync", "--locked").succeeded()
    assert uv.installed(setting) == {name: "1.1"}


@pytest.mark.parametrize("client", rows(["hatch"]), indirect=True)
def test_hatch_environment(served: Served, setting: Setting, client: str, name: str) -> None:
    """hatch leaves installing to uv, which it brings along."""
    served.upload(wheel(name, "1.0", requires=[f"{name}-base"]), wheel(f"{name}-base", "1.0"))
    (setting.folder / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\n[tool.hatch.envs.default]\ninstaller = "uv"\n'
        f'skip-install = true\ndependencies = ["{name}"]\n'
    )
    code = f"import json, {name}, {name}_base as base; print(json.dumps(base.__version__))"
    ran = setting.clients.run(
        *(str(environment("hatch") / "bin" / "hatch"), "run", "python", "-c", code),
        cwd=setting.folder,
        UV_DEFAULT_INDEX=setting.indexes[0],
    ).succeeded()
    assert json.loads(ran.output.splitlines()[-1]) == "1.0"


@pytest.mark.parametrize("client", rows(["poetry"]), indirect=True)
def test_poetry_search(served: Served, setting: Setting, client: str, name: str) -> None:
    """It reads the root list."""
    served.upload(wheel(name, "1.0"))
    poetry = INSTALLERS[client]
    assert isinstance(poetry, OfProjects)
    poetry.write(setting, [])
    for wanted, is_found in ((name, True), (f"{name}-other", False)):
        ran = poetry.run(setting, "search", wanted).succeeded()
        assert (wanted in ran.words) == is_found, ran.output
