"""Foreign keys between the merged tables of a dataset: followed through merging, and never left dangling.

Belongs here: the order in which tables are merged, references rewritten when their target went into another row,
rows held out because what they name is not there. Does not belong here: which rows are the same (merge.py).
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from glane.text import Text
from publish.contribution import Contribution, Held
from publish.deciding import Applied, apply
from publish.decisions import UNDECIDED, Decisions
from publish.matching.engine import Decided
from publish.merge import SEPARATOR, Merged, key_of, merge
from publish.persons import check_persons
from schemas.dataset import Dataset, Table
from schemas.judgement import Problem


@dataclass(frozen=True)
class _Reference:
    fields: tuple[str, ...]
    table: str
    targets: tuple[str, ...]


def merge_tables(
    dataset: Dataset,
    contributions: Sequence[Contribution],
    before: Mapping[str, Mapping[str, str]] | None = None,
    decisions: Decisions = UNDECIDED,
    *,
    today: datetime.date | None = None,
) -> Applied:
    """Merge every table of partners' rows of `dataset`, apply what stewards decided (on the day `today`, by default
    today in UTC), then hold out the rows whose references lead nowhere.

    A table is merged after those that it refers to, so that an id which went into another is followed there. For
    each partner and table: rows in = published + merged into another + held. `before`: for each table the id that every
    own id was published under last time (about.ids_that_stood). Raises KeyMissingError, DeclarationError for a decision
    that cannot be applied, UndecidedError for personal data that nobody decided about.
    """
    today = today or datetime.datetime.now(datetime.UTC).date()
    merged: dict[str, Merged] = {}
    for table in _referred_first(dataset):
        mine = [c for c in contributions if c.table == table.name]
        stood = (before or {}).get(table.name)
        aliases = {name: part.aliases for name, part in merged.items()}
        rewritten = [replace(c, rows=followed(table, c.rows, aliases)) for c in mine]
        found = merge(table, rewritten, stood, _pairs(decisions, table, today))
        merged[table.name] = replace(found, rows=followed(table, found.rows, {table.name: found.aliases}))
    applied = apply(dataset, merged, decisions, today)
    check_persons(dataset, contributions, applied, decisions)
    merged, held = applied.merged, list(applied.held)
    # A row that is held out may be what another refers to: go round until nothing more falls.
    while any(_hold_out(table, merged, held) for table in dataset.merged):
        continue
    return replace(applied, merged={table.name: merged[table.name] for table in dataset.merged}, held=tuple(held))


def _pairs(decisions: Decisions, table: Table, today: datetime.date) -> Decided:
    """The pairs of rows of `table` that somebody said are the same, or are not."""
    same, different = (
        frozenset((one.id, one.other) for one in decisions.standing(table.name, kind, today))
        for kind in ("same", "different")
    )
    return Decided(same, different)


def _references(table: Table) -> list[_Reference]:
    found = []
    for key in table.schema.get("foreignKeys", []):
        target = key["reference"]
        found.append(_Reference(_names(key["fields"]), target.get("resource") or table.name, _names(target["fields"])))
    return found


def _names(fields: str | list[str]) -> tuple[str, ...]:
    return (fields,) if isinstance(fields, str) else tuple(fields)


def _referred_first(dataset: Dataset) -> list[Table]:
    """The tables of partners' rows, each after those it refers to; a ring keeps the declared order."""
    ordered: list[Table] = []
    waiting = list(dataset.merged)
    while waiting:
        names = {table.name for table in waiting}
        free = [t for t in waiting if not any(r.table in names - {t.name} for r in _references(t))]
        chosen = (free or waiting)[0]
        ordered.append(chosen)
        waiting.remove(chosen)
    return ordered


def followed(table: Table, rows: pl.DataFrame, aliases: Mapping[str, Mapping[str, str]]) -> pl.DataFrame:
    """`rows` with references to ids that went into another row rewritten to the id that stands: `aliases` gives it, for
    each table that was merged."""
    for reference in _references(table):
        gone = aliases.get(reference.table)
        if gone and len(reference.fields) == 1:
            (name,) = reference.fields
            rows = rows.with_columns(pl.col(name).replace(dict(gone)))
    return rows


def _hold_out(table: Table, merged: dict[str, Merged], held: list[Held]) -> bool:
    """Take the rows of `table` whose references dangle out of `merged`, into `held`; whether there were any."""
    current = merged[table.name]
    for reference in _references(table):
        if reference.table not in merged:
            continue
        target = merged[reference.table].rows.select(
            pl.col(name).alias(own) for own, name in zip(reference.fields, reference.targets, strict=True)
        )
        said = current.rows.drop_nulls(list(reference.fields))
        dangling = said.join(target, on=list(reference.fields), how="anti")
        if not dangling.height:
            continue
        cells = dangling.select(
            key_of(table).alias("id"),
            pl.concat_str([pl.col(name) for name in reference.fields], separator=SEPARATOR).alias("cell"),
        )
        traces = current.provenance.join(cells, on="id").sort("partner", "line", "id")
        held += [_dangling(table.name, reference, trace) for trace in traces.iter_rows(named=True)]
        merged[table.name] = replace(
            current,
            rows=current.rows.filter(~key_of(table).is_in(cells["id"].implode())),
            provenance=current.provenance.join(cells, on="id", how="anti"),
        )
        return True
    return False


def _dangling(table: str, reference: _Reference, trace: Mapping[str, object]) -> Held:
    fields, targets, cell = "+".join(reference.fields), "+".join(reference.targets), str(trace["cell"])
    problem = Problem(
        line=int(str(trace["line"])),
        field=fields,
        rule="foreign-key",
        severity="error",
        cell=cell,
        message=Text(
            fr=f"« {cell} » ne correspond à aucune ligne publiée de la table {reference.table} ({targets}).",
            en=f"{cell!r} names no published row of the table {reference.table} ({targets}).",
        ),
        remedy=Text(
            fr=f"Corrigez cette référence, ou ajoutez la ligne manquante à {reference.table}.",
            en=f"Correct this reference, or add the missing row to {reference.table}.",
        ),
    )
    return Held(table, str(trace["partner"]), problem)
