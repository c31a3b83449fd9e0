"""What clients ask of the index that need not: pages that they know already, whole wheels."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.between import Between, between
from tests.clients.conftest import Served
from tests.clients.installers import INSTALLERS, Setting
from tests.clients.matrix.conftest import rows
from tests.clients.tools import Clients
from tests.distributions.build import wheel


@pytest.fixture
def way(served: Served) -> Iterator[Between]:
    """A way to the index that counts."""
    with between(served.running.url) as carried:
        yield carried


@pytest.mark.parametrize("client", rows(INSTALLERS, quick=["pip", "uv"]), indirect=True)
def test_a_page_that_has_not_changed_is_a_304(
    way: Between, served: Served, clients: Clients, client: str, name: str, tmp_path: Path
) -> None:
    """And one that has changed is seen by the next command, whatever the client's cache has."""
    served.upload(wheel(name, "1.0"))
    # pip keeps nothing that comes without TLS, unless it is told to trust the host.
    del clients.environment["PIP_NO_CACHE_DIR"]
    clients.environment["PIP_TRUSTED_HOST"] = "127.0.0.1"
    setting = Setting(clients, tmp_path, [f"{way.url}simple/"])
    found: list[int] = []
    for _ in range(2):
        INSTALLERS[client].lock(setting, name).succeeded()
        assert INSTALLERS[client].locked(setting) == {name: "1.0"}
        found += [asked.status for asked in way.asked if asked.path == f"/simple/{name}/"]
        way.asked.clear()
    assert found[0] == 200
    assert set(found[1:]) == {304}, found
    served.upload(wheel(name, "2.0"))
    INSTALLERS[client].lock(setting, name).succeeded()
    assert INSTALLERS[client].locked(setting) == {name: "2.0"}


@pytest.mark.parametrize("client", rows(["uv", "poetry", "pip"]), indirect=True)
def test_a_wheel_without_metadata_beside_it_is_read_in_parts(
    served: Served, clients: Clients, client: str, name: str, tmp_path: Path
) -> None:
    """As from an index that does not offer them: the pages are changed on the way."""

    def hide(page: bytes) -> bytes:
        changed, count = re.subn(rb',"(data-dist-info|core)-metadata":\{[^}]*\}', b"", page)
        assert count == 2
        return changed

    ballast = os.urandom(1_000_000)
    served.upload(wheel(name, "1.0", extra_files={f"{name}/ballast.bin": ballast}))
    with between(served.running.url, answered=hide) as carried:
        setting = Setting(clients, tmp_path, [f"{carried.url}simple/"])
        options = ("--use-feature=fast-deps",) if client == "pip" else ()
        INSTALLERS[client].lock(setting, name, options=options).succeeded()
        wheels = [asked for asked in carried.asked if asked.path.endswith(".whl")]
    parts = [asked for asked in wheels if asked.range]
    assert parts
    assert {asked.status for asked in parts} == {206}
