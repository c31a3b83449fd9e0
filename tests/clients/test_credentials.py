"""Credentials that clients find by themselves: in an address, in a keyring (C16)."""

from pathlib import Path

from tests.clients.conftest import Served, written
from tests.clients.tools import Clients
from tests.distributions.build import wheel

#: The keyring's own command line, for one address.
_KEYRING = """\
#!/bin/sh
echo "$@" >> {log}
test "$1 $2 $3" = "get {url} __token__" && echo {token}
"""


def test_who_may_read_anyway_is_not_stopped_by_credentials(
    served: Served, clients: Clients, venv: Path, name: str
) -> None:
    """They are sent with every request to the host, whether right or wrong."""
    served.upload(wheel(name, "1.0"), wheel(name, "2.0"))
    for user in (f"__token__:{served.token}", "nobody:wrong"):
        url = served.running.simple_url.replace("://", f"://{user}@")
        knowing = Clients(clients.home, url)
        knowing.pip_install(venv, f"{name}==1.0").succeeded()
        assert clients.installed(venv) == {name: "1.0"}
        knowing.uv_pip(venv, "install", f"{name}==2.0").succeeded()
        assert clients.installed(venv) == {name: "2.0"}


def test_uv_publishes_with_a_token_from_the_keyring(
    served: Served, clients: Clients, name: str, tmp_path: Path
) -> None:
    url, log = served.running.upload_url, tmp_path / "asked"
    (tmp_path / "bin").mkdir()
    keyring = tmp_path / "bin" / "keyring"
    keyring.write_text(_KEYRING.format(log=log, url=url, token=served.token))
    keyring.chmod(0o755)
    files = written(tmp_path, wheel(name, "1.0"))
    path = f"{keyring.parent}:{clients.environment['PATH']}"
    options = ("--keyring-provider", "subprocess", "--username", "__token__")
    clients.uv_publish(url, *options, *files, PATH=path).succeeded()
    assert list(served.page_of(name)) == [files[0].name]
    assert url in log.read_text()
