"""A publication from a store on S3: what readers get is what the bucket keeps."""

from pathlib import Path

import pytest

from glane.store import open_store
from publish.verify import verify_portal, verify_store
from tests.fixtures_portal import Portal
from tests.fixtures_s3 import S3
from tests.publish.test_build import ANGERS, NANTES
from tests.publish.test_publication import Bench


@pytest.mark.portal
def test_a_portal_is_brought_forward_from_a_bucket(portal: Portal, s3: S3, tmp_path: Path) -> None:
    bench = Bench(portal, tmp_path)
    bench.store = open_store(s3.place())
    for rows in ([ANGERS], [ANGERS, NANTES]):
        version = bench.version(*rows)
        bench.publish(version)
        assert bench.read() == version.version
    assert bench.publish(version).unchanged
    assert verify_store(bench.store, bench.dataset.name) == []
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
    assert not (tmp_path / "store").exists()
