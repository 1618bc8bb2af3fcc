"""Mails as partners and others write them, for the tests of mailboxes."""

import io
import zipfile
from email.message import EmailMessage
from email.utils import make_msgid

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
PARTNER = "donnees@caen.example"


def mail(
    text: str = "Bonjour, voici notre fichier.",
    *files: tuple[str, bytes],
    sender: str = PARTNER,
    to: str = "partage@glane.example",
    subject: str = "Nos lieux",
    replies_to: EmailMessage | None = None,
    html: str | None = None,
    **headers: str,
) -> EmailMessage:
    """A mail with files; `replies_to` answers a mail as mail programs do, quoting it."""
    made = EmailMessage()
    made["From"], made["To"], made["Message-ID"] = sender, to, make_msgid(domain="caen.example")
    if replies_to is not None:
        subject = f"Re: {replies_to['Subject']}"
        made["In-Reply-To"] = made["References"] = str(replies_to["Message-ID"])
        body = replies_to.get_body(("plain",))
        assert body is not None
        quoted = "\n".join(f"> {line}" for line in str(body.get_content()).splitlines())
        text = f"{text}\n\nLe dim. 22 nov. 2026 à 10:00, Les communs <partage@glane.example> a\nécrit :\n\n{quoted}\n"
    made["Subject"] = subject
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    if html is not None:
        made.add_alternative(html, subtype="html")
    for name, data in files:
        maintype, subtype = ("text", "csv") if name.endswith(".csv") else ("application", "octet-stream")
        made.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    return made


def zipped(**files: bytes) -> bytes:
    """A ZIP of files; "__" stands for a dot in their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()
