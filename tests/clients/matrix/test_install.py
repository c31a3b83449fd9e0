"""What each of the clients that install takes from a page, and what it leaves alone."""

from pathlib import Path

import pytest

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import changes
from tests.clients.conftest import Served
from tests.clients.installers import INSTALLERS, Setting
from tests.clients.matrix.conftest import rows
from tests.clients.tools import Clients
from tests.distributions.build import sdist, wheel

#: pip and uv do these things on both databases too, beside this package.
ALL = pytest.mark.parametrize("client", rows(INSTALLERS, quick=()), indirect=True)


@pytest.fixture
def setting(served: Served, clients: Clients, tmp_path: Path) -> Setting:
    """A new project's folder, and this index alone."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Setting(clients, folder, [served.running.simple_url])


@ALL
def test_the_newest_that_fits(served: Served, setting: Setting, client: str, name: str) -> None:
    """Neither a pre-release nor what needs another Python."""
    served.upload(
        wheel(name, "1.0"),
        wheel(name, "1.10"),
        wheel(name, "2.0rc1"),
        wheel(name, "3.0", requires_python=">=99"),
    )
    INSTALLERS[client].install(setting, name).succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.10"}


@ALL
def test_a_pre_release_that_is_asked_for(
    served: Served, setting: Setting, client: str, name: str
) -> None:
    served.upload(wheel(name, "1.0"), wheel(name, "2.0rc1"), wheel(name, "2.0.dev1"))
    INSTALLERS[client].install(setting, f"{name}>=2.0rc1").succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "2.0rc1"}


@ALL
def test_the_only_releases_there_are_being_pre_releases(
    served: Served, setting: Setting, client: str, name: str
) -> None:
    served.upload(wheel(name, "1.0a1"), wheel(name, "1.0b2"))
    INSTALLERS[client].install(setting, name).succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.0b2"}


@ALL
def test_dependencies_extras_and_markers(
    served: Served, setting: Setting, client: str, name: str
) -> None:
    served.upload(
        wheel(
            name,
            "1.0",
            requires=[
                f"{name}-base >=1,<2",
                f'{name}-more; extra == "more"',
                f'{name}-other; extra == "other"',
                f'{name}-old; python_version < "3"',
                f'{name}-posix; os_name == "posix" and sys_platform != "win32"',
            ],
            headers=[("Provides-Extra", "more"), ("Provides-Extra", "other")],
        ),
        *(wheel(f"{name}-{part}", "1.0") for part in ("more", "other", "old", "posix")),
        wheel(f"{name}-base", "1.5"),
        wheel(f"{name}-base", "2.0"),
    )
    INSTALLERS[client].install(setting, f"{name}[more]").succeeded()
    assert INSTALLERS[client].installed(setting) == {
        name: "1.0",
        f"{name}-base": "1.5",
        f"{name}-more": "1.0",
        f"{name}-posix": "1.0",
    }


@ALL
def test_an_sdist(served: Served, setting: Setting, client: str, name: str) -> None:
    served.upload(sdist(name, "1.0"))
    INSTALLERS[client].install(setting, name).succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.0"}


@ALL
def test_a_name_in_another_spelling(
    served: Served, setting: Setting, client: str, name: str
) -> None:
    served.upload(wheel(f"{name}.Dotted.Name", "1.0"))
    INSTALLERS[client].install(setting, f"{name}--dotted_NAME").succeeded()
    assert INSTALLERS[client].installed(setting) == {f"{name}.Dotted.Name": "1.0"}


@ALL
def test_a_local_version(served: Served, setting: Setting, client: str, name: str) -> None:
    """Its plus sign is part of an address and of a link."""
    served.upload(wheel(name, "1.0"), wheel(name, "1.0+acme.2"))
    INSTALLERS[client].install(setting, f"{name}==1.0+acme.2").succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.0+acme.2"}


@ALL
def test_a_yanked_release_only_if_pinned(
    served: Served, setting: Setting, client: str, name: str
) -> None:
    served.upload(wheel(name, "1.0"), wheel(name, "2.0"))
    with served.running.index.database.write() as session:
        changes.yank(session, OPERATOR, name, "2.0", 'Broken: "<&>" é')
    INSTALLERS[client].install(setting, name).succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "1.0"}
    ran = INSTALLERS[client].install(setting, f"{name}==2.0").succeeded()
    assert INSTALLERS[client].installed(setting) == {name: "2.0"}
    # pdm says nothing of it.
    assert ('Broken: "<&>" é' in ran.words) == (client != "pdm"), ran.output


@ALL
def test_no_such_project(setting: Setting, client: str) -> None:
    ran = INSTALLERS[client].install(setting, "no-such-project").failed()
    assert "no-such-project" in ran.words
