"""A DataStore table brought forward over a version in which 1 % of the rows changed: by Glane's delta, by loading all
rows again through the API, and by the portal's own loader (ckanext-xloader, its worker running).

    python -m bench.publish [--rows 100000] [--repeat 3] [--without-loader]

Each way brings the same table of 12 columns from one version to the other on the same embedded portal; they take
turns, so that a machine that is busy with something else is busy for all of them, and each one's best run counts.
`glane` finds out what changed between the two files and sends it; `reload` sends every row as Glane does when it has
to; `xloader` is told of another file and fetches it. Bytes are those that went through the sockets to the portal,
headers included; for xloader, the file that it fetches. The table is read back after each run: `same` says whether it
holds the version, in types of the schema (xloader makes text of everything). The last line is the figures as JSON.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import io
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from publish.ckan import datastore
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api
from publish.ckan.columns import Loadable, loadable
from publish.formats.delimited import read_csv
from publish.streaming import compare_files
from tests.fixtures_portal import running_portal

SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "nom", "type": "string"},
        {"name": "adresse", "type": "string"},
        {"name": "code_postal", "type": "string"},
        {"name": "commune", "type": "string"},
        {"name": "latitude", "type": "number"},
        {"name": "longitude", "type": "number"},
        {"name": "telephone", "type": "string"},
        {"name": "services", "type": "string"},
        {"name": "places", "type": "integer"},
        {"name": "ouvert", "type": "boolean"},
        {"name": "date_maj", "type": "date"},
    ],
    "primaryKey": ["id"],
}
_SERVICES = ("Aide aux démarches administratives", "Prendre en main un ordinateur", "Créer avec le numérique", "Accès")
_BUSY = ("pending", "submitting", "running", "running_but_viewable")


@dataclass(frozen=True)
class Edition:
    """One version of the table: its file, its rows as the DataStore takes them, the file's address on the portal."""

    path: Path
    load: Loadable
    url: str


@dataclass
class Sent:
    """Bytes that left this process through sockets of HTTP."""

    count: int = 0


@contextmanager
def counted() -> Iterator[Sent]:
    """Count what is sent over HTTP meanwhile, at the socket: request lines, headers and bodies."""
    sent, send = Sent(), http.client.HTTPConnection.send

    def counting(connection: http.client.HTTPConnection, data: Any) -> None:
        assert isinstance(data, (bytes, bytearray, memoryview)), "a body that is not counted"
        sent.count += len(data)
        send(connection, data)

    http.client.HTTPConnection.send = counting  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        http.client.HTTPConnection.send = send  # type: ignore[method-assign]


def write_editions(folder: Path, rows: int) -> tuple[Path, Path]:
    """Two versions of the table: in a hundredth of the rows a cell changes, but a twentieth of these come or go."""
    chance = random.Random(4)
    table = [_row(number, chance) for number in range(rows)]
    touched = chance.sample(range(rows), rows // 100)
    moved = max(1, len(touched) // 40)
    later = [dict(row) for row in table]
    for number in touched[2 * moved :]:
        later[number]["places"] = str(int(later[number]["places"]) + 1)
    gone = {table[number]["id"] for number in touched[:moved]}
    later = [row for row in later if row["id"] not in gone] + [_row(rows + number, chance) for number in range(moved)]
    paths = folder / "old.csv", folder / "new.csv"
    for path, content in zip(paths, (table, later), strict=True):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(content, key=lambda row: row["id"]))
    return paths


def _row(number: int, chance: random.Random) -> dict[str, str]:
    postcode = f"{chance.randrange(1000, 96000):05}"
    return {
        "id": f"partenaire-{number % 40}--{number:07}",
        "nom": f"Médiathèque n° {chance.randrange(10**6)}",
        "adresse": f"{chance.randrange(1, 200)} rue de la République",
        "code_postal": postcode,
        "commune": f"Ville-sur-{postcode[:2]}",
        "latitude": f"{chance.uniform(43, 50):.6f}",
        "longitude": f"{chance.uniform(-4, 7):.6f}",
        "telephone": f"+33{chance.randrange(10**8, 10**9)}",
        "services": "|".join(chance.sample(_SERVICES, 2)),
        "places": str(chance.randrange(100)),
        "ouvert": chance.choice(("true", "false")),
        "date_maj": f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
    }


class Ground:
    """The portal, the two editions there, and a resource for each way."""

    def __init__(self, address: PortalAddress, folder: Path, rows: int) -> None:
        self.address = address
        self.api = Api(address)
        files = write_editions(folder, rows)
        page = self.act("package_create", name="bench-files", owner_org=address.organisation)
        self.editions = tuple(
            Edition(path, loadable(SCHEMA, read_csv(path)), self._upload(str(page["id"]), path)) for path in files
        )
        self.page = str(self.act("package_create", name="bench", owner_org=address.organisation)["id"])

    def act(self, action: str, **data: Any) -> Any:
        """Call an action with the editor's token, beside what is measured."""
        headers = {"Authorization": self.address.token}
        answer = requests.post(f"{self.address.url}/api/3/action/{action}", json=data, headers=headers, timeout=300)
        return answer.json().get("result")

    def _upload(self, page: str, path: Path) -> str:
        with path.open("rb") as file:
            answer = requests.post(
                f"{self.address.url}/api/3/action/resource_create",
                # Not CSV: the loader shall take the links, not these.
                data={"package_id": page, "name": path.name, "format": "BIN"},
                files={"upload": (path.name.replace("csv", "bin"), file)},
                headers={"Authorization": self.address.token},
                timeout=300,
            )
        return str(answer.json()["result"]["url"])

    def resource(self, **fields: Any) -> str:
        """A new resource of the bench's page."""
        return str(self.act("resource_create", package_id=self.page, **fields)["id"])

    def held(self, resource: str) -> list[dict[str, str]]:
        """The rows of a table as the portal gives them, by key."""
        answer = requests.get(f"{self.address.url}/datastore/dump/{resource}", timeout=300)
        rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8")))
        return sorted(({k: v for k, v in row.items() if k != "_id"} for row in rows), key=lambda row: row["id"])


class ByGlane:
    """Two ways of Glane's: the delta, or every row."""

    def __init__(self, ground: Ground, *, whole: bool) -> None:
        self._ground, self._whole = ground, whole
        # `datapusher` keeps the loader away, as on Glane's own pages.
        self.resource = ground.resource(name="glane", url="http://localhost/x", url_type="datapusher", format="CSV")
        datastore.reload(ground.api, self.resource, ground.editions[0].load)

    def bring(self, old: Edition, new: Edition) -> int:
        """From one edition to the other; gives the bytes that were sent."""
        with counted() as sent:
            if self._whole:
                datastore.reload(self._ground.api, self.resource, new.load)
            else:
                difference = compare_files(new.load.key, old.path, new.path)
                assert datastore.movable(new.load, difference)
                datastore.move(self._ground.api, self.resource, new.load, difference)
        return sent.count


class ByLoader:
    """The portal's own way: it is given another link, and fetches and loads what is there."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.resource = ground.resource(name="xloader", url=ground.editions[0].url, format="CSV")
        self._wait("")

    def bring(self, old: Edition, new: Edition) -> int:
        """From one edition to the other; gives the bytes that the loader fetched."""
        before = self._finished()
        self._ground.act("resource_patch", id=self.resource, url=new.url)
        self._wait(before)
        return new.path.stat().st_size

    def _finished(self) -> str:
        found = self._ground.act("xloader_status", resource_id=self.resource) or {}
        if found.get("status") in (*_BUSY, None):
            return ""
        if found["status"] != "complete":
            raise SystemExit(f"xloader failed: {json.dumps(found)[:2000]}")
        return str((found.get("task_info") or {}).get("finished_timestamp") or found.get("last_updated") or "")

    def _wait(self, before: str) -> None:
        deadline = time.monotonic() + 600
        while self._finished() in ("", before):
            assert time.monotonic() < deadline, "the loader did not come to its end"
            time.sleep(0.1)


def as_written(path: Path) -> list[dict[str, str]]:
    """The rows of an edition's file, by key, as the DataStore writes them out."""
    with path.open(encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["id"])


def compare(ground: Ground, ways: Mapping[str, ByGlane | ByLoader], repeat: int) -> dict[str, dict[str, Any]]:
    """Let the ways take turns; keep each one's best run."""
    best: dict[str, dict[str, Any]] = {}
    old, new = ground.editions
    for _ in range(repeat):
        for name, way in ways.items():
            started = time.perf_counter()
            sent = way.bring(old, new)
            wall = time.perf_counter() - started
            same = _sorted_cells(ground.held(way.resource)) == _sorted_cells(as_written(new.path))
            print(f"{name}: {wall:.2f} s, {sent / 1e6:.2f} MB", flush=True)
            if name not in best or wall < best[name]["wall"]:
                best[name] = {"wall": round(wall, 3), "bytes": sent, "same": same}
        old, new = new, old
    base = best["glane"]
    for run in best.values():
        run["times"] = {key: round(run[key] / base[key], 1) for key in ("wall", "bytes")}
    return best


def _sorted_cells(rows: list[dict[str, str]]) -> list[tuple[str, ...]]:
    """Rows as they compare: PostgreSQL writes a boolean as True or t, and a loader may add a time to a date."""
    spelled = {"True": "true", "t": "true", "False": "false", "f": "false"}
    return [tuple(spelled.get(cell, cell).removesuffix("T00:00:00") for cell in row.values()) for row in rows]


def show(best: Mapping[str, Mapping[str, Any]], rows: int, load: float) -> None:
    print(f"\n{rows:,} rows x {len(SCHEMA['fields'])}, 1 % of them changed; load average {load:.1f}")
    print(f"{'':10}{'wall s':>9}{'MB':>9}{'x wall':>9}{'x bytes':>9}  same")
    for name, run in best.items():
        times = f"{run['times']['wall']:9.1f}{run['times']['bytes']:9.1f}"
        print(f"{name:10}{run['wall']:9.2f}{run['bytes'] / 1e6:9.2f}{times}  {'yes' if run['same'] else 'NO'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--without-loader", action="store_true")
    options = parser.parse_args()
    loader = not options.without_loader
    with tempfile.TemporaryDirectory(prefix="glane-bench-") as folder, running_portal(loader=loader) as portal:
        ground = Ground(PortalAddress(portal.url, portal.token, portal.organisation), Path(folder), options.rows)
        ways: dict[str, ByGlane | ByLoader] = {
            "glane": ByGlane(ground, whole=False),
            "reload": ByGlane(ground, whole=True),
        }
        if loader:
            ways["xloader"] = ByLoader(ground)
        best = compare(ground, ways, options.repeat)
        ground.api.__exit__()
    show(best, options.rows, os.getloadavg()[0])
    print(json.dumps({"bench": "publish", "rows": options.rows, "ways": best}))


if __name__ == "__main__":
    main()
