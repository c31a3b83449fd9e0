"""uv publish with attestations beside the files, to an index that takes them and to one that does not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pypi_lite.attestations import Workflow
from tests.clients import raw
from tests.clients.conftest import Served, serving, written
from tests.clients.tools import Clients
from tests.distributions.build import sdist, wheel
from tests.signing import GITLAB_WORKFLOW, WORKFLOW, World, claims_of, slsa, statement


@pytest.fixture(scope="module")
def strict(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An index that takes attestations."""
    yield from serving(tmp_path_factory.mktemp("strict"), settings={"attestations": str(root)})


def attested(
    world: World, folder: Path, file: tuple[str, bytes], workflow: Workflow = WORKFLOW
) -> Path:
    """The file, and beside it what the publishing action of a workflow leaves there."""
    (path,) = written(folder, file)
    first = world.attest(statement(*file), claims_of(workflow))
    second = world.attest(slsa(*file), claims_of(workflow))
    for kind, attestation in (("publish", first), ("slsa", second)):
        path.with_name(f"{path.name}.{kind}.attestation").write_text(json.dumps(attestation))
    return path


def with_attestations(*paths: Path) -> list[Path]:
    """The files, and what lies beside each: uv takes for attested what it is given together."""
    return [found for path in paths for found in sorted(path.parent.glob(f"{path.name}*"))]


def provenance(served: Served, path: Path) -> raw.Answer:
    """The file's provenance, where the simple page says that it is."""
    name, version = path.name.removesuffix(".tar.gz").split("-")[:2]
    return raw.get(f"{served.running.url}integrity/{name}/{version}/{path.name}/provenance")


def test_uv_publishes_to_an_index_that_takes_none(
    served: Served, clients: Clients, world: World, name: str, tmp_path: Path
) -> None:
    """U11: an index that does not know the field ignores it."""
    path = attested(world, tmp_path / "dist", wheel(name, "1.0"))
    token = {"UV_PUBLISH_TOKEN": served.token}
    clients.uv_publish(served.running.upload_url, *with_attestations(path), **token).succeeded()
    assert "provenance" not in served.page_of(name)[path.name]
    assert provenance(served, path).status == 404


def test_uv_publishes_to_an_index_that_takes_them(
    strict: Served, world: World, name: str, tmp_path: Path
) -> None:
    """The first release without, since a project has no publisher before it is there; then with, and
    pip and uv install it; what is signed by others is refused, and uv says why."""
    clients = Clients(tmp_path / "home", strict.running.simple_url)
    running, token = strict.running, {"UV_PUBLISH_TOKEN": strict.token}
    first = attested(world, tmp_path / "dist", wheel(name, "1.0"))
    ran = clients.uv_publish(running.upload_url, *with_attestations(first), **token).failed()
    assert "no publisher of the project: it has none" in ran.words
    given = ("--no-attestations", *with_attestations(first))
    clients.uv_publish(running.upload_url, *given, **token).succeeded()
    added = running.command(
        *("publisher", "add", name, "--github", WORKFLOW.repository, "--workflow", WORKFLOW.file)
    )
    assert added.returncode == 0, added.stderr

    paths = [attested(world, tmp_path / "dist", make(name, "2.0")) for make in (wheel, sdist)]
    clients.uv_publish(running.upload_url, *with_attestations(*paths), **token).succeeded()
    page = strict.page_of(name)
    for path in paths:
        answer = raw.get(str(page[path.name]["provenance"]))
        (bundle,) = answer.json()["attestation_bundles"]
        assert bundle["publisher"]["workflow"] == "release.yml"
        assert len(bundle["attestations"]) == 2
        assert answer.body == provenance(strict, path).body
    assert "provenance" not in page[first.name]
    for install in (
        clients.pip_install,
        lambda venv, *what: clients.uv_pip(venv, "install", *what),
    ):
        venv = clients.venv(f"venv-{install.__name__}")
        install(venv, f"{name}==2.0").succeeded()
        assert clients.installed(venv) == {name: "2.0"}

    foreign = attested(world, tmp_path / "dist", wheel(name, "3.0"), GITLAB_WORKFLOW)
    ran = clients.uv_publish(running.upload_url, *with_attestations(foreign), **token).failed()
    assert "400" in ran.words
    assert "which is no publisher of the project: release.yml of acme/foo on GitHub" in ran.words
    assert foreign.name not in strict.page_of(name)
