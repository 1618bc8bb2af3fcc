"""Personal data in a text and in the columns of a table.

Belongs here: asking each detector only of the texts that it may find something in, each distinct text once. Does not
belong here: the detectors, and what is done with what they find (gate.py).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import polars as pl

from schemas.personal import emails, names, numbers, phones
from schemas.personal.finding import Context, Finding, apart
from schemas.personal.vocabulary import folded_first_names, words_of

_TEXT = "text"
_ADDRESS = re.compile(emails.SIGNS, re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\d(?:\D{0,4}\d){5}")

InColumn = Mapping[str, tuple[Finding, ...]]
"""The texts of a column in which something was found, with what was found in them."""


class _Detector(NamedTuple):
    """What may hold something at all, what of it surely holds nothing, and what is found in the rest; `sign` is what a
    single text is asked for: without it there is nothing."""

    suspected: Callable[[pl.Expr, Context], pl.Expr]
    innocent: Callable[[pl.Expr, Context], pl.Expr]
    sign: Callable[[str, Context], object]
    find: Callable[[str, Context], Iterator[Finding]]


def _nobody(_: pl.Expr, __: Context) -> pl.Expr:
    return pl.lit(value=False)


def _address(text: str, _: Context) -> object:
    return _ADDRESS.search(text)


def _number(text: str, _: Context) -> object:
    return _LONG_NUMBER.search(text)


def _name(text: str, context: Context) -> object:
    known = context.people or names.civility().search(text)
    return known or not folded_first_names().isdisjoint(words_of(text))


_DETECTORS = (
    _Detector(emails.suspected, _nobody, _address, emails.find_emails),
    _Detector(phones.suspected, _nobody, _number, phones.find_mobiles),
    _Detector(names.suspected, names.innocent, _name, names.find_names),
    _Detector(numbers.suspected, _nobody, _number, numbers.find_numbers),
)


def search_text(text: str, context: Context) -> tuple[Finding, ...]:
    """All that is found in one text, in its order."""
    asked = (detector for detector in _DETECTORS if detector.sign(text, context))
    return apart(found for detector in asked for found in detector.find(text, context))


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
