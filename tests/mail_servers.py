"""Real mail servers on loopback for the tests: SMTP (aiosmtpd), which takes, refuses or breaks off as it is told, and
IMAP (pymap), with an inbox; both with a certificate of an authority made for the run (trustme)."""

import asyncio
import contextlib
import email
import email.policy
import imaplib
import ssl
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer, IMAPService
from pysasl.hashing import BuiltinHash


@dataclass
class Loop:
    """An event loop in a thread of its own, for servers that are written for one."""

    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do `work` on the loop, and give what it gives."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=20)


@contextlib.contextmanager
def running_loop() -> Iterator[Loop]:
    """A loop that runs until the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield Loop(loop)

    async def stop() -> None:
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result(timeout=20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=20)
    loop.close()


@dataclass
class Authority:
    """Certificates for this machine, by an authority whose own stands in the file `pem`."""

    pem: Path
    server: ssl.SSLContext


def make_authority(folder: Path) -> Authority:
    """A new authority."""
    authority = trustme.CA()
    pem = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(pem))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(server)
    return Authority(pem, server)


Answering = Callable[[str], str | None]
"""What the server says to a recipient or a mail, instead of taking it."""


@dataclass
class SmtpServer:
    """What a mail server was told and took. `recipient` and `mail` may refuse ("550 ..."), `after_mail` is called once
    a mail is taken and before that is said; `passwords` are the users that may log in."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    connections: int = 0
    recipient: Answering = lambda _: None
    mail: Answering = lambda _: None
    after_mail: Callable[[SMTP], Coroutine[Any, Any, None]] | None = None
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def subjects(self) -> list[str]:
        """The subjects of the mails taken, in order."""
        return [str(mail["Subject"]) for mail in self.taken]

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refused = self.recipient(address)
        if refused is None:
            envelope.rcpt_tos.append(address)
        return refused or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        refused = self.mail(envelope.rcpt_tos[0])
        if refused is not None:
            return refused
        found = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        self.taken.append(found)
        self.raw.append(content)
        self.envelopes.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        if self.after_mail is not None:
            await self.after_mail(server)
        return "250 taken"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, how: str, given: Any) -> AuthResult:
        known = isinstance(given, LoginPassword) and self.passwords.get(given.login.decode()) == given.password.decode()
        return AuthResult(success=known, handled=known)


def start_smtp(loop: Loop, *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None) -> SmtpServer:
    """Start an SMTP server on a free port; it ends with its loop."""
    server = SmtpServer()

    def protocol() -> SMTP:
        return SMTP(
            server,
            hostname="mail.example",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=bool(server.passwords),
            auth_require_tls=starttls is not None,
            authenticator=server.authenticate,
            loop=loop.loop,
        )

    listening = loop.run(_listen(loop.loop, protocol, tls))
    server.port = listening.sockets[0].getsockname()[1]
    return server


async def _listen(loop: asyncio.AbstractEventLoop, protocol: Any, tls: ssl.SSLContext | None) -> asyncio.Server:
    return await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)


USER, PASSWORD = "glane", "imap secret"


@dataclass
class ImapServer:
    """An account with an inbox, on a real IMAP server."""

    port: int
    pem: Path
    account: DictBackend
    delivered: list[bytes] = field(default_factory=list)

    @contextlib.contextmanager
    def client(self) -> Iterator[imaplib.IMAP4_SSL]:
        """A mail program that looks into the account."""
        trusted = ssl.create_default_context(cafile=str(self.pem))
        with imaplib.IMAP4_SSL("127.0.0.1", self.port, ssl_context=trusted, timeout=20) as client:
            client.login(USER, PASSWORD)
            yield client

    def deliver(self, *mails: EmailMessage | bytes) -> None:
        """Put mails into the inbox, as a mail server delivers them."""
        with self.client() as client:
            for mail in mails:
                data = mail if isinstance(mail, bytes) else mail.as_bytes(policy=email.policy.SMTP)
                assert client.append("INBOX", "", "", data)[0] == "OK"
                self.delivered.append(data)

    def renumber(self) -> None:
        """Give every mail another number, as a server does whose folder was brought back from a backup."""
        self.account.config.set_cache.clear()
        mails, self.delivered = self.delivered, []
        self.deliver(*mails)

    def flags(self) -> list[bytes]:
        """What stands beside each mail of the inbox: what reading left behind."""
        with self.client() as client:
            client.select("INBOX", readonly=True)
            return [told for told in client.fetch("1:*", "(FLAGS)")[1] if isinstance(told, bytes)]


def start_imap(loop: Loop, authority: Authority) -> ImapServer:
    """Start an IMAP server over TLS on a free port; it ends with its loop."""

    async def start() -> ImapServer:
        parser = ArgumentParser()
        parser.set_defaults(debug=False, passlib_cfg=None)
        IMAPService.add_arguments(parser)
        DictBackend.add_subparser("dict", parser.add_subparsers(dest="backend"))
        given = parser.parse_args(["--no-tls", "dict", "--demo-user", USER, "--demo-password", PASSWORD])
        backend, config = await DictBackend.init(given, secure_auth=False, hash_context=BuiltinHash(rounds=1))
        config.apply_context()
        serving = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(backend.login, config))
        listening = await asyncio.start_server(serving, "127.0.0.1", 0, ssl=authority.server)
        return ImapServer(listening.sockets[0].getsockname()[1], authority.pem, backend)

    started: ImapServer = loop.run(start())
    return started
