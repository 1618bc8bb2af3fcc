"""A thousand versions of one dataset on a real CKAN: does every page still open in under a second?

    python -m bench.thousand_versions [--versions 40] [--rows 20] [--every 10] [--ordinary 3]

A small dataset gets one version after the other (a row changes, one comes, now and then one goes) on an embedded
portal. The last --ordinary of every --every are published as Glane publishes any; the files of those between are listed
on the pages of versions as links, which costs a thousandth and makes the same pages (--every 3 publishes all). Then the
pages and addresses that people open are timed: the best of three, as a machine that is busy with something else
says nothing of the pages. `publish` is what the last ordinary publications took, in the middle. At the end every page
of versions is opened, and the slowest counts. The last line is the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from glane.store import FolderStore, Store
from publish.build import build_version
from publish.ckan import layout
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api
from publish.ckan.publication import Receipt, publish
from publish.version import Version
from schemas.dataset import Dataset
from schemas.licences import LICENCES
from tests.fixtures_portal import running_portal
from tests.publish.material import DECLARATION, Cells, contribute, declare

NAME = "essai"
ONE_TABLE = DECLARATION[: DECLARATION.index("  - name: national")].replace("[csv, parquet, geojson, xlsx]", "[csv]")


def rows_of(number: int, rows: int) -> list[Cells]:
    """The rows of the version of that number: one of them changes each time, one more comes every tenth time."""
    table: list[Cells] = [
        {"id": f"a--{row}", "nom": f"Lieu {row}", "places": "1"} for row in range(rows + number // 10)
    ]
    table[number % rows]["places"] = str(number)
    return table[1:] if number % 50 == 49 else table


def best(open_it: Callable[[], object], times: int = 3) -> float:
    """The seconds that `open_it` takes at its best."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        open_it()
        taken.append(time.perf_counter() - started)
    return round(min(taken), 3)


def fetch(url: str) -> bytes:
    """What a reader gets at `url`; anything but 200 ends the bench."""
    answer = requests.get(url, timeout=60)
    answer.raise_for_status()
    return answer.content


def silent(line: str) -> None:
    """Nobody reads what a thousand publications say."""


def archives(url: str) -> list[str]:
    """The addresses of the pages that keep versions, in order."""
    asked = {"fq": f"tags:{layout.ARCHIVE_TAG}", "rows": "0"}
    count = json.loads(fetch(f"{url}/api/3/action/package_search?{urlencode(asked)}"))["result"]["count"]
    return [f"{url}/dataset/{layout.archive_name(NAME, number)}" for number in range(1, count + 1)]


def pages(url: str, receipt: Receipt, last: str) -> dict[str, str]:
    """What people and programs open: {what: address}; `last` is the page that keeps the last version."""
    api, oldest = f"{url}/api/3/action", f"{url}/dataset/{NAME}-versions"
    return {
        "dataset": receipt.url,
        "last versions": last,
        "package_show": f"{api}/package_show?id={NAME}",
        "its last versions": f"{api}/package_show?id={last.rsplit('/', 1)[1]}",
        "list": f"{url}/dataset/",
        "search": f"{url}/dataset/?q=essai",
        "rows": f"{api}/datastore_search?filters=%7B%22id%22%3A%22a--3%22%7D&resource_id="
        + next(iter(json.loads(fetch(f"{api}/package_show?id={NAME}"))["result"]["resources"]))["id"],
        "csv": receipt.resources["sites.csv"],
        "feed": receipt.resources["feed.xml"],
        "oldest csv": next(
            one["url"]
            for one in json.loads(fetch(f"{api}/package_show?id={oldest.rsplit('/', 1)[1]}"))["result"]["resources"]
            if one["name"].endswith("sites.csv")
        ),
        "dcat": f"{receipt.url}.ttl",
        "catalogue": f"{url}/catalog.ttl?fq=-tags:{layout.ARCHIVE_TAG}",
    }


def opened(url: str, receipt: Receipt, last: str) -> dict[str, float]:
    """How long each takes to open, in seconds."""
    found = {}
    for what, address in pages(url, receipt, last).items():
        found[what] = best(lambda address=address: fetch(address))  # type: ignore[misc]
    return found


def list_there(versions: Sequence[Version], dataset: Dataset, address: PortalAddress) -> None:
    """List the files of versions on the portal's pages of versions, as links to nowhere, a page at a time."""
    licence = LICENCES[dataset.line.licence.publish].url
    waiting = list(versions)
    with Api(address) as api:
        while waiting:
            number = len(archives(address.url))
            name = layout.archive_name(NAME, number)
            room = layout.ROLL_OVER - len(api.read("package_show", id=name)["resources"])
            listed: list[dict[str, Any]] = []
            while waiting and len(listed) + len(layout.public_files(waiting[0])) <= room:
                version = waiting.pop(0)
                for file in layout.public_files(version):
                    identifier = str(uuid.uuid4())
                    fields = layout.archived(
                        version, file, licence, sha256=file.sha256, size=file.bytes, identifier=identifier
                    )
                    listed.append({**fields, "url": f"{address.url}/nowhere/{identifier}/{file.path}"})
            api.write("package_revise", {"match": {"name": name}, "update__resources__extend": listed}, done=_never)
            if waiting:
                fields = layout.archive(dataset, number + 1, f"{address.url}/dataset/{NAME}")
                extras = [{"key": key, "value": value} for key, value in fields["extras"].items()]
                made = {**fields, "extras": extras, "owner_org": address.organisation}
                api.write("package_create", made, done=_never)


def _never() -> None:
    return None


def run(dataset: Dataset, store: Store, address: PortalAddress, options: argparse.Namespace) -> dict[str, Any]:
    """Make and publish the versions; prints and gives what was measured along the way."""
    figures: list[dict[str, Any]] = []
    took: list[float] = []
    between: list[Version] = []
    for number in range(options.versions):
        day = f"2026-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}T06:00:00+00:00"
        version = build_version(
            dataset, [contribute(dataset, "a", rows_of(number, options.rows))], store, created=day
        ).version
        if number and number % options.every < options.every - options.ordinary and number + 1 < options.versions:
            between.append(version)
            continue
        list_there(between, dataset, address)
        between.clear()
        started = time.perf_counter()
        receipt = publish(version, dataset, store, address, silent)
        took.append(time.perf_counter() - started)
        if (number + 1) % options.every == 0 or number + 1 == options.versions:
            last = archives(address.url)
            line = {
                "versions": number + 1,
                "load": round(os.getloadavg()[0], 1),
                "pages of versions": len(last),
                "publish": round(statistics.median(took[-options.ordinary :]), 2),
                **opened(address.url, receipt, last[-1]),
            }
            figures.append(line)
            print(" ".join(f"{what} {value};" for what, value in line.items()), flush=True)
    every_page = {page: best(lambda page=page: fetch(page)) for page in archives(address.url)}  # type: ignore[misc]
    slowest = max(every_page, key=lambda page: every_page[page])
    print(f"{len(every_page)} pages of versions; the slowest, {slowest}, opens in {every_page[slowest]} s")
    return {"bench": "pages", "figures": figures, "slowest page of versions": every_page[slowest]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=40)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--every", type=int, default=10, help="versions between two measurements")
    parser.add_argument("--ordinary", type=int, default=3, help="how many of these are published as any other")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="glane-bench-") as folder, running_portal() as portal:
        address = PortalAddress(portal.url, portal.token, portal.organisation)
        dataset = declare(Path(folder) / "schemas", declaration=ONE_TABLE, name=NAME)
        found = run(dataset, FolderStore(Path(folder) / "store"), address, options)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
