"""Mail of a server as its operator runs it: from its workers, and before they end."""

from pathlib import Path

from pypi_lite.accounts import users
from pypi_lite.accounts.identity import OPERATOR
from tests.clients.running import RunningIndex
from tests.conftest import new_token, new_user
from tests.distributions.build import wheel
from tests.postbox import postbox


def test_a_worker_sends_what_waits_before_it_ends(tmp_path: Path) -> None:
    with postbox() as box:
        settings = {
            "smtp_host": "127.0.0.1",
            "smtp_port": str(box.port),
            "smtp_tls": "none",
            "mail_from": "index@example.org",
        }
        running = RunningIndex(tmp_path / "index", settings=settings)
        assert running.command("migrate").returncode == 0
        token = new_token(running.index, new_user(running.index, "root", is_admin=True))
        new_user(running.index, "ann")
        with running.index.database.write() as session:
            users.set_email(session, "ann", "ann@example.org", by=OPERATOR)
        try:
            running.start()
            owner = new_token(running.index, "ann")
            box.wait(1)  # of the token, from this process
            assert running.upload(*wheel("foo", "1.0"), owner).status == 200
            box.refusals = ["451 not now"]
            assert running.upload(*wheel("foo", "2.0"), token).status == 200
            box.wait_attempts(2)  # and now it pauses
            assert running.stop() == 0
            subjects = [message["Subject"] for message in box.messages]
            assert subjects == ["A new token of ann", "foo 2.0 was published"]
            assert running.scary_lines() == []
        finally:
            running.close()
