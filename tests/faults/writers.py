"""Writers: through the upload API, the command line and the repository's own functions, in turn."""

import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from tests.clients import raw
from tests.distributions.build import wheel
from tests.faults.authority import HOLDERS, KEPT, is_kept
from tests.faults.forms import BROKEN, Person
from tests.faults.ledger import FileFact
from tests.faults.oracle import Delete, Oracle
from tests.faults.server import Server

_ORDER_SECONDS = 90.0
_ACTIONS = {
    "yank": "release.yank",
    "unyank": "release.unyank",
    "delete_file": "file.delete",
    "delete_release": "release.delete",
    "delete_project": "project.delete",
    "set_status": "project.status",
}
#: Changes of who may read a project.
_AUTHORITY = {
    "set_visibility": "project.visibility",
    "grant": "role.grant",
    "revoke": "role.revoke",
}
#: Projects that are written to again and again.
_HOT = 5
_numbers = itertools.count(1000)


def new_file(project: str, version: str | None = None) -> FileFact:
    """A file that nobody has sent yet; without *version* of a new one."""
    number = next(_numbers)
    version = version or f"1.{number}"
    filename, content = wheel(project, version, tag=f"py3-none-linux_{number}")
    digest = hashlib.sha256(content).hexdigest()
    return FileFact(project, version, filename, content, digest)


def kill(pid: int) -> None:
    """SIGKILL, if the process is still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _is_refusal(text: str) -> bool:
    """Whether a text says that the change was not made, for sure."""
    return "was not published" in text or "could not be stored" in text


class Writer(threading.Thread):
    """Makes one change after another until it is told to stop; some are cut short."""

    def __init__(
        self,
        number: int,
        server: Server,
        token: str,
        oracle: Oracle,
        seed: int,
        *,
        url: str,
        child: "subprocess.Popen[str] | None" = None,
        imports: bool = False,
    ) -> None:
        """*child* obeys `tests.faults.child`'s orders; without it there are uploads only.

        *url* is where uploads go: the server's own address, or that of a front server.
        """
        super().__init__(daemon=True, name=f"writer {number}")
        self._number = number
        self._server = server
        self._url = url
        self._token = token
        self._person = Person(url)
        self._oracle = oracle
        self._imports = imports
        self._dice = random.Random(f"{seed} writer {number}")
        self._over = threading.Event()
        self._names = itertools.count()
        self._child = child
        self._import_seconds = 2.0

    def stop(self) -> None:
        """Ask it to end after the change in hand."""
        self._over.set()

    def run(self) -> None:
        acts = [(self._upload, 9), (self._fill_form, 4), (self._change, 10), (self._patch, 4)]
        acts.append((self._hide, 6))
        if self._imports:
            acts.append((self._import, 1))
        functions, weights = zip(*acts, strict=True)
        try:
            self._hear()  # the child is ready
            while not self._over.is_set():
                self._dice.choices(functions, weights)[0]()
        except Exception as error:
            self._oracle.violation(f"{self.name} failed: {error!r}")

    def settle(self) -> None:
        """Send each upload whose outcome is unknown once more, now that nobody is killed."""
        for fact in self._unknown():
            self._send(fact)

    # The upload API

    def _upload(self) -> None:
        known = self._oracle.choose()
        unknown = self._unknown()
        what = self._dice.random()
        if unknown and what < 0.1:
            self._send(self._dice.choice(unknown))
        elif known and what < 0.2:
            self._send(self._dice.choice(known[-30:]))
        elif known and what < 0.3:
            self._conflict(self._dice.choice(known[-30:]))
        elif known and what < 0.5:
            fact = self._dice.choice(known[-30:])
            self._send(new_file(fact.project, fact.version))
        else:
            self._send(new_file(self._project()))

    def _unknown(self) -> list[FileFact]:
        """Files whose upload may have come to nothing, and may be tried again."""
        never = self._oracle.never
        return [f for f in self._oracle.choose("unknown") if f.filename not in never]

    def _project(self) -> str:
        """A name that is written to often, or one of its own."""
        what = self._dice.random()
        if what < 0.2:
            return self._dice.choice(KEPT)
        if what < 0.8:
            return f"hot{self._dice.randrange(_HOT)}"
        return f"new{self._number}x{next(self._names)}"

    def _send(self, fact: FileFact) -> None:
        self._oracle.look_at(fact.project)
        is_first = fact.filename not in self._oracle.files
        work = self._oracle.begin_upload([fact])
        is_known = False
        try:
            answer = self._post(fact, fact.content)
            is_known = answer is not None and self._note(fact, answer, is_first)
        finally:
            self._oracle.end(work, [fact.project], is_known=is_known)

    def _post(self, fact: FileFact, content: bytes) -> raw.Answer | None:
        """None: the answer was lost."""
        try:
            fields = {"name": fact.project, "version": fact.version}
            return raw.upload(f"{self._url}legacy/", fact.filename, content, self._token, fields)
        except BROKEN as error:
            self._oracle.count("unknown writes")
            self._oracle.event(f"{self.name}: upload of {fact.filename} unknown: {error!r}")
            self._over.wait(0.05)
            return None

    def _note(self, fact: FileFact, answer: raw.Answer, is_first: bool) -> bool:
        """Tell the oracle; whether the outcome is known."""
        if answer.status == 200:
            serial = int(answer.headers["x-pypi-last-serial"])
            is_new = "was here already" not in answer.text
            self._oracle.acknowledge_upload(fact, serial, is_new)
            self._oracle.count("acknowledged writes")
            return True
        self._oracle.event(f"{self.name}: {fact.filename}: {answer.status} {answer.text[:150]}")
        if answer.status == 503 and _is_refusal(answer.text):
            self._refused(fact, is_first)
            return True
        if answer.status == 409 and fact.is_doubtful:
            self._oracle.count("refused writes")
            return True
        if answer.status in (
            502,
            503,
            504,
        ):  # the database's connection broke, perhaps in its COMMIT
            self._oracle.count("unknown writes")
            return False
        self._oracle.violation(
            f"{self.name}: upload of {fact.filename}: {answer.status} {answer.text[:300]}"
        )
        return False

    def _refused(self, fact: FileFact, is_first: bool) -> None:
        self._oracle.count("refused writes")
        if is_first and self._dice.random() < 0.5:
            self._oracle.never.add(fact.filename)  # a change that is refused must never show

    def _conflict(self, fact: FileFact) -> None:
        """Other bytes under a name that is taken are refused, whatever happens."""
        other = wheel(fact.project, fact.version, summary="Other bytes")[1]
        answer = self._post(fact, other)
        if answer is None:
            return
        if answer.status not in (409, 502, 503, 504):
            self._oracle.violation(f"other bytes as {fact.filename}: {answer.status}")
        self._oracle.count("refused writes")

    # The web form

    def _fill_form(self) -> None:
        """A few files at once, as a person would."""
        facts = [new_file(self._project()) for _ in range(self._dice.randrange(1, 4))]
        self._oracle.look_at(facts[0].project)
        work = self._oracle.begin_upload(facts)
        is_known = False
        try:
            is_known = self._submit(facts)
        finally:
            self._oracle.end(work, [f.project for f in facts], is_known=is_known)

    def _submit(self, facts: list[FileFact]) -> bool:
        """Send the form and tell the oracle; whether the outcome of each file is known."""
        try:
            results = self._person.upload([(f.filename, f.content) for f in facts])
        except BROKEN as error:
            self._oracle.count("unknown writes", len(facts))
            self._oracle.event(f"{self.name}: a form is unknown: {error!r}")
            self._over.wait(0.05)
            return False
        for fact in facts:
            is_published, text = results[fact.filename]
            if is_published:
                self._oracle.acknowledge_upload(fact, None, True)
                self._oracle.count("acknowledged writes")
            elif _is_refusal(text):
                self._refused(fact, True)
            elif not fact.is_doubtful:
                self._oracle.violation(f"{self.name}: {fact.filename} by form: {text}")
        return True

    # The command line

    def _import(self) -> None:
        facts = [new_file(self._project()) for _ in range(self._dice.randrange(2, 5))]
        folder = self._server.folder / f"import-{self._number}-{next(self._names)}"
        folder.mkdir()
        self._oracle.look_at(facts[0].project)
        for fact in facts:
            (folder / fact.filename).write_bytes(fact.content)
        work = self._oracle.begin_upload(facts)
        is_known = False
        try:
            is_known = self._run_import(folder, facts)
        finally:
            self._oracle.end(work, [f.project for f in facts], is_known=is_known)
            shutil.rmtree(folder)

    def _run_import(self, folder: Path, facts: list[FileFact]) -> bool:
        began = time.monotonic()
        with self._server.popen("import", str(folder)) as process:
            limit = _ORDER_SECONDS
            if is_cut := self._dice.random() < 0.4:
                limit = self._import_seconds * self._dice.uniform(0.6, 1.1)
            try:
                _, errors = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                kill(process.pid)
                process.communicate()
                self._oracle.count("killed commands")
                self._oracle.count("unknown writes", len(facts))
                self._oracle.event(f"{self.name}: import killed: {[f.filename for f in facts]}")
                if not is_cut:
                    self._oracle.violation(f"{self.name}: an import took {limit} seconds")
                return False
        if process.returncode == 0:
            self._import_seconds = time.monotonic() - began
            for fact in facts:
                self._oracle.acknowledge_upload(fact, None, True)
            self._oracle.count("acknowledged writes", len(facts))
            return True
        # Some of them were refused, or their outcome is unknown; all are tried again.
        self._oracle.event(f"{self.name}: import: {errors[-300:]}")
        self._oracle.count("unknown writes", len(facts))
        return False

    # The API of projects and releases

    def _patch(self) -> None:
        known = self._oracle.choose()
        if not known:
            self._upload()
            return
        fact = self._dice.choice(known[-30:])
        reason = f"reason {next(_numbers)}"
        project = f"projects/{fact.project}"
        choices: list[tuple[str, dict[str, Any], str]] = [
            (
                f"{project}/releases/{fact.version}",
                {"yanked": True, "yanked_reason": reason},
                "release.yank",
            ),
            (project, {"status": "deprecated", "status_reason": reason}, "project.status"),
        ]
        if is_kept(fact.project):
            visibility = self._dice.choice(("public", "private"))
            choices.append((project, {"visibility": visibility}, "project.visibility"))
        path, members, action = self._dice.choice(choices)
        self._oracle.look_at(fact.project)
        work = self._oracle.begin_change()
        is_known = False
        try:
            answer = raw.patch(f"{self._url}api/{path}", members, self._token)
            is_known = self._patched(answer, action, fact.project, work)
        except BROKEN as error:
            self._oracle.count("unknown writes")
            self._oracle.event(f"{self.name}: {action} unknown: {error!r}")
            self._over.wait(0.05)
        finally:
            self._oracle.end(work, [fact.project], is_known=is_known)

    def _patched(self, answer: raw.Answer, action: str, project: str, work: str) -> bool:
        """Tell the oracle; whether the outcome is known."""
        if answer.status == 200:
            serial = int(answer.headers["x-pypi-last-serial"])
            self._oracle.acknowledge(serial, action, project, work)
            self._oracle.count("acknowledged writes")
            return True
        if answer.status == 404 or "was not made" in answer.text:
            self._oracle.count("refused writes")
            return True
        if answer.status in (502, 503, 504):
            self._oracle.count("unknown writes")
            return False
        self._oracle.violation(f"{self.name}: {action} of {project}: {answer.status} {answer.text}")
        return False

    # The repository's functions, in a process of their own

    def _change(self) -> None:
        known = self._oracle.choose()
        if len(known) < 6:
            self._upload()
            return
        fact = self._dice.choice(known[-30:])
        change = self._dice.choices(tuple(_ACTIONS), (40, 30, 12, 8, 4, 12))[0]
        roll_back = self._dice.random() < 0.15
        project = fact.project
        arguments = {
            "delete_file": [fact.filename],
            "delete_project": [project],
            "yank": [project, fact.version, f"reason {next(_numbers)}"],
            # Uploads go on: what the other statuses refuse, the oracle would have to know.
            "set_status": [project, "deprecated", f"reason {next(_numbers)}"],
        }.get(change, [project, fact.version])
        delete = None
        if change.startswith("delete"):
            filename = fact.filename if change == "delete_file" else None
            version = fact.version if change == "delete_release" else None
            delete = Delete(project, filename, version)
        self._make(change, project, arguments, delete, roll_back=roll_back)

    def _hide(self) -> None:
        """Change who may read a project."""
        known = {fact.project for fact in self._oracle.choose()}
        project = self._dice.choice(KEPT)
        if project not in known:
            self._send(new_file(project))
            return
        change = self._dice.choice(tuple(_AUTHORITY))
        who = self._dice.choice(HOLDERS)
        arguments = {
            "set_visibility": [
                project,
                self._dice.choice(("public", "internal", "private", "private")),
            ],
            "grant": [project, who, "reader"],
            "revoke": [project, who],
        }[change]
        self._make(change, project, arguments, roll_back=self._dice.random() < 0.1)

    def _make(
        self,
        change: str,
        project: str,
        arguments: list[str],
        delete: Delete | None = None,
        *,
        roll_back: bool,
    ) -> None:
        order = {"change": change, "arguments": arguments, "roll_back": roll_back}
        self._oracle.look_at(project)
        work = self._oracle.begin_change(None if roll_back else delete)
        is_known = False
        try:
            is_known = self._order(order, project, work)
        finally:
            self._oracle.end(work, [project], is_known=is_known)

    def _order(self, order: dict[str, Any], project: str, work: str) -> bool:
        """Have the child obey, or die of it; whether the outcome is known."""
        pauses = [self._dice.choice((0, 0, 0.02, 0.1, 0.2)) for _ in range(2)]
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({**order, "pause": pauses}) + "\n")
        self._child.stdin.flush()
        pid = self._hear()["pid"]
        self._oracle.event(f"{self.name}: {order['change']} {order['arguments']} begins")
        timer = None
        if self._dice.random() < 0.4:
            # Opening the index takes a while; then come the change and its pauses.
            seconds = self._dice.uniform(0.02, 0.15 + sum(pauses))
            timer = threading.Timer(seconds, kill, (pid,))
            timer.start()
        said = self._hear()
        if timer is not None:
            timer.cancel()
            timer.join()
        if "ended" not in said:
            self._hear()
        return self._heard(order, project, work, said)

    def _heard(self, order: dict[str, Any], project: str, work: str, said: dict[str, Any]) -> bool:
        what = f"{self.name}: {order['change']} {order['arguments']}"
        if serial := said.get("serial"):
            action = {**_ACTIONS, **_AUTHORITY}[order["change"]]
            self._oracle.acknowledge(serial, action, project, work)
            self._oracle.count("acknowledged writes")
            return True
        if order["roll_back"] and order["change"] in ("yank", "set_status"):
            # What the journal would have noted; no two reasons are the same.
            reason = order["arguments"][2]
            self._oracle.never |= {reason, f"deprecated: {reason}"}
        self._oracle.event(f"{what}: {said}")
        if "ended" in said:
            self._oracle.count("killed writers")
        for key, count in (("rolled_back", "rolled back"), ("refused", "refused writes")):
            if key in said:
                self._oracle.count(count)
                return True
        self._oracle.count("unknown writes")
        if "ended" not in said and "OperationalError" not in said.get("error", ""):
            self._oracle.violation(f"{what} failed: {said}")
        return False

    def _hear(self) -> dict[str, Any]:
        assert self._child is not None
        assert self._child.stdout is not None
        said: dict[str, Any] = json.loads(self._child.stdout.readline())
        return said
