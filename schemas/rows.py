"""Keeping the rows that passed, bound to their verdict, and finding them again.

Belongs here: the store's rows/ (design, 3): what was judged, under which key, and the last good rows of a partner.
Does not belong here: judging (judge.py), and what is told to the partner (report.py).

    rows/<dataset>/<partner>/<judged>.parquet   the rows that passed, with `_line`; the same rows give the same bytes
    rows/<dataset>/<partner>/<judged>.json      their verdict
    rows/<dataset>/<partner>/latest.json        which of them are the last good ones; written last

Rows that are no longer in the partner's file are kept beside them in the same way (absence.py).
"""

import datetime
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

import polars as pl

from glane.errors import DataError
from glane.store import MissingError, Store
from schemas.dataset import Dataset, Table
from schemas.judgement import LINE, AccountingError, Judgement, Verdict

_JUDGES = ("frictionless", "opening-hours-py", "phonenumbers", "pycountry", "python-stdnum", "rapidfuzz")
"""The packages whose new version may judge the same rows otherwise."""


class VerdictError(DataError):
    """Rows in the store are not those that a verdict let through."""


def judged_key(snapshot: str, mapped_by: str, judged_by: str) -> str:
    """The key of one judgement: the SHA-256 over what was read (the snapshot's SHA-256), what mapped it (the source's
    fingerprint) and what judged it (the dataset's fingerprint, and the judge's own). The same key needs no second
    judgement."""
    return hashlib.sha256("\n".join((snapshot, mapped_by, judged_by, judge_fingerprint())).encode()).hexdigest()


@cache
def judge_fingerprint() -> str:
    """The SHA-256 of what judges beside the declarations: this room's code and sentences, the packages it asks."""
    room = Path(__file__).parent
    digest = hashlib.sha256()
    for folder in (room, room / "conform", room / "personal", room / "phrases", room / "rules"):
        for path in sorted([*folder.glob("*.py"), *folder.glob("*.yaml"), *folder.glob("*.csv")]):
            digest.update(f"{path.relative_to(room).as_posix()}\0".encode() + path.read_bytes())
    digest.update("\n".join(f"{name} {version(name)}" for name in _JUDGES).encode())
    return digest.hexdigest()


def keep(
    store: Store,
    dataset: Dataset,
    table: Table,
    partner: str,
    judgement: Judgement,
    *,
    snapshot: str,
    mapped_by: str,
    judged_at: str,
    gated_by: str | None = None,
) -> Verdict:
    """Keep the rows that passed with their verdict, as the partner's last good rows.

    `snapshot` is the SHA-256 of the bytes they were read from, `mapped_by` the source's fingerprint, `judged_at` the
    moment in UTC (ISO 8601), `gated_by` the key of the gate that they passed (personal/gate.py). Raises StoreError.
    """
    data = parquet_bytes(judgement.rows, table)
    verdict = Verdict(
        dataset=dataset.name,
        table=table.name,
        partner=partner,
        snapshot=snapshot,
        rows_sha256=hashlib.sha256(data).hexdigest(),
        judged_by=dataset.fingerprint,
        mapped_by=mapped_by,
        judged_at=judged_at,
        rows_in=judgement.rows_in,
        passed=judgement.passed,
        to_correct=judgement.to_correct,
        on_hold=judgement.on_hold,
        valid_until=judgement.valid_until.isoformat() if judgement.valid_until else None,
        gated_by=gated_by,
    )
    key = judged_key(snapshot, mapped_by, dataset.fingerprint)
    write_rows(store, key, data, verdict)
    stand(store, dataset.name, partner, key)
    return verdict


def write_rows(store: Store, key: str, data: bytes, verdict: Verdict) -> None:
    """Write rows (parquet_bytes) under `key` and then the verdict on them. Raises StoreError."""
    folder = rows_folder(verdict.dataset, verdict.partner)
    store.write(f"{folder}/{key}.parquet", data)
    store.write_json(f"{folder}/{key}.json", asdict(verdict))


def last_good(store: Store, dataset: str, partner: str) -> tuple[pl.DataFrame, Verdict] | None:
    """The last good rows of a partner and their verdict; None where none were ever kept.

    Raises VerdictError where the rows are not the ones that the verdict let through.
    """
    pointer = store.read_json(f"{rows_folder(dataset, partner)}/latest.json")
    if pointer is None:
        return None
    if not isinstance(pointer, dict) or not isinstance(pointer.get("judged"), str):
        raise _broken(dataset, partner, "latest.json names no rows")
    return read_rows(store, dataset, partner, pointer["judged"])


def judged(
    store: Store, dataset: str, partner: str, key: str, *, today: datetime.date
) -> tuple[pl.DataFrame, Verdict] | None:
    """The rows once judged under `key`; None where they must be judged.

    That is where they never were, where a day has come that may change the verdict, and where the store's copy is
    damaged.
    """
    try:
        rows, verdict = read_rows(store, dataset, partner, key)
    except VerdictError:
        return None
    if verdict.valid_until is not None and today >= datetime.date.fromisoformat(verdict.valid_until):
        return None
    return rows, verdict


def stand(store: Store, dataset: str, partner: str, key: str) -> None:
    """Make the rows judged under `key` the partner's last good ones. Raises StoreError."""
    pointer = f"{rows_folder(dataset, partner)}/latest.json"
    if store.read_json(pointer) != {"judged": key}:
        store.write_json(pointer, {"judged": key})


def damaged(store: Store, dataset: str) -> Iterator[str]:
    """The keys of the kept rows of `dataset` that are not those of their verdict; reads every byte."""
    for path in store.files(f"rows/{dataset}"):
        key = f"rows/{dataset}/{path}"
        if key.endswith(".parquet"):
            verdict = store.read_json(f"{key.removesuffix('.parquet')}.json")
            expected = verdict.get("rows_sha256") if isinstance(verdict, dict) else None
            # Killed between the two, rows have no verdict: nobody reads them, and the next judgement writes both.
            if expected is not None and store.digest(key) != expected:
                yield key


def parquet_bytes(rows: pl.DataFrame, table: Table) -> bytes:
    """The rows as Parquet: the same rows give the same bytes under the same version of polars."""
    buffer = io.BytesIO()
    typed = rows.select(*(pl.col(name).cast(pl.String) for name in table.fields), pl.col(LINE).cast(pl.Int64))
    typed.rechunk().write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=100_000)
    return buffer.getvalue()


def rows_folder(dataset: str, partner: str) -> str:
    """Where the store keeps a partner's judged rows."""
    return f"rows/{dataset}/{partner}"


def read_rows(store: Store, dataset: str, partner: str, key: str) -> tuple[pl.DataFrame, Verdict]:
    """The rows that stand under `key` and their verdict. Raises VerdictError where they are not the ones that it let
    through, or are not there."""
    folder = rows_folder(dataset, partner)
    try:
        told, data = store.read(f"{folder}/{key}.json"), store.read(f"{folder}/{key}.parquet")
    except MissingError as error:
        raise _broken(dataset, partner, "a file is missing") from error
    verdict = _verdict(told, dataset, partner)
    found = hashlib.sha256(data).hexdigest()
    if found != verdict.rows_sha256:
        raise _broken(dataset, partner, f"their SHA-256 is {found}, the verdict let {verdict.rows_sha256} through")
    return pl.read_parquet(io.BytesIO(data)), verdict


def _verdict(told: bytes, dataset: str, partner: str) -> Verdict:
    try:
        verdict = Verdict(**json.loads(told))
    except (ValueError, TypeError, AccountingError) as error:
        raise _broken(dataset, partner, "the verdict cannot be read") from error
    if (verdict.dataset, verdict.partner) != (dataset, partner):
        raise _broken(dataset, partner, f"the verdict is about {verdict.dataset}/{verdict.partner}")
    return verdict


def _broken(dataset: str, partner: str, why: str) -> VerdictError:
    return VerdictError(
        f"The rows kept for {dataset}/{partner} cannot be trusted: {why}.",
        f"Run `glane run {dataset} --source {partner}`: they are judged again from the snapshot.",
    )
