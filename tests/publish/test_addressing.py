"""Every published row has an address to write to where it is wrong, and keeps it until it changes."""

import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import frictionless
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from glane.store import FolderStore, Store
from publish.build import Built, build_version
from publish.delta import apply_delta
from publish.diff import whole_csv
from publish.formats.delimited import read_csv
from publish.restoration import restore
from publish.version import Version, load
from schemas.dataset import Dataset, load_datasets
from schemas.error_address import Named, error_field, named_in, template
from tests.publish.material import DECLARATION, SITES, Cells, contribute, declare

REAL = load_datasets(Path(__file__).parents[2] / "schemas")
FIELD = "signaler"
ADDRESS = "mailto:donnees@example.org?subject=essai%20{}%20{}"
WITH_ADDRESS: dict[str, Any] = {
    **SITES,
    "fields": [*SITES["fields"], {"name": FIELD, "type": "string", "format": "uri"}],
}
TEXT = DECLARATION.replace("attribution: attribution}", f"attribution: attribution, {FIELD}: error_address}}")


def day(number: int) -> str:
    return f"2026-11-{number:02}T06:00:00+00:00"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return declare(tmp_path / "schemas", declaration=TEXT, sites=WITH_ADDRESS)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def made(dataset: Dataset, store: FolderStore, number: int, *rows: Cells) -> Built:
    brought = [
        contribute(dataset, "a", rows),
        contribute(dataset, "v", [{"id": "v1", "site_id": "a--1"}], table="visites"),
    ]
    return build_version(dataset, brought, store, created=day(number))


def sites(store: Store, version: Version) -> pl.DataFrame:
    return read_csv(whole_csv(store, version, "sites"))


def told(store: Store, version: Version) -> dict[str, str]:
    return dict(sites(store, version).select("id", FIELD).iter_rows())


ONE: Cells = {"id": "a--1", "nom": "Médiathèque"}
TWO: Cells = {"id": "a--2", "nom": "Mairie"}


def test_a_row_names_the_version_in_which_it_last_changed(dataset: Dataset, store: FolderStore) -> None:
    first = made(dataset, store, 1, ONE, TWO).version
    assert told(store, first) == {"a--1": ADDRESS.format("1.0.0", "a--1"), "a--2": ADDRESS.format("1.0.0", "a--2")}
    second = made(dataset, store, 2, {**ONE, "places": "3"}, TWO, {"id": "a--3", "nom": "Gare"}).version
    assert second.version == "1.1.0"
    assert told(store, second) == {
        "a--1": ADDRESS.format("1.1.0", "a--1"),
        "a--2": ADDRESS.format("1.0.0", "a--2"),
        "a--3": ADDRESS.format("1.1.0", "a--3"),
    }


def test_the_same_rows_make_no_version_though_their_addresses_name_several(
    dataset: Dataset, store: FolderStore
) -> None:
    made(dataset, store, 1, ONE, TWO)
    second = made(dataset, store, 2, {**ONE, "places": "3"}, TWO)
    again = made(dataset, store, 3, TWO, {**ONE, "places": "3"})
    assert (again.new, again.version) == (False, second.version)


def test_what_was_put_aside_makes_no_version_and_what_changes_of_it_does(dataset: Dataset, store: FolderStore) -> None:
    first = made(dataset, store, 1, ONE, TWO).version
    wrong = made(dataset, store, 2, {**ONE, "nom": "Faux"}, TWO).version
    back = restore(dataset, store, first.version, "a mistake", created=day(3))
    assert told(store, back) == told(store, first)
    again = made(dataset, store, 4, {**ONE, "nom": "Faux"}, TWO)
    assert (again.new, again.put_aside, wrong.version) == (False, True, "1.0.1")
    other = made(dataset, store, 5, {**ONE, "nom": "Faux"}, {**TWO, "places": "1"})
    assert other.new
    assert set(told(store, other.version).values()) == {
        ADDRESS.format(other.version.version, "a--1"),
        ADDRESS.format(other.version.version, "a--2"),
    }


def test_another_mailbox_changes_the_addresses_and_no_number(
    tmp_path: Path, dataset: Dataset, store: FolderStore
) -> None:
    made(dataset, store, 1, ONE, TWO)
    moved = declare(
        tmp_path / "moved", declaration=f"errors: {{address: erreurs@example.org}}\n{TEXT}", sites=WITH_ADDRESS
    )
    built = made(moved, store, 2, ONE, TWO)
    assert built.version.version == "1.0.1"
    assert told(store, built.version)["a--1"] == "mailto:erreurs@example.org?subject=essai%201.0.0%20a--1"


def test_a_column_that_comes_is_a_major_version_whose_number_all_rows_name(
    tmp_path: Path, dataset: Dataset, store: FolderStore
) -> None:
    before = declare(tmp_path / "before")
    made(before, store, 1, ONE, TWO)
    built = made(dataset, store, 2, ONE, TWO)
    assert built.version.version == "2.0.0"
    assert set(told(store, built.version).values()) == {ADDRESS.format("2.0.0", one) for one in ("a--1", "a--2")}


def test_the_published_file_is_what_its_schema_says_and_geojson_has_the_address(
    dataset: Dataset, store: FolderStore
) -> None:
    version = made(dataset, store, 1, {**ONE, "latitude": "46.2", "longitude": "5.2"}).version
    folder = store.local(version.key)
    assert frictionless.validate(str(folder / "datapackage.json")).valid
    assert ADDRESS.format("1.0.0", "a--1") in (folder / "essai-sites.geojson").read_text(encoding="utf-8")


ROWS = st.dictionaries(st.sampled_from(["a--2", "a--3", "a--4"]), st.sampled_from(["x", "y"]))


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(ROWS, min_size=2, max_size=3))
def test_whatever_comes_and_goes_deltas_lead_on_and_two_machines_make_the_same_bytes(
    days: list[dict[str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as home:
        dataset = declare(Path(home) / "schemas", declaration=TEXT, sites=WITH_ADDRESS)
        one, two = (FolderStore(Path(home) / name) for name in ("one", "two"))
        since: dict[str, tuple[str, str]] = {}
        for number, texts in enumerate(({"a--1": "always", **day} for day in days), start=1):
            rows: list[Cells] = [{"id": name, "nom": f"{name} {text}"} for name, text in texts.items()]
            built = made(dataset, one, number, *rows)
            version = built.version
            assert made(dataset, two, number, *reversed(rows)).version.content == version.content
            since = {
                name: since[name] if since.get(name, ("", ""))[0] == text else (text, version.version)
                for name, text in texts.items()
            }
            assert told(one, version) == {name: ADDRESS.format(at, name) for name, (_, at) in since.items()}
            if built.new and version.previous:
                old = whole_csv(one, load(one, "essai", version.previous), "sites").read_bytes()
                header = one.local(version.key) / "delta" / "sites.delta.json"
                assert apply_delta(header, old) == whole_csv(one, version, "sites").read_bytes()


@pytest.mark.parametrize("subject", ["{}", "Re: {}", "TR : Fwd: {} (adresse fausse)", "  {}\t"])
def test_the_subject_of_the_mail_names_the_row_again(subject: str) -> None:
    tables = {name: tuple(table.name for table in dataset.tables) for name, dataset in REAL.items()}
    for dataset in REAL.values():
        for table in dataset.contributed:
            address = template(dataset, table).format(version="1.12.3", id="epn--12")
            (written,) = parse_qs(urlsplit(address).query)["subject"]
            assert named_in(subject.format(written), tables) == Named(
                dataset.name, None if table is dataset.main else table.name, "1.12.3", "epn--12"
            )


def test_the_subject_of_any_other_mail_names_none() -> None:
    tables = {name: tuple(table.name for table in dataset.tables) for name, dataset in REAL.items()}
    for subject in (
        "",
        "inclusion_sites",
        "inclusion_sites 1.0 a",
        "other 1.0.0 a--1",
        "inclusion_sites/no 1.0.0 a--1",
    ):
        assert named_in(subject, tables) is None


def test_every_table_that_partners_feed_has_the_field_and_no_partner_may_fill_it() -> None:
    for dataset in REAL.values():
        for table in dataset.contributed:
            name = error_field(table)
            assert name is not None, table.name
            assert name not in table.asked
