"""Coverage: how many rows of a table each département and commune has, and which communes have none.

Belongs here: placing rows and counting them. Does not belong here: the files of a version that say it
(coverage_files.py), the list of communes (schemas/territory/reference.py), pages.

    coverage = coverage_of(table.line.territory, rows, reference)   # None for what is not known of the communes
    coverage.departments     a line for each département, each other country, and rows of which neither is known
    coverage.communes        a line for each commune of the reference; empty without one
    coverage.summary()       for quality.json: the totals, the lines of `departments`, which reference

`rows` is any frame with the fields that `territory` names: the merged rows, or a version's CSV read back. Every row is
on exactly one line of `departments`: sum(departments["rows"]) == rows.height.

A commune is known by its INSEE code, else by postcode and name, else by département and name where one commune alone
has it, else by a postcode that is one commune's alone. A commune that became part of another counts as that one, an
arrondissement of Paris, Lyon or Marseille as the whole city: populations are counted once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from schemas.rules.countries import countries
from schemas.territory.declaration import PLACE, Territory
from schemas.territory.departments import country_of_row, department_of, departments, folded
from schemas.territory.reference import SEPARATOR, Reference, Told

DEPARTMENTS = {
    "country": pl.String,
    "code": pl.String,
    "name": pl.String,
    "rows": pl.Int64,
    "rows_not_placed": pl.Int64,
    "communes": pl.Int64,
    "communes_with": pl.Int64,
    "communes_without": pl.Int64,
    "population": pl.Int64,
    "population_without": pl.Int64,
}
COMMUNES = {
    "code": pl.String,
    "name": pl.String,
    "department": pl.String,
    "population": pl.Int64,
    "rows": pl.Int64,
}
_CITIES = {
    **{f"751{number:02}": "75056" for number in range(1, 21)},
    **{f"6938{number}": "69123" for number in range(1, 10)},
    **{f"132{number:02}": "13055" for number in range(1, 17)},
}
"""The arrondissements of Paris, Lyon and Marseille by INSEE code, and the code of their city."""

_LARGEST = 10


@dataclass(frozen=True)
class Coverage:
    """See the module. `reference` is the one that the rows were held against, None without one."""

    departments: pl.DataFrame
    communes: pl.DataFrame
    reference: Told | None

    def summary(self) -> dict[str, Any]:
        """What quality.json says: totals for France, each line of `departments` of which there is anything to say, and
        the communes without any row in which the most people live."""
        france = self.departments.filter(pl.col("country") == "FR")
        counted = [name for name, kind in DEPARTMENTS.items() if kind == pl.Int64]
        known = [name for name in counted if france[name].null_count() < france.height]
        return {
            "reference": self.reference.model_dump(mode="json") if self.reference else None,
            "france": {name: int(france[name].sum()) if name in known else None for name in counted},
            "departments": [line for line in self.departments.to_dicts() if line["rows"] or line["communes"]],
            "largest_without": self.empty().head(_LARGEST).to_dicts(),
        }

    def empty(self, department: str | None = None) -> pl.DataFrame:
        """The communes without any row, the most people first; of one département, or of all."""
        found = self.communes.filter(pl.col("rows") == 0)
        if department is not None:
            found = found.filter(pl.col("department") == department)
        return found.sort("population", "code", descending=[True, False], nulls_last=True)


def coverage_of(territory: Territory, rows: pl.DataFrame, reference: Reference | None) -> Coverage:
    """Count `rows`, of a table with this `territory`, by département and commune, held against the `reference`."""
    places = Places(reference)
    found: dict[tuple[str, str | None], int] = defaultdict(int)
    unplaced: dict[tuple[str, str | None], int] = defaultdict(int)
    communes: dict[str, int] = defaultdict(int)
    for country, code, postcode, commune, count in _distinct(territory, rows).iter_rows():
        nation = country_of_row(country)
        department = department_of(code, postcode, commune) if nation == "FR" else None
        found[nation, department] += count
        place = places.find(department, code, postcode, commune) if department is not None else None
        if place is not None:
            communes[place] += count
        else:
            unplaced[nation, department] += count
    listed = _communes(reference, communes)
    return Coverage(_departments(found, unplaced, listed, reference), listed, reference.told if reference else None)


def departments_of(columns: Mapping[str, str], rows: pl.DataFrame) -> pl.Series:
    """The département of each row by its code; null for a row that is not in France, or of which nobody can tell.

    `columns` are those of Territory.columns. The rows themselves decide, no list of communes does: the same rows are
    in the same département for ever.
    """
    cells = [rows[columns[key]] if key in columns else [None] * rows.height for key in PLACE]
    found = [
        department_of(code, postcode, commune) if country_of_row(country) == "FR" else None
        for country, code, postcode, commune in zip(*cells, strict=True)
    ]
    return pl.Series("department", found, pl.String)


class Places:
    """The communes of a reference, for finding the one that a row is in."""

    def __init__(self, reference: Reference | None) -> None:
        self._by_code: dict[str, str] = {}
        self._by_postcode: dict[str, set[str]] = defaultdict(set)
        self._by_name: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._postcodes: dict[str, frozenset[str]] = {}
        if reference is None:
            return
        lines = reference.communes.select("code", "name", "postcodes", "current").rows()
        # Communes of today last: a commune that keeps its code as a part of a new one must not hide the new one.
        for code, name, postcodes, current in sorted(lines, key=lambda line: line[3] is None):
            place = current or _CITIES.get(code, code)
            self._by_code[code] = place
            self._by_name[str(department_of(place, None, None)), folded(name)].add(place)
            for postcode in (postcodes or "").split(SEPARATOR) if postcodes else ():
                self._by_postcode[postcode].add(place)

    def find(self, department: str, code: str | None, postcode: str | None, commune: str | None) -> str | None:
        """The code of the commune of today, in `department`, that a row is in; None where it cannot be told."""
        place = self._by_code.get(_CITIES.get(code or "", code or ""))
        if place is not None:
            return place
        named = self._by_name.get((department, folded(commune)), set()) if commune else set()
        there = self._by_postcode.get(postcode, set()) if postcode else set()
        # Several communes of a département may bear one name; a postcode tells which.
        for among in (named & there, named, there):
            if len(among) == 1:
                (only,) = among
                return only if department_of(only, None, None) == department else None
        return None


def _distinct(territory: Territory, rows: pl.DataFrame) -> pl.DataFrame:
    columns = territory.columns
    cells = [
        (pl.col(columns[key]) if key in columns else pl.lit(None, pl.String)).cast(pl.String).alias(key)
        for key in PLACE
    ]
    return rows.select(cells).group_by(PLACE).len("rows").sort(PLACE)


def _communes(reference: Reference | None, counted: Mapping[str, int]) -> pl.DataFrame:
    if reference is None:
        return pl.DataFrame(schema=COMMUNES)
    listed = reference.today.filter(~pl.col("code").is_in(list(_CITIES)))
    codes = listed["code"].to_list()
    return listed.with_columns(
        pl.Series("department", [department_of(code, None, None) for code in codes], pl.String),
        pl.Series("rows", [counted.get(code, 0) for code in codes], pl.Int64),
    ).select(list(COMMUNES))


def _departments(
    found: Mapping[tuple[str, str | None], int],
    unplaced: Mapping[tuple[str, str | None], int],
    communes: pl.DataFrame,
    reference: Reference | None,
) -> pl.DataFrame:
    bare = communes.filter(pl.col("rows") == 0)
    lines: list[dict[str, Any]] = []
    with_all = _by_department(communes)
    without = _by_department(bare)
    for code, name in departments().items():
        line: dict[str, Any] = {"country": "FR", "code": code, "name": name, "rows": found.get(("FR", code), 0)}
        if reference is not None:
            (all_of, people), (none_in, left) = with_all.get(code, (0, 0)), without.get(code, (0, 0))
            line |= {
                "rows_not_placed": unplaced.get(("FR", code), 0),
                "communes": all_of,
                "communes_with": all_of - none_in,
                "communes_without": none_in,
                "population": people,
                "population_without": left,
            }
        lines.append(line)
    return pl.DataFrame([*lines, *_elsewhere(found)], schema=DEPARTMENTS)


def _by_department(communes: pl.DataFrame) -> dict[str, tuple[int, int]]:
    grouped = communes.group_by("department").agg(pl.len(), pl.col("population").sum())
    return {code: (count, people) for code, count, people in grouped.iter_rows()}


def _elsewhere(found: Mapping[tuple[str, str | None], int]) -> Iterable[dict[str, Any]]:
    """Rows that are in no département: those of France that do not say where, then each other country's."""
    beyond = {nation: count for (nation, department), count in found.items() if department is None}
    if "FR" in beyond:
        yield {"country": "FR", "rows": beyond.pop("FR")}
    known = countries()
    for nation, count in sorted(beyond.items()):
        yield {"country": nation, "name": known[nation].name.fr if nation in known else None, "rows": count}
