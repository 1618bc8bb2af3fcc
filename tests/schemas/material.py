"""What the tests of judging are made of: a small dataset declared as a real one is, and rows for it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from schemas.dataset import Dataset, load_dataset
from schemas.judgement import LINE

PLACES: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True, "unique": True}},
        {"name": "name", "type": "string", "constraints": {"required": True}, "example": "Médiathèque"},
        {"name": "postcode", "type": "string", "constraints": {"pattern": r"^\d{5}$"}, "example": "01000"},
        {"name": "latitude", "type": "number", "constraints": {"minimum": -90, "maximum": 90}},
        {"name": "services", "type": "string"},
        {"name": "site", "type": "string"},
        {"name": "updated", "type": "date"},
        {"name": "kind", "type": "string", "constraints": {"enum": ["fixed", "travelling"]}},
        {"name": "consent", "type": "string"},
    ],
    "primaryKey": "id",
}
VISITS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "place", "type": "string"},
    ],
    "primaryKey": "id",
    "foreignKeys": [{"fields": "place", "reference": {"resource": "places", "fields": "id"}}],
}
STRICT: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "postcode", "type": "string", "constraints": {"required": True, "pattern": r"^\d{5}$"}},
        {"name": "note", "type": "string"},
    ],
    "primaryKey": "id",
}
SERVICES = (
    "term,synonyms,fr,en\nLearning,classes|lessons,Apprendre,Learning\nAccess,,Accès,Access\nRepair,,Réparer,Repair\n"
)
DECLARATION = """\
title: {fr: Lieux, en: Places}
description: {fr: Des lieux., en: Places.}
language: fr
frequency: daily
steward: {name: La Coopérative, email: donnees@example.org}
licence: {publish: etalab-2.0, accept: [etalab-2.0]}
governance:
  contribution: {fr: Écrivez-nous., en: Write to us.}
  reuse: {fr: Citez-nous., en: Credit us.}
  objection: {fr: Écrivez-nous., en: Write to us.}
tables:
  - name: places
    title: {fr: Lieux, en: Places}
    description: {fr: Des lieux., en: Places.}
    published_when: {consent: given}
    terms:
      services: {list: services, separator: "|"}
    rules:
      - {rule: url, fields: [site]}
      - {rule: postcode_of_country, fields: [postcode], with: {country: FR}}
      - {rule: date_not_future, fields: [updated], severity: warning}
  - name: visits
    title: {fr: Visites, en: Visits}
    description: {fr: Des visites., en: Visits.}
  - name: strict
    title: {fr: Lieux stricts, en: Strict places}
    description: {fr: Des lieux., en: Places.}
    derived_from: places
"""
GOOD: dict[str, str | None] = {
    "id": "a",
    "name": "Médiathèque",
    "postcode": "01000",
    "latitude": "46.2",
    "services": "Learning|Access",
    "site": "https://example.org/",
    "updated": "2026-01-31",
    "kind": "fixed",
    "consent": "given",
}


def places(folder: Path) -> Dataset:
    """Declare the small dataset under `folder` and load it."""
    root = folder / "places"
    (root / "terms").mkdir(parents=True, exist_ok=True)
    for name, schema in (("places", PLACES), ("visits", VISITS), ("strict", STRICT)):
        (root / f"{name}.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    (root / "terms" / "services.csv").write_text(SERVICES, encoding="utf-8")
    (root / "dataset.yaml").write_text(DECLARATION, encoding="utf-8")
    return load_dataset(root)


def rows_of(
    fields: Sequence[str], rows: Sequence[Mapping[str, str | None]], lines: Sequence[int] | None = None
) -> pl.DataFrame:
    """Rows as they travel between the rooms; lines count from 2 unless given."""
    frame = pl.DataFrame([{name: row.get(name) for name in fields} for row in rows], dict.fromkeys(fields, pl.String))
    return frame.with_columns(pl.Series(LINE, lines or list(range(2, len(rows) + 2)), pl.Int64))


def good(**cells: str | None) -> dict[str, str | None]:
    """A right row of places, but for the cells given."""
    return GOOD | cells
