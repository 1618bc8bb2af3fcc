"""A partner that drops its files into a bucket: the last one by name, and not a byte of one that we have."""

from collections.abc import Callable
from pathlib import Path

import pytest

from glane.store import open_store
from glane.store.bucket import Bucket
from sources.declaration import Source
from sources.fetch.failures import HarvestError
from sources.harvest import harvest
from tests.fixtures_s3 import S3
from tests.sources.material import CSV


def test_the_last_object_that_fits_is_fetched_and_only_when_it_changed(
    s3: S3, declare: Callable[..., Source], tmp_path: Path
) -> None:
    store = open_store(tmp_path / "store")
    place = s3.place()
    bucket = Bucket(place)
    source = declare(where={"s3": {"address": f"{place}/depot", "match": "lieux-*.csv"}})
    with pytest.raises(HarvestError, match=r"No object under .*/depot fits 'lieux-\*\.csv'"):
        harvest(source, store)
    for name, data in (("lieux-2026-10.csv", b"old"), ("lieux-2026-11.csv", CSV), ("notes.txt", b"other")):
        bucket.put(f"depot/{name}", data)
    first, again = harvest(source, store), harvest(source, store)
    bucket.put("depot/lieux-2026-11.csv", CSV + b"Cyberbase;Trelaze\n")
    third = harvest(source, store)
    assert (store.read(first.key), first.file_name) == (CSV, "lieux-2026-11.csv")
    assert [(one.changed, one.decided_by) for one in (first, again, third)] == [
        (True, "first"),
        (False, "etag"),
        (True, "hash"),
    ]


def test_a_bucket_that_is_not_there_is_said_to_be(s3: S3, declare: Callable[..., Source], tmp_path: Path) -> None:
    source = declare(where={"s3": {"address": "s3://nobody-has-this-bucket/depot"}})
    with pytest.raises(HarvestError, match="nobody-has-this-bucket") as caught:
        harvest(source, open_store(tmp_path / "store"))
    assert "Make the bucket" in caught.value.remedy
