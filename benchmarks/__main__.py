"""All of pypi_lite's own figures, module after module, each as a table.

Usage: python -m benchmarks [--quick]

Each module runs in a process of its own. The exit status is 1 if one of them failed.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

#: The modules, and what makes each quick.
MODULES = {
    "pages": ("--rounds", "1", "--seconds", "1"),
    "hit": ("--calls", "1000"),
    "workers": ("--rounds", "1", "--seconds", "1"),
    "front": ("--rounds", "1", "--seconds", "1"),
    "clients": ("--quick",),
    "misses": ("--quick",),
    "uploads": ("--quick",),
    "sustained": ("--quick",),
    "sizes": ("--quick",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them; the exit status."""
    parser = argparse.ArgumentParser(description="All of pypi_lite's own figures.")
    parser.add_argument("--quick", action="store_true", help="only to see whether they work")
    options = parser.parse_args(arguments)
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    print(f"{moment}, Python {sys.version.split()[0]}, {os.cpu_count()} cores", flush=True)
    status = 0
    for name, quick in MODULES.items():
        print(f"\n### {name}\n", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *(quick if options.quick else ())]
        if subprocess.run(command, check=False).returncode:
            print("failed", flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
