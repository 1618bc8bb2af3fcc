"""Whether a file holds as many rows as can be believed: below that, the read has failed, and the last good rows stay.

Belongs here: the two refusals, and the error they raise. Does not belong here: the bounds themselves
(declaration.py: Bounds), what is only said of a file that holds more than was expected (pipelines/bounds.py).
"""

from glane.errors import DataError
from sources.declaration import Bounds

SMALL = 10
"""Rows up to which a source may lose any share of them: of five places two may close in a month."""


class TooFewRowsError(DataError):
    """Fewer rows than can be believed: the read has failed, it is not that the rows are gone."""


def check_enough(rows_in: int, rows_min: int, name: str) -> None:
    """Raises TooFewRowsError where the file `name` holds less than its source's bound."""
    if rows_in < rows_min:
        raise TooFewRowsError(
            f"{name} holds {rows_in} rows; {rows_min} at least were expected.",
            "It is not taken for a source that shrank: ask the partner, or lower bounds.rows_min in source.yaml.",
        )


def check_shrunk(rows_in: int, before: int | None, bounds: Bounds, name: str) -> None:
    """Raises TooFewRowsError where the file `name` lost a larger share of the rows that it held `before` (in the last
    good one; None: there was none) than its source's bound: an export that broke off is whole to every other look."""
    if before is None or before <= SMALL or rows_in >= before * (1 - bounds.shrink_max):
        return
    raise TooFewRowsError(
        f"{name} holds {rows_in} rows, and held {before} the last time: it lost more than {bounds.shrink_max:.0%}.",
        "Ask the partner whether the export is whole. If it is, raise bounds.shrink_max in source.yaml (1 takes any) "
        "for one run.",
    )
