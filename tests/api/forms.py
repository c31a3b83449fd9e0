"""Upload forms, byte for byte as the real clients send them (U03)."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from webtest import TestApp

from pypi_lite.distributions import parse_filename

File = tuple[str, bytes]
Fields = list[tuple[str, str]]
BOUNDARY = "----a-boundary-of-the-tests"


@dataclass
class Form:
    """A form with a file. *part_type* is the Content-Type of the file's part, if it has one."""

    fields: Fields
    file: File | None
    part_type: str | None = "application/octet-stream"
    headers: tuple[tuple[str, str], ...] = ()

    def without(self, *names: str) -> "Form":
        """The form without the fields of these names."""
        fields = [(name, value) for name, value in self.fields if name not in names]
        return Form(fields, self.file, self.part_type, self.headers)

    def having(self, **values: str) -> "Form":
        """The form with these values in place of its own; ``action`` is ``:action``."""
        renamed = {":action" if n == "action" else n: value for n, value in values.items()}
        form = self.without(*renamed)
        return Form(form.fields + list(renamed.items()), form.file, form.part_type, form.headers)

    def holding(self, file: File | None) -> "Form":
        """The same fields with another file, or none."""
        return Form(self.fields, file, self.part_type, self.headers)

    def body(self) -> bytes:
        """The multipart body."""
        parts = [field(name, value) for name, value in self.fields]
        if self.file is not None:
            parts.append(file_part(*self.file, part_type=self.part_type))
        return body_of(parts)


def field(name: str, value: str) -> bytes:
    """A plain field's part."""
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


def file_part(
    filename: str, content: bytes, *, name: str = "content", part_type: str | None = None
) -> bytes:
    """A file's part."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    if part_type:
        head += f"Content-Type: {part_type}\r\n"
    return head.encode() + b"\r\n" + content


def body_of(parts: Iterable[bytes]) -> bytes:
    """A multipart body."""
    boundary = BOUNDARY.encode()
    lines = [b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts]
    return b"".join(lines) + b"--" + boundary + b"--\r\n"


def basic(user: str, password: str) -> str:
    """The Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def post_body(
    app: TestApp,
    body: bytes,
    token: str | None,
    *,
    url: str = "/legacy/",
    status: Any = "*",
    **headers: str,
) -> Any:
    """Send *body*, with whatever answer."""
    sent = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    if token is not None:
        sent["Authorization"] = basic("__token__", token)
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return app.post(url, body, headers=sent, status=status)


def post(
    app: TestApp,
    form: Form,
    token: str | None,
    *,
    url: str = "/legacy/",
    status: Any = 200,
    **headers: str,
) -> Any:
    """Send *form*."""
    return post_body(
        app, form.body(), token, url=url, status=status, **{**dict(form.headers), **headers}
    )


def digests(content: bytes, *names: str) -> Fields:
    """The digest fields of these names."""
    found = {
        "md5_digest": hashlib.md5(content).hexdigest(),
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        "blake2_256_digest": hashlib.blake2b(content, digest_size=32).hexdigest(),
    }
    return [(name, found[name]) for name in names]


def twine(file: File) -> Form:
    """twine 7: no MD5 any more, keywords with a space, licence files one by one."""
    fields = [
        *_common(file),
        ("metadata_version", "2.4"),
        ("summary", "A tiny project"),
        ("license_file", "LICENSE"),
        ("license_file", "NOTICE"),
        ("keywords", "a, b"),
        ("classifiers", "Topic :: Utilities"),
        ("classifiers", "Private :: Do not upload"),
        ("project_urls", "Documentation, https://docs.example.org/"),
        ("description", "Näher\r\nbesehen\r\n"),
        *digests(file[1], "sha256_digest", "blake2_256_digest"),
    ]
    headers = (("User-Agent", "twine/7.0.0"), ("Accept", "*/*"))
    return Form(fields, file, headers=headers)


def uv(file: File) -> Form:
    """uv 0.13: an empty requires_python, plural import names, a part without Content-Type."""
    fields = [
        *_common(file),
        ("metadata_version", "2.5"),
        ("requires_python", ""),
        ("import_names", "foo"),
        ("import_namespaces", "bar"),
        *digests(file[1], "sha256_digest", "blake2_256_digest"),
    ]
    accept = "application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7"
    return Form(fields, file, None, (("Accept", accept), ("User-Agent", "uv/0.13.9")))


def poetry(file: File) -> Form:
    """poetry 2: all digests."""
    fields = [
        *_common(file),
        ("import_names", "foo"),
        ("import_namespaces", "bar"),
        ("requires_dist", "six (>=1.0)"),
        *digests(file[1], "md5_digest", "sha256_digest", "blake2_256_digest"),
    ]
    return Form(fields, file)


def pdm(file: File) -> Form:
    """pdm 2: empty strings for what is not there, and a field of its own."""
    fields = [
        *_common(file),
        ("author", ""),
        ("license", ""),
        ("comment", ""),
        ("gpg_signature", ""),
        ("provides_extras", "fast"),
        ("requires_python", ">=3.8"),
        ("requires_python", "<4"),
        *digests(file[1], "sha256_digest", "md5_digest", "blake2_256_digest"),
    ]
    return Form(fields, file)


def hatch(file: File) -> Form:
    """hatch 1: one import name, interpreters joined by dots."""
    fields = [
        *_common(file),
        ("import_name", "foo"),
        *digests(file[1], "md5_digest", "sha256_digest", "blake2_256_digest"),
    ]
    form = Form(fields, file)
    return form.having(pyversion="cp311.py3") if file[0].endswith(".whl") else form


def flit(file: File) -> Form:
    """flit 4: an old metadata version, no pyversion for an sdist, a part without Content-Type."""
    fields = [
        *_common(file),
        ("metadata_version", "2.3"),
        ("provides", "foo"),
        ("platform", "UNKNOWN"),
        *digests(file[1], "md5_digest", "sha256_digest"),
    ]
    form = Form(fields, file, None)
    return form if file[0].endswith(".whl") else form.without("pyversion")


CLIENTS: dict[str, Callable[[File], Form]] = {
    "twine": twine,
    "uv": uv,
    "poetry": poetry,
    "pdm": pdm,
    "hatch": hatch,
    "flit": flit,
}


def _common(file: File) -> Fields:
    parsed = parse_filename(file[0])
    return [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("name", parsed.project),
        ("version", str(parsed.version)),
        ("filetype", str(parsed.packagetype)),
        ("pyversion", parsed.python_tag),
    ]
