"""The pinned clients, each in a virtual environment of its own, made once for a checkout.

Usage: python -m tests.clients.installing       (`make .venv-clients/installed`; needs PyPI)

`environment` makes what is missing when a test asks for it. What the clients need themselves is pinned
too, in constraints.txt, so that the same clients run tomorrow; pdm brings its own pins.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

#: Python 3.12 took away what pip 22.3 imports.
OLDEST_PIP = "22.3" if sys.version_info < (3, 12) else "23.2.1"
#: All the clients and their versions. pdm 2.29.4 needs a certifi that is not on PyPI yet, and without
#: its own pins 2.29.3 gets an unearth that it does not work with.
PINNED = {
    "pip": ("pip==26.3",),
    "oldest-pip": (f"pip=={OLDEST_PIP}",),
    "uv": ("uv==0.13.9",),
    "poetry": ("poetry==2.5.1",),
    "pdm": ("pdm[locked]==2.29.3",),
    "hatch": ("hatch==1.18.2",),
    "flit": ("flit==4.2.0",),
    "twine": ("twine==7.0.0",),
    # Libraries that read simple pages, and pip, whose parser is asked as a library too.
    "readers": ("pypi-simple==1.8.0", "mousebender==2025.1", "unearth==0.19.0", "pip==26.3"),
}
#: What is no client: a provider of single sign-on.
SERVERS = {"provider": ("Canaille[oidc]==0.3.6",)}

_FOLDER = Path(__file__).parents[2] / ".venv-clients"
_CONSTRAINTS = Path(__file__).with_name("constraints.txt")
_MADE_OF = "made-of.txt"
_SECONDS = 600.0


class NotInstalled(Exception):
    """A client is not here and could not be installed; the text is pip's."""


def environment(client: str) -> Path:
    """The virtual environment of *client*, a key of PINNED or SERVERS, made if need be.

    Raises NotInstalled.
    """
    requirements = (PINNED | SERVERS)[client]
    folder = _FOLDER / "-".join([client, requirements[0].partition("==")[2]])
    made_of = "\n".join([sys.version, *requirements, _CONSTRAINTS.read_text()])
    _FOLDER.mkdir(exist_ok=True)
    # Two runs of the tests at once: the second waits for what the first installs.
    with (_FOLDER / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = folder / _MADE_OF
        if not mark.exists() or mark.read_text() != made_of:
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder, requirements)
            mark.write_text(made_of)
    return folder


def _make(folder: Path, requirements: tuple[str, ...]) -> None:
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    pip = (sys.executable, "-m", "pip", "--python", str(folder), "--retries", "10")
    brings_pins = any("[locked]" in requirement for requirement in requirements)
    constraints = () if brings_pins else ("--constraint", str(_CONSTRAINTS))
    _run(*pip, "install", "--quiet", "--only-binary", ":all:", *constraints, *requirements)


def _run(*command: str) -> None:
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_SECONDS, check=False, env=environment
    )
    if done.returncode != 0:
        raise NotInstalled(done.stderr)


def main() -> int:
    """Make all environments."""
    for client in PINNED | SERVERS:
        try:
            print(environment(client).name)
        except NotInstalled as error:
            print(f"{client}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
