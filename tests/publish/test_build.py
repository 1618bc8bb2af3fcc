"""Making versions: whole or not at all, the same bytes from the same inputs, no change no version."""

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import frictionless
import openpyxl
import polars as pl
import pytest

from glane.store import FolderStore, Store, StoreError, sha256_of
from publish.approving import Permits
from publish.build import NothingToPublishError, build_version
from publish.contribution import Contribution, UnjudgedError
from publish.delta import apply_delta
from publish.formats.spreadsheet import write_xlsx
from publish.version import UnknownVersionError, VersionError, current, listed, load
from schemas.dataset import Dataset
from schemas.judgement import Judgement
from schemas.rows import keep
from tests.publish.material import Cells, contribute, declare

DAY = "2026-11-21T06:00:00+00:00"
ANGERS: Cells = {
    "id": "a--1",
    "nom": "Médiathèque",
    "code_postal": "01000",
    "latitude": "46.2",
    "longitude": "5.2",
    "ouvert": "true",
    "places": "12",
    "date_maj": "2026-01-01",
    "consentement": "oui",
    "source": "a",
}
NANTES: Cells = {"id": "a--2", "nom": 'Le "Lieu", unique', "places": "3"}
RENNES: Cells = {"id": "b--1", "nom": "=Somme(1)", "code_postal": "35000", "date_maj": "1899-12-31"}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return declare(tmp_path / "schemas")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return FolderStore(tmp_path / "store")


def parts(dataset: Dataset, *a: Cells, b: tuple[Cells, ...] = (RENNES,)) -> list[Contribution]:
    visits: list[Cells] = [{"id": "v1", "site_id": "a--1", "le": "2026-02-03"}]
    return [
        contribute(dataset, "a", a),
        contribute(dataset, "b", b),
        contribute(dataset, "visiteurs", visits, table="visites"),
    ]


def test_a_version_is_written_whole_and_its_package_is_valid(dataset: Dataset, store: Store) -> None:
    built = build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    version = built.version
    assert (built.new, version.version, version.rows) == (True, "1.0.0", {"sites": 3, "national": 2, "visites": 1})
    folder = store.local(version.key)
    assert sorted(p.name for p in folder.iterdir()) == sorted([*(f.path for f in version.files), "manifest.json"])
    assert (folder / "essai-sites.csv").read_text(encoding="utf-8") == (
        "id,nom,code_postal,latitude,longitude,ouvert,places,date_maj,source,attribution\n"
        "a--1,Médiathèque,01000,46.2,5.2,true,12,2026-01-01,a,\n"
        'a--2,"Le ""Lieu"", unique",,,,,3,,,\n'
        "b--1,=Somme(1),35000,,,,,1899-12-31,,\n"
    )
    assert not any("consentement" in p.read_text("utf-8", "replace") for p in folder.glob("*.[cgd]*"))
    report = frictionless.validate(str(folder / "datapackage.json"))
    assert report.valid, report.flatten(["type", "note"])
    descriptor = json.loads((folder / "datapackage.json").read_bytes())
    assert descriptor["resources"][0]["hash"] == f"sha256:{sha256_of(folder / 'essai-sites.csv')}"
    assert store.list("versions/essai") == ["1.0.0", "versions.json"]
    assert store.list(".staging") == []


def test_typed_formats_keep_what_the_schema_says(dataset: Dataset, store: Store) -> None:
    build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    folder = store.local("versions/essai/1.0.0")
    frame = pl.read_parquet(folder / "essai-sites.parquet")
    assert dict(frame.select("code_postal", "latitude", "ouvert", "places", "date_maj").schema) == {
        "code_postal": pl.String(),
        "latitude": pl.Float64(),
        "ouvert": pl.Boolean(),
        "places": pl.Int64(),
        "date_maj": pl.Date(),
    }
    features = json.loads((folder / "essai-sites.geojson").read_bytes())["features"]
    assert [f["geometry"] for f in features] == [{"type": "Point", "coordinates": [5.2, 46.2]}, None, None]
    assert features[0]["properties"]["code_postal"] == "01000"
    sheet = openpyxl.load_workbook(folder / "essai-sites.xlsx").active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert sheet.freeze_panes == "A2"
    assert rows[1][2] == "01000"
    assert rows[1][5:7] == (True, 12)
    assert rows[3][1] == "=Somme(1)"
    assert sheet["B4"].data_type == "s"
    assert rows[3][7] == "1899-12-31"


def test_the_same_inputs_give_the_same_bytes_on_another_disk(dataset: Dataset, tmp_path: Path) -> None:
    stores = [FolderStore(tmp_path / name) for name in ("one", "other")]
    for store in stores:
        contributions = parts(dataset, ANGERS, NANTES)
        build_version(dataset, contributions if store is stores[0] else contributions[::-1], store, created=DAY)
    manifests = [store.read("versions/essai/1.0.0/manifest.json") for store in stores]
    assert manifests[0] == manifests[1]


def test_nothing_changed_makes_no_version(dataset: Dataset, store: Store) -> None:
    first = build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    fetched_again = [replace(part, snapshot_date="2026-11-30") for part in parts(dataset, ANGERS)]
    again = build_version(dataset, fetched_again, store, created="2026-12-01T00:00:00+00:00")
    assert (again.new, again.version) == (False, first.version)
    assert len(listed(store, "essai")) == 1


def test_rows_make_a_minor_values_a_patch_and_the_delta_gives_the_new_file(dataset: Dataset, store: Store) -> None:
    build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    changed = {**ANGERS, "places": "14", "nom": "Médiathèque Toussaint"}
    patch = build_version(dataset, parts(dataset, changed, NANTES), store, created=DAY).version
    minor = build_version(
        dataset, parts(dataset, changed, b=(RENNES, {"id": "b--2", "nom": "Neuf"})), store, created=DAY
    )
    assert [line.version for line in listed(store, "essai")] == ["1.0.0", "1.0.1", "1.1.0"]
    assert (patch.level, minor.version.level) == ("patch", "minor")
    for old, new in (("1.0.0", "1.0.1"), ("1.0.1", "1.1.0")):
        for table in ("sites", "national", "visites"):
            base = store.read(f"versions/essai/{old}/essai-{table}.csv")
            delta = store.local(f"versions/essai/{new}/delta/{table}.delta.json")
            assert apply_delta(delta, base) == store.read(f"versions/essai/{new}/essai-{table}.csv")
    assert store.read("versions/essai/1.1.0/delta/sites.removed.csv") == b"id\na--2\n"
    told = json.loads(store.read("versions/essai/1.1.0/changelog.json"))
    assert told["tables"]["sites"] == {"added": 1, "changed": 0, "removed": 1}
    assert told["partners"]["sites"] == {
        "a": {"added": 0, "changed": 0, "removed": 1},
        "b": {"added": 1, "changed": 0, "removed": 0},
    }
    page = store.read("versions/essai/1.1.0/changelog.fr.md").decode()
    assert "Lieux d'essai : version du 21 novembre 2026 (1.1.0)" in page
    assert "- Partenaire b (sites) : 1 ligne ajoutée\n" in page


def test_a_field_that_goes_makes_a_major_whose_delta_still_applies(
    dataset: Dataset, store: Store, tmp_path: Path
) -> None:
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    text = dataset.folder.joinpath("dataset.yaml").read_text("utf-8")
    again = declare(tmp_path / "later", declaration=text.replace("[consentement]", "[consentement, places]"))
    version = build_version(again, parts(again, ANGERS), store, created=DAY).version
    assert (version.version, version.level) == ("2.0.0", "major")
    delta = store.local(f"{version.key}/delta/sites.delta.json")
    old = store.read("versions/essai/1.0.0/essai-sites.csv")
    assert apply_delta(delta, old) == store.read("versions/essai/2.0.0/essai-sites.csv")
    assert "sites.places: field removed" in store.read("versions/essai/2.0.0/changelog.en.md").decode()


def test_words_alone_make_a_patch(dataset: Dataset, store: Store, tmp_path: Path) -> None:
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    text = dataset.folder.joinpath("dataset.yaml").read_text("utf-8")
    again = declare(tmp_path / "later", declaration=text.replace("Trial sites", "Sites on trial"))
    assert build_version(again, parts(again, ANGERS), store, created=DAY).version.version == "1.0.1"
    assert "titles, licences, sources or rules changed" in store.read("versions/essai/1.0.1/changelog.en.md").decode()


def test_the_changelog_tells_which_partners_came_went_and_went_stale(dataset: Dataset, store: Store) -> None:
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    contributions = [
        contribute(dataset, "a", [ANGERS], stale_since="2026-11-01"),
        contribute(dataset, "nouveau", [{**NANTES, "id": "n--1"}]),
        contribute(dataset, "visiteurs", [{"id": "v1", "site_id": "a--1", "le": "2026-02-03"}], table="visites"),
    ]
    left = Permits(left=frozenset({"b"}))
    version = build_version(dataset, contributions, store, created="2026-11-22T06:00:00+00:00", permits=left).version
    told = json.loads(store.read(f"{version.key}/changelog.json") or b"")
    assert (told["joined"], told["left"], told["stale"]) == (["nouveau"], ["b"], {"a": "2026-11-01"})
    sections = {
        language: (store.read(f"{version.key}/changelog.{language}.md") or b"").decode().split("\n## ")[-2]
        for language in ("fr", "en")
    }
    assert sections == {
        "fr": "Partenaires\n\n- nouveau partenaire : Partenaire nouveau\n- partenaire parti : Partenaire b\n"
        "- Partenaire a : données reprises de la dernière lecture réussie, sans nouvelles depuis le 1er novembre 2026"
        "\n",
        "en": "Partners\n\n- new partner: Partner nouveau\n- partner left: Partner b\n"
        "- Partner a: data kept from the last good read, nothing new since 1 November 2026\n",
    }


def test_a_licence_that_is_not_accepted_is_refused_and_the_others_go_on(dataset: Dataset, store: Store) -> None:
    odbl = contribute(dataset, "osm", [{"id": "o--1", "nom": "OSM"}], licence="ODbL-1.0")
    built = build_version(dataset, [*parts(dataset, ANGERS), odbl], store, created=DAY)
    assert [refusal.partner for refusal in built.refused] == ["osm"]
    assert "Open Data Commons Open Database License" in built.refused[0].reason.en
    assert "etalab-2.0, CC-BY-4.0" in built.refused[0].reason.fr
    assert "o--1" not in store.read("versions/essai/1.0.0/essai-sites.csv").decode()
    with pytest.raises(NothingToPublishError, match="osm"):
        build_version(dataset, [odbl], store, created=DAY)


def test_there_is_no_first_version_without_rows(dataset: Dataset, store: Store) -> None:
    with pytest.raises(NothingToPublishError):
        build_version(dataset, parts(dataset, b=())[:2], store, created=DAY)
    assert not listed(store, dataset.name)


def test_a_reference_that_leads_nowhere_is_held_with_its_line_and_every_row_is_accounted_for(
    dataset: Dataset, store: Store
) -> None:
    twin: Cells = {"id": "b--7", "nom": "mediatheque", "code_postal": "01000", "date_maj": "2020-01-01"}
    visits: list[Cells] = [{"id": "v1", "site_id": "b--7"}, {"id": "v2", "site_id": "gone"}]
    contributions = [
        contribute(dataset, "a", [ANGERS]),
        contribute(dataset, "b", [twin]),
        contribute(dataset, "c", visits, table="visites"),
    ]
    built = build_version(dataset, contributions, store, created=DAY)
    followed = store.read("versions/essai/1.0.0/essai-visites.csv")
    assert followed == b"id,site_id,le\nv1,a--1,\n"
    (held,) = built.held
    assert (held.partner, held.table, held.problem.line, held.problem.cell) == ("c", "visites", 3, "gone")
    accounts = {line.partner: (line.published, line.merged, line.held) for line in built.accounts.partners}
    assert accounts == {"a": (1, 0, 0), "b": (0, 1, 0), "c": (1, 0, 1)}


@pytest.mark.parametrize(
    "wrong", [{"passed": 2, "rows_in": 2}, {"judged_by": "f" * 64}, {"partner": "z"}, {"table": "national"}]
)
def test_rows_without_a_matching_verdict_are_never_published(
    dataset: Dataset, store: Store, wrong: dict[str, object]
) -> None:
    part = contribute(dataset, "a", [ANGERS])
    forged = replace(part, verdict=replace(part.verdict, **wrong))  # type: ignore[arg-type]
    with pytest.raises(UnjudgedError, match="essai/a"):
        build_version(dataset, [forged], store, created=DAY)
    assert listed(store, "essai") == ()


def test_a_cell_changed_after_the_verdict_is_never_published(dataset: Dataset, store: Store) -> None:
    part = contribute(dataset, "a", [ANGERS])
    forged = replace(part, rows=part.rows.with_columns(nom=pl.lit("Autre lieu")))
    with pytest.raises(UnjudgedError, match="was given on other rows"):
        build_version(dataset, [forged], store, created=DAY)


def test_rows_that_the_store_keeps_under_their_verdict_pass_whatever_writes_parquet_now(
    dataset: Dataset, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = contribute(dataset, "a", [ANGERS])
    judgement = Judgement(part.rows, (), 1, 0, 0, 0)
    table = dataset.main
    verdict = keep(
        store, dataset, table, "a", judgement, snapshot="5" * 64, mapped_by="0" * 64, judged_at="2026-11-21T08:00:00Z"
    )
    monkeypatch.setattr("publish.contribution.parquet_bytes", lambda rows, table: b"another writer")
    assert build_version(dataset, [replace(part, verdict=verdict)], store, created=DAY).new


def test_a_manifest_edited_by_hand_is_noticed(dataset: Dataset, store: Store) -> None:
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    path = store.local("versions/essai/1.0.0/manifest.json")
    path.write_text(path.read_text("utf-8").replace('"sites": 2', '"sites": 3'), encoding="utf-8")
    with pytest.raises(VersionError, match="is not the one that was listed"):
        current(store, "essai")
    with pytest.raises(UnknownVersionError, match=r"1\.0\.0"):
        load(store, "essai", "9.9.9")


def test_a_disk_that_fills_up_leaves_the_last_version_and_says_so(dataset: Dataset, store: Store) -> None:
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    before = sorted(store.local("versions").rglob("*"))
    many: list[Cells] = [{"id": f"a--{n}", "nom": f"Lieu {n}", "places": str(n)} for n in range(400)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_500, limits[1]))
        with pytest.raises(StoreError, match="the last version stands"):
            build_version(dataset, parts(dataset, ANGERS, *many), store, created=DAY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert sorted(store.local("versions").rglob("*")) == before
    assert store.list(".staging") == []
    assert build_version(dataset, parts(dataset, ANGERS, *many), store, created=DAY).version.version == "1.1.0"


def test_a_spreadsheet_that_the_disk_refuses_is_the_disks_fault(dataset: Dataset, tmp_path: Path) -> None:
    table = dataset.main
    with pytest.raises(IsADirectoryError):
        write_xlsx(table, pl.DataFrame(schema=dict.fromkeys(table.fields, pl.String)), tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_small_disk_that_is_full_leaves_the_last_version(dataset: Dataset, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount")
    try:
        store = FolderStore(small / "store")
        build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
        many: list[Cells] = [{"id": f"a--{n}", "nom": os.urandom(30).hex()} for n in range(4_000)]
        with pytest.raises(StoreError, match="Free some space"):
            build_version(dataset, parts(dataset, *many), store, created=DAY)
        assert [line.version for line in listed(store, "essai")] == ["1.0.0"]
        assert load(store, "essai", "1.0.0").rows["sites"] == 2
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize("step", ["build.write_about", "listing._read_back", "listing.list_version"])
def test_killed_anywhere_the_last_version_stands_and_the_next_run_makes_it_whole(
    dataset: Dataset, store: Store, step: str
) -> None:
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    script = f"""
        import os, signal, sys
        from pathlib import Path
        from publish import build, listing
        from glane.store import FolderStore, Store
        from schemas.dataset import load_dataset
        from tests.publish.test_build import ANGERS, DAY, NANTES, parts
        module, name = {step!r}.split(".")
        setattr(dict(build=build, listing=listing)[module], name, lambda *a: os.kill(os.getpid(), signal.SIGKILL))
        dataset = load_dataset(Path({str(dataset.folder)!r}))
        store = FolderStore(Path({str(store.root)!r}))
        build.build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    assert [line.version for line in listed(store, "essai")] == ["1.0.0"]
    healed = build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    assert (healed.new, healed.version.version) == (True, "1.1.0")
    assert store.list("versions/essai") == ["1.0.0", "1.1.0", "versions.json"]
