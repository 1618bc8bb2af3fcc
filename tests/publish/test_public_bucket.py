"""A public store that is a bucket: its policy shows versions/ to anybody and nothing else (docs/publishing.md)."""

import json
from pathlib import Path

import botocore.session
import pytest
import requests

from glane.store import open_store
from publish.ckan.address import PortalAddress
from publish.ckan.public_store import ExposedError
from publish.verify import verify_portal
from tests.fixtures_portal import Portal
from tests.fixtures_s3 import S3
from tests.publish.test_build import ANGERS, NANTES
from tests.publish.test_public_store import PublicBench


def show(s3: S3, place: str, folder: str) -> str:
    """Let anybody read what is under `folder` of the store at `place`; gives the store's public address."""
    bucket, prefix = place.removeprefix("s3://").split("/", 1)
    resource = f"arn:aws:s3:::{bucket}/{prefix}/{folder}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}
    client = botocore.session.Session().create_client("s3", endpoint_url=s3.url, region_name="us-east-1")
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return f"{s3.url}/{bucket}/{prefix}"


@pytest.mark.portal
def test_a_bucket_is_a_public_store_once_its_policy_shows_versions_alone(
    portal: Portal, s3: S3, tmp_path: Path
) -> None:
    bench, place = PublicBench(portal, tmp_path), s3.place()
    bench.store = open_store(place)
    public = show(s3, place, "versions/*")
    bench.address = PortalAddress(portal.url, portal.token, portal.organisation, public)
    bench.store.write(f"raw/{bench.dataset.name}/a/file", b"Jeanne Martin, 06 12 34 56 78")
    for rows in ([ANGERS], [ANGERS, NANTES]):
        version = bench.version(*rows)
        bench.publish(version)
        bench.check_linked(version, public)
    listing = requests.get(f"{public}/versions/{bench.dataset.name}/index.html", timeout=30)
    assert listing.headers["Content-Type"] == "text/html"
    assert requests.get(f"{public}/raw/{bench.dataset.name}/a/file", timeout=30).status_code == 403
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
    show(s3, place, "*")
    with pytest.raises(ExposedError):
        bench.publish(version)
