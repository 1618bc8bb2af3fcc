"""Where a portal is and how we sign in: an address, and a token that leaves for that host alone.

Belongs here: the address as we use it and as the portal itself writes it (its site_url may differ). Does not belong
here: calling it (api.py).
"""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from glane.errors import CallError


class AddressError(CallError):
    """The portal's address or token cannot be used as given."""


@dataclass(frozen=True)
class PortalAddress:
    """A portal: `url` as we reach it, an editor's `token` (never printed), and the `organisation` that publishes.

    Without `organisation`, the only one in which the token may create datasets is taken. `public_store` is the address
    under which the portal's readers find the store's folder versions/, for datasets that are declared `files: store`.
    """

    url: str
    token: str = field(repr=False)
    organisation: str | None = None
    public_store: str | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.username:
            raise AddressError(f"{self.url!r} is no portal's address.", "Write it as in https://portal.example.org.")
        if not self.token.strip() or any(character.isspace() for character in self.token.strip()):
            raise AddressError("The portal's token is empty or holds spaces.", "Put one API token in the token file.")
        if self.public_store is not None:
            shown = urlsplit(self.public_store)
            if shown.scheme not in ("http", "https") or not shown.netloc or shown.query or shown.username:
                raise AddressError(
                    f"{self.public_store!r} (GLANE_STORE_PUBLIC_URL) is no address of a public store.",
                    "Write it as in https://files.example.org, where https://files.example.org/versions/ shows the "
                    "versions.",
                )
            object.__setattr__(self, "public_store", self.public_store.rstrip("/"))
        object.__setattr__(self, "url", self.url.rstrip("/"))
        object.__setattr__(self, "token", self.token.strip())

    def ours(self, url: str, site_url: str) -> str:
        """`url`, as the portal writes it under its `site_url`, as we reach it; an address elsewhere stays."""
        written, reached = urlsplit(site_url.rstrip("/")), urlsplit(self.url)
        target = urlsplit(url)
        if target.netloc != written.netloc or not target.path.startswith(written.path):
            return url
        path = reached.path + target.path[len(written.path) :]
        return urlunsplit((reached.scheme, reached.netloc, path, target.query, ""))

    def is_here(self, url: str) -> bool:
        """Whether `url` is on the portal's own host: the only one that ever sees the token."""
        return urlsplit(url)[:2] == urlsplit(self.url)[:2]


def read_address(
    url: str, token_file: Path, organisation: str | None = None, public_store: str | None = None
) -> PortalAddress:
    """The portal at `url`, with the token that stands in `token_file`. Raises AddressError."""
    try:
        token = token_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AddressError(
            f"Cannot read the portal's token from {token_file}.", "Name a file that holds the API token of an editor."
        ) from error
    return PortalAddress(url, token, organisation, public_store)
