"""What a partner sends back of ours: unchanged it changes nothing, and an id stays with what it names."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from glane.store import FolderStore, sha256_of
from pipelines.given_back import annotated, cleaned_copy, published_rows
from pipelines.intake import Judged, judge_file
from schemas.judgement import LINE
from schemas.rows import keep
from schemas.template import template
from sources.declaration import Source
from sources.identity.ids import past_of
from sources.identity.register import keep_register
from sources.snapshot import Snapshot
from tests.sources.test_samples import DATASETS, declared, every_source, sample

FIRST, LATER = "2026-11-01T06:00:00+00:00", "2026-11-20T06:00:00+00:00"


def judged(store: FolderStore, source: Source, path: Path, day: str = FIRST) -> Judged:
    """What becomes of the file at `path` when it comes on that day."""
    digest = sha256_of(path)
    snapshot = Snapshot(
        source.dataset, source.partner, digest, path.stat().st_size, "", True, day, day, "first", path.name
    )
    past = past_of(store, source.dataset, source.partner)
    return judge_file(source, DATASETS[source.dataset], snapshot, path, run_at=day, past=past)


def kept(store: FolderStore, source: Source, found: Judged, day: str = FIRST) -> None:
    dataset = DATASETS[source.dataset]
    keep_register(store, source.dataset, source.partner, found.register)
    keep(
        store,
        dataset,
        found.table,
        source.partner,
        found.judgement,
        snapshot="a" * 64,
        mapped_by=source.fingerprint,
        judged_at=day,
    )


def rows_of(found: Judged) -> list[tuple[Any, ...]]:
    return found.judgement.rows.drop(LINE).rows()


def counts(found: Judged) -> tuple[int, int, int]:
    return found.judgement.passed, found.judgement.to_correct, found.judgement.on_hold


def keys(found: Judged) -> dict[str, tuple[str, ...]]:
    return {name: one.keys for name, one in found.register.ids.items()}


def filled_template(store: FolderStore, source: Source, found: Judged) -> bytes:
    return template(DATASETS[source.dataset], found.table, "fr", published_rows(store, source, found.table))


def cleaned(store: FolderStore, source: Source, found: Judged) -> bytes:
    data = cleaned_copy(source, DATASETS[source.dataset], found)
    assert data is not None
    return data


def marked(store: FolderStore, source: Source, found: Judged) -> bytes:
    data = annotated(source, found)
    assert data is not None
    return data


def opened_and_saved(data: bytes, path: Path) -> None:
    """As a spreadsheet program does: what it does not know is not in the file any more."""
    openpyxl.load_workbook(io.BytesIO(data)).save(path)


@every_source
@pytest.mark.parametrize("make", [marked, cleaned, filled_template])
def test_sent_back_unchanged_it_changes_nothing(
    name: str, make: Callable[[FolderStore, Source, Judged], bytes], tmp_path: Path
) -> None:
    source, store = declared(name), FolderStore(tmp_path / "store")
    before = judged(store, source, sample(name))
    kept(store, source, before)
    path = tmp_path / "leur nom.xlsx"
    path.write_bytes(make(store, source, before))
    after = judged(store, source, path, LATER)
    assert rows_of(after) == rows_of(before)
    assert counts(after)[0] == counts(before)[0]
    if make is not filled_template:
        assert counts(after) == counts(before)
    assert keys(after) == keys(before)


__all__ = ["pl", "opened_and_saved"]
