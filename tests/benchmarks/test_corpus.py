"""The distributions that benchmarks fill indexes with."""

import io
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from benchmarks import corpus
from pypi_lite.importing import import_paths
from pypi_lite.repository import Index

SIZES = corpus.Sizes(projects=3, files=10, large=12, heavy=20_000, graph=6, versions=2, installed=2)
COUNT = 3 * 10 + 12 + 1 + 6 * 2 + 2 * 5


def written(folder: Path, processes: int) -> dict[str, bytes]:
    """The files of a new corpus, by their names."""
    assert corpus.write(folder, SIZES, processes) == COUNT
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def project_of(filename: str) -> str:
    """The project that *filename* says it is of. Raises if it is no distribution's name."""
    parse = parse_wheel_filename if filename.endswith(".whl") else parse_sdist_filename
    return parse(filename)[0]


def test_is_the_same_whoever_writes_it(tmp_path: Path) -> None:
    files = written(tmp_path / "one", processes=1)
    assert len(files) == COUNT
    assert written(tmp_path / "two", processes=3) == files


def test_has_the_projects_that_it_says(tmp_path: Path) -> None:
    files = written(tmp_path, processes=1)
    names = corpus.project_names(SIZES)
    assert len(names) == len(set(names)) == 3 + 1 + 1 + 6 + 2
    assert {project_of(name) for name in files} == set(names)
    for project, count in (corpus.sample(0), 10), (corpus.LARGE, 12), (corpus.HEAVY, 1):
        found = {name for name in files if project_of(name) == project}
        assert len(found) == count
        if project != corpus.HEAVY:
            assert found == {file.filename for file in corpus.files_of(project, count)}
            assert sum(name.endswith(".tar.gz") for name in found) == 2
        else:
            assert len(files[found.pop()]) > 20_000


def test_a_source_distribution_is_of_a_release_that_has_a_wheel() -> None:
    files = list(corpus.files_of("foo", 10))
    wheels = {file.version for file in files if file.is_wheel}
    sources = {file.version for file in files if not file.is_wheel}
    assert len(wheels) == 8
    assert len(sources) == 2
    assert sources < wheels


def test_the_first_of_the_graph_requires_all_others() -> None:
    sizes = corpus.Sizes()
    names = corpus.graph(sizes)
    assert len(names) == 200
    requires: dict[str, set[str]] = {}
    for file in corpus.distributions(sizes):
        if file.project in names:
            requirements = list(map(Requirement, file.requires))
            assert all(r.specifier.contains(file.version) for r in requirements)
            requires.setdefault(file.project, {r.name for r in requirements})
    reached, ahead = set(), {names[0]}
    while ahead:
        reached |= ahead
        ahead = set().union(*(requires[name] for name in ahead)) - reached
    assert reached == set(names)
    assert not any(name in required for name, required in requires.items())


def test_an_index_takes_it(tmp_path: Path, index: Index) -> None:
    written(tmp_path / "corpus", processes=1)
    out = io.StringIO()
    assert import_paths(index, [tmp_path / "corpus"], out)
    assert out.getvalue() == f"{COUNT} imported, 0 here already, 0 refused\n"
