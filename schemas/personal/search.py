"""Personal data in a text and in the columns of a table.

Belongs here: asking each detector only of the texts that it may find something in, each distinct text once. Does not
belong here: the detectors, and what is done with what they find (gate.py).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import polars as pl

from schemas.personal import emails, names, numbers, phones
from schemas.personal.finding import Context, Finding, apart

_TEXT = "text"

InColumn = Mapping[str, tuple[Finding, ...]]
"""The texts of a column in which something was found, with what was found in them."""


class _Detector(NamedTuple):
    """What may hold something at all, what of it surely holds nothing, and what is found in the rest."""

    suspected: Callable[[pl.Expr, Context], pl.Expr]
    innocent: Callable[[pl.Expr, Context], pl.Expr]
    find: Callable[[str, Context], Iterator[Finding]]


def _nobody(_: pl.Expr, __: Context) -> pl.Expr:
    return pl.lit(value=False)


_DETECTORS = (
    _Detector(emails.suspected, _nobody, emails.find_emails),
    _Detector(phones.suspected, _nobody, phones.find_mobiles),
    _Detector(names.suspected, names.innocent, names.find_names),
    _Detector(numbers.suspected, _nobody, numbers.find_numbers),
)


def search_text(text: str, context: Context) -> tuple[Finding, ...]:
    """All that is found in one text, in its order."""
    return apart(found for detector in _DETECTORS for found in detector.find(text, context))


def search_column(column: pl.Series, context: Context) -> InColumn:
    """All that is found in the texts of a column, each text once."""
    texts = pl.DataFrame({_TEXT: column.cast(pl.String).drop_nulls().unique(maintain_order=True)})
    found: dict[str, list[Finding]] = {}
    for detector in _DETECTORS:
        suspects = texts.filter(detector.suspected(pl.col(_TEXT), context))
        for text in suspects.filter(~detector.innocent(pl.col(_TEXT), context))[_TEXT]:
            if findings := list(detector.find(text, context)):
                found.setdefault(text, []).extend(findings)
    return {text: apart(findings) for text, findings in found.items()}
