"""Terms that no list knows: shown with what is offered, and accepted by a person, for all or for one partner."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from glane.declaration import DeclarationError
from glane.store import open_store
from glane.text import LANGUAGES
from pipelines.catalogue import load_catalogue
from pipelines.intake import take_in
from pipelines.settings import CHECKOUT, load_settings
from pipelines.term_proposals import how_to_send, proposals, to_csv, to_markdown
from schemas.dataset import load_dataset, load_datasets
from schemas.tally import RejectedTerm
from schemas.term_keepers import keepers_of
from sources.declaration import load_source
from sources.term_table import add_term
from tests.pipelines.conftest import Glane

HEADER = "N;Nom;CP;Ville;Frais\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A partner of the digital inclusion sites who writes of fees in words of its own; run once."""
    shutil.copytree(CHECKOUT / "schemas" / "inclusion_sites", tmp_path / "schemas" / "inclusion_sites")
    for shared in ("terms", "references"):
        shutil.copytree(CHECKOUT / "schemas" / shared, tmp_path / "schemas" / shared)
    made = tmp_path / "sources" / "inclusion_sites" / "angers"
    made.mkdir(parents=True)
    (made / "lieux.csv").write_text(f"{HEADER}1;A;49000;Angers;Gratuitt\n2;B;49000;Angers;au chapeau\n", "utf-8")
    line = {
        "title": {"fr": "Lieux d'Angers", "en": "Sites of Angers"},
        "organisation": "Ville d'Angers",
        "contact": {"role": "Service numérique"},
        "licence": "etalab-2.0",
        "attribution": "Ville d'Angers",
        "where": {"file": "lieux.csv"},
        "format": {"kind": "csv"},
        "id": {"columns": ["N"]},
        "map": {
            "nom": "Nom",
            "code_postal": "CP",
            "commune": "Ville",
            "pays": {"constant": "FR"},
            "frais_a_charge": "Frais",
        },
    }
    (made / "source.yaml").write_text(yaml.safe_dump(line, allow_unicode=True), "utf-8")
    monkeypatch.setenv("GLANE_SOURCES", str(tmp_path / "sources"))
    monkeypatch.setenv("GLANE_SCHEMAS", str(tmp_path / "schemas"))
    monkeypatch.setenv("GLANE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.delenv("GLANE_PORTAL", raising=False)
    return made


def counts(glane: Glane, folder: Path) -> dict[str, int]:
    told = glane("check", str(folder / "lieux.csv"), "--source", "inclusion_sites/angers", "--json")
    found: dict[str, int] = json.loads(told.out)["counts"]
    return found


def test_a_near_term_is_accepted_for_all_partners_by_a_person(glane: Glane, folder: Path) -> None:
    assert counts(glane, folder)["to_correct"] == 2
    told = glane("terms", "inclusion_sites", "--accept", "Gratuitt", "--field", "frais_a_charge")
    assert told.code == 0
    assert "'Gratuitt' is understood as 'Gratuit' from now on" in " ".join(told.out.split())
    assert counts(glane, folder)["to_correct"] == 1
    frais = folder.parents[2] / "schemas" / "inclusion_sites" / "terms" / "frais.csv"
    before = (CHECKOUT / "schemas" / "inclusion_sites" / "terms" / "frais.csv").read_text("utf-8").splitlines()
    after = frais.read_text("utf-8").splitlines()
    assert [line for line in after if line not in before] == [
        before[1].replace("services,Gratuit,", "services|Gratuitt,Gratuit,")
    ]
    again = glane("terms", "inclusion_sites", "--accept", "Gratuitt", "--field", "frais_a_charge")
    assert (again.code, "is on the list frais already" in again.err) == (2, True)


def test_a_word_of_one_partner_goes_into_its_own_table(glane: Glane, folder: Path) -> None:
    call = ("terms", "inclusion_sites", "--accept", "au chapeau", "--field", "frais_a_charge", "--partner", "angers")
    unsure = glane(*call)
    assert (unsure.code, "Say which it is with --as" in unsure.err) == (2, True)
    wrong = glane(*call, "--as", "Au chapeau")
    assert (wrong.code, "'Au chapeau' is not on the list frais" in wrong.err) == (2, True)
    fingerprint = load_source(folder).fingerprint
    assert json.loads(glane(*call, "--as", "Gratuit|Payant", "--json").out)["ours"] == "Gratuit|Payant"
    assert (folder / "terms.csv").read_text("utf-8") == (
        "field,written,ours\nfrais_a_charge,au chapeau,Gratuit|Payant\n"
    )
    assert counts(glane, folder)["to_correct"] == 1
    assert load_source(folder).fingerprint != fingerprint
    # Meant otherwise after all: the newer word stands. Empty: it says nothing.
    assert glane(*call, "--as", "").code == 0
    assert load_source(folder).line.map["frais_a_charge"].terms == {"au chapeau": ""}
    assert counts(glane, folder)["to_correct"] == 1


def test_a_term_that_is_written_nowhere_needs_its_field(glane: Glane, folder: Path) -> None:
    told = glane("terms", "inclusion_sites", "--accept", "Gratuitt")
    assert (told.code, "Say which field is meant with --field" in told.err) == (2, True)
    told = glane("terms", "inclusion_sites", "--accept", "Gratuitt", "--field", "nom")
    assert (told.code, "No field 'nom' of inclusion_sites has a term list" in told.err) == (2, True)


def test_what_source_yaml_says_itself_goes_before_the_table(folder: Path) -> None:
    line = yaml.safe_load((folder / "source.yaml").read_text("utf-8"))
    line["map"]["frais_a_charge"] = {"column": "Frais", "terms": {"au chapeau": "Payant"}}
    (folder / "source.yaml").write_text(yaml.safe_dump(line, allow_unicode=True), "utf-8")
    add_term(folder, "frais_a_charge", "au chapeau", "Gratuit")
    add_term(folder, "frais_a_charge", "libre", "Gratuit")
    assert load_source(folder).line.map["frais_a_charge"].terms == {"au chapeau": "Payant", "libre": "Gratuit"}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("champ,mot,terme\n", 1, "The first line is not field,written,ours."),
        ("field,written,ours\nfrais,au chapeau,Gratuit\n", 2, "'frais' is no field that the source maps."),
        ("field,written,ours\nfrais_a_charge,,Gratuit\n", 2, "A field, what the partner writes"),
        ("field,written,ours\nfrais_a_charge,x,Gratuit\nfrais_a_charge,x,Payant\n", 3, "'x' has another term already."),
    ],
)
def test_a_table_that_cannot_be_used_is_told_of_at_its_line(folder: Path, text: str, line: int, said: str) -> None:
    (folder / "terms.csv").write_text(text, "utf-8")
    with pytest.raises(DeclarationError) as caught:
        load_source(folder)
    assert caught.value.path == folder / "terms.csv"
    assert [(fault.line, fault.what.startswith(said)) for fault in caught.value.faults] == [(line, True)]


def test_a_list_that_is_written_to_stays_one_that_can_be_read(glane: Glane, folder: Path) -> None:
    place = folder.parents[2] / "schemas" / "inclusion_sites"
    before = load_dataset(place).main
    glane("terms", "inclusion_sites", "--accept", "Gratuitt", "--field", "frais_a_charge")
    after = load_dataset(place).main
    assert after.terms == before.terms
    assert after.synonyms["frais"] == before.synonyms["frais"] | {"Gratuitt": "Gratuit"}


def judge_all() -> None:
    settings = load_settings()
    entry, store = load_catalogue(settings)["inclusion_sites"], open_store(settings.store)
    for partner in entry.partners:
        take_in(entry.source(partner), entry.dataset, store)


def test_what_no_list_knows_is_a_proposal_to_whoever_keeps_it_ready_to_be_sent(
    glane: Glane, folder: Path, tmp_path: Path
) -> None:
    rows = "3;C;49000;Angers;au chapeau\n"
    (folder / "lieux.csv").write_text(
        f"{HEADER}1;A;49000;Angers;prix libre\n2;B;49000;Angers;au chapeau\n{rows}", "utf-8"
    )
    other = folder.parent / "brest"
    shutil.copytree(folder, other)
    (other / "lieux.csv").write_text(f"{HEADER}1;A;29200;Brest;Au Chapeau\n", "utf-8")
    line = (other / "source.yaml").read_text("utf-8")
    line = line.replace("frais_a_charge: Frais", "frais_a_charge: {column: Frais, terms: {prix libre: Gratuit}}")
    (other / "source.yaml").write_text(line, "utf-8")
    judge_all()

    told = glane("terms", "inclusion_sites", "--proposal", "--into", str(tmp_path / "out"))
    assert told.code == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    stem = "inclusion_sites-standard-de-la-mediation-numerique-1-0-2"
    assert names == [f"{stem}.csv", f"{stem}.en.md", f"{stem}.fr.md"]
    address = "https://github.com/LaMednum/standard-mediation-num/issues/new?title=Termes%20propos%C3%A9s"
    assert address in told.out
    table = (tmp_path / "out" / f"{stem}.csv").read_text("utf-8").splitlines()
    today = datetime.now(UTC).date().isoformat()
    standard = "Standard de la médiation numérique 1.0.2,frais,frais_a_charge"
    assert sorted(table[1:]) == sorted(
        [
            f"{standard},au chapeau,2,1,{today},,",
            f"{standard},Au Chapeau,1,1,{today},,",
            f"{standard},prix libre,1,1,{today},,Gratuit",
        ]
    )
    french = (tmp_path / "out" / f"{stem}.fr.md").read_text("utf-8")
    assert "(termes : 3 ; valeurs : 4 ; partenaires : 2)" in french
    assert not any(word in french + told.out for word in ("angers", "brest"))
    shown = glane("terms", "inclusion_sites", "--proposal").out
    assert "# Termes proposés pour « Standard de la médiation numérique 1.0.2 »" in shown
    assert "# Terms proposed for “Standard de la médiation numérique 1.0.2”" in shown


def test_a_term_that_tells_of_a_person_is_counted_and_not_sent() -> None:
    dataset = load_dataset(CHECKOUT / "schemas" / "inclusion_sites")
    since = "2026-11-22T06:00:00+00:00"
    terms = [
        RejectedTerm("frais_a_charge", "Jeanne Martin, 06 12 34 56 78", 3, None, ("angers",), since, None),
        RejectedTerm("frais_a_charge", "=prix|libre", 2, None, ("angers", "brest"), since, "Gratuit"),
        RejectedTerm("pays", "Wallonie", 1, None, ("brest",), since, "BE"),
    ]
    standard, own = proposals(dataset, terms, keepers_of(dataset), ())
    assert (len(standard.terms), standard.personal, len(own.terms), own.keeper) == (1, 3, 1, None)
    for language in LANGUAGES:
        text = to_markdown(standard, language)
        assert "Martin" not in text
        assert "`=prix\\|libre` | 2 | 2 | 22 nov" in text.casefold()
    assert "'=prix|libre,2,2,2026-11-22,Gratuit," in to_csv(standard).decode()
    assert how_to_send(own, "en") == "To be sent: this commons' own lists"
    assert "issues/new?title=" in how_to_send(standard, "en")


def test_every_declared_keeper_keeps_lists_that_there_are_and_a_wrong_one_is_told_at_its_line(folder: Path) -> None:
    for declared in load_datasets(CHECKOUT / "schemas").values():
        kept = [name for keeper in keepers_of(declared) for name in keeper.lists]
        assert len(kept) == len(set(kept))
    home = folder.parents[2] / "schemas" / "inclusion_sites"
    path = home / "terms" / "keepers.yaml"
    path.write_text(path.read_text("utf-8").replace("- publics\n", "- publiks\n"), "utf-8")
    with pytest.raises(DeclarationError) as caught:
        keepers_of(load_dataset(home))
    (fault,) = caught.value.faults
    assert (fault.key, fault.what) == ("keepers.0.lists.3", "There is no list 'publiks'.")
    assert path.read_text("utf-8").splitlines()[fault.line - 1].strip() == "- publiks"
