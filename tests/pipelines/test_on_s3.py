"""The whole of Glane with its store on S3: every command works as on a folder, and a wrong place is told as one."""

import json
import re
from pathlib import Path

import pytest

from glane.store import StoreError, open_store
from pipelines.catalogue import load_catalogue
from pipelines.intake import take_in
from tests.fixtures_s3 import S3
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


@pytest.fixture
def place(s3: S3, glane: Glane, monkeypatch: pytest.MonkeyPatch) -> str:
    place = s3.place()
    monkeypatch.setenv("GLANE_STORE", place)
    return place


@pytest.mark.long
def test_every_command_works_as_on_a_folder(commons: Commons, glane: Glane, place: str) -> None:
    assert glane("run").code == 0
    commons.file("brest", "7,Le Fil,49000\n8,Le Phare,29000\n9,La Rade,29200\n")
    assert glane("run").code == 0
    unchanged = glane("run")
    assert unchanged.code == 0
    assert glane("diff", "lieux", "1.0.0", "1.1.0").out == "places  1 added, 1 changed, 0 removed\n"
    assert glane("restore", "lieux", "1.0.0", "--reason", "An essay.").code == 0
    versions = json.loads(glane("versions", "lieux", "--json").out)
    assert [line["version"] for line in versions] == ["1.0.0", "1.1.0", "1.2.0"]
    assert glane("report", "lieux/brest", "--lang", "en").code == 0
    verified = glane("verify")
    assert (verified.code, verified.out) == (0, "Every byte is the one that was listed.\n")
    assert not commons.settings.store.exists()
    assert not open_store(place).exists(".writer.lock")


def test_what_is_wrong_in_a_bucket_is_named_by_its_address(glane: Glane, place: str) -> None:
    glane("run")
    store, key = open_store(place), "versions/lieux/1.0.0/lieux-places.csv"
    good = store.read(key)
    store.write(key, good + b"x")
    store.remove("versions/lieux/1.0.0/changelog.fr.md")
    snapshot, rows = (
        next(f"{folder}/{path}" for path in store.files(folder) if path.endswith(end) and len(Path(path).stem) == 64)
        for folder, end in (("raw/lieux/brest", ""), ("rows/lieux/brest", ".parquet"))
    )
    store.write(snapshot, b"others")
    store.write(rows, b"others")
    answer = glane("verify", "--json")
    faults = json.loads(answer.out)
    assert answer.code == 1
    assert {fault["where"]: fault["what"] for fault in faults} == {
        f"{place}/{key}": f"The file has {len(good) + 1} bytes, and {len(good)} were listed.",
        f"{place}/versions/lieux/1.0.0/changelog.fr.md": "The file is missing.",
        f"{place}/{snapshot}": "The file is not the one that was kept.",
        f"{place}/{rows}": "The file is not the one that was kept.",
    }
    assert all("Bring it back from a backup" in fault["remedy"] for fault in faults)


@pytest.mark.parametrize(
    ("name", "value", "code", "said"),
    [
        ("GLANE_STORE", "gs://bucket/x", 2, "Glane keeps no store on gs://"),
        ("GLANE_STORE", "s3://", 2, "names no bucket"),
        ("GLANE_STORE", "s3://no-such-bucket/x", 3, "Make the bucket no-such-bucket, or correct GLANE_STORE"),
        ("AWS_SECRET_ACCESS_KEY", "wrong", 3, "Check the keys (AWS_ACCESS_KEY_ID"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", 3, "Check the network and AWS_ENDPOINT_URL"),
    ],
)
@pytest.mark.usefixtures("place")
def test_a_store_that_cannot_be_used_says_why_and_what_to_do(
    glane: Glane, monkeypatch: pytest.MonkeyPatch, name: str, value: str, code: int, said: str
) -> None:
    monkeypatch.setenv(name, value)
    for command in (("versions", "lieux"), ("run",)):
        answer = glane(*command)
        assert (answer.code, said in re.sub(r"\s+", " ", answer.err)) == (code, True), (command, answer)


def test_a_store_that_goes_away_while_sources_are_read_is_said_of_each(commons: Commons, s3: S3) -> None:
    entry = load_catalogue(commons.settings)["lieux"]
    intake = take_in(entry.source("brest"), entry.dataset, open_store("s3://no-such-bucket/x"))
    assert isinstance(intake.error, StoreError)
    assert "Make the bucket no-such-bucket" in intake.error.remedy
