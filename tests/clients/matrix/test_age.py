"""Files that are too young: a delay that the person sets, looked up in the pages' upload times."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from pypi_lite.models import File, now
from tests.clients.conftest import Served
from tests.clients.installers import INSTALLERS, Setting
from tests.clients.matrix.conftest import rows
from tests.clients.tools import Clients
from tests.distributions.build import wheel

#: What to say for a delay of three days, by client; pip 22.3 and flit know none.
DELAYS: dict[str, Sequence[str]] = {
    "pip": ("--uploaded-prior-to", "P3D"),
    "uv": ("--exclude-newer", "3 days"),
    "pdm": ("--exclude-newer", "3d"),
    "poetry": (),
}


@pytest.mark.parametrize("client", rows(DELAYS), indirect=True)
def test_young_releases_are_left_out(
    served: Served, clients: Clients, client: str, name: str, tmp_path: Path
) -> None:
    served.upload(wheel(name, "1.0"), wheel(name, "2.0"), wheel(name, "3.0"))
    _make_older(served, name, {"1.0": 30, "2.0": 4, "3.0": 2})
    if client == "poetry":
        clients.environment["POETRY_SOLVER_MIN_RELEASE_AGE"] = "3"
    setting = Setting(clients, tmp_path, [served.running.simple_url])
    installer = INSTALLERS[client]
    installer.lock(setting, name, options=DELAYS[client]).succeeded()
    assert installer.locked(setting) == {name: "2.0"}
    installer.lock(setting, f"{name}>2", options=DELAYS[client]).failed()


def _make_older(served: Served, name: str, days: dict[str, int]) -> None:
    """Before anybody has seen the project's page: upload times are nothing that ever changes."""
    with served.running.index.database.write() as session:
        for file in session.scalars(select(File).where(File.filename.startswith(f"{name}-"))):
            file.uploaded = now() - timedelta(days=days[file.release.version])
