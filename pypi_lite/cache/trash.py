"""Removing what was swept, a little at a time: whoever does it has a client that waits."""

import os
from math import inf

#: Files and folders that a change removes at most: more than it sweeps itself, mostly, so that what a
#: sweep of many keys has left goes with the next changes.
A_LITTLE = 5_000


def remove(path: str, most: float = inf) -> float:
    """Remove *path*, and what is in it, but no more than *most* files and folders; what is left of
    that number. What can't be removed now stays: another may be at it too."""
    try:
        if os.path.islink(path):  # in a folder's place; what it leads to is not ours
            os.unlink(path)
            return most - 1
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    most = remove(entry.path, most)
                else:
                    os.unlink(entry.path)
                    most -= 1
                if most <= 0:
                    return 0
        os.rmdir(path)
    except OSError:
        pass
    return most - 1
