"""What a steward decided by hand survives the next import, is told, and never stops what it has nothing to do with."""

import json
from pathlib import Path

from publish.decisions import COLUMNS
from publish.formats.delimited import read_csv
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


def decide(commons: Commons, *lines: dict[str, str]) -> Path:
    path = commons.settings.sources / "decisions" / "lieux.csv"
    path.parent.mkdir(exist_ok=True)
    common = {"by": "coordination", "on": "2026-11-20", "why": "vu sur place"}
    rows = [",".join({**common, **line}.get(name, "") for name in COLUMNS) for line in lines]
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


def names(commons: Commons, version: str) -> dict[str, str]:
    rows = read_csv(commons.settings.store / "versions" / "lieux" / version / "lieux-places.csv")
    return {str(row["id"]): str(row["nom"]) for row in rows.to_dicts()}


CORRECTION = {"kind": "correction", "id": "brest--8", "field": "nom", "seen": "Le Phare", "value": "Le Grand Phare"}


def test_a_correction_survives_the_next_import_until_the_partner_says_something_else(
    commons: Commons, glane: Glane
) -> None:
    commons.file("brest", "8,Le Phare,29200\n9,Le Quai,29000\n")
    glane("run")
    decide(commons, CORRECTION)
    (corrected,) = json.loads(glane("run", "--json").out)["datasets"]
    assert (corrected["version"], corrected["warnings"]) == ("1.0.1", [])
    assert names(commons, "1.0.1")["brest--8"] == "Le Grand Phare"
    told = (commons.settings.store / "versions/lieux/1.0.1/changelog.en.md").read_text(encoding="utf-8")
    assert (
        "## Decisions\n\n- nom of brest--8: 'Le Grand Phare' instead of 'Le Phare' (coordination, 2026-11-20: vu sur "
        "place)\n" in told
    )

    commons.file("brest", "8,Le Phare,29200\n9,Le Quai neuf,29000\n")
    glane("run")
    assert names(commons, "1.0.2")["brest--8"] == "Le Grand Phare"
    assert "## Decisions" not in (commons.settings.store / "versions/lieux/1.0.2/changelog.en.md").read_text("utf-8")

    commons.file("brest", "8,Le Phare de Brest,29200\n9,Le Quai neuf,29000\n")
    said = glane("run")
    assert names(commons, "1.0.3")["brest--8"] == "Le Phare de Brest"
    asked = (
        "look at Decisions, line 2, brest--8: nom says 'Le Phare de Brest' now and not 'Le Phare', the correction no "
        "longer applies. Write another one, or take the line out."
    )
    assert asked in " ".join(said.out.split())
    quality = json.loads((commons.settings.store / "versions/lieux/1.0.3/quality.json").read_text("utf-8"))
    assert (quality["decisions"]["applied"], [one["why"] for one in quality["decisions"]["waiting"]]) == (
        {},
        ["changed"],
    )


def test_two_rows_said_to_be_one_are_one_and_a_withdrawn_one_is_gone(commons: Commons, glane: Glane) -> None:
    commons.file("brest", "8,Le Phare,29200\n9,Le Quai,29000\n10,Le Fanal,29200\n")
    glane("run")
    decide(
        commons,
        {"kind": "same", "id": "brest--8", "other": "brest--10"},
        {"kind": "withdrawal", "id": "brest--9"},
    )
    glane("run")
    versions = sorted((commons.settings.store / "versions" / "lieux").glob("1.*"))
    last = versions[-1].name
    left = names(commons, last)
    assert {"brest--8", "brest--10"} & left.keys() in ({"brest--8"}, {"brest--10"})
    assert "brest--9" not in left
    told = (versions[-1] / "changelog.fr.md").read_text(encoding="utf-8")
    assert "- une ligne retirée (coordination, 2026-11-20)\n" in told
    assert "brest--9" not in told
    assert "brest--9" in (versions[-1] / "withdrawn.csv").read_text(encoding="utf-8")
    assert glane("verify").code == 0


def test_a_file_of_decisions_that_is_wrong_stops_the_version_and_names_its_line(commons: Commons, glane: Glane) -> None:
    glane("run")
    path = decide(commons, {**CORRECTION, "field": "name"}, {"kind": "withdrawal", "id": "brest--8", "on": "hier"})
    said = glane("run")
    assert said.code != 0
    assert f"{path}:3: on: 'hier' is no day. Write it as YYYY-MM-DD, as in 2027-01-31." in " ".join(said.out.split())
    assert [line["version"] for line in json.loads(glane("versions", "lieux", "--json").out)] == ["1.0.0"]
    path.unlink()
    assert glane("run").code == 0
