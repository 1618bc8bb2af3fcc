"""What the tests of publish/ are made of: a small dataset declared as a real one is, and contributions to it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from glane.text import Text
from publish.contribution import Contribution
from schemas.dataset import Dataset, Table, load_dataset
from schemas.judgement import LINE, Verdict
from schemas.personal.gate import gate_key, personal_of
from schemas.rows import parquet_bytes

SITES: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string", "title": "Identifiant", "constraints": {"required": True, "unique": True}},
        {"name": "nom", "type": "string", "title": "Nom", "constraints": {"required": True}},
        {"name": "code_postal", "type": "string", "constraints": {"pattern": "^[0-9]{5}$"}},
        {"name": "latitude", "type": "number"},
        {"name": "longitude", "type": "number"},
        {"name": "ouvert", "type": "boolean"},
        {"name": "places", "type": "integer"},
        {"name": "date_maj", "type": "date"},
        {"name": "source", "type": "string"},
        {"name": "attribution", "type": "string"},
        {"name": "consentement", "type": "string"},
    ],
    "primaryKey": ["id"],
    "missingValues": [""],
}
VISITS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True, "unique": True}},
        {"name": "site_id", "type": "string", "constraints": {"required": True}},
        {"name": "le", "type": "date"},
    ],
    "primaryKey": "id",
    "foreignKeys": [{"fields": "site_id", "reference": {"resource": "sites", "fields": "id"}}],
}
NATIONAL: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True, "unique": True}},
        {"name": "nom", "type": "string", "constraints": {"required": True}},
        {"name": "code_postal", "type": "string", "constraints": {"required": True, "pattern": "^[0-9]{5}$"}},
    ],
    "primaryKey": ["id"],
}
DECLARATION = """\
title: {fr: Lieux d'essai, en: Trial sites}
description: {fr: Des lieux pour les essais., en: Sites for trials.}
keywords:
  - {fr: inclusion numérique, en: digital inclusion}
language: fr
frequency: daily
steward: {name: Hubikoop, email: donnees@example.org}
licence: {publish: etalab-2.0, accept: [etalab-2.0, CC-BY-4.0]}
governance:
  contribution: {fr: Écrivez-nous., en: Write to us.}
  reuse: {fr: Citez les sources., en: Credit the sources.}
  objection: {fr: Écrivez-nous., en: Write to us.}
tables:
  - name: sites
    title: {fr: Lieux, en: Sites}
    description: {fr: Tous les lieux., en: All sites.}
    formats: [csv, parquet, geojson, xlsx]
    geometry: {latitude: latitude, longitude: longitude}
    provided: {source: partner, attribution: attribution}
    unpublished: [consentement]
    merge:
      same: [[nom, code_postal]]
      newest: date_maj
      trust: [ville]
  - name: national
    title: {fr: Lieux au format national, en: Sites in the national format}
    description: {fr: Les lieux complets., en: The sites that are complete.}
    derived_from: sites
    formats: [csv]
  - name: visites
    title: {fr: Visites, en: Visits}
    description: {fr: Les visites des lieux., en: Visits to the sites.}
    formats: [csv, parquet]
"""

Cells = dict[str, str | None]


def declare(
    folder: Path, *, declaration: str = DECLARATION, sites: dict[str, Any] = SITES, name: str = "essai"
) -> Dataset:
    """Write the trial dataset under `folder` and read it as Glane does."""
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    (home / "dataset.yaml").write_text(declaration, encoding="utf-8")
    for table, schema in (("sites", sites), ("visites", VISITS), ("national", NATIONAL)):
        (home / f"{table}.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    return load_dataset(home)


def rows_of(table: Table, rows: Sequence[Cells]) -> pl.DataFrame:
    """A frame as it travels between rooms; absent cells are null, lines count from 2 unless `_line` says otherwise."""
    columns: dict[str, list[Any]] = {name: [row.get(name) for row in rows] for name in table.fields}
    lines = [int(row.get(LINE) or number) for number, row in enumerate(rows, start=2)]
    return pl.DataFrame({**columns, LINE: lines}, schema={**dict.fromkeys(table.fields, pl.String), LINE: pl.Int64})


def contribute(
    dataset: Dataset,
    partner: str,
    rows: Sequence[Cells],
    *,
    table: str = "sites",
    licence: str = "etalab-2.0",
    snapshot: str | None = None,
    stale_since: str | None = None,
) -> Contribution:
    """A partner's contribution whose verdict lets exactly these rows through."""
    frame = rows_of(dataset.table(table), rows)
    verdict = Verdict(
        dataset=dataset.name,
        table=table,
        partner=partner,
        snapshot=snapshot or f"{partner:0<64}"[:64],
        rows_sha256=hashlib.sha256(parquet_bytes(frame, dataset.table(table))).hexdigest(),
        judged_by=dataset.fingerprint,
        mapped_by="0" * 64,
        judged_at="2026-11-21T08:00:00+00:00",
        rows_in=frame.height,
        passed=frame.height,
        to_correct=0,
        on_hold=0,
        gated_by=gate_key(personal_of(dataset.table(table))),
    )
    title = Text(fr=f"Partenaire {partner}", en=f"Partner {partner}")
    return Contribution(
        partner, title, partner.title(), licence, f"Données de {partner}", verdict, frame, "2026-11-20", stale_since
    )
