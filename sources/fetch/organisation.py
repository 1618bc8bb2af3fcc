"""Fetches one file of every dataset of an organisation on a CKAN, and keeps them all in one snapshot.

Belongs here: which datasets and files those are, and which of them need to come again. Does not belong here: one
dataset (portals.py), one request (http.py), reading the tables together (formats/archive.py).

The snapshot is a ZIP of the files by the names of their datasets (lieux-angers.csv, ...), not compressed and without
dates: the same files are the same bytes, whenever they come. One that fails makes the whole read fail: an organisation
short of one dataset would be taken for one whose rows are gone.
"""

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urljoin

from sources.declaration import Kind
from sources.fetch.failures import ContentError, HarvestError
from sources.fetch.http import Client, too_large
from sources.fetch.ladder import Seen
from sources.fetch.portals import stamp_of
from sources.where import Ckan

_PAGE = 100
"""Datasets asked for at once; CKAN gives 1000 at most (ckan.search.rows_max), and fewer where it is set so."""

_DATASETS_MAX = 5000
_AGAIN = "Try again later: they may have changed while we read."

Check = Callable[[Path, str], None]
"""Raises ContentError where the file is plainly not data: (path, address)."""


@dataclass(frozen=True)
class Member:
    """One dataset's file: its name in the snapshot, its address, what its portal says of it (`stamp`, where the portal
    keeps it itself), and what the server said of it when it came."""

    name: str
    url: str
    stamp: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    length: str | None = None


@dataclass(frozen=True)
class Former:
    """The snapshot of last time: its members, when they were `asked` for, and where its ZIP is (called only where it is
    needed)."""

    members: tuple[Member, ...]
    asked: str
    archive: Callable[[], Path]


@dataclass(frozen=True)
class Gathered:
    """What came: `members` as they are now and the `story` of each; `same` where nothing is new, and what told."""

    members: tuple[Member, ...]
    story: dict[str, Any]
    same: Literal["portal", "etag"] | None = None


def fetch_organisation(
    declared: Ckan, kind: Kind, target: Path, client: Client, former: Former | None, check: Check
) -> Gathered:
    """Write the file of every dataset that `declared` means to the ZIP `target`; what has not changed since `former`
    is not asked for again. Where nothing has, no ZIP is written.

    Raises HarvestError where the portal or a file fails, ContentError where there is none, or one is not the data.
    """
    datasets, asked = _list(declared, client)
    chosen, passed_over = _choose(declared, kind, datasets)
    known = {member.name: member for member in former.members} if former is not None else {}
    told: dict[str, Any] = {"asked": asked, "answered": {"passed_over": passed_over}}
    if former is not None and chosen == [_as_found(one) for one in former.members] and all(one.stamp for one in chosen):
        return Gathered(former.members, told, same="portal")
    with tempfile.TemporaryDirectory(prefix="glane-") as folder:
        fetched = _Fetched(Path(folder), client, former.asked if former is not None else None, check)
        members = tuple(fetched.member(one, known.get(one.name)) for one in chosen)
        told["answered"] = {"datasets": fetched.story, "passed_over": passed_over}
        if not fetched.files and known.keys() == {one.name for one in members}:
            return Gathered(members, told, same="etag")
        _pack(members, fetched.files, former, target)
    if target.stat().st_size > client.patience.bytes_max:
        raise too_large(declared.page, client.patience)
    return Gathered(members, told)


class _Fetched:
    """The files that had to come, in a folder; and what was asked and answered of each."""

    def __init__(self, folder: Path, client: Client, asked: str | None, check: Check) -> None:
        self._folder, self._client, self._asked, self._check = folder, client, asked, check
        self._moved = 0
        self.files: dict[str, Path] = {}
        self.story: list[dict[str, Any]] = []

    def member(self, found: Member, known: Member | None) -> Member:
        """The member as it is now; its bytes are fetched where they are not those of last time."""
        known = known if known is not None and known.url == found.url else None
        if known is not None and found.stamp is not None and known.stamp == found.stamp:
            self.story.append({"name": found.name, "url": found.url, "stamp": found.stamp, "asked": False})
            return known
        seen = Seen(known.etag, known.last_modified, known.length, self._asked) if known is not None else None
        path = self._folder / f"{len(self.story):05}"
        answered = self._client.fetch(found.url, path, seen)
        told = {"name": found.name, "url": answered.url, "stamp": found.stamp}
        self.story.append({**told, "status": answered.status, "headers": dict(answered.headers)})
        if answered.told is not None and known is not None:
            return replace(known, stamp=found.stamp)
        self._check(path, found.url)
        self.files[found.name] = path
        self._moved += path.stat().st_size
        if self._moved > self._client.patience.bytes_max:
            raise too_large(found.url, self._client.patience)
        etag, date, length = (answered.headers.get(name) for name in ("etag", "last-modified", "content-length"))
        return replace(found, etag=etag, last_modified=date, length=length)


def _list(declared: Ckan, client: Client) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every public dataset of the organisation by name, and what was asked.

    https://docs.ckan.org/en/2.12/api/#ckan.logic.action.get.package_search: private, draft and deleted ones are left
    out unless one asks for them.
    """
    base = f"{declared.portal.rstrip('/')}/api/3/action"
    # An organisation that is not there is no empty one: this answers 404.
    client.json(f"{base}/organization_show?{urlencode({'id': declared.organisation})}")
    query = {"fq": f'organization:"{declared.organisation}"', "sort": "name asc", "rows": str(_PAGE)}
    found: dict[str, dict[str, Any]] = {}
    pages, count = [], 1
    while len(found) < count:
        url = f"{base}/package_search?{urlencode({**query, 'start': str(len(found))})}"
        count, page = _page(client.json(url)[0], url)
        pages.append({"url": url, "datasets": len(page)})
        fresh = {str(one.get("name")): one for one in page}
        if count and (not page or len(fresh) < len(page) or fresh.keys() & found.keys()):
            what = f"{declared.page} says that it has {count} datasets, and gives one twice or too few."
            raise HarvestError(what, _AGAIN)
        found |= fresh
        if len(found) > _DATASETS_MAX:
            what = f"{declared.page} has more than {_DATASETS_MAX} datasets."
            raise HarvestError(what, "Narrow it down on the portal, or read its datasets as sources of their own.")
    return [found[name] for name in sorted(found)], {**client.asked(declared.page), "pages": pages}


def _page(answer: Any, url: str) -> tuple[int, list[dict[str, Any]]]:
    result = answer.get("result") if isinstance(answer, dict) else None
    page = result.get("results") if isinstance(result, dict) else None
    count = result.get("count") if isinstance(result, dict) else None
    if not isinstance(count, int) or not isinstance(page, list) or not all(isinstance(one, dict) for one in page):
        what = f"{url} does not answer as CKAN's API is documented to (no result.count and result.results)."
        raise ContentError(what, "Check 'portal' (where: ckan): is this the address of a CKAN?")
    return count, page


def _choose(declared: Ckan, kind: Kind, datasets: list[dict[str, Any]]) -> tuple[list[Member], list[str]]:
    """The file of each dataset that is meant, and the names of the datasets that have none or are not meant."""
    chosen, passed_over = [], []
    for dataset in datasets:
        name = str(dataset.get("name"))
        tags = {str(tag.get("name")).casefold() for tag in dataset.get("tags") or ()}
        meant = fnmatchcase(name, declared.match) and {tag.casefold() for tag in declared.tags} <= tags
        resource = _resource(declared, kind, dataset, name) if meant else None
        if resource is None:
            passed_over.append(name)
            continue
        url = urljoin(f"{declared.portal.rstrip('/')}/", str(resource.get("url") or ""))
        chosen.append(Member(f"{name}.{kind}", url, stamp_of(resource)))
    if not chosen:
        names = ", ".join(passed_over[:10]) or "none that is public"
        what = f"No dataset of {declared.page} has a file that is {declared.resource or kind!r} and is meant."
        raise ContentError(what, f"Correct 'resource', 'tags' or 'match' (where: ckan). There are: {names}.")
    return chosen, passed_over


def _resource(declared: Ckan, kind: Kind, dataset: dict[str, Any], name: str) -> dict[str, Any] | None:
    wanted = (declared.resource or kind).casefold()
    resources = dataset.get("resources") or []
    for key in ("name", "format"):
        found = [one for one in resources if fnmatchcase(str(one.get(key) or "").casefold(), wanted)]
        if len(found) > 1:
            what = f"The dataset {name} of {declared.page} has {len(found)} files whose {key} fits {wanted!r}."
            has = "; ".join(f"{one.get('name')} ({one.get('format')})" for one in found[:10])
            remedy = f"Say which by a name they share (where: resource: 'lieux*'). There are: {has}."
            raise ContentError(what, f"{remedy} Or leave the dataset out (match, tags).")
        if found:
            return dict(found[0])
    return None


def _as_found(member: Member) -> Member:
    return Member(member.name, member.url, member.stamp)


def _pack(members: tuple[Member, ...], files: Mapping[str, Path], former: Former | None, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for member in members:
            with archive.open(zipfile.ZipInfo(member.name), "w", force_zip64=True) as packed:
                if member.name in files:
                    with files[member.name].open("rb") as file:
                        shutil.copyfileobj(file, packed)
                else:
                    assert former is not None
                    with zipfile.ZipFile(former.archive()) as before, before.open(member.name) as file:
                        shutil.copyfileobj(file, packed)
