"""Partners' real files, as they are, run end to end to a published version: no row vanishes on the way.

The declarations stand beside this file; the files are read where they lie, in ../shared/data, and the test says so and
skips where that folder is absent. By default a cut of them is run, one file of each kind; `make real` runs them all.
What each single file gives is held in test_every_file.py.
"""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fixtures_portal import Portal

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
WHOLE = os.environ.get("GLANE_REAL") == "whole"
CUT = {
    "atlas_organisations": "dpg-nominees susy",
    "inclusion_sites": "aidants-connect angers conumm corse data-inclusion epernay france-services le-havre "
    "maine-et-loire nouvelle-caledonie numi region-sud ultra-num",
    "refurbished_devices": "ademe-acteurs fixit-clinic fixit-clinic-2019 mobifix repair-cafe-danmark repair-connects",
}
DECLARED = sorted(
    path.parent
    for path in Path(__file__).parent.glob("*/*/source.yaml")
    if WHOLE or path.parent.name in CUT[path.parent.parent.name].split()
)

LIMIT = 1800 if WHOLE else 300

pytestmark = [
    pytest.mark.timeout(LIMIT),
    pytest.mark.real,
    pytest.mark.long,
    pytest.mark.portal,
    pytest.mark.skipif(not SHARED.is_dir(), reason="partners' real files are not here: ../shared/data"),
]


@pytest.fixture(scope="module")
def environment(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of a run of its own: real declarations, a new store, the session's portal."""
    home = tmp_path_factory.mktemp("real")
    for folder in DECLARED:
        (home / "sources" / folder.parent.name).mkdir(parents=True, exist_ok=True)
        (home / "sources" / folder.parent.name / folder.name).symlink_to(folder)
    token = home / "token"
    token.write_text(portal.token, "utf-8")
    return {
        **os.environ,
        "GLANE_SOURCES": str(home / "sources"),
        "GLANE_STORE": str(home / "data"),
        "DAGSTER_HOME": str(home / "dagster"),
        "GLANE_PORTAL": portal.url,
        "GLANE_PORTAL_TOKEN_FILE": str(token),
    }


def glane(environment: dict[str, str], *arguments: str) -> Any:
    """Run the command line and return what it prints as JSON."""
    command = [str(Path(sys.executable).parent / "glane"), *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT - 20, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def summary(environment: dict[str, str]) -> Any:
    return glane(environment, "run")


def test_at_least_twelve_real_files_of_every_family_are_declared() -> None:
    families = {folder.parent.name for folder in DECLARED}
    assert families == {"atlas_organisations", "inclusion_sites", "refurbished_devices"}
    assert len(DECLARED) >= 12


def test_no_row_of_a_real_file_vanishes(summary: Any) -> None:
    sources = {f"{d['name']}/{s['partner']}": s for d in summary["datasets"] for s in d["sources"]}
    assert set(sources) == {f"{folder.parent.name}/{folder.name}" for folder in DECLARED}
    for name, source in sources.items():
        told = source["published"] + source["to_correct"] + source["on_hold"] + source["merged"]
        assert (name, source["state"], told) == (name, "ok", source["rows_in"])
    assert sum(source["rows_in"] for source in sources.values()) > 20_000


def test_two_hubs_that_deliver_the_same_file_make_one_set_of_places(summary: Any) -> None:
    sources = {s["partner"]: s for d in summary["datasets"] for s in d["sources"]}
    twins = [sources["angers"], sources["conumm"]]
    right = {twin["rows_in"] - twin["to_correct"] for twin in twins}
    assert len(right) == 1
    assert sum(twin["published"] for twin in twins) == right.pop()


def test_every_dataset_of_real_rows_stands_on_the_portal_byte_for_byte(
    summary: Any, environment: dict[str, str], portal: Portal
) -> None:
    store = Path(environment["GLANE_STORE"])
    for dataset in summary["datasets"]:
        page = requests.get(
            f"{portal.url}/api/3/action/package_show", params={"id": dataset["name"]}, timeout=60
        ).json()
        assert page["result"]["version"] == dataset["version"] == "1.0.0"
        for table, rows in dataset["rows"].items():
            resource = next(r for r in page["result"]["resources"] if r["glane_key"] == f"{table}.csv")
            address = f"{portal.url}/dataset/{dataset['name']}/resource/{resource['id']}/download"
            published = requests.get(address, timeout=60).content
            kept = next(
                (store / "versions" / dataset["name"] / "1.0.0").rglob(f"{dataset['name']}-{table}.csv")
            ).read_bytes()
            assert hashlib.sha256(published).hexdigest() == hashlib.sha256(kept).hexdigest()
            assert count_records(published) == rows


def test_every_row_that_is_to_be_corrected_has_its_reason(summary: Any, environment: dict[str, str]) -> None:
    store = Path(environment["GLANE_STORE"])
    for dataset in summary["datasets"]:
        for source in dataset["sources"]:
            report = json.loads((store / "reports" / dataset["name"] / source["partner"] / "latest.json").read_bytes())
            reasons = sum(group["count"] for group in report["problems"] if group["severity"] == "error")
            assert (source["to_correct"] == 0) == (reasons == 0)
            assert reasons >= source["to_correct"]


def test_the_same_files_again_make_no_version_and_send_nothing(summary: Any, environment: dict[str, str]) -> None:
    again = glane(environment, "run")
    assert [(d["version"], d["new_version"], d["bytes_sent"]) for d in again["datasets"]] == [
        (d["version"], False, 0) for d in summary["datasets"]
    ]


def count_records(csv_bytes: bytes) -> int:
    return sum(1 for _ in csv.reader(io.StringIO(csv_bytes.decode("utf-8"), newline=""))) - 1
