"""``python -m tests.fuzz --seconds N [--seed S] [--findings DIR]``: all targets, for that long.

What is found is written to DIR, one file each. The exit status is 1 if there is anything.
"""

import argparse
import hashlib
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.fuzz import wild
from tests.fuzz.targets import Archives, Finding, Uploads

#: Examples at a time: `hypothesis` learns from those of one run.
_EXAMPLES = 200


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(description="Fuzzing of uploads.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--findings", type=Path, default=Path("var/fuzz"))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        archives = Archives(Path(folder), options.seed)
        uploads = Uploads(Path(folder), options.seed)
        seeds = random.Random(options.seed)
        rounds: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.4, archives.run),
            (0.4, uploads.run),
            (0.2, lambda: wild.run(uploads, seeds.randrange(2**32), _EXAMPLES)),
        )
        for part, one in rounds:
            end = time.monotonic() + options.seconds * part
            while time.monotonic() < end:
                try:
                    one()
                except Finding as finding:
                    _note(finding, options.findings, found)
        uploads.close()
    for title, outcomes in ("archives", archives.outcomes), ("uploads", uploads.outcomes):
        print(
            f"{title}: {outcomes.total()}",
            *(f"  {k}: {n}" for k, n in outcomes.most_common()),
            sep="\n",
        )
    print(
        f"findings: {found.total()}",
        *(f"  {what}: {n}" for what, n in found.most_common()),
        sep="\n",
    )
    return 1 if found else 0


def _note(finding: Finding, folder: Path, found: Counter[str]) -> None:
    """Write the first of a kind down."""
    what = str(finding)[:200]
    if what not in found:
        traceback.print_exception(finding)
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(finding.content).hexdigest()[:16]
        (folder / name).write_bytes(finding.content)
        print(f"{folder / name}: {what}", flush=True)
    found[what] += 1


if __name__ == "__main__":
    sys.exit(main())
