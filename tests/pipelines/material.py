"""A commons in miniature, declared in a temporary folder: one dataset or two, partners with a CSV file each."""

import json
from dataclasses import dataclass
from pathlib import Path

from pipelines.settings import Settings

DATASET = """\
title: {{fr: Lieux, en: Places}}
description: {{fr: Des lieux où l'on répare., en: Places where things are repaired.}}
language: fr
frequency: daily
grace: 0
steward: {{name: Les communs, email: communs@example.org}}
licence: {{publish: etalab-2.0, accept: [etalab-2.0, CC0-1.0]}}
governance:
  contribution: {{fr: Écrivez-nous., en: Write to us.}}
  reuse: {{fr: Citez les partenaires., en: Credit the partners.}}
  objection: {{fr: Écrivez-nous., en: Write to us.}}
tables:
  - name: {table}
    title: {{fr: Lieux, en: Places}}
    description: {{fr: Un lieu par ligne., en: One place a row.}}
    formats: [csv]
    merge: {{same: [[nom, code_postal]]}}
"""

SCHEMA = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "nom", "type": "string", "constraints": {"required": True}},
        {"name": "code_postal", "type": "string", "constraints": {"pattern": "[0-9]{5}"}},
    ],
    "primaryKey": "id",
}

SOURCE = """\
title: {{fr: Lieux de {partner}, en: Places of {partner}}}
organisation: Association {partner}
contact: {{role: données, email: donnees@{partner}.example}}
licence: etalab-2.0
attribution: Association {partner}, 2026
where: {where}
format: {{kind: csv, encoding: utf-8, delimiter: ","}}
id: {{columns: [numero]}}
map:
  nom: nom
  code_postal: cp
"""


@dataclass(frozen=True)
class Commons:
    """Where a miniature commons stands, and ways to change it as partners and stewards do."""

    root: Path
    settings: Settings

    def dataset(self, name: str = "lieux") -> Path:
        """Declare a dataset. Rows that vanish leave at once: what a grace period does is told by test_grace.py."""
        folder = self.settings.schemas / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dataset.yaml").write_text(DATASET.format(table="places"), encoding="utf-8")
        (folder / "places.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
        return folder

    def source(self, partner: str, rows: str | None = "", *, url: str | None = None, dataset: str = "lieux") -> Path:
        """Declare a source with its file: lines of `numero,nom,cp`."""
        folder = self.settings.sources / dataset / partner
        folder.mkdir(parents=True, exist_ok=True)
        where = f"{{url: {url}, private: true}}" if url else "{file: lieux.csv}"
        (folder / "source.yaml").write_text(SOURCE.format(partner=partner, where=where), encoding="utf-8")
        if url is None and rows is not None:
            self.file(partner, rows, dataset=dataset)
        return folder

    def file(self, partner: str, rows: str, *, dataset: str = "lieux") -> Path:
        """Write a partner's file anew."""
        path = self.settings.sources / dataset / partner / "lieux.csv"
        path.write_text(f"numero,nom,cp\n{rows}", encoding="utf-8")
        return path

    def edit(self, partner: str, old: str, new: str, *, dataset: str = "lieux") -> None:
        """Change a partner's declaration."""
        path = self.settings.sources / dataset / partner / "source.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def environment(self) -> dict[str, str]:
        """The variables that name these places."""
        return {
            "GLANE_STORE": str(self.settings.store),
            "GLANE_SOURCES": str(self.settings.sources),
            "GLANE_SCHEMAS": str(self.settings.schemas),
            "DAGSTER_HOME": str(self.settings.dagster_home),
            "GLANE_PORTAL_HOME": str(self.root / "no-portal"),
        }


def make_commons(root: Path) -> Commons:
    """An empty commons under `root`."""
    settings = Settings(root / "store", root / "sources", root / "schemas", root / "dagster")
    settings.sources.mkdir()
    settings.schemas.mkdir()
    return Commons(root, settings)


def three_partners(root: Path) -> Commons:
    """One dataset, three partners: `angers` and `brest` agree on one place, `caen` has a row to be corrected."""
    commons = make_commons(root)
    commons.dataset()
    commons.source("angers", "1,Le Fil,49000\n2,La Boussole,49100\n")
    commons.source("brest", "7,Le Fil,49000\n8,Le Phare,29200\n")
    commons.source("caen", "a,L'Atelier,14000\nb,Le Grenier,1400\n")
    return commons
