"""Finds a partner's file on the portal that the partner uses: CKAN, udata (data.gouv.fr), Opendatasoft, Grist.

Belongs here: what each portal's documented API says of a dataset, and which of its files is meant. Does not belong
here: fetching that file (http.py, harvest.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from sources.declaration import Kind
from sources.fetch.failures import ContentError
from sources.fetch.http import Client
from sources.where import Ckan, Grist, Opendatasoft, Udata, Where


@dataclass(frozen=True)
class Found:
    """The address of the file. `stamp` is what the portal says of its own copy (a hash, a date): while that is the
    same, the bytes are. None where the portal only links to a file elsewhere, of which it need not know the news."""

    url: str
    stamp: str | None = None


def find(where: Where, kind: Kind, client: Client) -> Found:
    """The file that `where` means, in the format `kind`. Raises HarvestError, and ContentError where the portal has
    no such dataset or file, naming those it has."""
    if where.ckan is not None:
        return _on_ckan(where.ckan, kind, client)
    if where.udata is not None:
        return _on_udata(where.udata, kind, client)
    if where.opendatasoft is not None:
        return _on_opendatasoft(where.opendatasoft, kind, client)
    assert where.grist is not None
    return _on_grist(where.grist)


def _on_ckan(declared: Ckan, kind: Kind, client: Client) -> Found:
    # https://docs.ckan.org/en/2.12/api/#ckan.logic.action.get.package_show
    base = declared.portal.rstrip("/")
    url = f"{base}/api/3/action/package_show?{urlencode({'id': declared.dataset})}"
    resources = _list(client.json(url)[0], ("result", "resources"), url)
    chosen = _choose(resources, declared.resource, kind, ("id", "name", "format"), base)
    return Found(urljoin(f"{base}/", _address(chosen, "url", base)), stamp_of(chosen))


def stamp_of(resource: Mapping[str, Any]) -> str | None:
    """What a CKAN says of the file of a resource: its date, where the portal keeps the file itself."""
    own = resource.get("url_type") == "upload"
    return _text(resource.get("last_modified") or resource.get("metadata_modified")) if own else None


def _on_udata(declared: Udata, kind: Kind, client: Client) -> Found:
    # https://guides.data.gouv.fr/guide-data.gouv.fr/api: GET /api/1/datasets/{dataset}/
    base = declared.portal.rstrip("/")
    url = f"{base}/api/1/datasets/{quote(declared.dataset, safe='')}/"
    resources = _list(client.json(url)[0], ("resources",), url)
    chosen = _choose(resources, declared.resource, kind, ("id", "title", "format"), base)
    own = chosen.get("filetype") == "file"
    checksum = chosen.get("checksum") or {}
    stamp = checksum.get("value") or chosen.get("last_modified") if own else None
    # `latest` is the address that stays when the file is replaced.
    return Found(_address(chosen, "latest" if chosen.get("latest") else "url", base), _text(stamp))


def _on_opendatasoft(declared: Opendatasoft, kind: Kind, client: Client) -> Found:
    # https://help.opendatasoft.com/apis/ods-explore-v2: /catalog/datasets/{dataset}/exports/{format}, without a limit.
    base = f"{declared.portal.rstrip('/')}/api/explore/v2.1/catalog/datasets/{quote(declared.dataset, safe='')}"
    described = client.json(base)[0]
    default = (described.get("metas") or {}).get("default") or {} if isinstance(described, dict) else {}
    asked = {"select": declared.select, "where": declared.filter}
    if kind == "csv":
        asked |= {"delimiter": ";", "with_bom": "false", "use_labels": "false"}
    query = urlencode({name: value for name, value in asked.items() if value})
    stamp = default.get("data_processed") or default.get("modified")
    return Found(f"{base}/exports/{kind}{f'?{query}' if query else ''}", _text(stamp))


def _on_grist(declared: Grist) -> Found:
    # https://support.getgrist.com/api: GET /api/docs/{doc}/tables/{table}/records
    base = declared.server.rstrip("/")
    return Found(f"{base}/api/docs/{quote(declared.document)}/tables/{quote(declared.table)}/records")


def _list(value: Any, path: Sequence[str], url: str) -> list[dict[str, Any]]:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ContentError(
            f"{url} does not answer as the portal's API is documented to (no {'.'.join(path)}).",
            "Check 'portal' and 'dataset' (where:): is this the address of such a portal?",
        )
    return value


def _choose(
    resources: Sequence[dict[str, Any]], wanted: str | None, kind: Kind, keys: Sequence[str], portal: str
) -> dict[str, Any]:
    """The one resource that is meant: by id, name or format; without a word of it, the only one of the kind."""
    for key, text in [(key, wanted or kind) for key in (keys if wanted else keys[-1:])]:
        found = [one for one in resources if str(one.get(key) or "").casefold() == text.casefold()]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            raise _unclear(found, f"{len(found)} files of the dataset have the {key} {text!r}", keys, portal)
    if wanted is None and len(resources) == 1:
        return resources[0]
    raise _unclear(resources, f"No file of the dataset is {wanted or kind!r}", keys, portal)


def _unclear(resources: Sequence[dict[str, Any]], what: str, keys: Sequence[str], portal: str) -> ContentError:
    has = "; ".join(f"{one.get(keys[1])} ({one.get('format')}, id {one.get('id')})" for one in resources[:10])
    return ContentError(f"{what} on {portal}.", f"Name one by its id (where: resource). There are: {has or 'none'}.")


def _address(resource: dict[str, Any], key: str, portal: str) -> str:
    url = str(resource.get(key) or "")
    if not url:
        raise ContentError(f"The file {resource.get('id')} on {portal} has no address.", "Ask the partner.")
    return url


def _text(stamp: object) -> str | None:
    return None if stamp is None else str(stamp)
