"""A real mail server on loopback, for as long as a test: aiosmtpd, with STARTTLS and log-in."""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: Seconds after which mail that has not come never will.
ENOUGH = 60.0
USER, PASSWORD = "pypi-lite", "an SMTP secret"


class Postbox:
    """What has arrived, and what the server is to answer."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        #: Answers to the next messages, in place of taking them.
        self.refusals: list[str] = []
        self.attempts = 0
        self.port = 0
        self._arrived = threading.Condition()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        with self._arrived:
            self.attempts += 1
            if self.refusals:
                self._arrived.notify_all()
                return self.refusals.pop(0)
            message = message_from_bytes(envelope.content, policy=policy.default)
            self.messages.append(message)
            self.recipients.append(envelope.rcpt_tos)
            self._arrived.notify_all()
        return "250 OK"

    def wait(self, number: int = 1) -> list[EmailMessage]:
        """The messages, once there are so many."""
        self._wait(lambda: len(self.messages) >= number)
        assert len(self.messages) == number, [m["Subject"] for m in self.messages]
        return self.messages

    def wait_attempts(self, number: int) -> None:
        """Return when so many messages were offered."""
        self._wait(lambda: self.attempts >= number)

    def _wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + ENOUGH
        with self._arrived:
            while not is_so():
                assert self._arrived.wait(deadline - time.monotonic()), [
                    m["Subject"] for m in self.messages
                ]


@contextmanager
def postbox(certificate: Path | None = None) -> Iterator[Postbox]:
    """A server; with a *certificate* (and its key, one file) it wants STARTTLS, USER and PASSWORD."""
    box = Postbox()
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        options = {
            "tls_context": context,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": _authenticate,
        }
    loop = asyncio.new_event_loop()
    # Not aiosmtpd's Controller: it can't have a port that the system chooses.
    making = loop.create_server(lambda: SMTP(box, loop=loop, **options), "127.0.0.1", 0)
    server = loop.run_until_complete(making)
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(ENOUGH)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def certificate(path: Path) -> Path:
    """A certificate of 127.0.0.1 that vouches for itself, with its key, in the file *path*."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _authenticate(
    _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any
) -> AuthResult:
    is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)
