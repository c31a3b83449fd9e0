"""Five independent readers agree on the pages of awkward projects.

tests/corpus asks the same of real projects.
"""

from pathlib import Path

import pytest

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import changes
from tests.clients import installing
from tests.clients.agreeing import Truths, disagreements, truths
from tests.clients.conftest import Served
from tests.clients.tools import Clients
from tests.conftest import lacking
from tests.corpus.files import read
from tests.distributions.build import sdist, wheel

#: Yanked releases, and why.
YANKED = {
    ("Yanked.Project", "1.0"): "",
    ("Yanked.Project", "2.0"): 'Broken: "<b>&amp;\'</b>" é \N{SNAKE}',
    ("Yanked.Project", "3.0"): "</a><a href='x.whl'>x.whl</a>",
}
#: A project whose only release was deleted.
EMPTY = "emptied"


def awkward_files() -> list[tuple[str, bytes]]:
    """What has tripped readers, as files to upload."""
    versions = ("0", "0.0.1.dev0", "1.0a1", "1.0rc2", "1.0", "1.0.post1", "1!0.1", "2024.11.24")
    platforms = ("win_amd64", "manylinux2014_x86_64.manylinux_2_17_x86_64", "macosx_11_0_arm64")
    return [
        # names
        wheel("A", "1.0"),
        wheel("Dots.and_Under-scores", "1.0"),
        sdist("Dots.and_Under-scores", "1.0"),
        wheel("n" * 100, "1.0"),
        wheel("index.html", "1.0"),
        # versions; a local one's plus sign is part of an address
        *(wheel("versions", version) for version in versions),
        *(sdist("versions", version) for version in versions[:2]),
        wheel("local", "1.0+acme.2"),
        sdist("local", "1.0+ubuntu.1.2"),
        wheel("local", "1.0"),
        # many files of one release
        *(
            wheel("compiled", "1.0", tag=f"cp3{n}-cp3{n}-{p}")
            for n in range(9, 15)
            for p in platforms
        ),
        wheel("compiled", "1.0", tag="cp39-abi3-win_amd64"),
        sdist("compiled", "1.0"),
        wheel("builds", "1.0", build="1"),
        wheel("builds", "1.0", build="2build"),
        wheel("builds", "1.0", tag="py2.py3-none-any"),
        # Python versions, whose signs mean something in HTML
        wheel("pythons", "1.0", requires_python=">=3.9, <4, !=3.9.*"),
        wheel("pythons", "2.0", requires_python=">=99"),
        wheel("pythons", "3.0", requires_python=""),
        sdist("pythons", "3.0", requires_python="~=3.9"),
        wheel("pythons", "4.0", tag="cp27-none-any", requires_python="==2.7.*"),
        # no metadata beside it: it is too old to be believed
        sdist("old", "1.0", metadata_version="1.2"),
        sdist("old", "2.0", metadata_version="2.2"),
        wheel("old", "2.0", metadata_version="1.2"),
        # yanked releases
        *(make(*release) for release in YANKED for make in (wheel, sdist)),
        wheel("Yanked.Project", "4.0"),
        wheel(EMPTY, "1.0"),
    ]


@pytest.fixture(scope="module")
def truth(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Truths:
    """What is known of the files, once they are all on the index."""
    folder = tmp_path_factory.mktemp("awkward")
    for filename, content in awkward_files():
        (folder / filename).write_bytes(content)
        served.upload((filename, content))
    index = served.running.index
    with index.database.write() as session:
        for (name, version), reason in YANKED.items():
            changes.yank(session, OPERATOR, name, version, reason)
        changes.delete_release(session, OPERATOR, EMPTY, "1.0")
    files = [read(path) for path in sorted(folder.iterdir()) if not path.name.startswith(EMPTY)]
    return {**truths(index, files), EMPTY: {}}


def test_five_readers_agree(served: Served, truth: Truths, tmp_path: Path) -> None:
    """With one another and with the files: names, hashes, sizes, times, Pythons, yanks, metadata."""
    try:
        for client in "readers", "uv", "pip":
            installing.environment(client)
    except installing.NotInstalled as error:
        lacking(str(error))
    clients = Clients(tmp_path / "home", served.running.simple_url)
    assert disagreements(served.running.url, clients, truth) == []
