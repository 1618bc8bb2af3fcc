"""What people do to a portal meanwhile: edit and delete by hand, publish from elsewhere, bring back a backup."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from glane.store import FolderStore
from portal import embedded
from portal.home import Home, read_state
from publish.build import build_version
from publish.ckan.lease import store_identity
from publish.verify import verify_portal
from schemas.dataset import load_dataset
from tests.faults.conftest import WHOLE
from tests.faults.ending import pages
from tests.faults.forker import Ended
from tests.faults.proxy import Exchange, at, to
from tests.faults.reader import truth
from tests.faults.scenario import DAY, ROWS, Kind, Trials, trying
from tests.fixtures_portal import Portal, call, free_port
from tests.publish.material import contribute

pytestmark = [pytest.mark.portal, pytest.mark.long, pytest.mark.timeout(1800 if WHOLE else 900)]


def page_of(trials: Trials) -> dict[str, Any]:
    return dict(call(trials.portal, "package_show", id=trials.scenario.dataset))


def mend(trials: Trials, kind: Kind) -> Ended:
    """Publish over what a person did by hand; until then readers see what that person did."""
    trials.reader.expect(kind.before, kind.version)
    ended = trials.publish(kind)
    assert ended.error is None, ended
    trials.reader.wrong.clear()
    trials.reader.expect(kind.version)
    return ended


def test_a_resource_that_somebody_deleted_comes_back(trials: Trials) -> None:
    for lost in ("sites.csv", "datapackage.json"):
        kind = trials.ready("ordinary")
        (found,) = [one for one in page_of(trials)["resources"] if one["glane_key"] == lost]
        call(trials.portal, "resource_delete", id=found["id"])
        trials.heal("ordinary", mend(trials, kind))


def test_what_others_added_stays_and_what_they_changed_of_ours_is_put_right(trials: Trials) -> None:
    kind = trials.ready("ordinary")
    page = page_of(trials)
    extras = [*page["extras"], {"key": "theirs", "value": "kept"}]
    call(trials.portal, "package_patch", id=page["id"], title="Hacked", version="9", extras=extras)
    call(trials.portal, "resource_create", package_id=page["id"], name="Their notes", url="https://example.org/notes")
    call(trials.portal, "resource_patch", id=page["resources"][0]["id"], url="https://example.org/elsewhere")
    ended = mend(trials, kind)
    after = page_of(trials)
    assert [one["value"] for one in after["extras"] if one["key"] == "theirs"] == ["kept"]
    (theirs,) = [one for one in after["resources"] if not one.get("glane_key")]
    assert (theirs["name"], theirs["url"]) == ("Their notes", "https://example.org/notes")
    again = trials.publish(kind)
    assert again.outcome["unchanged"], again
    call(trials.portal, "resource_delete", id=theirs["id"])
    call(
        trials.portal, "package_patch", id=page["id"], extras=[one for one in after["extras"] if one["key"] != "theirs"]
    )
    trials.heal("ordinary", ended, again)


def test_a_page_that_somebody_deleted_is_left_deleted_until_it_is_purged(trials: Trials) -> None:
    kind = trials.ready("ordinary")
    (table,) = [one for one in page_of(trials)["resources"] if one["glane_key"] == "sites.csv"]
    call(trials.portal, "package_delete", id=trials.scenario.dataset)
    trials.reader.expect(None, kind.version)
    refused = trials.publish(kind)
    assert refused.error == "PortalError"
    assert "was deleted on the portal" in refused.outcome["what"]
    assert trials.reader.last is None
    # A portal's own purge leaves the DataStore table behind.
    call(trials.portal, "datastore_delete", resource_id=table["id"], force=True)
    call(trials.portal, "dataset_purge", id=trials.scenario.dataset)
    trials.heal("ordinary", refused)


def test_files_of_an_older_version_outlive_the_loss_of_its_descriptor(trials: Trials) -> None:
    kind = trials.ready("removing")
    (archive,) = pages(trials.portal, trials.scenario.dataset)[1:]
    (lost,) = [one for one in archive["resources"] if one["name"] == "1.0.0/datapackage.json"]
    kept = {one["id"] for one in archive["resources"] if one["format"] != "XLSX"} - {lost["id"]}
    call(trials.portal, "resource_delete", id=lost["id"])
    ended = mend(trials, kind)
    assert "version 1.0.0 is not whole on the portal: its files are brought first" in ended.said
    (after,) = pages(trials.portal, trials.scenario.dataset)[1:]
    assert kept <= {one["id"] for one in after["resources"]}
    trials.heal("removing", ended)


def test_a_version_that_was_overtaken_before_it_was_shown_is_kept_all_the_same(trials: Trials) -> None:
    killed = trials.disturb("ordinary", kill_step="datastore")
    assert killed.killed
    kind = trials.scenario.kind("removing")
    trials.reader.expect("1.0.0", kind.version)
    ended = trials.publish(kind)
    assert ended.error is None, ended
    trials.check_reader(killed, ended)
    assert trials.reader.look() == kind.version
    assert verify_portal(FolderStore(kind.store), trials.scenario.dataset, trials.address) == []


@pytest.fixture
def elsewhere(trials: Trials, tmp_path: Path) -> Iterator[Kind]:
    """Another store, which knows the first version and makes another second one of it."""
    first = trials.scenario.kind("first")
    store = FolderStore(tmp_path / "elsewhere")
    shutil.copytree(first.store / "versions", store.root / "versions")
    store_identity(store)
    dataset = load_dataset(first.schemas)
    rows = [{**ROWS["first"][5], "nom": "Ailleurs"}, *ROWS["first"][:5], *ROWS["first"][6:]]
    version = build_version(dataset, [contribute(dataset, "a", rows)], store, created=DAY).version
    trials.reader.know(truth(store, dataset))
    yield replace(first, name="elsewhere", version=version.version, before="1.0.0", store=store.root)
    trials.clear()


def test_two_publishers_of_one_store_come_one_after_the_other(trials: Trials) -> None:
    kind = trials.ready("ordinary")
    trials.reader.expect(kind.before, kind.version)
    one, other = trials.both(trials.job(kind), trials.job(kind))
    assert sorted((one.outcome["unchanged"], other.outcome["unchanged"])) == [False, True], (one, other)
    trials.heal("ordinary", one, other)


@pytest.mark.skipif(not WHOLE, reason="the whole matrix: make faults")
def test_of_two_publishers_from_two_stores_one_shows_its_version_whole(trials: Trials, elsewhere: Kind) -> None:
    kind = trials.ready("ordinary")
    trials.reader.expect(kind.before, kind.version, elsewhere.version)
    one, other = trials.both(trials.job(kind), trials.job(elsewhere))
    shown = trials.reader.look()
    assert {one.error, other.error} <= {None, "BusyError"}, (one, other)
    assert None in (one.error, other.error)
    assert shown in {ended.outcome.get("version") for ended in (one, other)}
    trials.check_reader(one, other)


@pytest.mark.parametrize("number", range(4, 24) if WHOLE else [21])
def test_a_publisher_that_comes_in_between_is_told_or_wins_whole(trials: Trials, elsewhere: Kind, number: int) -> None:
    kind = trials.ready("ordinary")
    trials.reader.expect(kind.before, kind.version, elsewhere.version)
    between = []

    def come_in(exchange: Exchange) -> None:
        between.append(trials.second({**trials.job(elsewhere), "url": trials.portal.url}))
        exchange.answer(exchange.forward())

    ended = trials.publish(kind, at(number, come_in))
    (other,) = between
    assert sorted((str(ended.error), str(other.error))) == ["BusyError", "None"], (ended, other)
    assert trials.reader.look() == (kind.version if ended.error is None else elsewhere.version)
    trials.check_reader(ended, other)


def test_a_publisher_that_was_taken_for_dead_mixes_no_rows_into_the_others_table(
    trials: Trials, elsewhere: Kind
) -> None:
    """It was away for hours in the middle of writing rows; another one took its lease over and has published."""
    kind = trials.ready("ordinary")
    trials.reader.expect(kind.before, kind.version, elsewhere.version)
    between = []

    def away(exchange: Exchange) -> None:
        (held,) = [one for one in page_of(trials)["resources"] if one.get("glane_publishing")]
        aged = held["glane_publishing"].replace(" since 20", " since 19")
        call(trials.portal, "resource_patch", id=held["id"], glane_publishing=aged)
        between.append(trials.second({**trials.job(elsewhere), "url": trials.portal.url}))
        exchange.answer(exchange.forward())

    ended = trials.publish(kind, to("datastore_upsert", away))
    (other,) = between
    assert (ended.error, other.error) == ("BusyError", None), (ended, other)
    assert "taking over the lease of a publisher that is dead" in other.said
    after = trials.publish(elsewhere)
    assert after.error is None, after
    assert trials.reader.look() == elsewhere.version
    trials.check_reader(ended, other, after)


def copy(source: Path, target: Path) -> None:
    """Make `target` the folder that `source` is, owners too: a database is its own user's."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


@pytest.mark.skipif(not WHOLE, reason="the whole matrix: make faults")
def test_a_portal_brought_back_from_last_weeks_backup_is_made_whole_again(tmp_path: Path) -> None:
    short = Path(tempfile.mkdtemp(prefix="glane-test-"))
    short.chmod(0o711)
    home, kept, port = short / "portal", tmp_path / "backup", free_port()
    try:
        status = embedded.up(home, port, tied=True)
        portal = Portal(
            status, str(status.url), status.token_file.read_text("utf-8"),
            status.sysadmin_token_file.read_text("utf-8"), status.organisation,
        )  # fmt: skip
        with trying(portal, tmp_path) as trials:
            trials.ready("ordinary")
            database = Path(str(read_state(Home(home)).database))
            embedded.down(home)
            copy(home, kept / "home")
            copy(database, kept / "database")
            embedded.up(home, port, tied=True)
            for name in ("ordinary", "removing"):
                trials.disturb(name)
                trials.heal(name)
            embedded.down(home)
            copy(kept / "home", home)
            copy(kept / "database", database)
            embedded.up(home, port, tied=True)
            kind = trials.scenario.kind("removing")
            trials.reader.expect("1.0.0", kind.version)
            ended = trials.publish(kind, do="rebuild")
            assert (ended.error, ended.outcome.get("versions")) == (None, ["1.1.0"]), ended
            trials.check_reader(ended)
            assert trials.reader.look() == kind.version
            assert verify_portal(FolderStore(kind.store), trials.scenario.dataset, trials.address) == []
    finally:
        embedded.down(home)
        shutil.rmtree(short, ignore_errors=True)
