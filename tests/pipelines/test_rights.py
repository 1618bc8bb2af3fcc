"""`glane rights`: what a reuser may do with a dataset, and a source that may not be published."""

import json
from pathlib import Path

from publish.formats.delimited import read_csv
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


def relicense(commons: Commons, partner: str, licence: str, was: str = "etalab-2.0") -> None:
    path = commons.settings.sources / "lieux" / partner / "source.yaml"
    text = path.read_text(encoding="utf-8")
    assert f"licence: {was}" in text
    path.write_text(text.replace(f"licence: {was}", f"licence: {licence}"), encoding="utf-8")


def test_a_reuser_is_answered_partner_by_partner_and_gets_the_rows_that_may_be_used(
    commons: Commons, glane: Glane, tmp_path: Path
) -> None:
    relicense(commons, "brest", "CC0-1.0")
    assert glane("run").code == 0
    told = json.loads(glane("rights", "lieux", "--for", "wikidata", "--json").out)
    answers = {line["partner"]: (line["licence"], line["answer"]) for line in told}
    assert answers.pop("brest") == ("CC0-1.0", "yes")
    assert set(answers.values()) == {("etalab-2.0", "no")}
    file = tmp_path / "wikidata.csv"
    said = glane("rights", "lieux", "--for", "wikidata", "--rows", str(file))
    assert (said.code, said.out.splitlines()[1::2]) == (
        0,
        [
            "Put into Wikidata or the structured data of Wikimedia Commons:",
            "  yes, under CC0-1.0 (brest): The author has waived all rights. "
            "https://www.wikidata.org/wiki/Wikidata:Licensing",
        ],
    )
    assert set(read_csv(file)["id"].str.split("--").list.first()) == {"brest"}
    again = glane("rights", "lieux", "--for", "wikidata", "--rows", str(file))
    vague, unknown = glane("rights", "lieux", "--rows", "x.csv"), glane("rights", "lieux", "--for", "selling")
    assert (again.code, vague.code, unknown.code) == (2, 2, 2)
    assert "wikidata, openstreetmap, commercial, training" in unknown.err


def test_a_source_whose_licence_nobody_stated_is_answered_and_never_published(commons: Commons, glane: Glane) -> None:
    relicense(commons, "brest", "NOASSERTION")
    said = glane("run", "--json")
    (dataset,) = json.loads(said.out)["datasets"]
    sources = {one["partner"]: one for one in dataset["sources"]}
    assert sources["brest"]["state"] == "refused"
    assert "Without a licence only its author may publish the data" in said.out
    versions = commons.settings.store / "versions" / "lieux"
    ids = read_csv(versions / "1.0.0" / "lieux-places.csv")["id"]
    assert "brest" not in set(ids.str.split("--").list.first())


WIKIDATA = """\
    formats: [csv]
    wikidata: {kind: Q13226383, language: fr, labels: {fr: nom}, statements: {P281: code_postal}}
"""


def test_an_export_for_wikidata_has_the_rows_that_may_go_there_and_tells_why_the_others_may_not(
    commons: Commons, glane: Glane, tmp_path: Path
) -> None:
    relicense(commons, "brest", "CC0-1.0")
    glane("run")
    file = tmp_path / "lieux.txt"
    nothing = glane("export", "lieux", str(file))
    assert (nothing.code, "does not say what its rows are in Wikidata" in nothing.err) == (2, True)
    declared = commons.settings.schemas / "lieux" / "dataset.yaml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(text.replace("    formats: [csv]\n", WIKIDATA), encoding="utf-8")
    unreferred = glane("export", "lieux", str(file))
    assert (unreferred.code, file.exists()) == (2, False)
    said = glane("export", "lieux", str(file), "--reference", "https://data.example.org/lieux")
    # Le Fil is Angers' too, whose licence says no.
    assert [line for line in file.read_text("utf-8").splitlines() if "\tL" in line] == ['LAST\tLfr\t"Le Phare"']
    assert (said.code, said.out.splitlines()) == (
        0,
        [
            "rows that may go into Wikidata: 1 (new items: 1, there already: 0, left out for a person's name: 0)",
            "rows left out under etalab-2.0 (angers, caen): 3. Wikidata is under CC0, which does not secure the credit "
            "that this licence asks for. https://www.wikidata.org/wiki/Wikidata:Licensing",
        ],
    )
    assert glane("export", "lieux", str(file)).code == 2
    assert glane("export", "lieux", "--reference", "https://data.example.org/lieux").out == file.read_text("utf-8")
    relicense(commons, "brest", "CC-BY-4.0", was="CC0-1.0")
    declared.write_text(declared.read_text("utf-8").replace("CC0-1.0]", "CC0-1.0, CC-BY-4.0]"), encoding="utf-8")
    glane("run")
    none = glane("export", "lieux", "--reference", "https://data.example.org/lieux")
    assert none.code == 1
    assert "No row of lieux/places may go into Wikidata." in none.err
    assert "under CC-BY-4.0 (brest)" in none.err
