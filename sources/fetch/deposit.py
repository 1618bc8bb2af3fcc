"""Finds what a partner uploaded last in its deposit: a private dataset of its organisation on our own portal.

Belongs here: which upload that is, and refusing a deposit that others could read. Does not belong here: fetching it
(http.py), putting the answer there (publish/ckan/deposit.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from glane.errors import CallError
from schemas.deposit import is_answer
from sources.fetch.failures import ContentError, HarvestError
from sources.fetch.http import Client
from sources.fetch.portals import Found, stamp_of
from sources.where import Deposit, Where


@dataclass(frozen=True)
class OwnPortal:
    """Our own portal: its address, and the token (never printed) of Glane's account there."""

    url: str
    token: str = field(repr=False)

    @property
    def where(self) -> Where:
        """How it is asked: its operator named it, so it may be on a private network."""
        return Where(url=self.url, headers={"Authorization": self.token}, private=True)


FindOwnPortal = Callable[[], OwnPortal | None]


class NoPortalError(CallError):
    """A source is deposited on our portal, and none is known."""


class PublicDepositError(CallError):
    """A deposit that anybody can read: a partner's file is not to be public by our doing."""


def find_upload(declared: Deposit, portal: OwnPortal, client: Client, answers: Mapping[str, str]) -> Found:
    """The partner's last upload; `answers` are the files of our last answer (schemas/deposit.py).

    Raises PublicDepositError, HarvestError where the deposit cannot be read or holds no upload, ContentError where what
    answers is no CKAN.
    """
    # https://docs.ckan.org/en/2.12/api/#ckan.logic.action.get.package_show
    dataset = _show(declared, portal, client)
    if dataset.get("state") != "active":
        what = f"The deposit {declared.dataset} on {portal.url} is {dataset.get('state')}."
        raise HarvestError(what, "Restore it there, or make another (docs/sources.md, Deposit).")
    if dataset.get("private") is not True:
        raise PublicDepositError(
            f"The deposit {declared.dataset} on {portal.url} is public: anybody can download what the partner puts "
            "there. Nothing was read.",
            "Make it private there (Manage, Visibility: Private), then run again.",
        )
    upload = newest_upload(dataset.get("resources") or (), declared.resource, answers)
    if upload is None:
        called = f" that is called {declared.resource!r}" if declared.resource else ""
        what = f"Nothing{called} was uploaded to the deposit {declared.dataset} on {portal.url} yet."
        raise HarvestError(what, "Ask the partner to upload its file there; a mere link is no upload.")
    # The address that the portal writes may begin otherwise than the one we use.
    name = urlsplit(str(upload.get("url") or "")).path.rpartition("/")[2] or "upload"
    path = f"dataset/{dataset['id']}/resource/{quote(str(upload['id']))}/download/{name}"
    return Found(f"{portal.url}/{path}", stamp_of(upload))


def newest_upload(
    resources: Sequence[dict[str, Any]], wanted: str | None, answers: Mapping[str, str]
) -> dict[str, Any] | None:
    """Of a deposit's resources, the file uploaded last that is none of our answers (of those that are called `wanted`,
    where that is said); None where there is none."""
    uploads = [
        (str(one.get("last_modified") or one.get("created") or ""), place, one)
        for place, one in enumerate(resources)
        if one.get("url_type") == "upload" and not is_answer(one, answers)
        if wanted is None or wanted == one.get("id") or wanted.casefold() == str(one.get("name") or "").casefold()
    ]
    return max(uploads, key=lambda upload: upload[:2])[2] if uploads else None


def _show(declared: Deposit, portal: OwnPortal, client: Client) -> dict[str, Any]:
    url = f"{portal.url}/api/3/action/package_show?{urlencode({'id': declared.dataset})}"
    try:
        answer = client.json(url)[0]
    except HarvestError as error:
        if error.status == 404:
            what = f"There is no deposit {declared.dataset} on {portal.url}."
            raise HarvestError(
                what, "Make it (docs/sources.md, Deposit), or correct its name in source.yaml."
            ) from error
        if error.status in (401, 403):
            raise HarvestError(
                f"Glane's account may not see the deposit {declared.dataset} on {portal.url}.",
                "Make it an editor of the partner's organisation there; see that its token has not expired.",
            ) from error
        raise
    found = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(found, dict) or "id" not in found:
        what = f"{url} does not answer as CKAN's API is documented to (no result)."
        raise ContentError(what, "Is this the address of a CKAN (GLANE_PORTAL)?")
    return found
