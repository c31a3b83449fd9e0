"""Multipart forms, read as a stream."""

import io
import tracemalloc
from typing import Any

import pytest

from pypi_lite.forms import LONGEST_FIELD, FormError, drain, read_parts
from tests.api.forms import BOUNDARY, body_of, field, file_part


class Source(io.RawIOBase):
    """A body that comes in pieces, and counts what has been read of it."""

    def __init__(self, body: bytes, piece: int = 1 << 30) -> None:
        self._body, self._piece, self.position = body, piece, 0

    def read(self, size: int = -1) -> bytes:
        size = min(self._piece, size if size >= 0 else self._piece)
        found = self._body[self.position : self.position + size]
        self.position += len(found)
        return found


def environ(body: Any, content_type: str = f"multipart/form-data; boundary={BOUNDARY}") -> Any:
    source = Source(body) if isinstance(body, bytes) else body
    return {"CONTENT_TYPE": content_type, "wsgi.input": source}


def read_all(body: Any) -> list[tuple[str, str | None, bytes]]:
    return [(p.name, p.filename, b"".join(p.chunks())) for p in read_parts(environ(body))]


BODY = body_of([field("name", "Näh"), file_part("a.whl", b"\r\n--x\r\n" * 9), field("empty", "")])
READ = [
    ("name", None, "Näh".encode()),
    ("content", "a.whl", b"\r\n--x\r\n" * 9),
    ("empty", None, b""),
]


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 10_000])
def test_parts_come_one_after_the_other_however_the_body_arrives(piece: int) -> None:
    assert read_all(Source(BODY, piece)) == READ


def test_a_part_that_nobody_reads_is_passed_over() -> None:
    assert [part.name for part in read_parts(environ(BODY))] == ["name", "content", "empty"]
    parts = read_parts(environ(BODY))
    first = next(parts)
    assert first.text() == "Näh"
    assert first.text() == ""  # it has been read
    assert next(parts).filename == "a.whl"


def test_a_large_file_takes_little_memory() -> None:
    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.pieces = [body_of([file_part("a.whl", b"")])[:-50]]
            self.left = 200

        def read(self, size: int = -1) -> bytes:
            if self.pieces:
                return self.pieces.pop()
            self.left -= 1
            if self.left > 0:
                return b"x" * size
            return f"\r\n--{BOUNDARY}--\r\n".encode() if self.left == 0 else b""

    head = body_of([file_part("a.whl", b"")])
    source = Endless()
    source.pieces = [head[: head.index(b"\r\n\r\n") + 4]]
    tracemalloc.start()
    (part,) = [part for part in read_parts(environ(source)) if sum(map(len, part.chunks())) > 5e7]
    assert part.filename == "a.whl"
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_fields_have_a_limit() -> None:
    fine = body_of([field("f", "x" * LONGEST_FIELD)])
    assert len(next(read_parts(environ(fine))).text()) == LONGEST_FIELD
    part = next(read_parts(environ(body_of([field("f", "x" * (LONGEST_FIELD + 1))]))))
    with pytest.raises(FormError, match="longer than"):
        part.text()


def test_a_field_is_utf_8() -> None:
    part = next(
        read_parts(environ(body_of([b'Content-Disposition: form-data; name="f"\r\n\r\n\xff'])))
    )
    with pytest.raises(FormError, match="UTF-8"):
        part.text()


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=x",
    ],
)
def test_only_multipart_forms_are_read(content_type: str) -> None:
    with pytest.raises(FormError, match="multipart/form-data"):
        next(read_parts(environ(BODY, content_type)))
    with pytest.raises(FormError):
        next(read_parts({"wsgi.input": Source(BODY)}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing",
        BODY[:-6],
        BODY[: len(BODY) // 2],
        BODY.replace(b"form-data", b"attachment"),
        body_of([b"\r\nno header"]),
        body_of([field("x" * 10_000, "")]),
        body_of([b"Header: x\r\n" * 50 + field("f", "")]),
        BODY.replace(b"form-data", b"form-data\xff"),
    ],
)
def test_a_broken_body_is_an_error_of_the_form(body: bytes) -> None:
    with pytest.raises(FormError):
        read_all(body)


def test_there_is_a_limit_to_the_number_of_parts() -> None:
    with pytest.raises(FormError):
        read_all(body_of([field("f", "")] * 20_001))


def test_draining_reads_to_the_end() -> None:
    source = Source(BODY * 1000, 999)
    drain(environ(source))
    assert source.position == len(BODY) * 1000
