"""People on a real portal, none of them a sysadmin: a partner with its organisation and deposit, Glane, a stranger."""

import io
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from ckanapi import RemoteCKAN

from schemas.deposit import ANSWER_FIELD
from sources.fetch.deposit import OwnPortal
from tests.fixtures_portal import Portal, call


@dataclass(frozen=True)
class Deposit:
    """A private dataset of a partner's organisation, and the tokens of those who have to do with it, or have not."""

    portal: Portal
    name: str
    partner: str
    glane: str
    stranger: str

    @property
    def own_portal(self) -> OwnPortal:
        """The portal as Glane finds it."""
        return OwnPortal(self.portal.url, self.glane)

    def upload(self, name: str, data: bytes, title: str = "Nos lieux") -> str:
        """Upload a file as the partner does; gives its resource."""
        with RemoteCKAN(self.portal.url, apikey=self.partner) as ckan:
            made = ckan.action.resource_create(package_id=self.name, name=title, upload=(name, io.BytesIO(data)))
        return str(made["id"])

    def replace(self, resource: str, name: str, data: bytes) -> None:
        """Replace a file as the partner does: in its place."""
        with RemoteCKAN(self.portal.url, apikey=self.partner) as ckan:
            ckan.action.resource_patch(id=resource, upload=(name, io.BytesIO(data)))

    def edit(self, resource: str, name: str, data: bytes | None = None) -> None:
        """Edit a resource as the portal's own form does: it sends what the form has fields for, and drops the rest."""
        with RemoteCKAN(self.portal.url, apikey=self.partner) as ckan:
            known = ckan.action.resource_show(id=resource)
            form = {key: known[key] for key in ("id", "url", "url_type", "description", "format")}
            sent = {"upload": (known["url"].rpartition("/")[2], io.BytesIO(data))} if data is not None else {}
            ckan.action.resource_update(name=name, **form, **sent)

    def patch(self, **values: Any) -> None:
        """Change the dataset as the partner does."""
        with RemoteCKAN(self.portal.url, apikey=self.partner) as ckan:
            ckan.action.package_patch(id=self.name, **values)

    def shown(self) -> dict[str, Any]:
        """The dataset as the partner sees it."""
        with RemoteCKAN(self.portal.url, apikey=self.partner) as ckan:
            found: dict[str, Any] = ckan.action.package_show(id=self.name)
            return found

    def answers(self) -> dict[str, Mapping[str, Any]]:
        """The files of our answer as the partner sees them, by kind."""
        found = [one for one in self.shown()["resources"] if ANSWER_FIELD in one]
        kinds = {str(one[ANSWER_FIELD]).rpartition(" ")[2]: one for one in found}
        assert len(kinds) == len(found)
        return kinds

    def download(self, url: str, token: str | None) -> tuple[int, str]:
        """What a file answers to the holder of a token, or to nobody in particular."""
        headers = {"Authorization": token} if token else {}
        answer = requests.get(url, headers=headers, allow_redirects=False, timeout=30)
        return answer.status_code, answer.text

    def refusals(self, token: str | None) -> set[int]:
        """What the dataset and each of its files answer to somebody who has no business there."""
        headers = {"Authorization": token} if token else {}
        show = f"{self.portal.url}/api/3/action/package_show?id={self.name}"
        urls = [show, f"{self.portal.url}/dataset/{self.name}", *(one["url"] for one in self.shown()["resources"])]
        return {requests.get(url, headers=headers, allow_redirects=False, timeout=30).status_code for url in urls}


@contextmanager
def depositing(portal: Portal) -> Iterator[Deposit]:
    """A partner with an organisation and an empty deposit; Glane's account is editor there and where it publishes."""
    mark = secrets.token_hex(4)
    organisations = {who: f"{who}-{mark}" for who in ("partner", "stranger")}
    tokens = {}
    for name in organisations.values():
        call(portal, "organization_create", name=name, title=name)
    for who in ("partner", "stranger", "glane"):
        user = f"{who}-{mark}"
        call(portal, "user_create", name=user, email=f"{user}@example.org", password=secrets.token_urlsafe(20))
        editor_of = [organisations[who]] if who != "glane" else [organisations["partner"], portal.organisation]
        for organisation in editor_of:
            call(portal, "organization_member_create", id=organisation, username=user, role="editor")
        tokens[who] = call(portal, "api_token_create", user=user, name="test")["token"]
    deposit = Deposit(portal, f"depot-{mark}", tokens["partner"], tokens["glane"], tokens["stranger"])
    with RemoteCKAN(portal.url, apikey=deposit.partner) as ckan:
        ckan.action.package_create(
            name=deposit.name, owner_org=organisations["partner"], private=True, notes="Notre dépôt.\r\nMerci !"
        )
    try:
        yield deposit
    finally:
        call(portal, "dataset_purge", id=deposit.name)
        for name in organisations.values():
            call(portal, "organization_purge", id=name)
        for who in ("partner", "stranger", "glane"):
            call(portal, "user_delete", id=f"{who}-{mark}")
