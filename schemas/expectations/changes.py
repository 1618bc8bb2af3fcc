"""What is expected of a table against the version before: nothing vanishes unnoticed.

Belongs here: judging one figure now and before. Does not belong here: the figures (measures.py), nor what a table is by
itself (alone.py).
"""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from glane.text import Text
from schemas.expectations import measures
from schemas.expectations.answer import Answer, bilingual, listed, named
from schemas.expectations.declaration import (
    Change,
    DistributionChange,
    FillKept,
    NullShareChange,
    RowCountChange,
    ValuesKept,
)

Fields = tuple[str, ...]


def row_count_change(line: RowCountChange, _fields: Fields, now: pl.DataFrame, before: pl.DataFrame | None) -> Answer:
    """The number of rows falls or rises by at most a share of what it was."""
    expected = _may(line.bound)
    if before is None or not before.height:
        return nothing_before(expected)
    change = now.height / before.height - 1
    beyond = _beyond(line.bound, change, before.height)
    return Answer(
        not beyond,
        expected,
        bilingual(
            "nombre de lignes : {before} avant, {now} maintenant ({change})",
            "number of rows: {before} before, {now} now ({change})",
            before=before.height,
            now=now.height,
            change=change,
        ),
        {"rows": now.height, "rows_before": before.height, "change": change},
        excess=beyond,
    )


def null_share_change(line: NullShareChange, fields: Fields, now: pl.DataFrame, before: pl.DataFrame | None) -> Answer:
    """The share of rows that say nothing falls or rises by at most so many points."""
    expected, column = _may(line.bound), _column(before, fields[0])
    if column is None:
        return nothing_before(expected)
    share, share_before = measures.null_share(now[fields[0]]), measures.null_share(column)
    beyond = _beyond(line.bound, share - share_before, column.len())
    return Answer(
        not beyond,
        expected,
        bilingual(
            "vide dans {before} des lignes avant, {now} maintenant",
            "empty in {before} of the rows before, {now} now",
            before=share_before,
            now=share,
        ),
        {"share": share, "share_before": share_before},
        excess=beyond,
    )


def values_kept(line: ValuesKept, fields: Fields, now: pl.DataFrame, before: pl.DataFrame | None) -> Answer:
    """At most so many of the values before are lost."""
    bound = line.bound
    expected = bilingual(
        "valeurs de la version précédente qui disparaissent : au plus {most}",
        "values of the version before that are lost: at most {most}",
        most=bound.lost if bound.share is None else float(bound.share),
    )
    column = _column(before, fields[0])
    if column is None:
        return nothing_before(expected)
    lost = measures.lost_values(now[fields[0]], column, bound)
    of = measures.values(column, bound).n_unique()
    share = len(lost) / of if of else 0.0
    observed = bilingual("aucune", "none is")
    if lost:
        told = listed("disparues : {list}", "lost: {list}", lost)
        observed = bilingual(
            f"{told.fr} ({{lost}} sur {{of}})", f"{told.en} ({{lost}} of {{of}})", lost=len(lost), of=of
        )
    passed = len(lost) <= bound.lost if bound.share is None else share <= bound.share
    excess = named(lost) if bound.share is None else {"lost": share}
    return Answer(passed, expected, observed, {"lost": len(lost), "before": of}, excess=excess)


def distribution_change(
    line: DistributionChange, fields: Fields, now: pl.DataFrame, before: pl.DataFrame | None
) -> Answer:
    """The share of no value moves by more than so many points. Great Expectations has divergences only, which name no
    value that a steward could ask about."""
    most, column = line.bound.max, _column(before, fields[0])
    expected = bilingual(
        "la part d'aucune valeur ne varie de plus de {most}",
        "no value's share moves by more than {most}",
        most=float(most),
    )
    shares_before = {} if column is None else measures.shares(column, line.bound)
    moved = measures.largest_move(measures.shares(now[fields[0]], line.bound), shares_before)
    if not shares_before or moved is None:
        return nothing_before(expected)
    value, share_before, share = moved
    move = abs(share - share_before)
    return Answer(
        round(move, 9) <= most,
        expected,
        bilingual(
            "« {value} » : {before} avant, {now} maintenant",
            "“{value}”: {before} before, {now} now",
            value=value,
            before=share_before,
            now=share,
        ),
        {"share": share, "share_before": share_before},
        excess={value: move},
    )


def columns_kept(fields: Fields, now: pl.DataFrame, before: pl.DataFrame | None) -> Answer:
    """None of `fields` that said something before is gone or empty now."""
    expected = bilingual(
        "aucune colonne de la version précédente ne disparaît ni ne se vide",
        "no column of the version before disappears or goes empty",
    )
    if before is None:
        return nothing_before(expected)
    lost = measures.emptied(now, before, fields)
    observed = listed("vides : {list}", "empty: {list}", lost) if lost else bilingual("aucune", "none does")
    return Answer(not lost, expected, observed, {"columns": len(lost)}, excess=named(lost))


def fill_kept(line: FillKept, fields: Fields, now: pl.DataFrame, before: pl.DataFrame | None) -> Answer:
    """In none of `fields` the share of rows that say anything falls by more than so many points. One that goes empty
    altogether is told by columns_kept."""
    most = line.bound.fall
    expected = bilingual(
        "la part des lignes remplies d'aucune colonne ne baisse de plus de {most}",
        "in no column the share of rows that are filled falls by more than {most}",
        most=float(most),
    )
    if before is None or not before.height:
        return nothing_before(expected)
    fell = {
        name: round(measures.null_share(now[name]) - measures.null_share(before[name]), 9)
        for name in fields
        if name in before.columns and name in now.columns and now[name].null_count() < now.height
    }
    beyond = {name: fall for name, fall in fell.items() if fall > most and before.height > line.bound.small}
    if not beyond:
        return Answer(True, expected, bilingual("aucune", "none does"))
    told = [
        f"{name} ({measures.null_share(before[name]):.2f} → {measures.null_share(now[name]):.2f})" for name in beyond
    ]
    observed = listed("part des lignes vides : {list}", "share of rows that are empty: {list}", told)
    return Answer(False, expected, observed, {"columns": len(beyond)}, excess=beyond)


JUDGES: Mapping[str, Callable[[Any, Fields, pl.DataFrame, pl.DataFrame | None], Answer]] = {
    "row_count_change": row_count_change,
    "null_share_change": null_share_change,
    "values_kept": values_kept,
    "distribution_change": distribution_change,
    "columns_kept": lambda _line, fields, now, before: columns_kept(fields, now, before),
    "fill_kept": fill_kept,
}


def _column(frame: pl.DataFrame | None, name: str) -> pl.Series | None:
    return frame[name] if frame is not None and frame.height and name in frame.columns else None


def _beyond(bound: Change, change: float, rows: int) -> dict[str, float]:
    """How far a figure fell or rose, where that is beyond its bound; `rows` is how many there were before."""
    # Rounded, for 0.8 - 1 is a little less than -0.2.
    change = round(change, 9)
    if rows <= bound.small:
        return {}
    if bound.fall is not None and -change > bound.fall:
        return {"fall": -change}
    return {"rise": change} if bound.rise is not None and change > bound.rise else {}


def _may(bound: Change) -> Text:
    """What a bound lets a figure do."""
    if bound.rise is None:
        return bilingual("baisse d'au plus {fall}", "falls by at most {fall}", fall=float(bound.fall or 0))
    if bound.fall is None:
        return bilingual("hausse d'au plus {rise}", "rises by at most {rise}", rise=float(bound.rise))
    return bilingual(
        "baisse d'au plus {fall}, hausse d'au plus {rise}",
        "falls by at most {fall}, rises by at most {rise}",
        fall=float(bound.fall),
        rise=float(bound.rise),
    )


def nothing_before(expected: Text) -> Answer:
    """The answer where there is no version before."""
    observed = bilingual(
        "rien à quoi comparer : aucune version précédente", "nothing to compare with: no version before"
    )
    return Answer(True, expected, observed, compared=False)
