"""uv against a running index."""

import tomllib
from pathlib import Path

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import changes
from tests.clients.conftest import Served
from tests.clients.cutting import cutting
from tests.clients.tools import Clients
from tests.distributions.build import sdist, wheel


def test_installs_what_fits(served: Served, clients: Clients, venv: Path, name: str) -> None:
    served.upload(
        wheel(name, "1.0"),
        wheel(name, "1.5"),
        wheel(name, "2.0rc1"),
        wheel(name, "3.0", requires_python=">=99"),
    )
    for asked, expected in (
        ((name,), "1.5"),
        ((f"{name}==1.0",), "1.0"),
        (("--prerelease", "allow", "--upgrade", name), "2.0rc1"),
    ):
        clients.uv_pip(venv, "install", *asked).succeeded()
        assert clients.installed(venv) == {name: expected}


def test_sees_a_new_release_in_spite_of_its_cache(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    for version in "1.0", "2.0":
        served.upload(wheel(name, version))
        clients.uv_pip(venv, "install", "--upgrade", name).succeeded()
        assert clients.installed(venv) == {name: version}


def test_builds_from_an_sdist(served: Served, clients: Clients, venv: Path, name: str) -> None:
    served.upload(sdist(name, "1.0"))
    clients.uv_pip(venv, "install", name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}


def test_finds_a_name_in_another_spelling(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    served.upload(wheel(f"{name}.Dotted.Name", "1.0"))
    clients.uv_pip(venv, "install", f"{name}--dotted_NAME").succeeded()
    assert clients.installed(venv) == {f"{name}.Dotted.Name": "1.0"}


def test_compiles_requirements_with_hashes(
    served: Served, clients: Clients, venv: Path, name: str, tmp_path: Path
) -> None:
    """From the pages and the metadata beside the files alone: nothing is downloaded."""
    served.upload(
        wheel(name, "1.0", requires=[f"{name}-base>=1"]),
        wheel(f"{name}-base", "1.0"),
        sdist(f"{name}-base", "1.0"),
    )
    asked, compiled = tmp_path / "asked.in", tmp_path / "compiled.txt"
    asked.write_text(f"{name}\n")
    clients.uv_compile("--generate-hashes", asked, "-o", compiled).succeeded()
    for project in name, f"{name}-base":
        for file in served.page_of(project).values():
            assert f"--hash=sha256:{file['hashes']['sha256']}" in compiled.read_text()
    clients.uv_pip(venv, "sync", "--require-hashes", compiled).succeeded()
    assert clients.installed(venv) == {name: "1.0", f"{name}-base": "1.0"}


def test_passes_over_a_yanked_release(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    served.upload(wheel(name, "1.0"), wheel(name, "2.0"))
    with served.running.index.database.write() as session:
        changes.yank(session, OPERATOR, name, "2.0", "Broken")
    clients.uv_pip(venv, "install", name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}
    ran = clients.uv_pip(venv, "install", f"{name}==2.0").succeeded()
    assert "Broken" in ran.words
    assert clients.installed(venv) == {name: "2.0"}


def test_looks_at_upload_times(served: Served, clients: Clients, venv: Path, name: str) -> None:
    served.upload(wheel(name, "1.0"), wheel(name, "2.0"))
    times = [str(file["upload-time"]) for file in served.page_of(name).values()]
    clients.uv_pip(venv, "install", "--exclude-newer", times[0], name).failed()
    clients.uv_pip(venv, "install", "--exclude-newer", times[1], name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}


def test_locks_and_syncs_a_project(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    served.upload(
        wheel(name, "1.0", requires=[f"{name}-base"]),
        sdist(name, "1.0"),
        wheel(f"{name}-base", "1.0"),
    )
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f'dependencies = ["{name}"]\n'
    )
    clients.uv_project(project, "lock").succeeded()
    lock = tomllib.loads((project / "uv.lock").read_text())
    (locked,) = (package for package in lock["package"] if package["name"] == name)
    files = served.page_of(name)
    for entry in (locked["sdist"], *locked["wheels"]):
        file = files[entry["url"].rpartition("/")[2]]
        assert entry["hash"] == f"sha256:{file['hashes']['sha256']}"
        assert entry["size"] == file["size"]
        assert entry["upload-time"][:19] == file["upload-time"][:19]
    clients.uv_project(project, "lock", "--check").succeeded()
    clients.uv_project(project, "sync", "--locked").succeeded()
    assert clients.installed(project / ".venv") == {name: "1.0", f"{name}-base": "1.0"}


def test_says_that_there_is_no_such_project(served: Served, clients: Clients, venv: Path) -> None:
    ran = clients.uv_pip(venv, "install", "no-such-project").failed()
    assert "no-such-project was not found in the package registry" in ran.words


def test_tries_again_when_a_download_broke(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    """C09: the second time it is the same file."""
    ballast = bytes(i * i * 2654435761 >> 13 & 0xFF for i in range(1_000_000))
    served.upload(wheel(name, "1.0", extra_files={f"{name}/ballast.bin": ballast}))
    with cutting(served.running.url, 400_000, cuts=1) as way:
        through = Clients(clients.home, way.simple_url)
        through.uv_pip(venv, "install", name).succeeded()
        wheels = [line for line in way.lines(b"GET ") if b".whl HTTP" in line]
    assert clients.installed(venv) == {name: "1.0"}
    assert len(wheels) == 2, way.asked
