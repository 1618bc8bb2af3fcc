"""One version as it would be, had a person never been in it.

Belongs here: each file of a version without that person's rows, and whether it needs any of this. Does not belong here:
the order of versions and the list (versions.py), who is meant (person.py).

The number, the dates and the words stay. What is derived is made again from the canonical CSV; the delta is made again
from the version before as it is now, so that it can still be applied.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from glane.store import Store, to_json
from glane.text import LANGUAGES
from publish import changelog, feed
from publish.about import PROVENANCE, kept
from publish.coverage_files import recount
from publish.delta import Difference, write_delta
from publish.diff import csv_of, descriptor_of, key_of, schemas_of, whole_csv
from publish.forgetting.blotting import blot_out
from publish.forgetting.leaving import Leaving
from publish.forgetting.person import Person, keys, provenance_of
from publish.formats import FORMATS
from publish.formats.delimited import read_csv, to_csv
from publish.formats.parquet import write_frame
from publish.package import content_of, with_files
from publish.quality import QUALITY
from publish.quality.forgetting import without_them
from publish.remaking import table_of
from publish.streaming import compare_files
from publish.version import Forgotten, Input, Version, VersionFile, path_of
from schemas.forgetting import rows_now

_PACKAGE, _CHANGES = "datapackage.json", "changelog.json"
_TABLES = ("data", "delta")


def needs(store: Store, version: Version, last: Version | None, person: Person, out: Leaving, *, newest: bool) -> bool:
    """Whether `version` must be written anew: it holds the person, or starts from one that was.

    `newest`: it is the one that the feed of withdrawals leads to, which tells reusers what to erase.
    """
    if out.rows or provenance_of(store, version).filter(_of(person, out)).height:
        return True
    if last is not None and any(_starts_elsewhere(store, version, last, table) for table in last.rows):
        return True
    if person.telling.in_text(store.read(f"{version.key}/{_CHANGES}").decode()):
        return True
    if feed.WITHDRAWN not in {file.path for file in version.files}:
        return False
    told = set(read_csv(path_of(store, version, version.file(feed.WITHDRAWN)))["key"].to_list())
    return bool(told & person.ids) if person.id_too else newest and not person.published <= told


def _starts_elsewhere(store: Store, version: Version, last: Version, table: str) -> bool:
    header = next((f for f in version.files if f.kind == "delta" and f.path == f"delta/{table}.delta.json"), None)
    if header is None:
        return False
    told = json.loads(path_of(store, version, header).read_bytes())
    return bool(told["from"]["sha256"] != csv_of(last, table).sha256)


def _of(person: Person, out: Leaving) -> pl.Expr:
    mine = pl.col("table").is_in(list(person.tables)) & (
        pl.col("id").is_in(list(person.ids)) | pl.col("own").is_in(list(person.ids))
    )
    for table, ids in out.rows.items():
        mine = mine | ((pl.col("table") == table) & pl.col("id").is_in(list(ids)))
    return mine


class Rewriting:
    """`version` on its way into `folder`, without the person and what goes with them (`out`); `last` is the version
    before, as it is now, and `bases` gives the table that each table is made of."""

    def __init__(
        self,
        store: Store,
        version: Version,
        last: Version | None,
        person: Person,
        out: Leaving,
        bases: Mapping[str, str],
        folder: Path,
        *,
        newest: bool,
    ) -> None:
        self._store, self._version, self._last, self._person, self._out = store, version, last, person, out
        self._bases, self._folder, self._newest = bases, folder, newest
        self._descriptor = descriptor_of(store, version)
        self._files: dict[str, VersionFile] = {}

    def whole(self) -> Version:
        """Write every file, in the order in which each needs the others, and give the version as it is then.

        Files that were taken away as declared are hashed as they would be, and not written. Raises VersionError.
        """
        version = self._version
        rows = self._data()
        covered = self._coverage()
        former = provenance_of(self._store, version)
        provenance = former.filter(~_of(self._person, self._out))
        write_frame(provenance, self._folder / PROVENANCE)
        self._keep(PROVENANCE)
        differences = self._deltas()
        told = self._changelog(rows, differences, provenance)
        descriptor = self._package()
        self._feeds(told, descriptor, differences)
        self._quality(rows, former.filter(_of(self._person, self._out)), covered)
        self._rest()
        order = [file.path for file in version.files]
        files = sorted(self._files.values(), key=lambda file: (_place(file.path, order), file.path))
        return version.model_copy(
            update={
                "files": tuple(files),
                "rows": rows,
                "content": content_of(descriptor),
                "forgotten": (*version.forgotten, self._mark(files)),
                "inputs": tuple(self._input(one, former) for one in version.inputs),
                "absent": tuple(self._input(one, former) for one in version.absent),
            }
        )

    def _data(self) -> dict[str, int]:
        """The tables in all their formats; gives the rows of each."""
        rows: dict[str, int] = {}
        for resource in self._descriptor["resources"]:
            table, name = table_of(resource), resource["name"]
            csv = csv_of(self._version, name)
            frame = read_csv(path_of(self._store, self._version, csv))
            gone = self._out.rows.get(name, frozenset())
            kept_rows = frame.filter(~keys(frame, key_of(resource["schema"])).is_in(list(gone))) if gone else frame
            rows[name] = kept_rows.height
            (self._folder / csv.path).write_bytes(to_csv(kept_rows))
            self._keep(csv.path)
            for file in self._version.files:
                if file.kind == "data" and file.table == name and file is not csv and file.format in FORMATS:
                    FORMATS[file.format].write(table, kept_rows, self._folder / file.path)
                    self._keep_derived(file.path)
        return rows

    def _coverage(self) -> dict[str, Any]:
        """How many rows each commune has, counted again; gives what the quality report says of it."""
        paths, told = recount(self._store, self._descriptor, self._folder)
        for path in paths:
            self._keep_derived(path)
        return told

    def _deltas(self) -> dict[str, Difference]:
        found: dict[str, Difference] = {}
        headers = [file for file in self._version.files if file.kind == "delta" and file.path.endswith(".delta.json")]
        for file in headers:
            assert self._last is not None, "there is a delta only from a former version"
            table = str(file.table)
            schema = schemas_of(self._descriptor)[table]
            ends = whole_csv(self._store, self._last, table), self._folder / csv_of(self._version, table).path
            found[table] = compare_files(key_of(schema), *ends)
            numbers = (self._last.version, self._version.version)
            header = write_delta(self._folder / "delta", table, found[table], ends=numbers, old=ends[0], new=ends[1])
            for part in (f"{table}.delta.json", *(line["path"] for line in header["files"].values())):
                self._files[f"delta/{part}"] = kept(self._folder, f"delta/{part}", "delta", table)
        return found

    def _changelog(
        self, rows: Mapping[str, int], differences: Mapping[str, Difference], provenance: pl.DataFrame
    ) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self._read(_CHANGES))
        last = self._last
        told["rows"] = dict(rows)
        if last is not None and differences:
            frames = (provenance, provenance_of(self._store, last))
            origins = {
                table: changelog.origins_of(
                    *(f.filter(pl.col("table") == self._bases.get(table, table)) for f in frames)
                )
                for table in differences
            }
            counts = {table: changelog.counts_of(found) for table, found in differences.items()}
            partners = {table: changelog.by_partner(found, origins[table]) for table, found in differences.items()}
            told["tables"], told["partners"] = {**told["tables"], **counts}, {**told["partners"], **partners}
        told = self._person.telling.out_of(told)
        self._write(_CHANGES, to_json(told))
        inputs = [*(last.inputs if last else ()), *self._version.inputs]
        for language in LANGUAGES:
            path = f"changelog.{language}.md"
            if path in self._paths:
                said = changelog.to_markdown(
                    {"decisions": [], **told}, self._descriptor["titles"][language], inputs, language
                )
                self._write(path, said.encode())
        return told

    def _package(self) -> dict[str, Any]:
        data = [file for file in self._files.values() if file.kind in ("data", "coverage")]
        descriptor = with_files(self._descriptor, data)
        was = {one.path: f"sha256:{one.sha256}" for one in self._version.files if one.kind in ("data", "coverage")}
        mark = {
            "at": self._person.at,
            "was": {one.path: was[one.path] for one in data if was[one.path] != f"sha256:{one.sha256}"},
        }
        # A property of our own: why a file has not the hash any more that somebody wrote down.
        descriptor = {**descriptor, "forgotten": [*descriptor.get("forgotten", []), mark]}
        self._write(_PACKAGE, to_json(descriptor))
        return descriptor

    def _feeds(
        self, told: Mapping[str, Any], descriptor: Mapping[str, Any], differences: Mapping[str, Difference]
    ) -> None:
        version, last = self._version, self._last
        if feed.FEED in self._paths:
            self._write(feed.FEED, feed.atom(descriptor, [told, *feed.told_before(self._store, self._last)]))
        if feed.WITHDRAWN not in self._paths:
            return
        lines = read_csv(feed.withdrawn(self._store, version, last, differences))
        former = read_csv(path_of(self._store, version, version.file(feed.WITHDRAWN)))
        lines = pl.concat([former.join(lines, on=["table", "key"], how="anti"), lines])
        mine = pl.col("table").is_in(list(self._person.tables)) & pl.col("key").is_in(list(self._person.ids))
        if self._person.id_too:
            lines = lines.filter(~mine)
        elif self._newest:
            person = self._person
            gone = [(person.table, key, version.version, person.at[:10]) for key in sorted(person.published)]
            fresh = pl.DataFrame(gone, schema=lines.schema, orient="row")
            lines = pl.concat([lines, fresh.join(lines, on=["table", "key"], how="anti")])
        self._write(feed.WITHDRAWN, to_csv(lines.sort("table", "key")))

    def _quality(self, rows: Mapping[str, int], gone: pl.DataFrame, covered: Mapping[str, Any]) -> None:
        if QUALITY not in self._paths:
            return
        told: dict[str, Any] = self._person.telling.out_of(json.loads(self._read(QUALITY)))
        for line in told.get("partners", ()):
            mine = gone.filter((pl.col("partner") == line["partner"]) & (pl.col("table") == line["table"]))
            stood = mine.filter(pl.col("stands")).height
            line["rows_in"] -= mine.height
            line["published"] -= stood
            line["merged"] -= mine.height - stood
        told["rows"] = {name: rows.get(name, count) for name, count in told.get("rows", {}).items()}
        told["left_out"] = {
            name: rows[self._bases[name]] - rows[name]
            if self._bases.get(name, name) in rows and name in rows
            else count
            for name, count in told.get("left_out", {}).items()
        }
        for name, said in covered.items():
            told["coverage"][name] = {**told["coverage"][name], **said}
        for path, data in without_them(told, self._folder, self._version, self._descriptor):
            self._write(path, data)

    def _rest(self) -> None:
        """All other files as they are, but for rows that name one that goes."""
        ids = sorted({*self._person.ids, *(one for found in self._out.rows.values() for one in found)})
        for file in self._version.files:
            if file.path in self._files or file.kind == "delta" or not self._there(file):
                continue
            target = self._folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path_of(self._store, self._version, file), target)
            blot_out(target, self._person.telling, ids)
            self._keep(file.path)

    def _there(self, file: VersionFile) -> bool:
        """Whether a file that is only copied is in the store; one that went as declared keeps its line."""
        if self._store.exists(f"{self._version.key}/{file.path}"):
            return True
        self._files[file.path] = file
        return False

    def _mark(self, files: Sequence[VersionFile]) -> Forgotten:
        now = {file.path: file.sha256 for file in files}
        was = {file.path: file.sha256 for file in self._version.files if now.get(file.path) != file.sha256}
        return Forgotten(at=self._person.at, was=was)

    def _input(self, one: Input, former: pl.DataFrame) -> Input:
        # Rows in their grace period are of an older snapshot than the others of their partner.
        theirs = (pl.col("partner") == one.partner) & (pl.col("snapshot") == one.snapshot)
        gone = former.filter(_of(self._person, self._out) & theirs & (pl.col("table") == one.table)).height
        judged = (one.snapshot, one.mapped_by, one.judged_by)
        now = rows_now(self._store, self._version.dataset, one.partner, judged, one.absent_since) or one.rows_sha256
        return one.model_copy(update={"rows_in": one.rows_in - gone, "passed": one.passed - gone, "rows_sha256": now})

    @property
    def _paths(self) -> set[str]:
        return {file.path for file in self._version.files}

    def _read(self, path: str) -> bytes:
        return path_of(self._store, self._version, self._version.file(path)).read_bytes()

    def _write(self, path: str, data: bytes) -> None:
        (self._folder / path).write_bytes(data)
        self._keep(path)

    def _keep_derived(self, path: str) -> None:
        self._keep(path)
        if not self._store.exists(f"{self._version.key}/{path}"):
            (self._folder / path).unlink()

    def _keep(self, path: str) -> None:
        was = self._version.file(path)
        self._files[path] = kept(self._folder, path, was.kind, was.table, was.format)


def _place(path: str, order: Sequence[str]) -> int:
    """Where a file stood in the manifest; one that is new stands beside its like, before what comes after deltas."""
    return order.index(path) if path in order else len(order)
