"""Links across datasets: which rows of another dataset belong to an organisation of this one.

Belongs here: the rules, and the rows of a table of links. Does not belong here: reading the other datasets
(neighbours.py), how alike two rows are (matching/), the declaration (schemas/linking.py).

A row that gives the organisation's own national number is linked. Of the others, those that are alike enough are, and
those that are less so are asked about; what a person decided of either holds. A number that many rows give (a head
office, a place-holder) links none of them. A link stands as long as both of its rows are published.
"""

import datetime
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from glane.declaration import DeclarationError, Fault
from glane.text import Text
from publish.deciding import Applied, Question
from publish.decisions import Decision, Decisions
from publish.matching.candidates import candidates
from publish.matching.engine import SENTINEL
from publish.matching.score import scored
from publish.matching.told import KEY, PARTNER, told
from publish.merge import SEPARATOR, Merged, key_of
from publish.neighbours import ID, Neighbour, Neighbours
from publish.suggesting import Suggestion, suggestion
from schemas.dataset import Geometry, Table
from schemas.linking import Link
from schemas.merging import Likeness
from schemas.rules.identifiers import organisation_number

_NUMBER, _SAID = "_number", "_said"
_POINT = Geometry(latitude="latitude", longitude="longitude")
_ENDS = ("organisation", "row")
_Ends = tuple[str, str]


@dataclass(frozen=True)
class _Found:
    """What one line of `links:` leads to: the pairs that are linked, with how; those to ask about (lines of
    matching.score.scored); and the numbers that too many rows give, with how many."""

    linked: Mapping[_Ends, str]
    asked: tuple[dict[str, object], ...]
    repeated: Mapping[str, int]


@dataclass(frozen=True)
class Linked:
    """A table of links: its `rows`, the pairs that a person may decide, the decisions that did something and those that
    are questions, what a steward should know, how many links there are of each sort to each table, and of which tables
    of other datasets it was made."""

    rows: pl.DataFrame
    asked: tuple[Suggestion, ...]
    applied: tuple[Decision, ...]
    questions: tuple[Question, ...]
    warnings: tuple[Text, ...]
    counts: Mapping[str, Mapping[str, int]]
    sources: tuple[Mapping[str, str], ...]


def link(
    table: Table, base: Table, merged: Merged, others: Neighbours, decisions: Decisions, today: datetime.date
) -> Linked:
    """Link the published rows of `base` (in `merged`) to those of `others`, as `table` declares.

    Rows of a dataset that has no version yet are linked to at its first. Raises DeclarationError for a decision of
    another kind than `same` and `different`.
    """
    _check_kinds(table, decisions)
    own = merged.rows.with_columns(key_of(base).alias(ID))
    linked, asked, relations = dict[tuple[str, str, str, str], str](), list[Suggestion](), dict[tuple[str, str], str]()
    repeated = Counter[tuple[str, str]]()
    for line in table.line.links:
        place = (line.dataset, line.table)
        relations[place] = line.relation
        if place not in others:
            continue
        found = _found(line, base, own, others[place].rows)
        for (organisation, row), how in found.linked.items():
            linked.setdefault((organisation, *place, row), how)
        asked += _suggestions(table, line, base, found.asked, own, others[place])
        repeated |= Counter({(f"{line.dataset}/{line.table}", number): rows for number, rows in found.repeated.items()})
    done, gone, said_different = _decided(table, merged, own, others, decisions, today, linked)
    rows = _rows(table, base, merged, others, linked, relations)
    waiting = [one for one in asked if not _settled(one, rows, said_different)]
    return Linked(
        rows=rows,
        asked=tuple({(one.a, one.b): one for one in reversed(waiting)}.values()),
        applied=tuple(done),
        questions=tuple(gone),
        warnings=tuple(_warning(place, number, rows) for (place, number), rows in sorted(repeated.items())),
        counts={
            f"{dataset}/{name}": dict(sorted(Counter(how for key, how in linked.items() if key[1:3] == place).items()))
            for place in sorted(relations)
            for dataset, name in [place]
        },
        sources=tuple(others[place].source for place in sorted(others)),
    )


def with_links(applied: Applied, linked: Mapping[str, Linked]) -> Applied:
    """What was decided of all tables, those of links among them."""
    return replace(
        applied,
        applied=(*applied.applied, *(one for part in linked.values() for one in part.applied)),
        questions=(*applied.questions, *(one for part in linked.values() for one in part.questions)),
    )


def _check_kinds(table: Table, decisions: Decisions) -> None:
    wrong = [one for one in decisions.all if one.table == table.name and one.kind not in ("same", "different")]
    if wrong:
        what = "A link is neither corrected nor withdrawn."
        remedy = "Write 'same' or 'different', with the organisation's id and dataset/table/id of the row."
        raise DeclarationError(decisions.path, [Fault(one.line, "kind", what, remedy) for one in wrong])


def _found(line: Link, base: Table, own: pl.DataFrame, theirs: pl.DataFrame) -> _Found:
    mine = _told_by(base)
    if base.line.geometry and line.point:
        mine |= {"latitude": base.line.geometry.latitude, "longitude": base.line.geometry.longitude}
    shared = [key for key in line.fields if key in mine]
    sides = {
        "own": own.select(ID, *(pl.col(mine[key]).alias(key) for key in shared)),
        "their": theirs.select(ID, *(pl.col(line.fields[key]).alias(key) for key in shared)),
    }
    by_number, doubtful, repeated = _by_number(sides["own"], sides["their"])
    # The rows of one side come first in the order of keys, so that the first of a pair is always an organisation.
    frame = pl.concat(
        side.with_columns((pl.lit(f"{number} ") + pl.col(ID)).alias(KEY), pl.lit(name).alias(PARTNER)).drop(ID)
        for number, (name, side) in enumerate(sides.items())
    )
    limits = {"same_from": line.likeness.same_from, "ask_from": line.likeness.ask_from}
    named = {key: key for key in shared if key not in ("latitude", "longitude")}
    alike, asked = _by_likeness(frame, Likeness(**named, **limits), {row for _, row in by_number}, doubtful)
    return _Found(
        dict.fromkeys(by_number, "national_id") | dict.fromkeys(alike, "likeness"), tuple(asked), dict(repeated)
    )


def _told_by(base: Table) -> dict[str, str]:
    """The fields of ours that are compared, by what they tell."""
    return dict(base.line.merge.likeness.named()) if base.line.merge.likeness else {}


def _by_number(own: pl.DataFrame, theirs: pl.DataFrame) -> tuple[set[_Ends], set[_Ends], dict[str, int]]:
    """The pairs of one national number; those of a number that several organisations of ours have, where none of them
    gives the very same one; and the numbers that too many rows give."""
    if "national_id" not in own.columns:
        return set(), set(), {}
    ours, rows = _numbered(own), _numbered(theirs)
    often = dict(rows.group_by(_SAID).len().filter(pl.col("len") > SENTINEL).iter_rows())
    met = ours.select(_NUMBER, organisation=ID, _ours=_SAID).join(
        rows.filter(~pl.col(_SAID).is_in(list(often))).select(_NUMBER, row=ID, _theirs=_SAID), on=_NUMBER
    )
    met = met.with_columns(
        (pl.col("_ours") == pl.col("_theirs")).alias("_very"), pl.len().over("row").alias("_organisations")
    ).with_columns(pl.col("_very").sum().over("row").alias("_very_same"))
    alone = (pl.col("_organisations") == 1) | (pl.col("_very") & (pl.col("_very_same") == 1))
    sure = set(met.filter(alone).select(_ENDS).iter_rows())
    told_ = {row for _, row in sure}
    doubtful = {pair for pair in met.select(_ENDS).iter_rows() if pair[1] not in told_}
    known = set(ours[_NUMBER])
    repeated = rows.filter(pl.col(_SAID).is_in(list(often)), pl.col(_NUMBER).is_in(list(known)))
    return sure, doubtful, {said: often[said] for said in repeated[_SAID].unique().sort()}


def _numbered(side: pl.DataFrame) -> pl.DataFrame:
    """The rows whose national number names an organisation: the number as it is given, and whom it names."""
    country = pl.col("country") if "country" in side.columns else pl.lit(None, pl.String)
    given = side.select(ID, "national_id", country.alias("country")).drop_nulls("national_id")
    names = given.select("national_id", "country").unique()
    numbers = [organisation_number(number, land) for number, land in names.iter_rows()]
    known = names.with_columns(pl.Series(_NUMBER, numbers, dtype=pl.String)).drop_nulls(_NUMBER)
    said = pl.col("national_id").str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "").alias(_SAID)
    return given.join(known, on=["national_id", "country"], nulls_equal=True).select(ID, _NUMBER, said)


def _by_likeness(
    frame: pl.DataFrame, likeness: Likeness, settled: set[str], doubtful: set[_Ends]
) -> tuple[set[_Ends], list[dict[str, object]]]:
    """The pairs that are alike enough, and those that a person is asked about; without the `settled` rows."""
    known = told(frame, likeness, _POINT if "latitude" in frame.columns else None)
    keys, side = known[KEY], known[PARTNER]
    numbers = {key: number for number, key in enumerate(keys)}
    by_number = [(numbers[f"0 {organisation}"], numbers[f"1 {row}"]) for organisation, row in sorted(doubtful)]
    met = candidates(known)
    across = met.filter(side[met["a"]] != side[met["b"]])
    listed = pl.DataFrame(by_number, schema=across.schema, orient="row")
    pairs = pl.concat([across, listed]).unique().sort("a", "b")
    pairs = pairs.filter(~keys[pairs["b"]].str.slice(2).is_in(list(settled)))
    # Of those that share a number the least alike are asked about too.
    least = -math.inf if doubtful else likeness.ask_from
    found = scored(known, pairs, least=least).join(
        listed.with_columns(pl.lit(value=True).alias("_doubtful")), on=["a", "b"], how="left"
    )
    found = found.with_columns(
        keys[found["a"]].str.slice(2).alias("organisation"),
        keys[found["b"]].str.slice(2).alias("row"),
        _other_numbers(frame, keys[found["a"]], keys[found["b"]]).alias("_other"),
        pl.col("_doubtful").fill_null(value=False),
    ).filter(pl.col("_doubtful") | (pl.col("score") >= likeness.ask_from))
    enough = (pl.col("score") >= likeness.same_from) & ~pl.col("against")
    sure = found.filter(enough & ~pl.col("_other") & ~pl.col("_doubtful"))
    # Where several organisations are as alike, nothing tells which of them it is.
    sure = sure.filter(pl.len().over("row") == 1)
    linked = set(sure.select(_ENDS).iter_rows())
    asked = found.filter(
        ~pl.col("row").is_in([row for _, row in linked]) & (~pl.col("_other") | (pl.col("score") >= likeness.same_from))
    ).sort("score", *_ENDS, descending=[True, False, False])
    return linked, asked.to_dicts()


def _other_numbers(frame: pl.DataFrame, ours: pl.Series, theirs: pl.Series) -> pl.Series:
    """Of pairs of keys, whether their national numbers name two organisations."""
    if "national_id" not in frame.columns:
        return pl.Series([False] * len(ours), dtype=pl.Boolean)
    asked = frame.filter(pl.col(KEY).is_in(pl.concat([ours, theirs]).unique().implode())).rename({KEY: ID})
    number = dict(_numbered(asked).select(ID, _NUMBER).iter_rows())
    pairs = ((number.get(a), number.get(b)) for a, b in zip(ours, theirs, strict=True))
    return pl.Series([None not in pair and len(set(pair)) == 2 for pair in pairs], dtype=pl.Boolean)


def _decided(
    table: Table,
    merged: Merged,
    own: pl.DataFrame,
    others: Neighbours,
    decisions: Decisions,
    today: datetime.date,
    linked: dict[tuple[str, str, str, str], str],
) -> tuple[list[Decision], list[Question], set[tuple[str, str]]]:
    """Put into `linked` what was decided the same, and take out what was decided different; gives the decisions that
    speak of published rows, those that do not, and the pairs that are different."""
    there = set(own[ID])
    done, gone, different = list[Decision](), list[Question](), set[tuple[str, str]]()
    for kind in ("same", "different"):
        for one in decisions.standing(table.name, kind, today):
            organisation = merged.aliases.get(one.id, one.id)
            place, row = _published(one.other, others)
            if organisation not in there or row is None:
                gone.append(Question(one, "one_gone"))
                continue
            done.append(one)
            if one.kind == "same":
                linked[organisation, *place, row] = "decided"
            else:
                linked.pop((organisation, *place, row), None)
                different.add((organisation, "/".join((*place, row))))
    return done, gone, different


def _published(said: str, others: Neighbours) -> tuple[tuple[str, str], str | None]:
    """The row that a decision names, `dataset/table/id`: under the id that it is published by now, if it is."""
    dataset, _, rest = said.partition("/")
    name, _, row = rest.partition("/")
    place = (dataset, name)
    if place not in others:
        return place, None
    origins = others[place].origins
    now = origins.filter((pl.col("own") == row) | (pl.col("id") == row))["id"]
    there = others[place].rows[ID]
    return place, next((one for one in sorted(now) if one in there), None)


def _rows(
    table: Table,
    base: Table,
    merged: Merged,
    others: Neighbours,
    linked: Mapping[tuple[str, str, str, str], str],
    relations: Mapping[tuple[str, str], str],
) -> pl.DataFrame:
    """The rows of the table of links, each with the credits of both of its ends."""
    cells = [("/".join(key), *key, relations[key[1], key[2]], linked[key]) for key in sorted(linked)]
    names = ("id", "organisation", "dataset", "table", "row", "relation", "how")
    rows = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")
    credited = [_credits(base, merged, rows), *_credits_of_others(others, rows)]
    whom = pl.concat(credited).group_by("id").agg(_united("partner"), _united("attribution"), _united("licence"))
    given: dict[str, str] = {what: name for name, what in table.line.provided.items() if what in whom.columns}
    known = rows.join(whom.rename(given), on="id", how="left", maintain_order="left")
    known = known.with_columns(
        pl.lit(None, pl.String).alias(name) for name in table.fields if name not in known.columns
    )
    return known.select(table.fields).sort("id")


def _credits(base: Table, merged: Merged, rows: pl.DataFrame) -> pl.DataFrame:
    """For each link the partners, attributions and licences of its organisation, one a line."""
    named = {what: name for name, what in base.line.provided.items()}
    whom = merged.rows.select(
        key_of(base).alias("organisation"),
        *(
            (pl.col(named[what]).str.split(SEPARATOR) if what in named else pl.lit([], pl.List(pl.String))).alias(what)
            for what in ("partner", "attribution", "licence")
        ),
    )
    met = rows.select("id", "organisation").join(whom, on="organisation")
    lists = met.select("id", "partner", "attribution", "licence")
    return pl.concat(
        [lists.select("id", pl.col(what)).explode(what, empty_as_null=True) for what in lists.columns[1:]],
        how="diagonal",
    )


def _credits_of_others(others: Neighbours, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for (dataset, table), neighbour in others.items():
        mine = rows.filter((pl.col("dataset") == dataset) & (pl.col("table") == table)).select("id", "row")
        told_ = mine.join(neighbour.origins.drop("own").unique(), left_on="row", right_on="id")
        yield told_.select("id", "partner", "attribution", "licence")


def _united(what: str) -> pl.Expr:
    return pl.col(what).drop_nulls().unique().sort().str.join(SEPARATOR)


def _suggestions(
    table: Table, line: Link, base: Table, pairs: Sequence[Mapping[str, object]], own: pl.DataFrame, theirs: Neighbour
) -> Iterator[Suggestion]:
    mine = _told_by(base)
    organisations, rows = ([str(pair[end]) for pair in pairs] for end in _ENDS)
    ours, others = _by_id(own, organisations), _by_id(theirs.rows, rows)
    partners = dict(theirs.origins.filter(pl.col("id").is_in(rows)).group_by("id").agg(_united("partner")).iter_rows())
    source = next((name for name, what in base.line.provided.items() if what == "partner"), None)
    for pair, organisation, row in zip(pairs, organisations, rows, strict=True):
        cells = ours[organisation]
        yield suggestion(
            table.name,
            pair,
            line.likeness,
            ends=(organisation, f"{line.dataset}/{line.table}/{row}"),
            partners=(str(cells[source]) if source else "", partners.get(row, "")),
            cells=(
                (mine[key], str(cells[mine[key]] or ""), str(others[row][name] or ""))
                for key, name in line.fields.items()
                if key in mine
            ),
            relation=line.relation,
        )


def _by_id(rows: pl.DataFrame, ids: Sequence[str]) -> dict[str, dict[str, object]]:
    return {str(row[ID]): row for row in rows.filter(pl.col(ID).is_in(ids)).iter_rows(named=True)}


def _settled(one: Suggestion, rows: pl.DataFrame, different: set[tuple[str, str]]) -> bool:
    """Whether the pair is linked by now, in another way, or was decided."""
    return (one.a, one.b) in different or f"{one.a}/{one.b}" in rows["id"]


def _warning(place: str, number: str, rows: int) -> Text:
    return Text(
        fr=f"{place} : {rows} lignes portent le même numéro {number}. Il ne dit pas quelle organisation les tient : "
        "aucune n'est liée par lui.",
        en=f"{place}: {rows} rows give the same number {number}. It does not say whose they are: none is linked by it.",
    )
