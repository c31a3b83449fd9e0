"""``pypi-lite serve``."""

import argparse
from dataclasses import replace
from functools import partial

from pypi_lite import make_app
from pypi_lite.application import send_what_waits
from pypi_lite.commands.opening import ini_of
from pypi_lite.commands.parsing import Commands, add_command, positive
from pypi_lite.headers import at_once_of
from pypi_lite.opening import migrate, welcome
from pypi_lite.server import serve
from pypi_lite.settings import DEFAULT_LISTEN, READING_ACCOUNTS, URL, Settings
from pypi_lite.urls import is_loopback

# Multipart's own bytes around a file of the largest size.
_FORM_BYTES = 64 * 1024**2


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "serve", _serve, "serve the index")
    command.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=_address,
        default=DEFAULT_LISTEN,
        help=f"default: {DEFAULT_LISTEN}",
    )
    command.add_argument(
        "--workers", metavar="N", type=positive, default=1, help="processes (default: 1)"
    )


def _serve(options: argparse.Namespace) -> int:
    ini = ini_of(options)
    settings = Settings.from_ini(ini, data=options.data)
    if settings.migrate:
        migrate(settings)

    def on_listening(url: str) -> None:
        nonlocal settings
        here = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
        if URL not in ini:
            settings = replace(settings, url=here)
        if not settings.reading and not is_loopback(options.listen[0]):
            settings = replace(settings, reading=READING_ACCOUNTS)
        welcome(settings, partial(print, flush=True))
        if URL not in ini and here != url:
            print(
                f"It listens on every address: set {URL}, or PYPI_LITE_URL, to the one that others"
                " reach it by.",
                flush=True,
            )

    host, port = options.listen
    return serve(
        lambda: make_app(settings),
        host=host,
        port=port,
        workers=options.workers,
        max_body=settings.max_file_size + _FORM_BYTES,
        trusted_proxies=settings.trusted_proxy,
        on_listening=on_listening,
        at_once_of=lambda app: at_once_of(app.registry),
        on_stopped=send_what_waits,
    )


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"write HOST:PORT, not {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)
