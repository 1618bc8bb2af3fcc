"""What is kept beside versions, without a person: the rows that passed, and files of any kind that tell of one.

Belongs here: rows with their verdict, and what is left of a file by its kind. Does not belong here: partners' files
(sources/forgetting.py), versions (publish/forgetting), which files there are (pipelines/forgetting).
"""

import csv
import io
import json
from collections.abc import Collection
from email import message_from_bytes, policy
from typing import Any

import openpyxl
import polars as pl

from glane.erasing import Telling
from glane.store import Store, to_json

_LATEST = "latest.json"


def forget_rows(store: Store, dataset: str, partner: str, key: Collection[str], ids: Collection[str]) -> int:
    """Take the rows with these `ids` out of all that a partner's judgements let through, and give how many went.

    Their verdicts are those on the rows that are left. Killed between rows and verdict, it puts that right when it runs
    again. Raises StoreError.
    """
    folder, gone = f"rows/{dataset}/{partner}", 0
    for name in store.list(folder):
        judged = name.removesuffix(".parquet")
        verdict: Any = store.read_json(f"{folder}/{judged}.json") if judged != name else None
        if not isinstance(verdict, dict) or "rows_sha256" not in verdict:
            continue
        rows = pl.read_parquet(io.BytesIO(store.read(f"{folder}/{name}")))
        left = rows.filter(~theirs(rows, key, ids))
        gone += rows.height - left.height
        if left.height < rows.height:
            store.write(f"{folder}/{name}", _parquet(left))
        found = store.digest(f"{folder}/{name}")
        if found != verdict["rows_sha256"]:
            passed = left.height
            fresh = {
                "rows_sha256": found,
                "passed": passed,
                "rows_in": passed + verdict["to_correct"] + verdict["on_hold"],
            }
            store.write_json(f"{folder}/{judged}.json", {**verdict, **fresh})
    return gone


def theirs(rows: pl.DataFrame, key: Collection[str], ids: Collection[str]) -> pl.Series:
    """Which rows have one of `ids`; none where they have no such key."""
    if not set(key) <= set(rows.columns):
        return pl.repeat(False, rows.height, eager=True)
    return rows.select(pl.concat_str(list(key), separator="|").is_in(list(ids)).fill_null(value=False))[:, 0]


def erased(name: str, data: bytes, telling: Telling, lines: Collection[int] = ()) -> bytes | None:
    """What is left of a file called `name` without what tells of a person (or is about these `lines` of theirs); None
    where nothing of it can stay."""
    kind = name.rpartition(".")[2].lower()
    left: bytes | None = None
    match kind:
        case "json":
            left = _json(data, telling, lines)
        case "jsonl":
            every = (_json(line, telling, lines) for line in data.splitlines())
            left = b"".join(json.dumps(json.loads(one), ensure_ascii=False).encode() + b"\n" for one in every if one)
        case "csv":
            left = _csv(data, telling)
        case "xlsx":
            left = _workbook(data, telling)
        case "eml":
            left = None if mail_tells(data, telling) else data
        case "md" | "html" | "txt" | "xml" | "svg":
            left = telling.covered(data.decode("utf-8", "replace")).encode()
    return left if left is not None and not telling.in_file(left) else None


def tells(name: str, data: bytes, telling: Telling) -> bool:
    """Whether a file called `name` tells of a person."""
    if name.endswith(".parquet"):
        rows = pl.read_parquet(io.BytesIO(data))
        return any(
            telling.in_text(str(text)) for column in rows.select(pl.col(pl.String)) for text in column.unique() if text
        )
    return mail_tells(data, telling) if name.endswith(".eml") else telling.in_file(data)


def mail_tells(data: bytes, telling: Telling) -> bool:
    """Whether a mail, its headers or one of its parts, tells of a person."""
    mail = message_from_bytes(data, policy=policy.default)
    parts = [one.get_payload(decode=True) for one in mail.walk() if not one.is_multipart()]
    heads = "\n".join(str(value) for value in mail.values())
    return telling.in_text(heads) or any(telling.in_file(part) for part in parts if isinstance(part, bytes))


def _json(data: bytes, telling: Telling, lines: Collection[int]) -> bytes | None:
    try:
        return to_json(telling.out_of(json.loads(data), lines))
    except ValueError:
        return None


def _csv(data: bytes, telling: Telling) -> bytes | None:
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    out = io.StringIO()
    kept = [row for number, row in enumerate(rows) if number == 0 or not any(map(telling.in_text, row))]
    csv.writer(out, lineterminator="\n").writerows(kept)
    return mark + out.getvalue().encode()


def _workbook(data: bytes, telling: Telling) -> bytes:
    """A workbook in which each row that tells is empty; what stands on the others stays where it stands."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            said = [str(cell.value) for cell in row if cell.value is not None]
            said += [cell.comment.text for cell in row if cell.comment is not None]
            if any(map(telling.in_text, said)):
                for cell in row:
                    if not isinstance(cell, openpyxl.cell.cell.MergedCell):
                        cell.value, cell.comment, cell.hyperlink = None, None, None
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _parquet(rows: pl.DataFrame) -> bytes:
    # As schemas/rows.py writes them.
    buffer = io.BytesIO()
    rows.rechunk().write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=100_000)
    return buffer.getvalue()


def rows_now(
    store: Store, dataset: str, partner: str, judged: tuple[str, str, str], absent_since: str | None = None
) -> str | None:
    """The SHA-256 of the rows of a judgement as they are now (`judged`: its snapshot, what mapped it, what judged it),
    or of those of them that are missing from the file since a day (schemas/absence.py); None where they are not kept.
    """
    folder = f"rows/{dataset}/{partner}"
    whole = [name for name in store.list(folder) if name.endswith(".json") and not name.startswith("absent")]
    absent = [
        name for name in store.list(folder) if name.endswith(".json") and name.startswith(f"absent-{absent_since}")
    ]
    for name in whole if absent_since is None else absent:
        verdict: Any = store.read_json(f"{folder}/{name}") if name != _LATEST else None
        if isinstance(verdict, dict) and judged == tuple(
            verdict.get(part) for part in ("snapshot", "mapped_by", "judged_by")
        ):
            return str(verdict["rows_sha256"])
    return None
