"""A partner's file on a real CKAN: found, fetched, and left alone until it changes."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from ckanapi import RemoteCKAN

from glane.store import open_store
from sources.declaration import Source
from sources.fetch.failures import HarvestError
from sources.harvest import harvest
from tests.fixtures_portal import Portal
from tests.sources.material import CSV

pytestmark = pytest.mark.portal


def test_a_file_on_a_real_ckan_is_fetched_once_and_again_when_it_changed(
    portal: Portal, declare: Callable[..., Source], tmp_path: Path
) -> None:
    store = open_store(tmp_path / "store")
    with RemoteCKAN(portal.url, apikey=portal.token) as ckan:
        page = ckan.action.package_create(name="depot-angers", owner_org=portal.organisation)
        try:
            kept = ckan.action.resource_create(
                package_id=page["id"], name="Lieux", format="CSV", upload=("lieux.csv", io.BytesIO(CSV))
            )
            where = {"ckan": {"portal": portal.url, "dataset": "depot-angers"}, "private": True}
            source = declare(where=where)
            first, again = harvest(source, store), harvest(source, store)
            newer = ("lieux.csv", io.BytesIO(CSV + b"Cyberbase;Trelaze\n"))
            ckan.action.resource_patch(id=kept["id"], upload=newer)
            third = harvest(source, store)
        finally:
            ckan.action.package_delete(id=page["id"])
    assert (store.read(first.key), first.file_name) == (CSV, "lieux.csv")
    assert [(one.changed, one.decided_by) for one in (first, again, third)] == [
        (True, "first"),
        (False, "portal"),
        (True, "hash"),
    ]
    assert store.read(third.key) == CSV + b"Cyberbase;Trelaze\n"
    with pytest.raises(HarvestError, match="answered 40[34]"):
        harvest(
            declare(partner="nantes", where={"ckan": {"portal": portal.url, "dataset": "rien"}, "private": True}), store
        )
