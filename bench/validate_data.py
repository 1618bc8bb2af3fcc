"""The data of bench/validate.py: places of digital inclusion, 36 columns, some 1.1 kB a row, partly wrong.

Belongs here: the schema of the bench and the files made under it. Does not belong here: measuring.

Wrong rows have cells that break a type, a pattern, a bound, an enum, a length or a key; one in twenty is blank, too
short or too long. Valid but odd cells (` 12 `, `2023-5-4`, `4.5e1`) are there too: they are what proofs stumble over.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

_TEXT = """
numérique accueil médiathèque espace association atelier public informatique accompagnement usagers démarches en ligne
pour les habitants du quartier avec des conseillers formés libre service ordinateurs réseau solidaire
"""
_WORDS = _TEXT.split()
_LISTS = {
    "services": ["Aide aux démarches administratives", "Accès internet et matériel", "Insertion professionnelle"],
    "publics": ["Jeunes", "Étudiants", "Familles et/ou enfants", "Seniors", "Femmes"],
    "prise_en_charge": ["Surdité", "Handicaps moteurs", "Illettrisme", "Langues étrangères (anglais)"],
    "frais": ["Gratuit", "Gratuit sous condition", "Payant"],
    "programmes": ["Aidants Connect", "Conseillers numériques", "France Services", "Relais numérique"],
    "labels": ["Formé à « Mon Espace Santé »", "Fabriques de Territoire", "Maisons de quartier"],
    "acces": ["Se présenter", "Téléphoner", "Contacter par mail", "Prendre un RDV en ligne"],
    "accompagnement": ["En autonomie", "Accompagnement individuel", "Dans un atelier collectif"],
    "itinerance": ["Itinérant", "Fixe"],
}
_KINDS = ["ACI", "ASSO", "BIB", "CAF", "CCAS", "CD", "CHRS", "CS", "EPCI", "FAB_LAB", "MAIRIE", "MDS", "TIERS_LIEUX"]
_CHUNK = 20_000


def schema() -> dict[str, Any]:
    """Give the Table Schema of the bench."""

    def text(name: str, **constraints: Any) -> dict[str, Any]:
        return {"name": name, "type": "string", "constraints": constraints}

    def several(name: str) -> dict[str, Any]:
        choices = "|".join(choice.replace("(", r"\(").replace(")", r"\)") for choice in _LISTS[name])
        return text(name, pattern=rf"(?:(?:^|\|)({choices}))+$")

    return {
        "primaryKey": ["id"],
        "fields": [
            text("id", required=True, unique=True),
            text("pivot", required=True, pattern="^[a-zA-Z0-9]{9,14}$"),
            text("nom", required=True),
            text("commune", required=True),
            text("code_postal", required=True, pattern=r"^\d{5}$"),
            text("code_insee", pattern=r"^([013-9]\d|2[AB1-9])\d{3}$"),
            text("adresse", required=True),
            text("complement_adresse"),
            {"name": "latitude", "type": "number", "constraints": {"minimum": -90, "maximum": 90}},
            {"name": "longitude", "type": "number", "constraints": {"minimum": -180, "maximum": 180}},
            text("typologie", enum=_KINDS),
            text("telephone", pattern=r"^(\+33|\+590|\+262)(\d){6,9}$"),
            {"name": "courriels", "type": "string", "format": "email"},
            *(text(name) for name in ("site_web", "horaires")),
            text("presentation_resume", maxLength=280),
            *(text(name) for name in ("presentation_detail", "source", "structure_parente")),
            {"name": "date_maj", "type": "date", "constraints": {"required": True}},
            *(several(name) for name in _LISTS),
            *(text(name) for name in ("autres_labels", "fiche_acces_libre", "prise_rdv")),
            {"name": "nb_agents", "type": "integer", "constraints": {"minimum": 0, "maximum": 500}},
            {"name": "actif", "type": "boolean", "trueValues": ["oui"], "falseValues": ["non"]},
            {"name": "derniere_visite", "type": "datetime"},
            {"name": "annee_ouverture", "type": "year", "constraints": {"minimum": 1950}},
        ],
    }


_WRONG = [
    ("pivot", ""), ("pivot", "12"), ("nom", ""), ("code_postal", "5110"), ("code_insee", "2C123"),
    ("latitude", "abc"), ("latitude", "95.2"), ("latitude", "48,85"), ("longitude", "-181"), ("typologie", "INCONNU"),
    ("telephone", "03 26 00 00 00"), ("courriels", "pas-un-mail"), ("presentation_resume", "x" * 300),
    ("date_maj", "12/05/2023"), ("date_maj", "2023-02-30"), ("date_maj", ""), ("services", "Truc"),
    ("nb_agents", "-1"), ("nb_agents", "12.5"), ("actif", "peut-être"), ("derniere_visite", "2023-01-01 10:00"),
    ("annee_ouverture", "1900"), ("annee_ouverture", "20a4"), ("id", "TWICE"), ("id", ""),
]  # fmt: skip
_ODD = [
    ("nb_agents", " 12 "), ("nb_agents", "+7"), ("date_maj", "2023-5-4"), ("latitude", "4.5e1"), ("latitude", " 48.1"),
]  # fmt: skip


def write(path: Path, rows: int, wrong: float, seed: int = 1) -> None:
    """Write a file of so many rows, a share of them wrong. The same seed gives the same bytes."""
    random = np.random.default_rng(seed)
    pools = _pools(np.random.default_rng(0))
    names = [field["name"] for field in schema()["fields"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for first in range(0, rows, _CHUNK):
            count = min(_CHUNK, rows - first)
            columns = _columns(random, pools, first, count)
            ragged = _spoil(random, columns, first, count, wrong)
            file.write(_csv(columns, names))
            for number in range(ragged):
                _write_ragged(writer, columns, names, first, number)


def _csv(columns: dict[str, Any], names: list[str]) -> str:
    frame = pl.DataFrame({name: pl.Series(name, columns[name].tolist(), dtype=pl.String) for name in names})
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False, quote_style="necessary")
    return buffer.getvalue().decode()


def _pools(random: np.random.Generator) -> dict[str, Any]:
    """Values that repeat, as names of towns, telephones and texts do from one row to another."""

    def sentence(words: int) -> str:
        return " ".join(random.choice(_WORDS, words)).capitalize()

    def detail(number: int) -> str:
        text = sentence(22)
        if number % 20 == 0:
            text = f'{text[:60]} "guillemets" {text[60:]}'
        if number % 100 == 0:
            text = f"{text[:80]}\n{text[80:]}"
        return text.replace(" pour", ", pour") if number % 3 == 0 else text

    def several(choices: list[str]) -> list[str]:
        made = []
        for _ in range(400):
            count = int(random.integers(1, len(choices) + 1))
            made.append("" if random.random() < 0.3 else "|".join(random.choice(choices, count, replace=False)))
        return made

    days = np.datetime64("2019-01-01") + np.arange(2200)
    pools = {
        "nom": [f"{sentence(3)} {number}" for number in range(5000)],
        "commune": [f"{random.choice(['Saint-', 'Le ', ''])}{sentence(1)}-{number}" for number in range(2000)],
        "adresse": [f"{number % 300 + 1} rue {sentence(3)}" for number in range(20000)],
        "complement_adresse": ["", "", "Bâtiment B", "1er étage"],
        "typologie": [*_KINDS, ""],
        "telephone": ["", *(f"+33{random.integers(100_000_000, 999_999_999)}" for _ in range(20000))],
        "courriels": ["", *(f"contact{number}@mairie-{number % 700}.fr" for number in range(20000))],
        "site_web": ["", *(f"https://www.site-{number}.fr/page?id={number}" for number in range(20000))],
        "horaires": ["", "Mo-Fr 09:00-12:00,14:00-18:30; Sa 08:30-12:00", "Tu-Sa 10:00-18:00"],
        "presentation_resume": [f"{sentence(18)}, {sentence(6)}" for _ in range(3000)],
        "presentation_detail": [detail(number) for number in range(3000)],
        "source": ["Hubik", "dora", "paca", "maine-et-loire"],
        "structure_parente": ["", "", "Mairie de Reims"],
        "date_maj": [str(day) for day in days],
        "autres_labels": ["", "", "Label et la bête"],
        "fiche_acces_libre": ["", "https://acceslibre.beta.gouv.fr/app/29-lampaul-plouarzel/"],
        "prise_rdv": ["", "https://www.rdv-solidarites.fr/"],
        "actif": ["oui", "non"],
    } | {name: several(choices) for name, choices in _LISTS.items()}
    return {name: np.array(values, dtype=object) for name, values in pools.items()}


def _columns(random: np.random.Generator, pools: dict[str, Any], first: int, count: int) -> dict[str, Any]:
    def made(values: Any) -> Any:
        return np.array(list(values), dtype=object)

    def numbers(low: int, high: int) -> Any:
        return random.integers(low, high, count)

    columns = {name: pool[random.integers(0, len(pool), count)] for name, pool in pools.items()}
    days = pools["date_maj"][random.integers(0, len(pools["date_maj"]), count)]
    return columns | {
        "id": made(f"structure-{number}" for number in range(first, first + count)),
        "pivot": made(map(str, numbers(10**13, 10**14 - 1))),
        "code_postal": made(f"{number:05d}" for number in numbers(1000, 95999)),
        "code_insee": made(f"{town:03d}".rjust(5, "7") for town in numbers(1, 999)),
        "latitude": made(f"{value:.6f}" for value in random.uniform(41, 51, count)),
        "longitude": made(f"{value:.6f}" for value in random.uniform(-5, 9, count)),
        "nb_agents": made(map(str, numbers(0, 60))),
        "derniere_visite": made(f"{day}T{hour:02d}:15:00Z" for day, hour in zip(days, numbers(0, 24), strict=True)),
        "annee_ouverture": made(map(str, numbers(1960, 2025))),
    }


def _spoil(random: np.random.Generator, columns: dict[str, Any], first: int, count: int, wrong: float) -> int:
    """Spoil a share of the rows in place; give how many ragged rows are to be added."""
    spoilt = round(count * wrong)
    if not spoilt:
        return 0
    ragged = max(1, spoilt // 20) if spoilt >= 20 else 0
    for row in random.choice(count, spoilt - ragged, replace=False):
        name, value = _WRONG[random.integers(0, len(_WRONG))]
        if value == "TWICE":
            value = f"structure-{max(0, first + row - int(random.integers(1, 500)))}"
        columns[name][row] = value
    for row in random.choice(count, max(1, spoilt // 10), replace=False):
        name, value = _ODD[random.integers(0, len(_ODD))]
        columns[name][row] = value
    return ragged


def _write_ragged(writer: Any, columns: dict[str, Any], names: list[str], first: int, number: int) -> None:
    shape = number % 4
    if shape == 0:
        writer.writerow([])
    elif shape == 1:
        writer.writerow([f"short-{first}-{number}", "12345678901234", "Nom court"])
    elif shape == 2:
        writer.writerow([""] * len(names))
    else:
        row = [columns[name][number] for name in names]
        row[0] = f"extra-{first}-{number}"
        writer.writerow([*row, "extra1", "extra2"])


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
