"""Real mail servers for every test that asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mail_servers import (
    PASSWORD,
    USER,
    Authority,
    ImapServer,
    Loop,
    SmtpServer,
    make_authority,
    running_loop,
    start_imap,
    start_smtp,
)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def mail_loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


@pytest.fixture
def smtp(mail_loop: Loop) -> SmtpServer:
    """An SMTP server that speaks in the open, as one on the same machine may."""
    return start_smtp(mail_loop)


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That authority is trusted, as SSL_CERT_FILE makes it for any program."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    return authority.pem


@pytest.fixture
def imap(mail_loop: Loop, authority: Authority, trusted: Path, monkeypatch: pytest.MonkeyPatch) -> ImapServer:
    """An IMAP account, which the environment names."""
    server = start_imap(mail_loop, authority)
    for name, value in {"HOST": "127.0.0.1", "PORT": str(server.port), "USER": USER, "PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(f"GLANE_IMAP_{name}", value)
    return server
