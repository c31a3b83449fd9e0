"""pip against a running index."""

import json
from pathlib import Path

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import changes
from tests.clients.conftest import Served
from tests.clients.cutting import cutting
from tests.clients.tools import Clients
from tests.distributions.build import sdist, wheel

#: What pip asks for.
PIP_ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1,"
    " text/html; q=0.01"
)


def test_installs_what_fits(served: Served, clients: Clients, venv: Path, name: str) -> None:
    """The newest final release for this Python; not a pre-release, unless it is asked for."""
    served.upload(
        wheel(name, "1.0"),
        wheel(name, "1.5"),
        wheel(name, "2.0rc1"),
        wheel(name, "3.0", requires_python=">=99"),
    )
    for asked, expected in (
        ((name,), "1.5"),
        ((f"{name}==1.0",), "1.0"),
        (("--pre", "--upgrade", name), "2.0rc1"),
    ):
        clients.pip_install(venv, *asked).succeeded()
        assert clients.installed(venv) == {name: expected}


def test_installs_again_from_the_cached_page(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    served.upload(wheel(name, "1.0"))
    clients.pip_install(venv, name).succeeded()
    headers = {"Accept": PIP_ACCEPT, "Accept-Encoding": "gzip, deflate"}
    answer = served.running.page(name, **headers)
    assert answer.headers["cache-status"] == "pypi_lite; hit"
    assert answer.headers["content-encoding"] == "gzip"
    clients.pip_install(venv, "--force-reinstall", name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}


def test_builds_from_an_sdist(served: Served, clients: Clients, venv: Path, name: str) -> None:
    served.upload(sdist(name, "1.0"))
    clients.pip_install(venv, name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}
    ran = clients.run(
        str(venv / "bin" / "python"), "-c", f"print(__import__({name!r}).__version__)"
    )
    assert ran.output.strip() == "1.0"


def test_takes_dependencies_and_extras(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    served.upload(
        wheel(
            name,
            "1.0",
            requires=[f"{name}-base", f'{name}-more; extra == "more"'],
            headers=[("Provides-Extra", "more")],
        ),
        wheel(f"{name}-base", "1.0"),
        wheel(f"{name}-more", "1.0"),
    )
    clients.pip_install(venv, name).succeeded()
    assert clients.installed(venv) == {name: "1.0", f"{name}-base": "1.0"}
    clients.pip_install(venv, f"{name}[more]").succeeded()
    assert clients.installed(venv).keys() == {name, f"{name}-base", f"{name}-more"}
    clients.pip_check(venv).succeeded()


def test_finds_a_name_in_another_spelling(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    served.upload(wheel(f"{name}.Dotted.Name", "1.0"))
    clients.pip_install(venv, f"{name}--dotted_NAME").succeeded()
    assert clients.installed(venv) == {f"{name}.Dotted.Name": "1.0"}


def test_downloads(served: Served, clients: Clients, name: str, tmp_path: Path) -> None:
    files = dict([wheel(name, "1.0"), sdist(name, "1.0")])
    served.upload(*files.items())
    clients.pip_download(tmp_path / "got", name).succeeded()
    clients.pip_download(tmp_path / "got", "--no-binary", ":all:", name).succeeded()
    assert {path.name: path.read_bytes() for path in (tmp_path / "got").iterdir()} == files


def test_lists_versions(served: Served, clients: Clients, name: str) -> None:
    served.upload(wheel(name, "1.0"), wheel(name, "1.10"), wheel(name, "1.9"), wheel(name, "2.0a1"))
    ran = clients.pip_versions("--json", name).succeeded()
    answer = json.loads(ran.output[ran.output.index("{") :])
    assert answer["versions"] == ["1.10", "1.9", "1.0"]


def test_requires_hashes(
    served: Served, clients: Clients, venv: Path, name: str, tmp_path: Path
) -> None:
    served.upload(wheel(name, "1.0"))
    (file,) = served.page_of(name).values()
    sha256 = file["hashes"]["sha256"]
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"{name}==1.0 --hash=sha256:{sha256[::-1]}\n")
    ran = clients.pip_install(venv, "--require-hashes", "-r", requirements).failed()
    assert "DO NOT MATCH" in ran.words
    requirements.write_text(f"{name}==1.0 --hash=sha256:{sha256}\n")
    clients.pip_install(venv, "--require-hashes", "-r", requirements).succeeded()
    assert clients.installed(venv) == {name: "1.0"}


def test_passes_over_a_yanked_release(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    """Yanked by another process than the server's, whose very next answer shows it."""
    served.upload(wheel(name, "1.0"), wheel(name, "2.0"))
    for _ in range(2):
        before = served.running.page(name, Accept=PIP_ACCEPT)
    assert before.headers["cache-status"] == "pypi_lite; hit"
    with served.running.index.database.write() as session:
        changes.yank(session, OPERATOR, name, "2.0", 'Broken: "<&>" é')
    after = served.running.page(name, Accept=PIP_ACCEPT).files()
    assert [file["yanked"] for file in after.values()] == [False, 'Broken: "<&>" é']
    clients.pip_install(venv, name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}
    ran = clients.pip_install(venv, f"{name}==2.0").succeeded()
    assert 'Broken: "<&>" é' in ran.words
    assert clients.installed(venv) == {name: "2.0"}


def test_looks_at_upload_times(served: Served, clients: Clients, venv: Path, name: str) -> None:
    served.upload(wheel(name, "1.0"), wheel(name, "2.0"))
    times = [str(file["upload-time"]) for file in served.page_of(name).values()]
    ran = clients.pip_install(venv, "--uploaded-prior-to", times[0], name).failed()
    assert "No matching distribution" in ran.words
    clients.pip_install(venv, "--uploaded-prior-to", times[1], name).succeeded()
    assert clients.installed(venv) == {name: "1.0"}


def test_says_that_there_is_no_such_project(served: Served, clients: Clients, venv: Path) -> None:
    ran = clients.pip_install(venv, "no-such-project").failed()
    assert "No matching distribution found for no-such-project" in ran.words


def test_goes_on_with_a_download_that_broke(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    """What has arrived is kept: pip asks for the rest only, and the rest is what it gets."""
    ballast = bytes(i * i * 2654435761 >> 13 & 0xFF for i in range(1_000_000))
    served.upload(wheel(name, "1.0", extra_files={f"{name}/ballast.bin": ballast}))
    (file,) = served.page_of(name).values()
    with cutting(served.running.url, 400_000) as way:
        assert file["size"] > 2 * way.most
        clients.pip_install(venv, name, index_url=way.simple_url).succeeded()
    assert clients.installed(venv) == {name: "1.0"}
    assert len(way.lines(b"Range")) >= 2, way.asked
