"""Readers: threads that ask for pages, with and without a copy of their own, and check each answer."""

import http.client
import random
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.faults import pages
from tests.faults.oracle import Oracle
from tests.faults.pages import Parsed, Target

#: What a request to a server that is being killed may end with.
BROKEN = (OSError, http.client.HTTPException)
_SECONDS = 60.0
_COPIES = 3
_TRIES = 100
#: Readers that never pause leave the writers no processor.
_PAUSE = 0.005


@dataclass(slots=True)
class Answer:
    """A response; headers have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Requests over one kept connection, or over a new one each."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port)
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, headers: dict[str, str], *, keep: bool = True) -> Answer:
        """GET. Raises one of BROKEN."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self._address, timeout=_SECONDS)
        try:
            self._connection.request("GET", path, headers=headers)
            response = self._connection.getresponse()
            body = response.read()
        except BROKEN:
            self.close()
            raise
        if not keep:
            self.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, body)

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Checker:
    """One client with a memory: it knows its copies of each page, and what it has seen last."""

    def __init__(self, name: str, url: str, oracle: Oracle, dice: random.Random) -> None:
        self.name = name
        self.oracle = oracle
        self.dice = dice
        self.client = Client(url)
        self._copies: dict[tuple[Target, str], list[Parsed]] = {}
        self._newest: dict[Target, int] = {}

    def read(self, target: Target, *, probe: bool = False, plain: bool = False) -> Answer | None:
        """Ask for *target* and check the answer. Raises one of BROKEN, where it got none."""
        encoding = "identity" if plain else self.dice.choice(("identity", "gzip"))
        copies = self._copies.get((target, encoding), [])
        is_conditional = bool(copies) and not plain and self.dice.random() < 0.6
        copy = self.dice.choice(copies) if is_conditional else None
        headers = {"Accept": target.accept, "Accept-Encoding": encoding}
        if copy is not None:
            headers["If-None-Match"] = copy.etag
        before = self.oracle.before(target, probe=probe)
        answer = self.client.get(target.url, headers, keep=self.dice.random() < 0.7)
        parsed = self._parse(target, answer, copy)
        faults = self.oracle.faults(target, before, parsed)
        if parsed.status == 200:
            newest = self._newest.get(target, -1)
            if parsed.serial < newest:
                faults.append(f"serial {parsed.serial}, this reader has seen {newest}")
            self._newest[target] = max(newest, parsed.serial)
            self._copies[target, encoding] = [*copies, parsed][-_COPIES:]
        self.oracle.count("reads")
        if faults:
            status = answer.headers.get("cache-status")
            self.oracle.violation(
                f"{self.name} GET {target.url} {headers}: {answer.status}, {status}, serial"
                f" {parsed.serial}, probe {probe}: {'; '.join(faults)}"
            )
        return answer

    def _parse(self, target: Target, answer: Answer, copy: Parsed | None) -> Parsed:
        """The answer in pieces; of a 304, the copy that it declares to be current."""
        if answer.status == 200:
            return pages.parse(target, 200, answer.headers, answer.body)
        if answer.status == 404:
            return Parsed(404)
        if answer.status != 304:
            return Parsed(answer.status, faults=[f"status {answer.status}: {answer.body[:200]!r}"])
        self.oracle.count("304s")
        if copy is None:
            return Parsed(304, faults=["304 to a request without a condition"])
        serial = int(answer.headers.get("x-pypi-last-serial", "-1"))
        parsed = Parsed(
            200, serial, answer.headers.get("etag", ""), copy.body, copy.files, copy.names
        )
        if (parsed.etag, serial) != (copy.etag, copy.serial):
            parsed.faults = [f"304 as {parsed.etag}, serial {serial}; the copy is {copy.serial}"]
        return parsed


class Reader(threading.Thread):
    """Reads until it is told to stop, most of all what has just been changed."""

    def __init__(self, number: int, url: str, oracle: Oracle, seed: int) -> None:
        super().__init__(daemon=True, name=f"reader {number}")
        self._checker = Checker(self.name, url, oracle, random.Random(f"{seed} reader {number}"))
        self._oracle = oracle
        self._over = threading.Event()

    def stop(self) -> None:
        """Ask it to end after the request in hand."""
        self._over.set()

    def run(self) -> None:
        dice = self._checker.dice
        broken = 0
        while not self._over.is_set():
            try:
                target = self._choose(dice)
                self._checker.read(target, probe=dice.random() < 0.4)
                broken = 0
                self._over.wait(_PAUSE)
            except BROKEN:
                self._oracle.count("broken connections")
                broken += 1
                if broken > _TRIES:
                    self._oracle.violation(f"{self.name}: no answer {broken} times in a row")
                    return
                self._over.wait(0.05)
            except Exception as error:
                self._oracle.violation(f"{self.name} failed: {error!r}")
                return

    def _choose(self, dice: random.Random) -> Target:
        """Most often a page that a change under way alters."""
        focus = list(self._oracle.focus)
        what = dice.random()
        if not focus or what < 0.15:
            return dice.choice(pages.common_targets())
        if what < 0.75:
            return dice.choice(pages.project_targets(dice.choice(focus)))
        facts = self._oracle.choose()
        if facts and what < 0.85:
            fact = dice.choice(facts[-6:])
            return dice.choice(pages.release_targets(fact.project, fact.version))
        return dice.choice(pages.project_targets(dice.choice(self._oracle.projects())))
