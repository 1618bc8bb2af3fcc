"""What bench/merge.py is run on: partners' real files, silver truth, typos, and many rows made of them.

The real files lie in ../shared/data; how they are read and mapped is declared in tests/real. Silver truth: rows of two
sources that have one valid SIRET and one commune (the postcode where a source gives no commune). The matcher never sees
those ids. It is silver and no gold: an organisation may give one SIRET to all its places in a town.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
from stdnum.fr import siret

from publish.matching.told import KEY, PARTNER
from schemas.dataset import Geometry, Table, load_dataset
from schemas.merging import Likeness
from sources.declaration import load_source
from sources.mapping import map_rows
from sources.read import read

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("data-inclusion", "numi", "france-services", "region-sud", "aidants-connect")
FIELDS = (
    *("nom", "adresse", "code_postal", "commune", "code_insee", "pays", "pivot", "telephone", "courriels", "site_web"),
    *("typologie", "latitude", "longitude"),
)
POINT = Geometry(latitude="latitude", longitude="longitude")
LIKENESS = Likeness(
    name="nom",
    address="adresse",
    postcode="code_postal",
    town="commune",
    town_code="code_insee",
    country="pays",
    phone="telephone",
    email="courriels",
    page="site_web",
    kind="typologie",
)
"""As schemas/inclusion_sites declares it, but without the national id."""


def table() -> Table:
    """The table that the sources feed."""
    return load_dataset(ROOT / "schemas" / "inclusion_sites").main


def real_rows(source: str) -> pl.DataFrame:
    """The rows of a real file as mapped, under keys that tell them apart. Their ids stay in `pivot`."""
    declared = load_source(ROOT / "tests" / "real" / "inclusion_sites" / source)
    path = (ROOT / "tests" / "real" / "inclusion_sites" / source / str(declared.line.where.file)).resolve()
    rows = map_rows(declared, table(), read(path, declared.line.format), snapshot_date="2026-11-01").rows
    keyed = rows.select(FIELDS).with_row_index("_n")
    return keyed.select(
        pl.format("{}/{}", pl.lit(source), pl.col("_n").cast(pl.String).str.zfill(6)).alias(KEY),
        pl.lit(source).alias(PARTNER),
        *FIELDS,
    ).filter(pl.col("nom").is_not_null())


def all_rows() -> pl.DataFrame:
    """The rows of all the sources that are measured."""
    return pl.concat([real_rows(source) for source in SOURCES])


def silver(rows: pl.DataFrame) -> pl.DataFrame:
    """The pairs of silver truth: `a` < `b` (keys) of two sources, with their partners."""
    valid = [bool(text) and text.strip("0") != "" and siret.is_valid(text) for text in rows["pivot"].fill_null("")]
    known = rows.filter(pl.Series(valid)).select(KEY, PARTNER, "pivot", "code_insee", "code_postal")
    met = known.join(known, on="pivot", suffix="_b").filter(pl.col(KEY) < pl.col(f"{KEY}_b"))
    met = met.filter(pl.col(PARTNER) != pl.col(f"{PARTNER}_b"))
    commune, postcode = pl.col("code_insee") == pl.col("code_insee_b"), pl.col("code_postal") == pl.col("code_postal_b")
    return met.filter(pl.coalesce(commune, postcode).fill_null(value=False)).select(
        a=KEY, b=f"{KEY}_b", partner_a=PARTNER, partner_b=f"{PARTNER}_b", pivot="pivot"
    )


def with_siret(rows: pl.DataFrame) -> dict[str, str]:
    """The valid SIRET of each key that has one."""
    return {k: p for k, p in rows.select(KEY, "pivot").iter_rows() if p and p.strip("0") and siret.is_valid(p)}


def _letter(text: str, chance: random.Random, kind: str) -> str:
    spots = [at for at, sign in enumerate(text) if sign.isalpha()]
    if len(spots) < 4:
        return text
    at = chance.choice(spots[:-1])
    if kind == "dropped":
        return text[:at] + text[at + 1 :]
    if kind == "swapped":
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + chance.choice("abcdefghijklmnopqrstuvwxyz") + text[at + (kind == "other") :]


def _words(text: str, chance: random.Random) -> str:
    parts = text.split()
    chance.shuffle(parts)
    return " ".join(parts)


def _without_word(text: str, chance: random.Random) -> str:
    parts = text.split()
    if len(parts) > 2:
        parts.pop(chance.randrange(len(parts)))
    return " ".join(parts)


_SHORT = {"avenue": "av.", "boulevard": "bd", "place": "pl.", "saint": "St", "route": "rte", "rue": "R."}
Cells = dict[str, str | None]
Typo = Callable[[Cells, random.Random], Cells]


def _on(field: str, change: Callable[[str, random.Random], str]) -> Typo:
    return lambda cells, chance: {**cells, field: change(cells[field] or "", chance) or None}


def _short(text: str, _: random.Random) -> str:
    return " ".join(_SHORT.get(word.lower(), word) for word in text.split())


def _moved(cells: Cells, chance: random.Random) -> Cells:
    if not cells["latitude"] or not cells["longitude"]:
        return cells
    shifted = {name: str(float(cells[name] or 0) + chance.uniform(-0.001, 0.001)) for name in ("latitude", "longitude")}
    return {**cells, **shifted}


def _all_of(*typos: Typo) -> Typo:
    def change(cells: Cells, chance: random.Random) -> Cells:
        for typo in typos:
            cells = typo(cells, chance)
        return cells

    return change


def _digit(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text)) if text else 0
    return text[:at] + chance.choice("0123456789") + text[at + 1 :] if text else text


TYPOS: dict[str, Typo] = {
    "a letter of the name dropped": _on("nom", lambda t, c: _letter(t, c, "dropped")),
    "two letters of the name swapped": _on("nom", lambda t, c: _letter(t, c, "swapped")),
    "a letter of the name is another": _on("nom", lambda t, c: _letter(t, c, "other")),
    "a letter too many in the name": _on("nom", lambda t, c: _letter(t, c, "added")),
    "words of the name in another order": _on("nom", _words),
    "a word of the name left out": _on("nom", _without_word),
    "capitals without accents": _on("nom", lambda t, c: t.upper().translate(str.maketrans("ÉÈÊÀÂÎÔÛÇ", "EEEAAIOUC"))),
    "a letter of the street is another": _on("adresse", lambda t, c: _letter(t, c, "other")),
    "the street abbreviated": _on("adresse", _short),
    "no street number": _on("adresse", lambda t, c: t.lstrip("0123456789 ,")),
    "no address": _on("adresse", lambda t, c: ""),
    "a digit of the postcode": _on("code_postal", _digit),
    "no postcode": _on("code_postal", lambda t, c: ""),
    "another telephone number": _on("telephone", lambda t, c: "+33199001234" if t else ""),
    "neither telephone nor mail nor page": _all_of(
        *(_on(name, lambda t, c: "") for name in ("telephone", "courriels", "site_web"))
    ),
    "the point a hundred metres off": _moved,
    "name, street and telephone": _all_of(
        _on("nom", lambda t, c: _letter(t, c, "other")),
        _on("adresse", lambda t, c: _letter(t, c, "dropped")),
        _on("telephone", lambda t, c: "+33199001234" if t else ""),
    ),
}
"""What people get wrong, by name."""


def with_typos(rows: pl.DataFrame, kind: str, seed: int = 11) -> pl.DataFrame:
    """Half of `rows` again, as another partner's, each with a typo of `kind`; `_twin` is the key of the row it was."""
    chance = random.Random(f"{seed} {kind}")
    names = [name for name in rows.columns if name not in (KEY, PARTNER)]
    half = rows.sort(KEY).gather_every(2)
    changed = [TYPOS[kind](cells, chance) for cells in half.select(names).iter_rows(named=True)]
    return pl.DataFrame(changed, schema=dict.fromkeys(names, pl.String)).with_columns(
        ("typo/" + half[KEY]).alias(KEY), pl.lit("typo").alias(PARTNER), half[KEY].alias("_twin")
    )


def many_rows(count: int) -> pl.DataFrame:
    """`count` rows: the real ones, over and over, each time in a country of their own with other numbers and points."""
    base = all_rows()
    parts = []
    for turn in range(-(-count // base.height)):
        code = f"{turn:03d}"
        parts.append(
            base.with_columns(
                pl.col(KEY) + f"#{code}",
                pl.col("pays") + code,
                *((pl.lit(code) + pl.col(name)).alias(name) for name in ("code_postal", "code_insee", "commune")),
                *((pl.col(name) + code).alias(name) for name in ("telephone", "courriels", "site_web")),
                pl.format("{}{}", pl.lit(code + " "), pl.col("nom")).alias("nom") if turn % 2 else pl.col("nom"),
                *(
                    (pl.col(name).cast(pl.Float64, strict=False) + turn * 0.37).cast(pl.String)
                    for name in ("latitude",)
                ),
            )
        )
    return pl.concat(parts).head(count)
