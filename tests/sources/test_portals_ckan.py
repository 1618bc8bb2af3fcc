"""A partner's file on a real CKAN: found, fetched, and left alone until it changes."""

import io
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ckanapi import RemoteCKAN

from glane.store import open_store
from sources.declaration import Source
from sources.fetch import organisation
from sources.fetch.failures import HarvestError
from sources.harvest import harvest
from sources.read import read
from tests.fixtures_portal import Portal, call
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


def test_a_whole_organisation_of_a_real_ckan_is_read_without_what_is_not_public(
    portal: Portal, declare: Callable[..., Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two pages of datasets, and one of them not full.
    monkeypatch.setattr(organisation, "_PAGE", 2)
    store, mark = open_store(tmp_path / "store"), secrets.token_hex(4)
    anjou = call(portal, "organization_create", name=f"anjou-{mark}")

    def hold(ckan: RemoteCKAN, name: str, town: str, **values: Any) -> str:
        page = ckan.action.package_create(name=f"{name}-{mark}", owner_org=anjou["id"], **values)
        rows = f"Nom;Ville\nLieu;{town}\n".encode()
        made = ckan.action.resource_create(
            package_id=page["id"], name="Lieux", format="CSV", upload=("lieux.csv", io.BytesIO(rows))
        )
        return str(made["id"])

    with RemoteCKAN(portal.url, apikey=portal.sysadmin_token) as ckan:
        try:
            angers, _, _ = (hold(ckan, town, town) for town in ("angers", "cholet", "saumur"))
            hold(ckan, "prive", "private", private=True)
            hold(ckan, "brouillon", "draft", state="draft")
            hold(ckan, "efface", "deleted")
            ckan.action.package_delete(id=f"efface-{mark}")
            where = {"ckan": {"portal": portal.url, "organisation": anjou["name"]}, "private": True}
            source = declare(where=where)
            first, again = harvest(source, store), harvest(source, store)
            ckan.action.resource_patch(id=angers, upload=("lieux.csv", io.BytesIO(CSV)))
            third = harvest(source, store)
        finally:
            for found in ckan.action.package_search(
                fq=f"owner_org:{anjou['id']}", include_private=True, include_drafts=True
            )["results"]:
                ckan.action.dataset_purge(id=found["id"])
            ckan.action.dataset_purge(id=f"efface-{mark}")
            ckan.action.organization_purge(id=anjou["id"])
    assert [(one.changed, one.decided_by) for one in (first, again, third)] == [
        (True, "first"),
        (False, "portal"),
        (True, "hash"),
    ]
    rows = [read(store.fetch(one.key), source.line.format) for one in (first, third)]
    assert [[record.cells["Ville"] for record in one.records] for one in rows] == [
        ["angers", "cholet", "saumur"],
        ["Angers", "cholet", "saumur"],
    ]
    assert rows[0].place(rows[0].records[1].line) == (f"cholet-{mark}.csv", 2)
