"""Who answers for a dataset and by which rules: the keys `steward:`, `errors:`, `governance:` and `notice:` of
dataset.yaml.

Belongs here: the models. Does not belong here: the licences (licences/), what a notice does (publish/notice.py).
"""

import datetime
import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from glane.declaration import Declared
from glane.text import Text

EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


class Steward(Declared):
    """Who answers for the dataset; `email` is a role's address, never a person's."""

    name: str
    email: str = Field(pattern=EMAIL)


class Errors(Declared):
    """Where readers write that a row is wrong: to `address` (the steward's where none is given), in `folder` of the
    account that the environment names (GLANE_IMAP_...). No more than `per_day` of their messages are kept a day."""

    address: str | None = Field(default=None, pattern=EMAIL)
    folder: str = Field(default="INBOX", pattern=r"^[ !#-\[\]-~]+$")
    per_day: int = Field(default=50, ge=1, le=1000)


class Governance(Declared):
    """The community's rules: how to contribute, how to reuse, how to object; and on which basis data of persons is
    processed (RGPD, article 6), for the record of processing."""

    contribution: Text
    reuse: Text
    objection: Text
    legal_basis: Text | None = None


def _as_day(value: object) -> datetime.date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError(f"{value!r} is no day: write it as YYYY-MM-DD, as in 2027-01-31")


class Notice(Declared):
    """A change of structure that is announced ahead: the MAJOR version that brings it comes on `date` or later."""

    date: Annotated[datetime.date, BeforeValidator(_as_day)]
    text: Text
