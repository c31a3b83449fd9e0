"""https on loopback: a certificate of the tests' own, and a door that ends TLS in front of a server."""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_CHUNK = 64 * 1024
_SECONDS = 120.0


@dataclass(frozen=True)
class Certificate:
    """The files of a certificate for 127.0.0.1 and of its key, and of the authority to trust for it."""

    authority: Path
    chain: Path
    key: Path


def write_certificate(folder: Path) -> Certificate:
    """A certificate, and an authority of its own: some clients take none that signs itself."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    authority = _builder("authority", "authority", keys[0].public_key(), is_authority=True)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    leaf = _builder("server", "authority", keys[1].public_key(), is_authority=False)
    leaf = leaf.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    made = Certificate(*(folder / f"{name}.pem" for name in ("authority", "chain", "key")))
    for builder, path in ((authority, made.authority), (leaf, made.chain)):
        signed = builder.sign(keys[0], hashes.SHA256())
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        keys[1].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def _builder(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, *, is_authority: bool
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return x509.CertificateBuilder(
        issuer_name=_name(issuer),
        subject_name=_name(subject),
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(days=1),
        not_valid_after=now + datetime.timedelta(days=1),
    ).add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"pypi_lite tests: {text}")])


@contextlib.contextmanager
def tls_door(port: int, certificate: Certificate) -> Iterator[str]:
    """End TLS in front of what listens on *port* of this machine; the new address, with its slash."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context, port), daemon=True)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(_SECONDS)


def _serve(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with contextlib.suppress(OSError):  # the listener is shut down
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_pass_on, args=(client, context, port), daemon=True).start()


def _pass_on(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with contextlib.suppress(OSError), client:
        client.settimeout(_SECONDS)
        server = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
        with server, context.wrap_socket(client, server_side=True) as inside:
            back = threading.Thread(target=_pump, args=(server, inside), daemon=True)
            back.start()
            _pump(inside, server)
            back.join(_SECONDS)


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Everything from the one to the other, and then its end."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
