"""Where a source's data comes from: the key `where:` of source.yaml.

Belongs here: the models of the ways there are, and their names for people. Does not belong here: going there
(harvest.py, fetch/), how the file is written (declaration.py: FileFormat).
"""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from glane.declaration import Declared
from sources.inbox.declared import Mailbox

_ADDRESS = r"^https?://\S+$"
_CKAN_NAME = r"^[a-z0-9_-]{2,100}$"
_SECRET = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class Folder(Declared):
    """A folder into which a partner's files are dropped: the last file, by name, that `match` fits is the current one.

    Names that sort by date (`sites-2026-11.csv`) make the newest the last.
    """

    path: str
    match: str = "*"


class S3(Declared):
    """A prefix of a bucket on S3 or a service like it: the last object, by name, that `match` fits is the current one.

    The endpoint and the keys are those of the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...).
    """

    address: str = Field(pattern=r"^s3://[^/\s]+/\S+$")
    match: str = "*"


class Pages(Declared):
    """A JSON API that gives its records page by page; `format: records` says where in each page they are.

    by page: `parameter` counts 1, 2, 3 (from `first`). by offset: it counts records (from `first`).
    by cursor: `next` is the path in each page to the value that `parameter` takes for the following one.
    by link: the following page's address stands at the path `next`, or in the header Link (rel="next").
    It ends with a page without records, or without a next one. `size` is sent as `size_parameter`. `total` is the path
    to the number of records in all: where fewer come, or more, the read has failed, and so it has with more than
    `pages_max` pages or one that comes twice.
    """

    url: str = Field(pattern=_ADDRESS)
    by: Literal["page", "offset", "cursor", "link"]
    parameter: str | None = None
    first: int | None = None
    next: str | None = None
    total: str | None = None
    size_parameter: str | None = None
    size: int | None = Field(default=None, ge=1)
    pages_max: int = Field(default=1000, ge=1)

    @model_validator(mode="after")
    def _complete(self) -> "Pages":
        if self.by != "link" and self.parameter is None:
            raise ValueError(f"paging by {self.by} needs 'parameter', the name it has in the address")
        if self.by == "cursor" and self.next is None:
            raise ValueError("paging by cursor needs 'next', the path to the cursor in each page")
        if (self.size is None) != (self.size_parameter is None):
            raise ValueError("'size' and 'size_parameter' go together")
        return self


class Ckan(Declared):
    """A resource of a dataset on a CKAN portal; `resource` is its id, its name or its format ("CSV").

    With `organisation` instead of `dataset`: that resource of every public dataset of an organisation, read together as
    one table. There `resource` is a name ("lieux*") or a format; datasets without such a one are passed over, as are
    those that do not bear all of `tags` or whose name `match` does not fit.
    """

    portal: str = Field(pattern=_ADDRESS)
    dataset: str | None = None
    organisation: str | None = Field(default=None, pattern=_CKAN_NAME)
    resource: str | None = None
    tags: list[str] = Field(default_factory=list)
    match: str = "*"

    @model_validator(mode="after")
    def _one_of(self) -> "Ckan":
        if (self.dataset is None) == (self.organisation is None):
            raise ValueError("say with either 'dataset' or 'organisation' what is read of the portal")
        if self.organisation is None and (self.tags or self.match != "*"):
            raise ValueError("'tags' and 'match' choose datasets of an 'organisation'")
        return self

    @property
    def page(self) -> str:
        """The portal's page of what is read."""
        base = self.portal.rstrip("/")
        return f"{base}/dataset/{self.dataset}" if self.dataset else f"{base}/organization/{self.organisation}"


class Udata(Declared):
    """A resource of a dataset on data.gouv.fr or another udata portal; `resource` is its id, title or format."""

    portal: str = Field(default="https://www.data.gouv.fr", pattern=_ADDRESS)
    dataset: str
    resource: str | None = None


class Opendatasoft(Declared):
    """A dataset of an Opendatasoft portal (Explore API 2.1), whole; `select` and `filter` are the API's own."""

    portal: str = Field(pattern=_ADDRESS)
    dataset: str
    select: str | None = None
    filter: str | None = None


class Grist(Declared):
    """A table of a Grist document; a closed document wants `headers: {Authorization: "Bearer ${NAME}"}`."""

    server: str = Field(default="https://docs.getgrist.com", pattern=_ADDRESS)
    document: str
    table: str


class Deposit(Declared):
    """A private dataset of the partner's organisation on our own portal: it uploads there, and is answered there.

    The last file uploaded counts, or the last that is called `resource` (a resource's id or name).
    """

    dataset: str = Field(pattern=_CKAN_NAME)
    resource: str | None = None


class Where(Declared):
    """Where the data comes from: exactly one of the ways below.

    file: a file, its path from source.yaml's folder. url: an HTTP(S) address. folder, s3, pages, ckan, udata,
    opendatasoft, grist, deposit, mailbox: see each. `headers` are sent with every request to the declared host, and to
    no other; `${NAME}` in one stands for a variable of the environment, whose value is neither logged nor kept.
    `private: true` lets the declared host be on a private network: otherwise only public addresses are asked.
    """

    file: str | None = None
    url: str | None = Field(default=None, pattern=_ADDRESS)
    folder: Folder | None = None
    s3: S3 | None = None
    pages: Pages | None = None
    ckan: Ckan | None = None
    udata: Udata | None = None
    opendatasoft: Opendatasoft | None = None
    grist: Grist | None = None
    deposit: Deposit | None = None
    mailbox: Mailbox | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    private: bool = False

    @model_validator(mode="after")
    def _one_of(self) -> "Where":
        ways = ("file", "url", "folder", "s3", "pages", "ckan", "udata", "opendatasoft", "grist", "deposit", "mailbox")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            raise ValueError(f"say where the data comes from with exactly one of {', '.join(ways)}")
        if given[0] in ("file", "folder", "s3", "deposit", "mailbox") and (self.headers or self.private):
            raise ValueError(f"'headers' and 'private' are about a partner's address, and this is a {given[0]}")
        return self

    @field_validator("headers")
    @classmethod
    def _plain(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or any(sign in value for sign in "\r\n"):
                raise ValueError(f"{name!r} is no header that can be sent")
        return headers

    @property
    def address(self) -> str:
        """What people are told: the path or address, or the portal's page of the dataset."""
        if self.folder is not None:
            return f"{self.folder.path}/{self.folder.match}"
        if self.s3 is not None:
            return f"{self.s3.address.rstrip('/')}/{self.s3.match}"
        if self.ckan is not None:
            return self.ckan.page
        if self.udata is not None:
            return f"{self.udata.portal.rstrip('/')}/datasets/{self.udata.dataset}"
        if self.opendatasoft is not None:
            return f"{self.opendatasoft.portal.rstrip('/')}/explore/dataset/{self.opendatasoft.dataset}"
        if self.grist is not None:
            return f"{self.grist.server.rstrip('/')}/doc/{self.grist.document}"
        if self.deposit is not None:
            return f"the deposit {self.deposit.dataset} on our portal"
        if self.mailbox is not None:
            return f"the mailbox {self.mailbox.address}"
        return self.file or self.url or (self.pages.url if self.pages else "")

    @property
    def is_awaited(self) -> bool:
        """Whether a person who has just sent something waits for its answer: then it is asked at its cadence."""
        return self.deposit is not None or self.mailbox is not None

    @property
    def base(self) -> str:
        """The declared HTTP(S) address that is asked first; empty for files and folders."""
        portals = (self.ckan, self.udata, self.opendatasoft)
        known = [one.portal for one in portals if one is not None] + ([self.grist.server] if self.grist else [])
        return self.url or (self.pages.url if self.pages else "") or (known[0] if known else "")


def with_secrets(value: str, environment: Mapping[str, str]) -> str:
    """The text of a header, each `${NAME}` replaced by that variable's value. KeyError names one that is not set."""
    return _SECRET.sub(lambda found: environment[found[1]], value)
