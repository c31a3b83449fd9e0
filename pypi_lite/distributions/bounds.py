"""How much work and memory an archive may cost, whatever its bytes are.

All of them are far above what published files need. With them an inspection takes at most some
seconds for each gigabyte that was uploaded, and at most `MAX_MEMORY` bytes of memory;
``tests/distributions/test_hostile.py`` measures it.
"""

KIB, MIB, GIB = 2**10, 2**20, 2**30

#: METADATA or PKG-INFO, whose parser takes many times as much.
MAX_METADATA = 4 * MIB
#: RECORD, which has a line for each member.
MAX_RECORD = 16 * MIB
#: WHEEL and entry_points.txt, each.
MAX_SMALL_FILE = MIB
MAX_MEMBERS = 100_000
#: Characters of one path, and its pieces.
MAX_PATH = 1024
MAX_DEPTH = 64
#: Bytes of a zip's central directory, which is held in memory; and of all paths of a tar.
MAX_DIRECTORY = 16 * MIB
#: What an archive says that it unpacks to: no more than this times its size beyond the free bytes.
MAX_RATIO = 50
RATIO_FREE = 64 * MIB
#: What a tar may unpack to at all: it is unpacked to be listed, a zip is not.
MAX_UNPACKED = 4 * GIB
#: A tar member's headers: it may carry extended ones, which are held in memory.
MAX_TAR_HEADER = MIB
#: A wheel that unpacks to no more than this has every member hashed, and compared with RECORD.
MAX_HASHED = 16 * MIB

MAX_MEMORY = 256 * MIB


def most_unpacked(size: int) -> int:
    """The bytes that an archive of *size* bytes may unpack to."""
    return max(RATIO_FREE, MAX_RATIO * size)
