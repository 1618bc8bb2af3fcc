"""A row that is no longer in its partner's file stays for a grace period, and everybody knows until when."""

import datetime
import json
import tempfile
from datetime import UTC, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glane.store import FolderStore
from pipelines.automation import grace_schedule
from pipelines.catalogue import Entry, load_catalogue
from pipelines.cli.source import describe
from pipelines.intake import Intake, take_in
from pipelines.mail.box import Known
from pipelines.mail.planning import answer_due, open_problems, settled
from pipelines.release import Release, make_version
from pipelines.today import waiting_in
from publish.version import Version, current, path_of
from schemas.absence import kept_absent
from schemas.dataset import load_datasets
from schemas.forgetting import forget_rows, rows_now
from schemas.report import last_report
from schemas.report_text import to_markdown
from tests.pipelines.conftest import Glane, commons, dagster_home, glane  # noqa: F401
from tests.pipelines.material import Commons, make_commons

MONDAY = datetime.datetime(2026, 11, 16, 4, tzinfo=UTC)
THREE = "1,Le Fil,49000\n2,La Boussole,49100\n3,Le Phare,29200\n"
TWO = "1,Le Fil,49000\n3,Le Phare,29200\n"


@pytest.fixture
def angers(tmp_path: Path) -> Commons:
    return declared(tmp_path, THREE)


def declared(folder: Path, rows: str) -> Commons:
    """A dataset that says nothing of a grace period, as most do, and one partner."""
    found = make_commons(folder)
    grace(found, "")
    found.source("angers", rows)
    return found


def grace(found: Commons, line: str) -> None:
    path = found.dataset() / "dataset.yaml"
    path.write_text(path.read_text("utf-8").replace("grace: 0\n", line), "utf-8")


def the(found: Commons) -> tuple[Entry, FolderStore]:
    return load_catalogue(found.settings)["lieux"], FolderStore(Path(found.settings.store))


def intake(found: Commons, day: int, partner: str = "angers") -> Intake:
    entry, store = the(found)
    return take_in(entry.source(partner), entry.dataset, store, now=MONDAY + timedelta(days=day))


def version(found: Commons, day: int) -> Release:
    entry, store = the(found)
    return make_version(entry, store, MONDAY + timedelta(days=day))


def run(found: Commons, day: int) -> Release:
    """What a night does: the sources, then the version."""
    taken = intake(found, day)
    assert taken.error is None, taken.error
    return version(found, day)


def published(found: Commons) -> list[str]:
    _, store = the(found)
    last = current(store, "lieux")
    assert last is not None
    return pl.read_csv(path_of(store, last, last.file("lieux-places.csv")), infer_schema=False)["id"].to_list()


def account(release: Release) -> dict[str, int]:
    (line,) = release.built.accounts.partners
    return {name: getattr(line, name) for name in ("rows_in", "absent", "published", "to_correct", "on_hold")}


def test_a_row_that_vanishes_stays_for_seven_days_and_leaves_on_the_eighth_though_no_source_changed(
    angers: Commons,
) -> None:
    first = run(angers, 0).version
    angers.file("angers", TWO)
    for day in (1, 4, 7):
        release = run(angers, day)
        assert (day, release.built.new, published(angers)) == (day, False, ["angers--1", "angers--2", "angers--3"])
        assert account(release) == {"rows_in": 2, "absent": 1, "published": 3, "to_correct": 0, "on_hold": 0}
    left = run(angers, 8)
    assert left.built.new
    assert (left.version.previous, published(angers)) == (first.version, ["angers--1", "angers--3"])
    assert account(left) == {"rows_in": 2, "absent": 0, "published": 2, "to_correct": 0, "on_hold": 0}
    assert not run(angers, 8).built.new
    assert not run(angers, 9).built.new
    _, store = the(angers)
    assert [path for path in store.files("rows/lieux/angers") if path.startswith("absent-")] == []


def test_the_changelog_says_why_a_row_left(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    last = run(angers, 8).version
    _, store = the(angers)
    told = json.loads(path_of(store, last, last.file("changelog.json")).read_bytes())
    assert told["ended"] == [{"partner": "angers", "table": "places", "since": "2026-11-17", "rows": 1}]
    french = path_of(store, last, last.file("changelog.fr.md")).read_text("utf-8")
    assert (
        "Lieux de angers (places) : délai de grâce écoulé pour 1 ligne (absence de son fichier depuis le "
        "17 novembre 2026)" in french
    )


def test_an_absent_row_keeps_its_values_its_snapshot_and_its_line(angers: Commons) -> None:
    before = run(angers, 0).version
    angers.file("angers", "1,Le Fil d'Ariane,49000\n3,Le Phare,29200\n")
    now = run(angers, 1).version
    _, store = the(angers)
    assert (before.inputs[0].snapshot, now.inputs[0].absent_since) != (now.inputs[0].snapshot, "")
    (kept,) = now.absent
    assert (kept.snapshot, kept.snapshot_date, kept.absent_since, kept.passed) == (
        before.inputs[0].snapshot,
        before.inputs[0].snapshot_date,
        "2026-11-17",
        1,
    )
    lines = pl.read_parquet(path_of(store, now, now.file("provenance.parquet"))).sort("id")
    assert lines.select("id", "line", "snapshot").rows() == [
        ("angers--1", 2, now.inputs[0].snapshot),
        ("angers--2", 3, before.inputs[0].snapshot),
        ("angers--3", 3, now.inputs[0].snapshot),
    ]
    said = path_of(store, now, now.file("changelog.en.md")).read_text("utf-8")
    assert "Places of angers (places): 1 row in the grace period (missing from its file since 17 November 2026)" in said
    assert _sources(store, now) == ["angers"]


def _sources(store: FolderStore, version: Version) -> list[str]:
    package = json.loads(path_of(store, version, version.file("datapackage.json")).read_bytes())
    return [source["partner"] for source in package["sources"]]


def test_a_row_that_comes_back_never_left(angers: Commons) -> None:
    first = run(angers, 0).version
    angers.file("angers", TWO)
    run(angers, 1)
    angers.file("angers", THREE)
    for day in (5, 20):
        assert not run(angers, day).built.new
    assert published(angers) == ["angers--1", "angers--2", "angers--3"]
    # Missing a second time, its days are counted anew.
    angers.file("angers", TWO)
    run(angers, 21)
    assert not run(angers, 27).built.new
    assert run(angers, 28).version.previous == first.version


def test_a_row_that_is_there_and_wrong_is_not_absent(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", "1,Le Fil,49000\n2,La Boussole,491\n3,Le Phare,29200\n")
    release = run(angers, 1)
    assert published(angers) == ["angers--1", "angers--3"]
    assert account(release) == {"rows_in": 3, "absent": 0, "published": 2, "to_correct": 1, "on_hold": 0}


def test_a_row_that_was_wrong_before_it_vanished_is_not_published_again(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", "1,Le Fil,49000\n2,La Boussole,491\n3,Le Phare,29200\n")
    run(angers, 1)
    angers.file("angers", TWO)
    assert not run(angers, 2).built.new
    assert published(angers) == ["angers--1", "angers--3"]


def test_a_source_may_declare_that_rows_leave_at_once_and_nothing_of_them_is_kept(angers: Commons) -> None:
    angers.edit("angers", "id:", "grace: 0\nid:")
    run(angers, 0)
    angers.file("angers", TWO)
    assert run(angers, 1).built.new
    assert published(angers) == ["angers--1", "angers--3"]
    _, store = the(angers)
    assert [path for path in store.files("rows/lieux/angers") if "absent" in path] == []


def test_the_dataset_says_how_long_where_the_source_does_not(angers: Commons) -> None:
    grace(angers, "grace: 2\n")
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    assert not run(angers, 2).built.new
    assert run(angers, 3).built.new


def test_a_grace_that_is_made_shorter_holds_at_once(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    angers.edit("angers", "id:", "grace: 1\nid:")
    assert run(angers, 2).built.new
    assert published(angers) == ["angers--1", "angers--3"]


def test_a_withdrawn_row_leaves_at_once_though_it_is_in_its_grace_period(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    decisions = angers.settings.sources / "decisions" / "lieux.csv"
    decisions.parent.mkdir(exist_ok=True)
    decisions.write_text(
        "kind,table,id,other,field,seen,value,by,on,until,why\nwithdrawal,,angers--2,,,,,steward,2026-11-18,,asked\n",
        "utf-8",
    )
    release = run(angers, 2)
    assert published(angers) == ["angers--1", "angers--3"]
    (line,) = release.built.accounts.partners
    assert (line.rows_in, line.absent, line.published, line.held) == (2, 1, 2, 1)


def test_rows_in_their_grace_period_are_judged_again_when_the_dataset_asks_more(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", "1,Le Fil,49000\n")
    angers.edit("angers", "id:", "bounds: {shrink_max: 1}\nid:")
    run(angers, 1)
    assert published(angers) == ["angers--1", "angers--2", "angers--3"]
    path = angers.settings.schemas / "lieux" / "places.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    schema["fields"][2]["constraints"]["pattern"] = "49[0-9]{3}"
    path.write_text(json.dumps(schema), "utf-8")
    release = run(angers, 2)
    assert published(angers) == ["angers--1", "angers--2"]
    assert account(release) == {"rows_in": 1, "absent": 1, "published": 2, "to_correct": 0, "on_hold": 0}
    assert run(angers, 8).built.new
    assert published(angers) == ["angers--1"]


def test_a_file_that_was_numbered_anew_is_not_published_twice(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", "11,Le Fil,49000\n12,La Boussole,49100\n14,Le Grenier,29200\n")
    run(angers, 1)
    assert published(angers) == ["angers--11", "angers--12", "angers--14", "angers--3"]


def test_rows_without_a_number_keep_their_id_and_only_those_that_are_gone_are_absent(angers: Commons) -> None:
    angers.edit("angers", "id: {columns: [numero]}", "id: {fields: [nom, code_postal]}")
    run(angers, 0)
    before = published(angers)
    angers.file("angers", "1,Le Fil,49000\n2,La Bousole,49100\n")
    release = run(angers, 1)
    assert account(release) == {"rows_in": 2, "absent": 1, "published": 3, "to_correct": 0, "on_hold": 0}
    assert published(angers) == before


def test_a_mapping_that_gives_other_ids_to_the_same_bytes_makes_nothing_absent(angers: Commons) -> None:
    run(angers, 0)
    angers.edit("angers", "id: {columns: [numero]}", "id: {columns: [nom]}")
    release = run(angers, 1)
    assert account(release) == {"rows_in": 3, "absent": 0, "published": 3, "to_correct": 0, "on_hold": 0}


def test_a_failed_read_is_no_absence_and_the_days_of_those_that_are_absent_go_on(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    (angers.settings.sources / "lieux" / "angers" / "lieux.csv").unlink()
    assert intake(angers, 3).report.absent[0].leave_on == "2026-11-24"
    assert not version(angers, 3).built.new
    assert published(angers) == ["angers--1", "angers--2", "angers--3"]
    intake(angers, 8)
    assert version(angers, 8).built.new
    assert published(angers) == ["angers--1", "angers--3"]


def test_a_retired_source_takes_its_absent_rows_along(angers: Commons) -> None:
    angers.source("brest", "7,Le Quai,29200\n")
    intake(angers, 0, "brest")
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    angers.edit("angers", "licence:", "state: retired\nlicence:")
    version(angers, 2)
    assert published(angers) == ["brest--7"]


def test_a_run_that_is_killed_before_the_new_rows_stand_finds_the_same_again(
    angers: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(angers, 0)
    angers.file("angers", TWO)

    class Killed(BaseException):
        pass

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as during, pytest.raises(Killed):
        during.setattr("pipelines.intake.keep", kill)
        intake(angers, 1)
    assert not version(angers, 1).built.new
    assert published(angers) == ["angers--1", "angers--2", "angers--3"]
    run(angers, 2)
    assert run(angers, 8).built.new
    assert published(angers) == ["angers--1", "angers--3"]


def test_the_answer_says_which_rows_are_missing_until_when_and_what_to_do(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    report = intake(angers, 2).report
    assert (
        "## Lignes qui ne sont plus dans votre fichier\n\n1 ligne n'y est plus depuis le 17 novembre 2026. Elle reste "
        "publiée comme vous l'aviez donnée, et cessera de l'être le 24 novembre 2026 : angers--2."
        in to_markdown(report, "fr")
    )
    assert "If they should go at once, tell us." in to_markdown(report, "en")
    assert "Rijen die niet meer in uw bestand staan" in to_markdown(report, "nl")
    assert intake(angers, 8).report.absent == ()
    kept = last_report(the(angers)[1], "lieux", "angers")
    assert kept is not None
    assert kept.absent == ()


def test_a_partner_that_is_answered_by_mail_is_told_once_that_rows_are_missing(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", TWO)
    report = intake(angers, 1).report
    found = open_problems(report, None)
    assert [text["en"][:37] for text in found.values()] == ["1 row has been missing since 17 Novem"]
    letter = answer_due("lieux/angers", "x@angers.example", Known(), found, report.run_at)
    assert letter is not None
    assert answer_due("lieux/angers", "x@angers.example", letter.then, open_problems(report, None), "") is None
    # That they came back, or left, makes no letter and is nothing that the partner solved.
    after = settled(letter.then, report.model_copy(update={"absent": ()}), {})
    assert (after.told, after.solved) == ({}, {})


def test_the_steward_sees_what_leaves_and_when(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    entry, store = the(angers)
    (found,) = [one for one in waiting_in(entry, store, MONDAY + timedelta(days=2)) if one.kind == "absent"]
    assert (found.about, found.since, found.command) == ("lieux/angers", "2026-11-17", "glane report lieux/angers")
    assert found.why == ("1 row is no longer in the file. Leaving on 2026-11-24, unless the partner says otherwise.")
    report = last_report(store, "lieux", "angers")
    assert report is not None
    told = describe(entry.source("angers"), report.model_dump(mode="json"))["last"]["absent"]
    assert told == [{"rows": 1, "named": ["angers--2"], "since": "2026-11-17", "leave_on": "2026-11-24"}]


def test_glane_run_tells_it_and_counts_every_row(
    commons: Commons,  # noqa: F811
    glane: Glane,  # noqa: F811
) -> None:
    grace(commons, "")
    for partner in ("angers", "brest", "caen"):
        intake(commons, 0, partner)
    version(commons, 0)
    commons.file("angers", "1,Le Fil,49000\n")
    commons.edit("angers", "id:", "bounds: {shrink_max: 1}\nid:")
    said = glane("run")
    assert "1 no longer in the file, published all the same, leaving on" in said.out
    (angers,) = [
        one for one in json.loads(glane("run", "--json").out)["datasets"][0]["sources"] if one["partner"] == "angers"
    ]
    assert (angers["rows_in"], angers["absent"], angers["published"] + angers["merged"]) == (1, 1, 2)
    assert "1 no longer in the file since" in glane("source", "list").out


def test_dagit_makes_the_version_on_the_day_though_no_source_is_due(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    entry, store = the(angers)
    tick = grace_schedule(entry, "lieux_publish", store)

    def asked(day: int) -> bool:
        moment = MONDAY + timedelta(days=day)
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_schedule_context(instance, scheduled_execution_time=moment)
            return isinstance(tick(context), dg.RunRequest)

    assert [asked(day) for day in (1, 7, 8, 9)] == [False, False, True, True]
    version(angers, 8)
    assert not asked(9)


def test_what_the_store_kept_of_them_is_what_was_judged(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", TWO)
    run(angers, 1)
    (path,) = (Path(angers.settings.store) / "rows" / "lieux" / "angers").glob("absent-*.parquet")
    rows = pl.read_parquet(path).with_columns(pl.lit("Ailleurs").alias("nom"))
    rows.write_parquet(path)
    with pytest.raises(Exception, match="no longer in the file of lieux/angers cannot be trusted"):
        version(angers, 2)
    assert published(angers) == ["angers--1", "angers--2", "angers--3"]


@settings(max_examples=5, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.sets(st.integers(1, 5), min_size=1)), min_size=2, max_size=6),
    st.integers(0, 4),
)
def test_what_is_published_is_the_newest_file_and_what_left_it_less_than_the_grace_period_ago(
    files: list[set[int] | None], days: int
) -> None:
    """A day without a file is a day on which nothing changed."""
    with tempfile.TemporaryDirectory() as folder:
        found = declared(Path(folder), "9,Le Port,44000\n")
        found.edit("angers", "id:", f"grace: {days}\nbounds: {{shrink_max: 1}}\nid:")
        newest: set[int] = set()
        since: dict[int, int] = {}
        for day, file in enumerate([set(), *files]):
            if file is not None:
                rows = "".join(f"{one},Lieu {one},4900{one}\n" for one in sorted(file))
                found.file("angers", f"9,Le Port,44000\n{rows}")
                since = {one: since.get(one, day) for one in (newest | since.keys()) - file} if days else {}
                newest = file
            release = run(found, day)
            since = {one: start for one, start in since.items() if day - start < days}
            assert published(found) == sorted(f"angers--{one}" for one in newest | since.keys() | {9})
            assert account(release)["absent"] == len(since)


def test_who_is_listed_by_consent_leaves_at_once() -> None:
    root = Path(__file__).parents[2] / "schemas"
    declared = {name: one.line.grace for name, one in load_datasets(root).items()}
    assert declared == {"atlas_organisations": 0, "inclusion_sites": 7, "refurbished_devices": 7}


def test_a_forgotten_row_is_forgotten_among_those_that_are_absent(angers: Commons) -> None:
    run(angers, 0)
    angers.file("angers", "1,Le Fil d'Ariane,49000\n")
    angers.edit("angers", "id:", "bounds: {shrink_max: 1}\nid:")
    made = run(angers, 1).version
    _, store = the(angers)
    assert forget_rows(store, "lieux", "angers", ["id"], ["angers--2"]) == 2
    (kept,) = made.absent
    (left,) = kept_absent(store, "lieux", "angers")
    assert left.rows["id"].to_list() == ["angers--3"]
    judged = (kept.snapshot, kept.mapped_by, kept.judged_by)
    assert rows_now(store, "lieux", "angers", judged, kept.absent_since) == left.verdict.rows_sha256
    assert rows_now(store, "lieux", "angers", judged) != left.verdict.rows_sha256
    version(angers, 2)
    assert published(angers) == ["angers--1", "angers--3"]
