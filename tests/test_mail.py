"""Mail: written, and sent to a real server."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pypi_lite import mail
from pypi_lite.mail import MOST_WAITING, Post, one_line, write
from pypi_lite.mailboxes import clean_mailbox, is_mailbox
from pypi_lite.settings import Settings, SettingsError
from tests import postbox as boxes
from tests.postbox import Postbox, certificate, postbox

FROM = "index@example.org"


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as box:
        yield box


def settings(port: int, **more: Any) -> Settings:
    values = {"smtp_host": "127.0.0.1", "smtp_tls": "none", "mail_from": FROM, **more}
    return Settings(smtp_port=port, **values)


@pytest.fixture
def posts() -> Iterator[Callable[[Settings], Post]]:
    """Makes the queue for settings; its pauses are short."""
    made: list[Post] = []

    def make(settings: Settings) -> Post:
        made.append(Post(settings, pauses=(0.01, 0.01)))
        return made[-1]

    yield make
    for post in made:
        post.close()


def reset(settings: Settings, to: str = "ann@example.org", name: str = "ann") -> Any:
    return write(settings, to, "email_changed", name=name)


def test_mail_arrives(box: Postbox, posts: Callable[[Settings], Post]) -> None:
    config = settings(box.port)
    post = posts(config)
    assert post.put(lambda: [reset(config), reset(config, "bo@example.org", "bo")])
    first, second = box.wait(2)
    assert (first["From"], first["To"]) == (FROM, "ann@example.org")
    assert first["Subject"] == "Mail for ann goes elsewhere"
    assert "does not come to this address" in first.get_content()
    assert first["Message-ID"] != second["Message-ID"]
    assert box.recipients == [["ann@example.org"], ["bo@example.org"]]


def test_encrypted_and_logged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, posts: Callable[[Settings], Post]
) -> None:
    path = certificate(tmp_path / "both.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    secret = tmp_path / "password"
    secret.write_text(boxes.PASSWORD + "\n")
    with postbox(path) as box:
        config = settings(
            box.port, smtp_tls="starttls", smtp_user=boxes.USER, smtp_password_file=secret
        )
        posts(config).put(lambda: [reset(config)])
        box.wait()


def test_nothing_is_sent_to_who_can_not_be_trusted(
    tmp_path: Path,
    posts: Callable[[Settings], Post],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither without STARTTLS, nor under a certificate that nobody vouches for."""
    post: list[Post] = []
    with postbox(certificate(tmp_path / "both.pem")) as strange, postbox() as plain:
        for box in (strange, plain):
            config = settings(
                box.port,
                smtp_tls="starttls",
                smtp_user=boxes.USER,
                smtp_password=boxes.PASSWORD,
            )
            post.append(posts(config))
            post[-1].put(lambda config=config: [reset(config)])
        for each in post:
            each.close(boxes.ENOUGH)
        assert (strange.attempts, plain.attempts) == (0, 0)
    assert caplog.text.count("were not sent") == 2
    assert boxes.PASSWORD not in caplog.text


def test_a_wrong_password_is_not_tried_again_nor_logged(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    posts: Callable[[Settings], Post],
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = certificate(tmp_path / "both.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with postbox(path) as box:
        config = settings(
            box.port, smtp_tls="starttls", smtp_user=boxes.USER, smtp_password="wrong one"
        )
        post = posts(config)
        post.put(lambda: [reset(config)])
        post.close(boxes.ENOUGH)
        assert box.attempts == 0
    assert "SMTPAuthenticationError: 535" in caplog.text
    assert "wrong one" not in caplog.text
    assert "ann@example.org" not in caplog.text


def test_what_is_refused_for_now_is_tried_again(
    box: Postbox, posts: Callable[[Settings], Post]
) -> None:
    box.refusals = ["451 not now", "421 nor now"]
    config = settings(box.port)
    posts(config).put(lambda: [reset(config)])
    box.wait()
    assert box.attempts == 3


def test_what_is_refused_for_good_is_given_up_and_the_next_is_sent(
    box: Postbox, posts: Callable[[Settings], Post], caplog: pytest.LogCaptureFixture
) -> None:
    box.refusals = ["554 never: https://index.test/link/?secret=x"]
    config = settings(box.port)
    posts(config).put(lambda: [reset(config, name="first"), reset(config, name="second")])
    (message,) = box.wait()
    assert "second" in message["Subject"]
    assert "554" in caplog.text
    assert "secret" not in caplog.text


def test_where_nobody_listens_it_is_given_up(
    posts: Callable[[Settings], Post], caplog: pytest.LogCaptureFixture
) -> None:
    with postbox() as box:
        config = settings(box.port)
    post = posts(config)
    post.put(lambda: [reset(config)])
    post.close(boxes.ENOUGH)
    assert "ConnectionRefusedError" in caplog.text


def test_a_host_that_does_not_answer_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
    posts: Callable[[Settings], Post],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert mail.TIMEOUT <= 10
    monkeypatch.setattr(mail, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = settings(silent.getsockname()[1])
        post = posts(config)
        post.put(lambda: [reset(config)])
        post.put(lambda: [reset(config)])
        post.close(boxes.ENOUGH)
    assert caplog.text.count("timed out") == 2


def test_a_job_that_fails_keeps_no_other_from_its_turn(
    box: Postbox, posts: Callable[[Settings], Post], caplog: pytest.LogCaptureFixture
) -> None:
    config = settings(box.port)
    post = posts(config)
    post.put(lambda: [1 / 0])  # type: ignore[list-item]
    post.put(lambda: [reset(config)])
    box.wait()
    assert "ZeroDivisionError" in caplog.text


def test_the_queue_has_an_end(posts: Callable[[Settings], Post], box: Postbox) -> None:
    gate = threading.Event()
    config = settings(box.port)
    post = posts(config)

    def blocked() -> list[Any]:
        gate.wait(boxes.ENOUGH)
        return []

    try:
        post.put(blocked)
        took = [post.put(list) for _ in range(MOST_WAITING + 10)]
        assert MOST_WAITING <= sum(took) <= MOST_WAITING + 1
        assert not post.put(list, most_waiting=5)
    finally:
        gate.set()


def test_a_closed_queue_takes_nothing(
    box: Postbox, posts: Callable[[Settings], Post], caplog: pytest.LogCaptureFixture
) -> None:
    config = settings(box.port)
    post = posts(config)
    post.put(lambda: [reset(config)])
    post.close(boxes.ENOUGH)
    assert len(box.messages) == 1
    with caplog.at_level(logging.WARNING):
        assert not post.put(lambda: [reset(config)])


@pytest.mark.parametrize(
    "to",
    [
        "ann@example.org\nBcc: evil@example.org",
        "ann@example.org\r\nSubject: x",
        "ann@example.org\r\n\r\nHello",
    ],
)
def test_no_address_is_a_header(to: str) -> None:
    assert not is_mailbox(to)
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        reset(settings(1), to)


def test_no_text_is_a_header_or_a_second_line() -> None:
    config = settings(1, title="An index\r\nBcc: evil@example.org")
    message = reset(config, name="ann\r\nBcc: evil@example.org\r\n\r\n")
    assert message["Bcc"] is None
    assert one_line("a\r\nb\x1b[1mc\u202ed") == "a  b [1mc d"
    assert one_line("x" * 500) == "x" * 99 + "…"


@pytest.mark.parametrize("text", ["ann@example.org", " A.n+n@Example.ORG ", "a@localhost"])
def test_mail_addresses(text: str) -> None:
    assert clean_mailbox(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "a nn@example.org",
        "ann@exa mple.org",
        "ann@example.org, bo@example.org",
        "ann@@example.org",
        "ann@-example.org",
        "ann@example..org",
        ".ann@example.org",
        "a..n@example.org",
        "<ann@example.org>",
        '"ann"@example.org',
        "ann@example.org\0",
        "änn@example.org",
        "ann@exämple.org",
        "x" * 65 + "@example.org",
        "ann@" + "x." * 130 + "org",
    ],
)
def test_what_is_no_mail_address(text: str) -> None:
    with pytest.raises(ValueError, match="no mail address"):
        clean_mailbox(text)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"mail_from": ""}, "mail_from"),
        ({"mail_from": "ann"}, "mail_from"),
        ({"smtp_tls": "ssl"}, "smtp_tls"),
        ({"smtp_host": "mail.example.org", "smtp_user": "x"}, "encrypted"),
        ({"smtp_user": "x"}, "smtp_password: "),
        ({"smtp_password": "x"}, "smtp_user: "),
        ({"smtp_password_file": Path(__file__)}, "smtp_user: "),
        ({"smtp_user": "x", "smtp_password_file": Path("/nope")}, "smtp_password_file: .* No such"),
        (
            {"smtp_user": "x", "smtp_password": "y", "smtp_password_file": Path("/nope")},
            "smtp_password: .* not both",
        ),
        ({"smtp_host": "127.0.0.1:587"}, "smtp_host: .* smtp_port"),
        ({"smtp_host": "smtp://127.0.0.1"}, "smtp_host: "),
        ({"smtp_host": "[::1]"}, "smtp_host: "),
        ({"smtp_host": "a b"}, "smtp_host: "),
        ({"smtp_host": ""}, "smtp_host: without it"),
    ],
)
def test_settings_that_can_not_work_are_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        settings(25, **more)


def test_the_password_is_in_no_log_of_the_settings() -> None:
    assert "hush" not in repr(settings(25, smtp_user="x", smtp_password="hush"))


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_there_is_not_is_refused(port: int) -> None:
    with pytest.raises(SettingsError, match="smtp_port: "):
        settings(port)


@pytest.mark.parametrize("host", ["mail", "mail.example.org", "::1", "10.0.0.1"])
def test_hosts_that_may_take_mail(host: str) -> None:
    assert settings(0, smtp_host=host).sends_mail


@pytest.mark.parametrize(
    "alone",
    [{"mail_from": FROM}, {"smtp_user": "x"}, {"smtp_password": "x"}, {"smtp_port": 25}],
)
def test_mail_without_a_host_is_refused(alone: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="smtp_host: without it no mail is sent"):
        Settings(**alone)


def test_a_password_that_can_not_be_read_any_more_is_told(
    tmp_path: Path, posts: Callable[[Settings], Post], caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "password"
    secret.write_text(boxes.PASSWORD)
    with postbox() as box:
        config = settings(box.port, smtp_user=boxes.USER, smtp_password_file=secret)
        secret.unlink()
        post = posts(config)
        post.put(lambda: [reset(config)])
        post.close(boxes.ENOUGH)
    assert "1 mails were not sent: SettingsError: smtp_password_file" in caplog.text
