"""Rules on which cells are filled together.

Belongs here: rules that ask whether cells are filled, not what they say. Does not belong here: one required field,
which is a constraint of the Table Schema.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from schemas.phrases import listing
from schemas.rules.rule import Cells, Finding, Rule, Settings


class With(Settings):
    """`values`: what the other field must say (any value where none is given); `separator`: what stands between
    several."""

    values: list[str] | None = None
    separator: str = "|"


def _both_or_neither(cells: Cells, _: Settings) -> Iterator[Finding]:
    empty = [name for name, cell in cells.items() if cell is None]
    if empty and len(empty) < len(cells):
        filled = next(name for name in cells if name not in empty)
        for name in empty:
            yield Finding(name, "both_or_neither", {"filled": filled})


def _both_or_neither_proof(fields: Sequence[str], _: Settings) -> pl.Expr:
    empty = [pl.col(name).is_null() for name in fields]
    return pl.all_horizontal(empty) | ~pl.any_horizontal(empty)


def _at_least_one(cells: Cells, _: Settings) -> Iterator[Finding]:
    if all(cell is None for cell in cells.values()):
        yield Finding(next(iter(cells)), "at_least_one", {"fields": listing(list(cells))})


def _at_least_one_proof(fields: Sequence[str], _: Settings) -> pl.Expr:
    return pl.any_horizontal([pl.col(name).is_not_null() for name in fields])


def _only_with(cells: Cells, settings: With) -> Iterator[Finding]:
    (name, cell), (other, said) = cells.items()
    if cell is None:
        return
    if settings.values is None:
        if said is None:
            yield Finding(name, "only_with", {"other": other})
    elif not set((said or "").split(settings.separator)) & set(settings.values):
        yield Finding(name, "only_with-values", {"other": other, "values": listing(settings.values)})


def _required_with(cells: Cells, settings: With) -> Iterator[Finding]:
    (name, cell), (other, said) = cells.items()
    if cell is None and _says(said, settings):
        yield Finding(name, "required_with", {"other": other, "said": said or ""})


def _required_with_proof(fields: Sequence[str], _: With) -> pl.Expr:
    return pl.col(fields[0]).is_not_null()


def _empty_with(cells: Cells, settings: With) -> Iterator[Finding]:
    (name, cell), (other, said) = cells.items()
    if cell is not None and _says(said, settings):
        yield Finding(name, "empty_with", {"other": other, "said": said or ""})


def _says(said: str | None, settings: With) -> bool:
    if said is None or settings.values is None:
        return said is not None
    return bool(set(said.split(settings.separator)) & set(settings.values))


def _only_with_proof(fields: Sequence[str], _: With) -> pl.Expr:
    return pl.col(fields[0]).is_null()


RULES = (
    Rule("both_or_neither", _both_or_neither, 2, None, proof=_both_or_neither_proof),
    Rule("at_least_one", _at_least_one, 1, None, proof=_at_least_one_proof),
    Rule("only_with", _only_with, 2, 2, settings=With, proof=_only_with_proof),
    Rule("required_with", _required_with, 2, 2, settings=With, proof=_required_with_proof),
    Rule("empty_with", _empty_with, 2, 2, settings=With, proof=_only_with_proof),
)
