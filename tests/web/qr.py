"""What a camera reads from the QR code on a page."""

import re
from typing import Any

import zxingcpp

#: Pixels of a module, which is more than the decoder needs.
_SCALE = 4
_VIEW = re.compile(r"M0 0h([0-9]+)v([0-9]+)h-\1z\Z")
#: A way along rows of modules: to a place, by a way from where one is, or drawn to the right.
_STEP = re.compile(r"([Mm])(-?[0-9.]+) (-?[0-9.]+)|h([0-9]+)")


def read_qr(svg: Any) -> str | None:
    """The text of the code that the element *svg* draws; None: nothing can read it.

    The element is one of segno's: a white square, and lines one module thick.
    """
    light, dark = svg.select("path")
    assert (light["fill"], dark["stroke"]) == ("#fff", "#000")
    square = _VIEW.match(light["d"])
    assert square is not None
    modules = int(square[1])
    rows = [bytearray(b"\xff" * modules) for _ in range(modules)]
    assert _STEP.sub("", dark["d"]) == ""
    x = y = 0.0
    for step in _STEP.finditer(dark["d"]):
        if step[4]:
            first, x = int(x), x + int(step[4])
            rows[int(y)][first : int(x)] = bytes(int(step[4]))
        elif step[1] == "M":
            x, y = float(step[2]), float(step[3])
        else:
            x, y = x + float(step[2]), y + float(step[3])
    size = modules * _SCALE
    pixels = b"".join(_wide(row) * _SCALE for row in rows)
    found = zxingcpp.read_barcode(
        memoryview(pixels).cast("B", (size, size)), formats=zxingcpp.BarcodeFormat.QRCode
    )
    return None if found is None else str(found.text)


def _wide(row: bytearray) -> bytes:
    return b"".join(bytes([module]) * _SCALE for module in row)
