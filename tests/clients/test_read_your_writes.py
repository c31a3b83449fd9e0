"""When an upload's 200 has arrived every page shows the file, whichever worker is asked."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urljoin

from tests.clients import raw
from tests.clients.conftest import Served
from tests.distributions.build import wheel

UPLOADS = 50
PROJECTS = 10


def test_every_page_shows_an_upload_at_once(served: Served, name: str) -> None:
    """Read twice after each: the first answer makes a page, the second finds it, or should."""
    running = served.running
    worked = {pid: _seconds(pid) for pid in running.worker_pids()}
    assert len(worked) == 2
    with ThreadPoolExecutor(4) as readers:
        for number in range(UPLOADS):
            project, version = f"{name}-{number % PROJECTS}", f"1.{number // PROJECTS}"
            filename, content = wheel(project, version)
            served.upload((filename, content))
            expected = {
                f"simple/{project}/": (raw.HTML, f">{filename}</a>"),
                f"simple/{project}/?format={quote(raw.JSON)}": ("*/*", f'"{filename}"'),
                "simple/": (raw.HTML, f">{project}</a>"),
                f"pypi/{project}/json": ("*/*", f'"filename":"{filename}"'),
            }
            asked = [(path, *wanted) for path, wanted in expected.items()] * 2
            asked += [
                (f"simple/{project}/", raw.JSON, f'"{filename}"'),
                ("simple/", raw.JSON, f'"{project}"'),
            ] * 2
            answers = readers.map(
                lambda it: raw.get(running.url + it[0], {"Accept": it[1]}).text, asked
            )
            for (path, accept, text), answer in zip(asked, answers, strict=True):
                assert text in answer, (number, path, accept)
    # Both workers have been at it, a hundredth of a second at least.
    assert all(_seconds(pid) > before for pid, before in worked.items())


def test_every_page_forgets_what_it_showed(served: Served, name: str) -> None:
    """The pages that were kept are those of the last upload, byte for byte."""
    for number in range(5):
        filename, content = wheel(name, f"1.{number}")
        served.upload((filename, content))
        kept = [served.running.page(name) for _ in range(4)]
        made = raw.get(f"{served.running.simple_url}{name}/?x=1", {"Accept": raw.JSON})
        assert kept[-1].headers["cache-status"] == "pypi_lite; hit"
        assert made.headers["cache-status"] == "pypi_lite; fwd=bypass; detail=query"
        assert {answer.body for answer in kept} == {made.body}
        assert {answer.headers["etag"] for answer in kept} == {made.headers["etag"]}
        url = urljoin(f"{served.running.simple_url}{name}/", made.files()[filename]["url"])
        assert hashlib.sha256(raw.get(url).body).hexdigest() == hashlib.sha256(content).hexdigest()


def _seconds(pid: int) -> int:
    """What the process has used of its processors, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
