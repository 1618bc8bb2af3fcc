"""`glane rights`: what a reuser may do with a dataset, and a source that may not be published."""

import json
from pathlib import Path

from publish.formats.delimited import read_csv
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


def relicense(commons: Commons, partner: str, licence: str) -> None:
    path = commons.settings.sources / "lieux" / partner / "source.yaml"
    text = path.read_text(encoding="utf-8")
    assert "licence: etalab-2.0" in text
    path.write_text(text.replace("licence: etalab-2.0", f"licence: {licence}"), encoding="utf-8")


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
