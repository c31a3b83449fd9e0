"""The latest release is kept with its project, whatever happens to its releases and files."""

import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.models import Project
from pypi_lite.repository import Index, changes, pages
from pypi_lite.repository.errors import Refusal
from pypi_lite.repository.latest import folded
from pypi_lite.repository.reach import EVERYTHING
from tests.distributions.build import sdist, wheel
from tests.web.helpers import put

VERSIONS = ("1.0", "1.10", "1.9", "2.0rc1", "0.1+local")
STEPS = st.tuples(
    st.sampled_from(["wheel", "sdist", "yank", "unyank", "delete file", "delete release"]),
    st.sampled_from(VERSIONS),
)


def do(index: Index, name: str, what: str, version: str) -> None:
    build: Any = sdist if what == "sdist" else wheel
    file = build(name, version, summary=f"ÄBOUT the_{build.__name__} of {version}")
    if what in ("wheel", "sdist"):
        put(index, file)
        return
    with index.database.write() as session:
        if what == "delete file":
            changes.delete_file(session, OPERATOR, file[0])
        elif what == "delete release":
            changes.delete_release(session, OPERATOR, name, version)
        else:
            change = changes.yank if what == "yank" else changes.unyank
            change(session, OPERATOR, name, version)


def check(index: Index, name: str) -> None:
    """What is kept is what the project's own page shows."""
    with index.database.read() as session:
        row = session.scalar(select(Project).where(Project.normalized_name == name))
        found = pages.project(session, name, EVERYTHING)
        if row is None or found is None:
            return
        latest = found.latest
        metadata = latest and pages.release_metadata(session, latest)
        summary = metadata.summary if metadata else None
        assert row.latest_version == (latest and str(latest.version))
        assert row.latest_summary == summary
        assert row.latest_summary_folded == (summary and folded(summary))


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(STEPS, min_size=1, max_size=12))
def test_it_is_the_latest_after_every_change(index: Index, steps: list[tuple[str, str]]) -> None:
    name = f"p{uuid.uuid4().hex}"  # names of files stay taken
    for step in steps:
        try:
            do(index, name, *step)
        except Refusal:
            continue  # there is no such release or file, or its name is taken
        check(index, name)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_project_without_releases_has_none(index: Index) -> None:
    do(index, "foo", "wheel", "1.0")
    do(index, "foo", "delete release", "1.0")
    check(index, "foo")
    with index.database.read() as session:
        assert session.scalars(select(Project.latest_version)).one() is None
