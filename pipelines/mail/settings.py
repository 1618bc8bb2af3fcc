"""Which mail server sends the partners' answers; from the environment.

Belongs here: the names of the variables and what they may say. Does not belong here: talking to the server (smtp.py),
nor the mailbox that partners write to (sources/mailbox/).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Literal, cast

from glane.errors import CallError

Security = Literal["starttls", "tls", "none"]
_PORTS: Mapping[str, int] = {"starttls": 587, "tls": 465, "none": 25}
_HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class SmtpSettings:
    """An SMTP server and whose name mails go out under. The password is not shown where the settings are.

    `wait` bounds every step in seconds but the last: RFC 5321 (4.5.3.2.6) asks for ten minutes (`wait_end`) between the
    end of a mail and the server's word on it, because who gives up earlier mails twice.
    """

    host: str
    port: int
    security: Security
    sender: str
    sender_name: str = ""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    wait: float = 30.0
    wait_end: float = 600.0

    @property
    def domain(self) -> str:
        """The domain of the sender's address, under which our messages are numbered."""
        return self.sender.rpartition("@")[2]


def smtp_settings(environment: Mapping[str, str]) -> SmtpSettings | None:
    """Read GLANE_SMTP_HOST (nothing is mailed without it), GLANE_SMTP_SECURITY (starttls; tls; none, on this machine
    only), GLANE_SMTP_PORT (587, 465 or 25), GLANE_SMTP_SENDER ("Name <address>" or an address), and where the server
    asks for them GLANE_SMTP_USER and GLANE_SMTP_PASSWORD. Raises CallError.
    """
    host = environment.get("GLANE_SMTP_HOST")
    if not host:
        return None
    security = environment.get("GLANE_SMTP_SECURITY") or "starttls"
    if security not in _PORTS:
        raise CallError(f"GLANE_SMTP_SECURITY is {security!r}.", "Write starttls, tls or none.")
    if security == "none" and host not in _HERE:
        raise CallError(
            f"GLANE_SMTP_SECURITY is none, and {host} is another machine: mails and password would travel in the open.",
            "Write starttls or tls; none is for a server on this machine.",
        )
    port = environment.get("GLANE_SMTP_PORT") or str(_PORTS[security])
    if not re.fullmatch("[1-9][0-9]{0,4}", port):
        raise CallError(f"GLANE_SMTP_PORT is {port!r}, which is no port.", "Write it as 587.")
    name, sender = parseaddr(environment.get("GLANE_SMTP_SENDER") or "")
    if not re.fullmatch(r"[!-~]+@[A-Za-z0-9.-]+", sender):
        raise CallError(
            f"GLANE_SMTP_SENDER is {environment.get('GLANE_SMTP_SENDER')!r}, which is no address to mail from.",
            'Write an address, or a name and an address: "The commons <data@commons.example>".',
        )
    user, password = environment.get("GLANE_SMTP_USER"), environment.get("GLANE_SMTP_PASSWORD")
    if bool(user) != bool(password):
        raise CallError("GLANE_SMTP_USER and GLANE_SMTP_PASSWORD go together.", "Set both, or neither.")
    return SmtpSettings(host, int(port), cast("Security", security), sender, name, user or None, password or None)
