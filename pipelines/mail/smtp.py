"""Hands mails to an SMTP server, one by one, and knows of each what became of it.

Belongs here: one connection and its transactions. Does not belong here: what is mailed and whether again (channel.py,
planning.py).

smtplib's own sendmail() says the end of a mail and waits for the answer in one breath. Here they are apart: until the
end is said the server may deliver nothing (RFC 5321, 4.1.1.4), so whatever fails before can be tried again safely, and
only from there to the server's answer is it uncertain whether the mail was taken (RFC 1047).
"""

import re
import smtplib
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

from glane.errors import WorldError
from pipelines.mail.settings import SmtpSettings


class ServerError(WorldError):
    """The mail server cannot be used now: no mail of this run can be sent."""


class LaterError(WorldError):
    """The server will not take this mail now; it was certainly not taken."""


class RefusedError(WorldError):
    """The server will never take this mail, or none for this address."""


class UncertainError(WorldError):
    """The connection broke after the end of the mail: whether the server took it is not known."""


class Connection:
    """A connection to the server, opened when entered. Raises ServerError where it cannot be used."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        settings = self._settings
        trusted = ssl.create_default_context()
        try:
            if settings.security == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    settings.host, settings.port, timeout=settings.wait, context=trusted
                )
            else:
                server = smtplib.SMTP(settings.host, settings.port, timeout=settings.wait)
            self._server = server
            server.ehlo_or_helo_if_needed()
            if settings.security == "starttls":
                server.starttls(context=trusted)
                server.ehlo()
            if settings.user and settings.password:
                server.login(settings.user, settings.password)
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            raise self._unusable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and kind is None:
            try:
                self._server.quit()
            except (OSError, smtplib.SMTPException):
                # Every mail is accounted for already.
                self._close()
        self._close()

    def send(self, to: str, mail: bytes, before_end: Callable[[], None]) -> None:
        """Hand over one mail. `before_end` is called when all but its end is said; where it raises, nothing is sent.

        Raises LaterError, RefusedError, UncertainError; ServerError where nothing more can be sent.
        """
        server = self._server
        assert server is not None
        try:
            self._accepted(server.mail(self._settings.sender), to, sender=True)
            self._accepted(server.rcpt(to), to)
            self._accepted(server.docmd("DATA"), to, expected=354)
            server.send(_as_sent(mail))
        except (OSError, smtplib.SMTPException) as error:
            raise self._unusable(error) from error
        except (LaterError, RefusedError):
            self._begin_again(server)
            raise
        try:
            before_end()
        except BaseException:
            # Closed before its end, a mail is none.
            self._close()
            raise
        try:
            if server.sock is not None:
                server.sock.settimeout(self._settings.wait_end)
            server.send(b".\r\n")
            answer = server.getreply()
            if server.sock is not None:
                server.sock.settimeout(self._settings.wait)
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            raise UncertainError(
                f"The mail server broke off when it had the whole mail to {to}: it may have taken it.",
                "Nothing to do: a run a quarter of an hour from now sends it once more, with the same number. This run "
                "mails no more; the next does.",
            ) from error
        self._accepted(answer, to)

    def _accepted(self, answer: tuple[int, bytes], to: str, *, expected: int = 250, sender: bool = False) -> None:
        code, told = answer[0], " ".join(answer[1].decode(errors="replace").split())[:300]
        if code == expected or (expected == 250 and code == 251):
            return
        if code == 421:
            self._close()
            raise ServerError(f"The mail server ends the conversation: {code} {told}.", "The next run tries again.")
        if code < 500:
            raise LaterError(f"The mail server takes no mail to {to} now: {code} {told}.", "The next run tries again.")
        if sender:
            raise ServerError(
                f"The mail server lets {self._settings.sender} send nothing: {code} {told}.",
                "Correct GLANE_SMTP_SENDER, or let this user send under that address.",
            )
        raise RefusedError(
            f"The mail server refuses the mail to {to}: {code} {told}.",
            "Ask the partner for an address that works, and correct contact.email (or senders) in source.yaml.",
        )

    def _begin_again(self, server: smtplib.SMTP) -> None:
        try:
            server.rset()
        except (OSError, smtplib.SMTPException):
            # The next mail meets the broken connection, and says so.
            self._close()

    def _unusable(self, error: Exception) -> ServerError:
        where = f"{self._settings.host}:{self._settings.port}"
        if isinstance(error, ssl.SSLCertVerificationError):
            return ServerError(
                f"The certificate of the mail server {where} is not trusted: {error.verify_message}.",
                "Name the server as its certificate does (GLANE_SMTP_HOST); SSL_CERT_FILE may name your own authority.",
            )
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return ServerError(
                f"The mail server {where} refuses the user or the password ({error.smtp_code}).",
                "Correct GLANE_SMTP_USER and GLANE_SMTP_PASSWORD.",
            )
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return ServerError(
                f"The mail server {where} does not do what is asked of it: {error}.",
                "GLANE_SMTP_SECURITY says starttls, tls or none; a server without log-in wants no user.",
            )
        said = "it does not answer" if isinstance(error, TimeoutError) or "timed out" in str(error) else str(error)
        return ServerError(
            f"The mail server {where} cannot be used: {said}.",
            "Nothing is lost: the next run tries again. See to the server, or to GLANE_SMTP_HOST and GLANE_SMTP_PORT.",
        )

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()


def _as_sent(mail: bytes) -> bytes:
    """The lines of a mail as SMTP wants them, all but the dot that ends it (RFC 5321, 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", mail)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines)
