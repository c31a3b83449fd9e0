"""Mutations of bytes, in the manner of AFL: what is damaged a little gets further than noise does."""

import gzip
import random
import struct
import zlib
from collections.abc import Sequence

#: Numbers at which things go wrong.
_NUMBERS = (
    0,
    1,
    7,
    8,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
)
_FORMS = ("<B", "<H", "<L", "<Q", ">L")
_WORDS = (
    *(b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08", b"\x1f\x8b\x08"),
    *(
        b"ustar\0",
        b"ustar  ",
        b"../",
        b"/",
        b"\\",
        b"\0",
        b"\r\n",
        b"\n",
        b"%s",
        b"\xff",
        b"\xc3\xa4",
    ),
    *(
        b"RECORD",
        b"METADATA",
        b"dist-info",
        b"12 path=a\n",
        b"size",
        b"linkpath",
        b"Version: ",
        b'"',
    ),
    *(b"--", b": ", b"; filename=", b'name="', b"Content-Disposition: form-data", b"sha256="),
)


def mutated(chance: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """*content* with a few changes; *others* are what pieces are taken from."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8, 20))):
        _change(chance, changed, others)
    return bytes(changed)


def mutated_tar_gz(chance: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """The tar in *content* mutated, its headers' checksums made right as often as not: behind those
    of gzip and of tar few changes get anywhere."""
    try:
        tar = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return mutated(chance, content, others)
    changed = bytearray(mutated(chance, tar, others))
    if chance.random() < 0.7:
        for at in range(0, len(changed) - 511, 512):
            if changed[at + 257 : at + 262] == b"ustar":
                _correct_checksum(changed, at)
    return gzip.compress(bytes(changed), 1, mtime=0)


def _correct_checksum(tar: bytearray, at: int) -> None:
    tar[at + 148 : at + 156] = b" " * 8
    tar[at + 148 : at + 156] = b"%06o\0 " % sum(tar[at : at + 512])


def _change(chance: random.Random, content: bytearray, others: Sequence[bytes]) -> None:
    kind = chance.randrange(8)
    at = chance.randrange(len(content) + 1)
    if chance.random() < 0.3:
        # Near the end, where zips have what counts.
        at = max(0, len(content) - chance.randrange(200))
    end = min(len(content), at + chance.choice((1, 2, 4, 16, 100, 600)))
    if kind == 0 and at < len(content):
        content[at] ^= 1 << chance.randrange(8)
    elif kind == 1 and at < len(content):
        content[at] = chance.randrange(256)
    elif kind == 2:
        form = chance.choice(_FORMS)
        most = 256 ** struct.calcsize(form)
        number = struct.pack(form, chance.choice(_NUMBERS) % most)
        content[at : at + len(number)] = number
    elif kind == 3:
        del content[at:end]
    elif kind == 4:
        content[at:at] = content[at:end] * chance.choice((1, 1, 2, 50))
    elif kind == 5:
        word = chance.choice(_WORDS)
        content[at : at + chance.choice((0, len(word)))] = word
    elif kind == 6:
        other = chance.choice(others)
        start = chance.randrange(len(other) + 1)
        content[at:end] = other[start : start + chance.choice((4, 46, 512, 2000))]
    else:
        content[at:end] = bytes(end - at)
