"""What is expected of a table by itself, most of it judged by Great Expectations.

Belongs here: which of its expectations, on which columns, answers each of ours. Does not belong here: comparing with
the version before (changes.py).
"""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from schemas.expectations.answer import Answer, between, bilingual, listed
from schemas.expectations.declaration import (
    Contains,
    DistinctCount,
    LargestShare,
    NullShare,
    RowCount,
    Unique,
    Values,
    Within,
)
from schemas.expectations.great import judge
from schemas.expectations.measures import shares, values

Fields = tuple[str, ...]


def row_count(line: RowCount, _fields: Fields, rows: pl.DataFrame) -> Answer:
    """The number of rows lies between two bounds."""
    least, most = line.bound.min, line.bound.max
    any_column = rows.select(rows.columns[:1])
    passed, seen = judge(any_column, "ExpectTableRowCountToBeBetween", min_value=least, max_value=most)
    found = int(seen["observed_value"])
    observed = bilingual("nombre de lignes : {found}", "number of rows: {found}", found=found)
    return Answer(passed, between(least, most, "nombre de lignes", "number of rows"), observed, {"rows": found})


def null_share(line: NullShare, fields: Fields, rows: pl.DataFrame) -> Answer:
    """A field says nothing in at most a share of the rows."""
    most = line.bound.max
    # Rounded, for 1 - 0.7 is a little more than 0.3.
    mostly = round(1 - most, 12)
    passed, seen = judge(rows.select(fields), "ExpectColumnValuesToNotBeNull", column=fields[0], mostly=mostly)
    empty, of = int(seen["unexpected_count"]), int(seen["element_count"])
    share = empty / of if of else 0.0
    return Answer(
        passed,
        bilingual("vide dans au plus {most} des lignes", "empty in at most {most} of the rows", most=float(most)),
        bilingual(
            "vide dans {share} des lignes ({empty} sur {of})",
            "empty in {share} of the rows ({empty} of {of})",
            share=share,
            empty=empty,
            of=of,
        ),
        {"share": share, "empty": empty, "rows": of},
    )


def distinct_count(line: DistinctCount, fields: Fields, rows: pl.DataFrame) -> Answer:
    """The number of distinct values of a field lies between two bounds."""
    least, most = line.bound.min, line.bound.max
    frame = _column(rows, fields[0], line.bound)
    passed, seen = judge(
        frame, "ExpectColumnUniqueValueCountToBeBetween", column=fields[0], min_value=least, max_value=most
    )
    found = int(seen["observed_value"])
    observed = bilingual("valeurs distinctes : {found}", "distinct values: {found}", found=found)
    return Answer(passed, between(least, most, "valeurs distinctes", "distinct values"), observed, {"distinct": found})


def contains(line: Contains, fields: Fields, rows: pl.DataFrame) -> Answer:
    """Every value of a list occurs."""
    frame = _column(rows, fields[0], line.bound)
    wanted = list(dict.fromkeys(line.bound.values))
    passed, seen = judge(frame, "ExpectColumnDistinctValuesToContainSet", column=fields[0], value_set=wanted)
    missing = [value for value in wanted if value in set(seen.get("partial_missing_list") or ())]
    return Answer(
        passed,
        listed("toutes ces valeurs : {list}", "all of these values: {list}", wanted),
        listed("il manque : {list}", "missing: {list}", missing)
        if missing
        else bilingual("il n'en manque aucune", "none is missing"),
        {"missing": int(seen.get("missing_count") or 0)},
    )


def within(line: Within, fields: Fields, rows: pl.DataFrame) -> Answer:
    """No value outside a list occurs."""
    frame = _column(rows, fields[0], line.bound)
    passed, seen = judge(
        frame, "ExpectColumnValuesToBeInSet", column=fields[0], value_set=list(dict.fromkeys(line.bound.values))
    )
    others = list(dict.fromkeys(map(str, seen.get("partial_unexpected_list") or ())))
    return Answer(
        passed,
        listed("seulement ces valeurs : {list}", "only these values: {list}", line.bound.values),
        listed("d'autres valeurs : {list}", "other values: {list}", others)
        if others
        else bilingual("aucune autre", "no other"),
        {"cells": int(seen["unexpected_count"])},
    )


def unique(line: Unique, fields: Fields, rows: pl.DataFrame) -> Answer:
    """No two rows say the same in all of the fields together."""
    filled = rows.select(fields).drop_nulls()
    if len(fields) == 1:
        passed, seen = judge(filled, "ExpectColumnValuesToBeUnique", column=fields[0])
    else:
        passed, seen = judge(filled, "ExpectCompoundColumnsToBeUnique", column_list=list(fields))
    found = int(seen["unexpected_count"])
    return Answer(
        passed,
        bilingual("aucun doublon", "no two rows alike"),
        bilingual("lignes en double : {found}", "rows that are alike: {found}", found=found),
        {"rows": found},
    )


def largest_share(line: LargestShare, fields: Fields, rows: pl.DataFrame) -> Answer:
    """No value stands in more than a share of the rows; Great Expectations has no such expectation."""
    found = shares(rows[fields[0]], line.bound)
    value, share = next(iter(found.items()), ("-", 0.0))
    return Answer(
        share <= line.bound.max,
        bilingual(
            "aucune valeur dans plus de {most} des lignes",
            "no value in more than {most} of the rows",
            most=float(line.bound.max),
        ),
        bilingual("« {value} » dans {share} des lignes", "“{value}” in {share} of the rows", value=value, share=share),
        {"share": share},
    )


JUDGES: Mapping[str, Callable[[Any, Fields, pl.DataFrame], Answer]] = {
    "row_count": row_count,
    "null_share": null_share,
    "distinct_count": distinct_count,
    "contains": contains,
    "within": within,
    "unique": unique,
    "largest_share": largest_share,
}


def _column(rows: pl.DataFrame, name: str, meant: Values) -> pl.DataFrame:
    return values(rows[name], meant).rename(name).to_frame()
