"""The figures of a running index: each measured once, after a look at what it answers.

Pages are asked for as HTML, which all indexes have; installers ask for JSON, which pypiserver lacks and
which devpi makes more slowly. Each request of a client here has a connection of its own, wrk keeps its
connections.
"""

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from html.parser import HTMLParser
from itertools import count
from urllib.parse import urljoin

from benchmarks import corpus, serving
from benchmarks.indexes import Index, Writable
from benchmarks.table import Row
from tests.clients import raw

CONNECTIONS = (1, 8, 32)
#: The project that uploads go to.
UPLOADED = "uploaded"
_UPLOADS = 5  # for one figure
_UPLOAD_BYTES = 100_000
_HTML = {"Accept": raw.HTML}


@dataclass
class Running:
    """An index, and its server."""

    index: Writable
    server: serving.Server

    @property
    def name(self) -> str:
        """The head of its column."""
        return self.index.name

    @cached_property
    def credentials(self) -> dict[str, str]:
        """The headers of an upload."""
        return self.index.credentials()


#: Measures a figure: its value, and a note for the reader or nothing.
Measure = Callable[[Running], tuple[float, str]]


@dataclass(frozen=True)
class Page:
    """A page that is measured: what it is called, where it is, and the texts of its links."""

    title: str
    url: Callable[[Index], str]
    links: frozenset[str]


@dataclass
class Figures:
    """All figures that are measured under load, of indexes filled with a corpus of *sizes*."""

    sizes: corpus.Sizes
    seconds: int  # of each load
    _versions: "count[int]" = field(default_factory=count)

    def all(self) -> Iterator[tuple[Row, Measure]]:
        """Each row of the table, and how its values are measured."""
        for page in self._pages():
            for connections in CONNECTIONS:
                yield _rate(page.title, connections), partial(self._page, page, connections)
        for connections in CONNECTIONS:
            title = f"304 for {self.sizes.files} files"
            yield _rate(title, connections), partial(self._not_modified, connections)
        for connections in CONNECTIONS[:2]:
            title = f"download of {self.sizes.heavy / 1e6:g} MB"
            yield _rate(title, connections, "MB/s"), partial(self._download, connections)
        upload = f"upload of {_UPLOAD_BYTES // 1000} KB"
        yield Row(f"{upload}, until the 200", "ms"), partial(self._upload, False)
        yield Row(f"{upload}, until the page shows it", "ms"), partial(self._upload, True)

    def _pages(self) -> Iterator[Page]:
        for project, files in (
            (corpus.sample(0), self.sizes.files),
            (corpus.LARGE, self.sizes.large),
        ):
            names = frozenset(file.filename for file in corpus.files_of(project, files))
            url = partial(_url_of_page, project)
            yield Page(f"simple page of {files:,} files", url, names)
        projects = frozenset(corpus.project_names(self.sizes))
        yield Page(f"root list of {len(projects):,} projects", _url_of_list, projects)

    def _page(self, page: Page, connections: int, one: Running) -> tuple[float, str]:
        """Requests a second."""
        url = page.url(one.index)
        found = links(url).keys() - {UPLOADED}
        if found != page.links:
            raise SystemExit(
                f"{url} has {len(found)} links, and not the {len(page.links)} expected"
            )
        return self._load(one, url, _HTML, connections)

    def _not_modified(self, connections: int, one: Running) -> tuple[float, str]:
        """Requests a second that ask whether the page is another by now."""
        url = one.index.page(corpus.sample(0))
        answer = raw.get(url, _HTML)
        tag, moment = answer.headers.get("etag"), answer.headers.get("last-modified")
        conditions = {"If-None-Match": tag, "If-Modified-Since": moment}
        headers = _HTML | {name: value for name, value in conditions.items() if value}
        status = raw.get(url, headers).status
        if headers == _HTML and status == 200:
            note = "its pages have neither tag nor date: a 200"
        elif status == 304:
            note = ""
        else:
            raise SystemExit(f"{url} is answered with {status} where nothing has changed")
        rate, errors = self._load(one, url, headers, connections)
        return rate, errors or note

    def _download(self, connections: int, one: Running) -> tuple[float, str]:
        """MB a second of the large wheel."""
        file = corpus.Distribution(corpus.HEAVY, "1.0", padding=self.sizes.heavy)
        url = links(one.index.page(corpus.HEAVY))[file.filename].partition("#")[0]
        content = file.content()
        if raw.get(url).body != content:
            raise SystemExit(f"{url} is not {file.filename}")
        rate, errors = self._load(one, url, {}, connections)
        return rate * len(content) / 1e6, errors

    def _load(
        self, one: Running, url: str, headers: dict[str, str], connections: int
    ) -> tuple[float, str]:
        """Load *url*, and leave the server at rest for the next."""
        load = serving.load(url, connections, self.seconds, headers)
        one.server.rest()
        return load.rate, load.errors

    def _upload(self, until_visible: bool, one: Running) -> tuple[float, str]:
        """Milliseconds from the beginning of an upload, the median of some."""
        some = [self._upload_once(one, until_visible) for _ in range(_UPLOADS)]
        return statistics.median(some) * 1000, ""

    def _upload_once(self, one: Running, until_visible: bool) -> float:
        version = f"1.{next(self._versions)}"
        file = corpus.Distribution(UPLOADED, version, padding=_UPLOAD_BYTES)
        body, content_type = _form(file)
        headers = {"Content-Type": content_type, **one.credentials}
        url, page = one.index.upload_url, one.index.page(UPLOADED)
        began = time.monotonic()
        answer = raw.request("POST", url, headers, body)
        while until_visible and file.filename not in raw.get(page, _HTML).text:
            if time.monotonic() > began + serving.ENOUGH:
                raise SystemExit(f"{page} does not show {file.filename}")
        seconds = time.monotonic() - began
        if answer.status != 200 or file.filename not in links(page):
            raise SystemExit(f"{url}: {file.filename} is answered with {answer.status}")
        return seconds


def links(url: str) -> dict[str, str]:
    """The addresses on a page, by their text. Raises SystemExit: there is no such page."""
    answer = raw.get(url, _HTML)
    if answer.status != 200:
        raise SystemExit(f"{url} is answered with {answer.status}")
    parser = _Links()
    parser.feed(answer.text)
    return {text: urljoin(url, target) for text, target in parser.found.items()}


class _Links(HTMLParser):
    """The links of a page, by their text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._target: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._target = dict(attrs).get("href")

    def handle_data(self, data: str) -> None:
        if self._target is not None and data.strip():
            self.found[data.strip().strip("/")] = self._target
            self._target = None


def _form(file: corpus.Distribution) -> tuple[bytes, str]:
    """The upload API's form, as short as all indexes take it; the body and its type."""
    content = file.content()
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": file.project,
        "version": file.version,
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
    }
    return raw.multipart(fields, (file.filename, content))


def _rate(title: str, connections: int, unit: str = "req/s") -> Row:
    plural = "s" if connections > 1 else ""
    return Row(f"{title}, {connections} connection{plural}", unit, more_is_better=True)


def _url_of_page(project: str, index: Index) -> str:
    return index.page(project)


def _url_of_list(index: Index) -> str:
    return index.simple
