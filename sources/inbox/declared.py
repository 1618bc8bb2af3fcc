"""What source.yaml says of a mailbox that a partner sends its spreadsheet to.

Belongs here: that model. Does not belong here: the account itself, which is the steward's and in the environment
(imap.py).
"""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from glane.declaration import Declared

Address = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
]


class Mailbox(Declared):
    """A mailbox of ours: what the partner mails to `address` is published once the partner has said yes.

    Only `senders` are read, whole addresses. Of the files that a mail brings `match` says which is meant ("sites*").
    The mail is in `folder` of the account that the environment names (GLANE_IMAP_...). Who does not answer our question
    is reminded once, after `remind_after_days`; after `expire_after_days` the file is not published any more, and it is
    the steward's to ask.
    """

    address: Address
    senders: list[Address] = Field(min_length=1)
    match: str = "*"
    folder: str = Field(default="INBOX", pattern=r"^[ !#-\[\]-~]+$")
    remind_after_days: int = Field(default=7, ge=1)
    expire_after_days: int = Field(default=30, ge=2, le=366)

    @model_validator(mode="after")
    def _sensible(self) -> "Mailbox":
        if self.remind_after_days >= self.expire_after_days:
            raise ValueError("remind_after_days must be less than expire_after_days")
        if self.address.lower() in (sender.lower() for sender in self.senders):
            raise ValueError("'senders' holds the mailbox's own address: write the partner's")
        return self
