"""Resolving with each of the clients that install: what is asked for, locked, left out by its age."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.between import between
from tests.clients.conftest import Served, serving
from tests.clients.installers import INSTALLERS, OfProjects, Setting
from tests.clients.installing import OLDEST_PIP
from tests.clients.matrix.conftest import rows
from tests.clients.tools import Clients
from tests.distributions.build import sdist, wheel

_OLDEST_PIP_FETCHES = {"22.3": ["whl"], "23.2.1": ["whl", "whl.metadata"]}
#: Projects of a graph of which each needs the next two.
DEEP = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A new project's folder."""
    path = tmp_path / "project"
    path.mkdir()
    return path


@pytest.fixture
def setting(served: Served, clients: Clients, folder: Path) -> Setting:
    """A new project's folder, and this index alone."""
    return Setting(clients, folder, [served.running.simple_url])


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Another index."""
    yield from serving(tmp_path_factory.mktemp("second"), "")


@pytest.fixture(scope="session")
def graph(served: Served) -> list[str]:
    """The projects of a deep graph, with an old and a new release each; the new one is needed."""
    names = [f"deep-{number}" for number in range(DEEP)]
    for number, name in enumerate(names):
        needed = [f"{other}>=2" for other in names[number + 1 : number + 3]]
        for version in "1.0", "2.0":
            served.upload(wheel(name, version, requires=needed), sdist(name, version))
    return names


@pytest.mark.parametrize("client", rows(INSTALLERS), indirect=True)
def test_a_deep_graph_from_metadata_alone(
    served: Served, clients: Clients, client: str, folder: Path, graph: list[str]
) -> None:
    """One page and one ``.metadata`` for each project, and not one file.

    pip knows ``.metadata`` in JSON since 23.2 (PEP 714): an older one fetches each wheel, once. 23.2 itself
    fetches both in a dry run.
    """
    with between(served.running.url) as way:
        setting = Setting(clients, folder, [f"{way.url}simple/"])
        INSTALLERS[client].lock(setting, graph[0]).succeeded()
        assert INSTALLERS[client].locked(setting) == dict.fromkeys(graph, "2.0")
        fetched = Counter(way.paths(".whl", ".tar.gz", ".metadata"))
        pages = Counter(way.paths("/"))
        assert {asked.method for asked in way.asked} == {"GET"}
    suffixes = _OLDEST_PIP_FETCHES[OLDEST_PIP] if client == "oldest-pip" else ["whl.metadata"]
    stems = [f"{name.replace('-', '_')}-2.0-py3-none-any" for name in graph]
    wanted = sorted(f"{stem}.{suffix}" for stem in stems for suffix in suffixes)
    assert sorted(path.rpartition("/")[2] for path in fetched) == wanted
    assert set(fetched.values()) == {1}, fetched
    assert pages == Counter(f"/simple/{name}/" for name in graph)


@pytest.mark.parametrize("client", rows(INSTALLERS), indirect=True)
def test_what_one_index_lacks_comes_from_the_next(
    served: Served, second: Served, clients: Clients, client: str, name: str, folder: Path
) -> None:
    served.upload(wheel(name, "1.0", requires=[f"{name}-base"]))
    second.upload(wheel(f"{name}-base", "1.0"))
    setting = Setting(clients, folder, [served.running.simple_url, second.running.simple_url])
    INSTALLERS[client].install(setting, name).succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.0", f"{name}-base": "1.0"}


@pytest.mark.parametrize("client", rows(["uv"]), indirect=True)
def test_uv_stops_at_the_first_index_that_has_the_project(
    served: Served, second: Served, clients: Clients, client: str, name: str, folder: Path
) -> None:
    """Nobody gets a newer one in from another index."""
    served.upload(wheel(name, "1.0"))
    second.upload(wheel(name, "2.0"))
    setting = Setting(clients, folder, [served.running.simple_url, second.running.simple_url])
    INSTALLERS[client].install(setting, name).succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.0"}


@pytest.mark.parametrize("client", rows(["poetry", "pdm"]), indirect=True)
def test_a_lock_has_the_digests_of_the_page(
    served: Served, setting: Setting, client: str, name: str
) -> None:
    """Of every file of the release. With another digest in the lock nothing is installed."""
    served.upload(wheel(name, "1.0"), sdist(name, "1.0"))
    INSTALLERS[client].lock(setting, name).succeeded()
    path = setting.folder / f"{client}.lock"
    (package,) = tomllib.loads(path.read_text())["package"]
    hashes = {file["file"]: file["hash"] for file in package["files"]}
    page = served.page_of(name)
    assert hashes == {
        filename: f"sha256:{file['hashes']['sha256']}" for filename, file in page.items()
    }
    good = path.read_text()
    path.write_text(re.sub(r"(sha256:)[0-9a-f]{8}", r"\g<1>00000000", good))
    _sync(client, setting, succeeds=False)
    assert INSTALLERS[client].installed(setting) == {}
    path.write_text(good)
    _sync(client, setting, succeeds=True)
    assert INSTALLERS[client].installed(setting) == {name: "1.0"}


def _sync(client: str, setting: Setting, *, succeeds: bool) -> None:
    """Install what is locked."""
    installer = INSTALLERS[client]
    assert isinstance(installer, OfProjects)
    ran = installer.run(setting, "sync")
    assert (ran.status == 0) == succeeds, ran.output


@pytest.mark.parametrize("client", rows(["oldest-pip", "uv"]), indirect=True)
def test_required_hashes(
    served: Served, setting: Setting, client: str, name: str, tmp_path: Path
) -> None:
    served.upload(wheel(name, "1.0"))
    (file,) = served.page_of(name).values()
    sha256 = file["hashes"]["sha256"]
    requirements = tmp_path / "requirements.txt"
    options = ("--require-hashes", "-r", str(requirements))
    requirements.write_text(f"{name}==1.0 --hash=sha256:{sha256[::-1]}\n")
    INSTALLERS[client].install(setting, options=options).failed()
    assert INSTALLERS[client].installed(setting) == {}
    requirements.write_text(f"{name}==1.0 --hash=sha256:{sha256}\n")
    INSTALLERS[client].install(setting, options=options).succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.0"}
