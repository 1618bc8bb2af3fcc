"""The steward's list: nothing waits in silence, and each line says why, whom to ask, since when and what to type."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import dagster as dg

from glane.store import FolderStore
from pipelines.approving import held_version
from pipelines.catalogue import BrokenDataset, Entry, load_catalogue
from pipelines.first_seen import note_seen
from pipelines.forgetting.plan import plan_key
from pipelines.graph import build_definitions
from pipelines.intake import take_in
from pipelines.release import make_version
from pipelines.today import waiting
from pipelines.today_sources import Kind
from publish.decisions import add
from publish.restoration import restore
from schemas.expectations.approvals import Approval, add_approval
from sources.declaration import BrokenSource
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


def today(glane: Glane) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(glane("today", "--json").out)
    return found


def test_after_a_good_run_nothing_waits_but_what_partners_are_to_correct(commons: Commons, glane: Glane) -> None:
    unknown = today(glane)
    assert {(one["kind"], one["about"]) for one in unknown if one["kind"] == "late"} == {
        ("late", f"lieux/{partner}") for partner in ("angers", "brest", "caen")
    }
    glane("run")
    (corrections,) = today(glane)
    assert corrections["why"] == "1 row to be corrected: caen 1. Each partner has its answer."
    assert (corrections["kind"], corrections["command"]) == ("corrections", "glane report lieux/caen")
    commons.file("caen", "a,L'Atelier,14000\nb,Le Grenier,14100\n")
    glane("run")
    assert today(glane) == []
    assert glane("today").out == "Nothing waits.\n"


def test_each_thing_that_waits_is_told_with_whom_to_ask_since_when_and_what_to_type(
    commons: Commons, glane: Glane
) -> None:
    glane("run")
    sources = commons.settings.sources / "lieux"
    (sources / "angers" / "lieux.csv").unlink()
    path = sources / "brest" / "source.yaml"
    path.write_text(path.read_text("utf-8").replace("licence: etalab-2.0", "licence: ODbL-1.0"), encoding="utf-8")
    path = sources / "caen" / "source.yaml"
    path.write_text(path.read_text("utf-8") + "cadense: daily\n", encoding="utf-8")
    decisions = commons.settings.sources / "decisions" / "lieux.csv"
    decision = {"kind": "withdrawal", "id": "angers--77", "by": "coordination", "on": "2026-11-20", "why": "asked for"}
    add(decisions, ["places"], decision)
    glane("run")
    found = {(one["kind"], one["about"]): one for one in today(glane)}
    day = datetime.now(UTC).date().isoformat()
    assert {(*key, one["whom"], (one["since"] or "")[:10], one["command"]) for key, one in found.items()} == {
        ("failing", "lieux/angers", "Association angers, données <donnees@angers.example>", day,
         "glane run lieux --source angers"),
        ("licence", "lieux/brest", "Association brest, données <donnees@brest.example>", "", "glane rights lieux"),
        ("declaration", "lieux/caen", "whoever edited it", "", "glane source test lieux/caen"),
        ("decision", "lieux", "coordination", "2026-11-20", f"$EDITOR {decisions}"),
    }  # fmt: skip
    assert found["failing", "lieux/angers"]["why"].startswith("The file 'lieux.csv' that lieux/angers declares is not")
    assert "has to stay under the ODbL" in found["licence", "lieux/brest"]["why"]
    assert "'cadense' is not known. Did you mean 'cadence'?" in found["declaration", "lieux/caen"]["why"]
    assert found["decision", "lieux"]["why"].startswith("Decisions, line 2, angers--77: this row is not published.")
    said = glane("today", "lieux").out
    assert "FAILING  lieux/angers, since " in said
    assert "  then  glane run lieux --source angers\n" in said


def test_a_version_that_waits_is_on_the_list_with_what_to_copy_and_looking_changes_nothing(
    commons: Commons, glane: Glane
) -> None:
    glane("run")
    commons.file("brest", "8,Le Phare,\n9,Le Quai,\n")
    for partner in ("angers", "caen"):
        commons.file(partner, "1,Un lieu,\n")
    glane("run")
    (held,) = [one for one in today(glane) if one["kind"] == "version"]
    found = held_version(FolderStore(Path(commons.settings.store)), "lieux")
    assert found is not None
    assert (held["about"], held["whom"], held["since"], held["command"]) == (
        "lieux",
        "Les communs <communs@example.org>",
        found.since,
        f"glane approve lieux {found.hash} --as ROLE --why REASON",
    )
    assert "waits for a steward" in held["why"]
    assert [line["version"] for line in json.loads(glane("versions", "lieux", "--json").out)] == ["1.0.0"]


def test_dagit_shows_the_list_every_morning(commons: Commons, glane: Glane) -> None:
    glane("run")
    (commons.settings.sources / "lieux" / "angers" / "lieux.csv").unlink()
    glane("run")
    definitions = build_definitions(commons.settings, lambda: None)
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("morning").execute_in_process(instance=instance)
    (made,) = result.get_asset_materialization_events()
    shown = made.materialization.metadata
    assert shown["waiting"].value == 2
    lines = str(shown["list"].value).splitlines()
    assert [line for line in lines if line.startswith("#")] == ["### Failing", "### Corrections"]
    assert lines[2].startswith("**lieux/angers**, since ")
    assert lines[2].endswith(
        "Ask Association angers, données <donnees@angers.example>. `glane run lieux --source angers`"
    )
    (schedule,) = [one for one in definitions.get_repository_def().schedule_defs if one.job_name == "morning"]
    assert (schedule.cron_schedule, schedule.default_status) == ("0 7 * * *", dg.DefaultScheduleStatus.RUNNING)


def patched(commons: Commons, partner: str, **said: object) -> None:
    """Change what the store keeps of a partner's last report."""
    path = Path(commons.settings.store) / "reports" / "lieux" / partner / "latest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | said), encoding="utf-8")


def keep(commons: Commons, key: str, value: object) -> None:
    path = Path(commons.settings.store) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def harvest(commons: Commons) -> Entry:
    entry, store = load_catalogue(commons.settings)["lieux"], FolderStore(Path(commons.settings.store))
    for source in entry.sources:
        if isinstance(source, BrokenSource) or source.line.where.mailbox is None:
            take_in(source, entry.dataset, store)
    return entry


def everything_held(commons: Commons) -> None:
    """One commons in which each thing that Glane holds back for a person is held back once."""
    names = ("open", "vanished", "shrunk", "odbl", "expiring", "missing", "undecided", "mailing", "resting", "leaving")
    for name in names:
        commons.source(name, "".join(f"{n},Chez {name} {n},49{n:03}\n" for n in range(12)))
    commons.edit("leaving", "id:", "grace: 7\nid:")
    declared = commons.settings.schemas / "lieux" / "dataset.yaml"
    likeness = "likeness: {name: nom, postcode: code_postal, same_from: 40, ask_from: 1}"
    text = declared.read_text("utf-8").replace("merge: {same: [[nom, code_postal]]}", f"merge: {{{likeness}}}")
    declared.write_text(text, encoding="utf-8")
    commons.file("brest", "8,Le Fanal du Relecq,29200\n")
    commons.file("angers", "1,Fanal du Relecq,29200\n")
    make_version(harvest(commons), FolderStore(Path(commons.settings.store)))

    commons.edit("open", "licence:", "licenze: x\nlicence:")
    commons.edit("odbl", "licence: etalab-2.0", "licence: ODbL-1.0")
    commons.file("shrunk", "1,Chez shrunk 1,49001\n")
    commons.file("leaving", "".join(f"{n},Chez leaving {n},49{n:03}\n" for n in range(11)))
    for gone in ("expiring", "missing"):
        (commons.settings.sources / "lieux" / gone / "lieux.csv").unlink()
    harvest(commons)
    commons.source("new", "1,Neuf,49000\n")
    shutil.rmtree(commons.settings.sources / "lieux" / "vanished")
    commons.edit("resting", "licence:", "state: paused\nlicence:")
    patched(commons, "resting", run_at="2020-01-01T00:00:00+00:00")
    patched(commons, "expiring", stale_since="2020-01-01T00:00:00+00:00")
    found = {"field": "nom", "kind": "name", "cells": 3, "outcome": "hold-rows"}
    counts = {"rows_in": 12, "passed": 9, "to_correct": 0, "on_hold": 3}
    patched(commons, "undecided", personal=[found], counts=counts)
    mailbox = "where: {mailbox: {address: lieux@glane.example, senders: [donnees@mailing.example]}}"
    commons.edit("mailing", "where: {file: lieux.csv}", mailbox)
    came = {"sha256": "0" * 64, "bytes": 1, "name": "lieux.csv", "at": "2026-11-20T08:00:00+00:00", "by": "x"}
    inbox = {"expired": {**came, "message_id": "<1@mailing.example>"}, "to_read": 2}
    keep(commons, "raw/lieux/mailing/inbox.json", inbox)
    refusal = {"to": "donnees@mailing.example", "at": "2026-11-20T08:00:00+00:00", "what": "Refused.", "remedy": "Ask."}
    keep(commons, "mail/lieux/mailing/box.json", {"refused": refusal})
    message = {"key": "1", "table": "places", "id": "brest--8", "version": "1.0.0", "row": "1.0.0", "text": "closed"}
    keep(commons, "messages/lieux.json", {"messages": [{**message, "at": "2026-11-20T08:00:00+00:00"}]})
    counted = Path(commons.settings.store) / "reports" / "lieux" / "undecided" / "counts.jsonl"
    last = json.loads(counted.read_text("utf-8").splitlines()[-1])
    term = {"field": "nom", "term": "Foyer", "count": 2}
    counted.write_text(json.dumps(last | {"terms": [term]}) + "\n", encoding="utf-8")
    decisions = commons.settings.sources / "decisions" / "lieux.csv"
    row = {"kind": "withdrawal", "id": "angers--77", "by": "coordination", "on": "2026-11-20", "why": "asked for"}
    add(decisions, ["places"], row)
    idle = Approval("0" * 16, "", "coordination", datetime(2026, 11, 20, tzinfo=UTC).date(), None, "Right.")
    add_approval(commons.settings.sources / "decisions" / "lieux.approvals.csv", idle)


def a_past_that_waits(commons: Commons) -> None:
    """Another dataset, whose notice is over, and which went back to an older version."""
    folder = commons.dataset("autre")
    commons.source("dol", "1,Un,49000\n", dataset="autre")
    store = FolderStore(Path(commons.settings.store))

    def release() -> Entry:
        entry = load_catalogue(commons.settings)["autre"]
        for source in entry.sources:
            take_in(source, entry.dataset, store)
        make_version(entry, store)
        return entry

    release()
    schema = json.loads((folder / "places.schema.json").read_bytes())
    schema["fields"].append({"name": "ville", "type": "string"})
    (folder / "places.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    with (folder / "dataset.yaml").open("a", encoding="utf-8") as file:
        file.write("notice: {date: 2020-01-01, text: {fr: Un champ de plus., en: One field more.}}\n")
    release()
    commons.file("dol", "1,Deux,49000\n", dataset="autre")
    entry = release()
    assert not isinstance(entry.dataset, BrokenDataset)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    restore(entry.dataset, store, "2.0.0", "Wrong name.", created=created)


def test_nothing_waits_in_silence(commons: Commons) -> None:
    everything_held(commons)
    a_past_that_waits(commons)
    store = FolderStore(Path(commons.settings.store))
    store.write(plan_key("autre"), b"cut off")
    entries = load_catalogue(commons.settings).values()
    found = waiting(entries, store)
    assert sorted({(one.kind, one.about) for one in found}) == sorted(
        [
            ("absent", "lieux/leaving"),
            ("approval", "lieux"),
            ("consent", "lieux/mailing"),
            ("corrections", "lieux"),
            ("decision", "lieux"),
            ("declaration", "lieux/open"),
            ("expired", "lieux/expiring"),
            ("failing", "lieux/missing"),
            ("file", "lieux/shrunk"),
            ("forgetting", "autre"),
            ("late", "lieux/new"),
            ("licence", "lieux/odbl"),
            ("mail", "lieux/mailing"),
            ("messages", "lieux"),
            ("notice", "autre"),
            ("on hold", "lieux/undecided"),
            ("pairs", "lieux"),
            ("paused", "lieux/resting"),
            ("personal data", "lieux/undecided"),
            ("put aside", "autre"),
            ("terms", "lieux"),
            ("version", "lieux"),
        ]
    )
    assert {one.kind for one in found} == set(get_args(Kind))
    assert all(one.why and one.whom and one.command for one in found)
    # What nothing else dates, is dated by the first morning that saw it.
    note_seen(store, found, "2026-11-20T06:00:00+00:00")
    note_seen(store, found, "2026-11-21T06:00:00+00:00")
    later = waiting(entries, store)
    assert [one.since for one in later if one.kind == "licence"] == ["2026-11-20T06:00:00+00:00"]
    assert all(one.since for one in later)
