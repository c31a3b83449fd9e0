"""Every kind of page there is, and what an answer says when it is taken to pieces."""

import gzip
import json
import re
import zlib
from dataclasses import dataclass, field

HTML = "text/html"
V1_HTML = "application/vnd.pypi.simple.v1+html"
V1_JSON = "application/vnd.pypi.simple.v1+json"
SIMPLE = (HTML, V1_HTML, V1_JSON)

_LINK = re.compile(r'<a href="[^"#]*?([^"/#]*)#sha256=([0-9a-f]{64})"([^>]*)>([^<]*)</a>')
_NAME = re.compile(r'<a href="([^"/]+)/">')


@dataclass(frozen=True, slots=True)
class Target:
    """One representation of one page."""

    url: str
    accept: str
    kind: str  # index, home, simple, legacy, project, feed, file
    project: str = ""
    version: str | None = None

    @property
    def subject(self) -> str:
        """What its serial is that of: the project, the root list or the home page."""
        return self.project or f" {self.kind}"


@dataclass(slots=True)
class Parsed:
    """An answer in pieces; *faults* is what is wrong with it whatever the index holds."""

    status: int
    serial: int = -1
    etag: str = ""
    body: bytes = b""  # decoded
    raw: bytes = b""  # as it came
    #: By name: digest, and whether it is yanked. None: this kind of page has no list of them.
    files: dict[str, tuple[str, bool]] | None = None
    names: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


def common_targets() -> list[Target]:
    """The pages that belong to no project."""
    home = [Target("/", HTML, "home")]
    home += [Target(f"/rss/{name}.xml", "*/*", "home") for name in ("updates", "packages")]
    return [*home, *(Target("/simple/", m, "index") for m in SIMPLE)]


def project_targets(name: str) -> list[Target]:
    """The pages of a project as a whole."""
    return [
        *(Target(f"/simple/{name}/", media, "simple", name) for media in SIMPLE),
        Target(f"/pypi/{name}/json", "*/*", "legacy", name),
        Target(f"/project/{name}/", HTML, "project", name),
        Target(f"/rss/project/{name}/releases.xml", "*/*", "feed", name),
    ]


def release_targets(name: str, version: str) -> list[Target]:
    """The pages of one release."""
    return [
        Target(f"/pypi/{name}/{version}/json", "*/*", "legacy", name, version),
        Target(f"/project/{name}/{version}/", HTML, "project", name, version),
    ]


def file_target(project: str, filename: str, sha256: str) -> Target:
    """An uploaded file."""
    return Target(f"/files/{project}/{sha256}/{filename}", "*/*", "file", project)


def parse(target: Target, status: int, headers: dict[str, str], body: bytes) -> Parsed:
    """Take a 200 apart."""
    parsed = Parsed(status, etag=headers.get("etag", ""))
    parsed.serial = int(headers.get("x-pypi-last-serial", "-1"))
    if headers.get("content-length") != str(len(body)):
        parsed.faults.append(
            f"Content-Length {headers.get('content-length')}, but {len(body)} bytes"
        )
    try:
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        parsed.body = body
        _read(target, parsed, body.decode())
    except (EOFError, OSError, ValueError, LookupError, zlib.error) as error:
        parsed.faults.append(f"not whole: {error!r}, {len(body)} bytes, the end {body[-60:]!r}")
    return parsed


def _read(target: Target, parsed: Parsed, text: str) -> None:
    if target.accept == V1_JSON:
        _read_json(target, parsed, json.loads(text))
    elif target.kind == "legacy":
        _read_legacy(target, parsed, json.loads(text))
    else:
        end = "</rss>" if target.url.endswith(".xml") else "</html>"
        if not text.rstrip().endswith(end):
            raise ValueError(f"no {end}")
        if target.kind == "index":
            parsed.names = set(_NAME.findall(text))
        elif target.kind == "simple":
            links = _LINK.findall(text)
            parsed.files = {n: (digest, "data-yanked" in rest) for _, digest, rest, n in links}


def _read_json(target: Target, parsed: Parsed, document: dict) -> None:
    if target.kind == "index":
        parsed.names = {project["name"] for project in document["projects"]}
        return
    parsed.files = {
        f["filename"]: (f["hashes"]["sha256"], bool(f["yanked"])) for f in document["files"]
    }


def _read_legacy(target: Target, parsed: Parsed, document: dict) -> None:
    if document["last_serial"] != parsed.serial:
        parsed.faults.append(f"last_serial {document['last_serial']}, header {parsed.serial}")
    lists = document["releases"].values() if target.version is None else [document["urls"]]
    parsed.files = {
        f["filename"]: (f["digests"]["sha256"], bool(f["yanked"])) for fs in lists for f in fs
    }
