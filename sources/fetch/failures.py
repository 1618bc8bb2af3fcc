"""What can go wrong while a source's bytes are fetched: the world failed, or what came is not the data.

Belongs here: the two errors that every way of fetching raises. Does not belong here: any of those ways.
"""

from glane.errors import DataError, WorldError


class HarvestError(WorldError):
    """The data could not be fetched: a missing file, a dead address, a server's error, a transfer that broke off.

    `status` is what the server answered, where it was that; `after` are the seconds for which it asked to be left in
    peace, where it did.
    """

    after: float | None = None

    def __init__(self, what: str, remedy: str, *, status: int | None = None) -> None:
        super().__init__(what, remedy)
        self.status = status


class ContentError(DataError):
    """Something was fetched, and it is plainly not the partner's data: nothing at all, a web page, too much."""
