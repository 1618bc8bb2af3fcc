"""What waits is known by a hash, shown with its difference, and let pass by a line that travels in git."""

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from glane.store import FolderStore
from pipelines.approving import approvals_of, held_version
from pipelines.catalogue import load_catalogue
from pipelines.graph import build_definitions
from pipelines.intake import take_in
from pipelines.release import Release, make_version
from pipelines.settings import Settings
from publish.holding import HeldBackError
from publish.restoration import restore
from publish.version import listed
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons, three_partners
from tests.pipelines.test_decisions import decide
from tests.pipelines.test_holding_back import checks, expecting, run_in_dagster

MANY = "".join(f"{n},Lieu {n},49{n:03}\n" for n in range(9))
FEW = "1,Lieu 1,49001\n2,Lieu deux,49002\n"
GUARD = "{expect: row_count_change, with: {fall: 0.2}}"
TODAY = datetime.now(UTC).date()


def release(settings: Settings) -> Release:
    """Take every source in and make a version, as a run does."""
    entry, store = load_catalogue(settings)["lieux"], FolderStore(Path(settings.store))
    for source in entry.sources:
        take_in(source, entry.dataset, store)
    return make_version(entry, store)


def held(settings: Settings) -> HeldBackError:
    with pytest.raises(HeldBackError) as caught:
        release(settings)
    return caught.value


def hash_of(error: HeldBackError) -> str:
    assert error.waits.hash is not None
    return error.waits.hash


def shrunk(commons: Commons) -> str:
    """A commons whose second version waits; its hash."""
    expecting(commons, GUARD)
    commons.file("angers", MANY)
    release(commons.settings)
    commons.file("angers", FEW)
    return hash_of(held(commons.settings))


def changelog(settings: Settings, version: str) -> tuple[dict[str, Any], str, str]:
    folder = Path(settings.store) / "versions" / "lieux" / version
    texts = [(folder / f"changelog.{language}.md").read_text("utf-8") for language in ("fr", "en")]
    return json.loads((folder / "changelog.json").read_bytes()), *texts


def test_rows_that_were_withdrawn_by_hand_are_asked_of_nobody(commons: Commons) -> None:
    expecting(commons, GUARD)
    commons.file("angers", MANY)
    release(commons.settings)
    decide(commons, *({"kind": "withdrawal", "id": f"angers--{n}"} for n in range(4)))
    left = release(commons.settings).version
    assert (left.version, left.rows) == ("1.1.0", {"places": 8})


def test_what_waits_is_shown_with_its_difference_and_let_pass_by_its_hash(commons: Commons, glane: Glane) -> None:
    found = shrunk(commons)
    shown = json.loads(glane("approve", "lieux", "--json").out)
    assert (shown["hash"], shown["previous"], shown["since"][:10]) == (found, "1.0.0", TODAY.isoformat())
    fell = [("row_count_change", {"fall": 0.583333333})]
    assert [(one["expect"], one["excess"]) for one in shown["outcomes"]] == fell
    assert shown["changed"]["places"] == {
        "rows": {"added": 0, "changed": 1, "removed": 7},
        "partners": {"angers": {"added": 0, "changed": 1, "removed": 7}},
        "examples": {
            "changed": ["angers--2"],
            "removed": ["angers--0", "angers--3", "angers--4", "angers--5", "angers--6"],
        },
    }
    said = glane("approve", "lieux").out
    assert f"The next version waits, since {TODAY.day} " in said
    assert "    angers: 1 changed, 7 removed\n" in said
    assert f"  glane approve lieux {found} --as ROLE --why REASON\n" in said
    assert not (commons.settings.sources / "decisions").exists()
    delta = commons.root / "delta"
    glane("approve", "lieux", "-o", str(delta))
    assert json.loads((delta / "places.delta.json").read_bytes())["rows"] == {"added": 0, "changed": 1, "removed": 7}

    answer = glane("approve", "lieux", found, "--as", "coordination", "--why", "Seven sites closed.")
    path = commons.settings.sources / "decisions" / "lieux.approvals.csv"
    assert (answer.code, str(path) in answer.out) == (0, True)
    made = release(commons.settings)
    assert (made.version.version, made.built.warnings) == ("1.1.0", ())
    told, french, english = changelog(commons.settings, "1.1.0")
    (approval,) = told["approvals"]
    assert (approval["hash"], approval["by"], approval["why"], approval["until"]) == (
        found,
        "coordination",
        "Seven sites closed.",
        None,
    )
    assert "## Approbations\n\n- places : nombre de lignes : 12 avant, 5 maintenant (-58,3 %). Approuvé par" in french
    assert "coordination le " in french
    assert "Motif : Seven sites closed." in french
    assert "## Approvals\n\n- places: number of rows: 12 before, 5 now (-58.3%). Approved by coordination on" in english
    assert held_version(FolderStore(Path(commons.settings.store)), "lieux") is None
    assert glane("approve", "lieux").out == "Nothing waits in lieux.\n"


WRONG: list[tuple[tuple[str, ...], str]] = [
    (("HASH",), "needs who approves and why"),
    (("HASH", "--as", "hub", "--why", " "), "needs who approves and why"),
    (("0000000000000000", "--as", "hub", "--why", "x"), "is not what waits in lieux"),
    (("HASH", "--as", "hub", "--why", "x", "--until", "2020-01-01"), "is no day to come"),
    (("--as", "hub", "--why", "x"), "What is approved is not named"),
    (("HASH", "--as", "a@b.example", "--why", "x"), "names a person"),
]


def test_a_wrong_call_approves_nothing_and_says_what_to_write(commons: Commons, glane: Glane) -> None:
    found = shrunk(commons)
    for arguments, message in WRONG:
        answer = glane("approve", "lieux", *(found if one == "HASH" else one for one in arguments))
        assert answer.code in (1, 2), arguments
        assert message in answer.err, arguments
    assert not (commons.settings.sources / "decisions" / "lieux.approvals.csv").exists()
    assert hash_of(held(commons.settings)) == found


def test_the_same_bytes_have_the_same_hash_in_another_store_with_another_past(
    commons: Commons, tmp_path: Path, dagster_home: Path
) -> None:
    found = shrunk(commons)
    (tmp_path / "elsewhere").mkdir()
    other = three_partners(tmp_path / "elsewhere")
    expecting(other, GUARD)
    release(other.settings)
    other.file("angers", MANY.replace("Lieu 3", "Lieu trois"))
    release(other.settings)
    other.file("angers", MANY)
    assert release(other.settings).version.version == "1.1.1"
    other.file("angers", FEW)
    assert hash_of(held(other.settings)) == found
    other.file("angers", FEW.replace("deux", "2"))
    assert hash_of(held(other.settings)) != found


def test_an_approval_of_something_else_does_nothing_and_is_told(commons: Commons, glane: Glane) -> None:
    found = shrunk(commons)
    assert glane("approve", "lieux", found, "--as", "hub", "--why", "x").code == 0
    commons.file("angers", FEW.replace("Lieu 1", "Lieu un"))
    assert hash_of(held(commons.settings)) != found
    (line,) = [one for one in json.loads(glane("today", "--json").out) if one["kind"] == "approval"]
    assert (line["whom"], line["since"]) == ("hub", TODAY.isoformat())
    assert line["why"].startswith(f"The approval {found} (hub) is not of what waits.")
    assert "is not of what waits" in glane("approve", "lieux").out
    commons.file("angers", MANY)
    (told,) = release(commons.settings).built.warnings
    assert told.startswith(f"The approval {found} (hub) is of what does not wait here.")


def test_up_to_its_last_day_an_approval_lets_pass_what_is_no_worse(commons: Commons, glane: Glane) -> None:
    found = shrunk(commons)
    until = (TODAY + timedelta(days=7)).isoformat()
    answer = glane("approve", "lieux", found, "--as", "hub", "--why", "x", "--until", until)
    assert answer.code == 0
    commons.file("angers", "1,Lieu 1,49001\n")
    held(commons.settings)
    commons.file("angers", FEW + "3,Lieu 3,49003\n")
    assert release(commons.settings).version.version == "1.1.0"
    told, french, _ = changelog(commons.settings, "1.1.0")
    assert [one["until"] for one in told["approvals"]] == [until]
    assert "valable jusqu'au " in french


def test_an_approval_that_has_ended_lets_nothing_pass_and_is_told(commons: Commons, glane: Glane) -> None:
    found = shrunk(commons)
    until = (TODAY + timedelta(days=7)).isoformat()
    glane("approve", "lieux", found, "--as", "hub", "--why", "x", "--until", until)
    path = commons.settings.sources / "decisions" / "lieux.approvals.csv"
    path.write_text(path.read_text("utf-8").replace(until, "2020-01-01"), encoding="utf-8")
    assert hash_of(held(commons.settings)) == found
    (line,) = [one for one in json.loads(glane("today", "--json").out) if one["kind"] == "approval"]
    assert line["why"] == f"The approval {found} (hub) ended on 2020-01-01. Renew it, or take the line out."


def test_a_guard_that_stops_is_passed_by_nobody(commons: Commons, glane: Glane) -> None:
    expecting(commons, "{expect: row_count, with: {min: 11}}")
    commons.file("angers", MANY)
    release(commons.settings)
    commons.file("angers", FEW)
    assert held(commons.settings).waits.hash is None
    assert "Nobody may approve it." in glane("approve", "lieux").out
    answer = glane("approve", "lieux", "0" * 16, "--as", "hub", "--why", "x")
    assert (answer.code, "What waits cannot be approved" in answer.err) == (2, True)


def test_a_partner_that_vanishes_is_asked_about_and_one_that_retires_is_not(commons: Commons) -> None:
    release(commons.settings)
    folder = commons.settings.sources / "lieux" / "caen"
    aside = shutil.move(folder, commons.root / "aside")
    error = held(commons.settings)
    assert [(one.name, dict(one.excess)) for one in error.waits.outcomes] == [("places_partners_kept_ask", {"caen": 1})]
    shutil.move(aside, folder)
    commons.edit("caen", "licence:", "state: retired\nlicence:")
    assert release(commons.settings).version.version == "1.1.0"


def test_the_first_version_and_one_that_is_brought_back_are_not_held(commons: Commons) -> None:
    expecting(commons, GUARD)
    commons.file("angers", FEW)
    release(commons.settings)
    commons.file("angers", MANY)
    release(commons.settings)
    entry, store = load_catalogue(commons.settings)["lieux"], FolderStore(Path(commons.settings.store))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    assert restore(entry.dataset, store, "1.0.0", "Wrong.", created=created).version == "1.2.0"  # type: ignore[arg-type]
    assert [line.version for line in listed(store, "lieux")] == ["1.0.0", "1.1.0", "1.2.0"]


def test_a_file_that_shrank_waits_and_is_let_pass_by_its_own_hash(commons: Commons, glane: Glane) -> None:
    commons.file("angers", "".join(f"{n},Lieu {n},49{n:03}\n" for n in range(20)))
    release(commons.settings)
    commons.file("angers", FEW)
    glane("run")
    (line,) = [one for one in json.loads(glane("today", "--json").out) if one["kind"] == "file"]
    assert (line["about"], line["since"][:10]) == ("lieux/angers", TODAY.isoformat())
    assert "holds 2 rows, and held 20 the last time: it lost more than 50%" in line["why"]
    found = line["command"].split()[3]
    assert line["command"] == f"glane approve lieux/angers {found} --as ROLE --why REASON"
    assert f"A file of angers waits, since {TODAY.day} " in glane("approve", "lieux/angers").out
    assert glane("approve", "lieux/angers", found, "--as", "hub", "--why", "Their list is new.").code == 0
    # The rows of the whole table fell too: that is another question, and the partner's fall is none any more.
    error = held(commons.settings)
    assert [one.expect for one in error.waits.outcomes] == ["row_count_change"]
    glane("approve", "lieux", hash_of(error), "--as", "hub", "--why", "The same.")
    assert release(commons.settings).version.version == "1.1.0"
    told = changelog(commons.settings, "1.1.0")[0]["approvals"]
    assert [(one.get("partner"), one["why"]) for one in told] == [(None, "The same."), ("angers", "Their list is new.")]


def test_dagit_shows_what_waits_with_its_hash_and_the_command_and_the_run_is_red(commons: Commons) -> None:
    found = shrunk(commons)
    with dg.DagsterInstance.ephemeral() as instance:
        result, _ = run_in_dagster(commons, instance)
    assert not result.success
    passed, severity, said = checks(result)["places_row_count_change_ask"]
    assert (passed, severity) == (False, "ERROR")
    assert str(said).endswith(f"It waits for a steward: glane approve lieux {found} --as ROLE --why REASON")


def run_job(settings: Settings, config: dict[str, str]) -> dg.ExecuteInProcessResult:
    definitions = build_definitions(settings, lambda: None)
    with dg.DagsterInstance.ephemeral() as instance:
        return definitions.resolve_job_def("approve").execute_in_process(
            run_config={"ops": {"approve_what_waits": {"config": config}}}, instance=instance, raise_on_error=False
        )


def test_the_job_approve_is_bound_to_the_hash_and_a_release_follows(commons: Commons) -> None:
    found = shrunk(commons)
    given = {"what": "lieux", "as": "hub", "why": "Seven sites closed."}
    store, entry = FolderStore(Path(commons.settings.store)), load_catalogue(commons.settings)["lieux"]
    definitions = build_definitions(commons.settings, lambda: None)
    sensor = definitions.resolve_sensor_def("lieux_approvals")
    first = sensor.evaluate_tick(dg.build_sensor_context())
    assert not run_job(commons.settings, {**given, "hash": "0" * 16}).success
    assert approvals_of(entry, store).all == ()
    assert run_job(commons.settings, {**given, "hash": found}).success
    assert [(one.hash, one.by) for one in approvals_of(entry, store).all] == [(found, "hub")]
    assert not entry.approvals.exists()
    tick = sensor.evaluate_tick(dg.build_sensor_context(cursor=first.cursor))
    assert [request.job_name for request in tick.run_requests or ()] == ["lieux_publish"]
    assert sensor.evaluate_tick(dg.build_sensor_context(cursor=tick.cursor)).run_requests == []
    assert release(commons.settings).version.version == "1.1.0"


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Hub", "-c", "user.email=hub@example.org", "-c", "init.defaultBranch=main")
    run = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return run.stdout


@pytest.fixture
def two_checkouts(tmp_path: Path) -> tuple[Settings, Settings, Callable[[], object]]:
    """A laptop and a server, each with a checkout and a store of its own; and what the server does every night."""
    tmp_path = tmp_path / "two"
    tmp_path.mkdir()
    laptop = three_partners(tmp_path)
    expecting(laptop, GUARD)
    laptop.file("angers", MANY)
    git(tmp_path, "init", "-q", "--bare", "shared.git")
    (tmp_path / ".gitignore").write_text("/shared.git\n/store*\n/dagster*\n/server\n", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Partners")
    git(tmp_path, "remote", "add", "origin", str(tmp_path / "shared.git"))
    git(tmp_path, "push", "-q", "origin", "HEAD:main")
    git(tmp_path, "clone", "-q", "-b", "main", "shared.git", "server")
    there = tmp_path / "server"
    server = Settings(tmp_path / "store-2", there / "sources", there / "schemas", tmp_path / "dagster-2")
    return laptop.settings, server, lambda: git(there, "pull", "-q", "--ff-only")


def test_a_decision_made_on_a_laptop_reaches_the_nightly_server_through_git(
    two_checkouts: tuple[Settings, Settings, Callable[[], object]], monkeypatch: pytest.MonkeyPatch, glane: Glane
) -> None:
    laptop, server, pull = two_checkouts
    root = laptop.sources.parent
    for settings in (laptop, server):
        release(settings)
    (laptop.sources / "lieux" / "angers" / "lieux.csv").write_text(f"numero,nom,cp\n{FEW}", encoding="utf-8")
    git(root, "commit", "-q", "-am", "Angers sends less")
    git(root, "push", "-q", "origin", "HEAD:main")
    pull()
    found = hash_of(held(server))
    assert hash_of(held(laptop)) == found

    for name, place in (("STORE", laptop.store), ("SOURCES", laptop.sources), ("SCHEMAS", laptop.schemas)):
        monkeypatch.setenv(f"GLANE_{name}", str(place))
    assert glane("approve", "lieux", found, "--as", "hub", "--why", "Seven sites closed.").code == 0
    assert git(root, "status", "--porcelain") == "?? sources/decisions/\n"
    git(root, "add", "sources/decisions")
    git(root, "commit", "-q", "-m", "Let the fall of Angers pass")
    git(root, "push", "-q", "origin", "HEAD:main")

    held(server)
    pull()
    assert release(server).version.version == "1.1.0"
    assert changelog(server, "1.1.0")[0]["approvals"][0]["why"] == "Seven sites closed."


def test_an_approval_given_in_dagit_leaves_the_checkout_clean_and_outlives_it(
    two_checkouts: tuple[Settings, Settings, Callable[[], object]],
) -> None:
    _, server, pull = two_checkouts
    release(server)
    path = server.sources / "lieux" / "angers" / "lieux.csv"
    path.write_text(f"numero,nom,cp\n{FEW}", encoding="utf-8")
    found = hash_of(held(server))
    git(server.sources, "checkout", "-q", "--", ".")
    assert run_job(server, {"what": "lieux", "hash": found, "as": "hub", "why": "Closed."}).success
    assert git(server.sources, "status", "--porcelain") == ""
    pull()
    checkout = server.sources.parent
    shutil.rmtree(checkout)
    git(checkout.parent, "clone", "-q", "-b", "main", "shared.git", "server")
    path.write_text(f"numero,nom,cp\n{FEW}", encoding="utf-8")
    assert release(server).version.version == "1.1.0"
