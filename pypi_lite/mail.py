"""Mail: written from templates, and sent by one thread of each process, when it comes to it.

A request only puts a job into a bounded queue, after its commit; the thread makes the messages and sends
them, again and again for a while where the other host is away. What can't be sent is given up and logged,
without what the mail says: there are secrets in it. What is queued when a process is killed is lost.
"""

import atexit
import contextlib
import logging
import queue
import smtplib
import ssl
import threading
from collections.abc import Callable, Iterable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import lru_cache
from typing import Any

import jinja2

from pypi_lite.settings import SMTP_PORTS, Settings, SettingsError

log = logging.getLogger(__name__)

#: Makes the messages of one event. It runs in the thread, and may ask the database.
Job = Callable[[], Iterable[EmailMessage]]

#: Jobs that wait. More are dropped.
MOST_WAITING = 1000
#: Seconds that one step of a conversation with the host may take; all other mail waits for it.
TIMEOUT = 10.0
#: Seconds between the attempts to send a job's messages.
PAUSES = (2.0, 15.0, 60.0)
#: Seconds that an ending process waits for what is queued.
GRACE = 5.0
_LAST_TRANSIENT = 499
_LONGEST_SUBJECT = 150


class Post:
    """The queue of one process, and the thread that empties it: started by the first job."""

    def __init__(self, settings: Settings, pauses: tuple[float, ...] = PAUSES) -> None:
        self._settings = settings
        self._pauses = pauses
        self._jobs: queue.Queue[Job | None] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def put(self, job: Job, *, most_waiting: int = MOST_WAITING) -> bool:
        """Have *job* done soon; False: it is dropped, since *most_waiting* wait already."""
        with self._lock:
            # What a job asks for as the thread ends is part of what waited.
            is_late = self._closing.is_set() and threading.current_thread() is not self._thread
            if is_late or self._jobs.qsize() >= most_waiting:
                log.warning("mail was dropped: %d others wait to be sent", self._jobs.qsize())
                return False
            self._jobs.put_nowait(job)
            # A thread of the process that forked this one is not alive here.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="mail", daemon=True)
                self._thread.start()
                atexit.register(self.close)
        return True

    def close(self, seconds: float = GRACE) -> None:
        """Send what waits, for at most so many seconds, and end the thread."""
        with self._lock:
            self._closing.set()
            thread = self._thread
        if thread is not None and thread.is_alive():
            with contextlib.suppress(queue.Full):  # then the thread has enough to wake up for
                self._jobs.put_nowait(None)
            thread.join(seconds)

    def _run(self) -> None:
        while not (self._closing.is_set() and self._jobs.empty()):
            job = self._jobs.get()
            if job is None:  # no job: `close` wants to be seen
                continue
            try:
                self._do(job)
            except Exception:
                log.exception("mail could not be written or sent")

    def _do(self, job: Job) -> None:
        left = list(job())
        for pause in (*self._pauses, None):
            try:
                self._send(left)
            except (OSError, smtplib.SMTPException, SettingsError) as error:
                if pause is None or _is_final(error):
                    log.error("%d mails were not sent: %s", len(left), _describe(error))  # noqa: TRY400
                    return
                self._closing.wait(pause)
            else:
                return

    def _send(self, left: list[EmailMessage]) -> None:
        """Send the messages, and take those that have been sent, or refused for good, from the list."""
        if not left:
            return
        with self._connect() as connection:
            while left:
                message = left[0]
                try:
                    connection.send_message(message, self._settings.mail_from, [message["To"]])
                except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
                    if not _is_final(error):
                        raise
                    log.warning("a mail was refused: %s", _describe(error))
                left.pop(0)

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        port = settings.smtp_port or SMTP_PORTS[settings.smtp_tls]
        context = ssl.create_default_context()
        if settings.smtp_tls == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, port, timeout=TIMEOUT, context=context
            )
        else:
            connection = smtplib.SMTP(settings.smtp_host, port, timeout=TIMEOUT)
        try:
            if settings.smtp_tls == "starttls":
                connection.starttls(context=context)
            if settings.smtp_user:
                connection.login(settings.smtp_user, settings.smtp_secret())
        except BaseException:
            connection.close()
            raise
        return connection


def write(settings: Settings, to: str, template: str, **values: Any) -> EmailMessage:
    """The message to *to* that the template ``mail/<template>.txt`` makes: its subject, then its text.

    Raises ValueError where *to* would be more than one address, or a header of its own.
    """
    context = {"settings": settings, "text": one_line, **values}
    subject, _, text = _templates().get_template(f"{template}.txt").render(context).partition("\n")
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = to
    message["Subject"] = one_line(subject, _LONGEST_SUBJECT)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=settings.mail_from.partition("@")[2])
    # No answers from absence notes and the like (RFC 3834, 5).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text.strip() + "\n")
    return message


def one_line(text: str, longest: int = 100) -> str:
    """*text*, which may be anybody's, as it can stand in a mail: one line, of what can be seen."""
    line = "".join(c if c.isprintable() else " " for c in text[: longest + 1])
    return line if len(line) <= longest else line[: longest - 1] + "…"


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    return jinja2.Environment(  # noqa: S701 # plain text, where nothing is escaped
        loader=jinja2.PackageLoader("pypi_lite.templates", "mail"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _is_final(error: Exception) -> bool:
    """Whether trying again is of no use (RFC 5321, 4.2.1: codes from 500 on)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code > _LAST_TRANSIENT for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code > _LAST_TRANSIENT
    return isinstance(error, (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError))


def _describe(error: Exception) -> str:
    """For the log: no address of a person, no text of a mail, which hosts like to repeat."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"recipient refused: {sorted(code for code, _ in error.recipients.values())}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}: {error.smtp_code}"
    return f"{type(error).__name__}: {error}"
