"""Fetches a JSON API that gives its records page by page, and keeps every page byte for byte.

Belongs here: where the next page is, and when there is none. Does not belong here: one request (http.py), what the
records say (formats/).

The snapshot is a ZIP of the pages in their order (0001.json, ...), not compressed and without dates: the same pages
are the same bytes, whenever they come.
"""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from requests.utils import parse_header_links

from sources.fetch.failures import ContentError, HarvestError
from sources.fetch.http import Answered, Client, too_large
from sources.where import Pages


def fetch_pages(declared: Pages, records: str, target: Path, client: Client) -> dict[str, Any]:
    """Write every page to the ZIP `target`; `records` is the path to the list of records in each.

    Gives what was asked and answered, page by page. Raises HarvestError where the API fails, goes round in a circle,
    never ends or moves its records while they are read, ContentError where a page has no records to be found.
    """
    story: list[dict[str, Any]] = []
    seen: set[str] = set()
    order = _Order(declared, records)
    taken = size = 0
    promised: Any = None
    url: str | None = _address(declared, str(_first(declared)) if declared.by in ("page", "offset") else None)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        while url is not None:
            page, data, answered = client.json(url)
            found = _records(page, records, url)
            story.append({"url": url, "status": answered.status, "records": len(found)})
            if not found and len(story) > 1:
                break
            _check_new(data, seen, url)
            size += len(data)
            if size > client.patience.bytes_max:
                raise too_large(declared.url, client.patience)
            archive.writestr(zipfile.ZipInfo(f"{len(story):04}.json"), data)
            taken += len(found)
            before, promised = promised, _at(page, declared.total) if declared.total else taken
            if declared.total and len(story) > 1 and before != promised:
                raise _moved(declared, f"it had {before} records, and {promised} a page later")
            order.note(url, found)
            url = _next(declared, page, answered, len(story), taken) if found else None
            if url is not None and len(story) >= declared.pages_max:
                raise HarvestError(
                    f"{declared.url} gives more than {declared.pages_max} pages.",
                    "Raise pages_max in source.yaml if it is true, or ask for larger pages (size).",
                )
    order.check(client)
    if promised != taken:
        raise HarvestError(
            f"{declared.url} says that it has {promised} records, and gave {taken}.",
            "Try again later: they may have changed while we read. If it lasts, check 'total' (where: pages).",
        )
    return {"asked": {**client.asked(declared.url), "pages": len(story)}, "answered": {"pages": story}}


class _Order:
    """Notices records that come on two pages: the list moved while we read it, and others did not come at all."""

    def __init__(self, declared: Pages, records: str) -> None:
        self._declared = declared
        self._records = records
        self._first: dict[str, str] = {}
        self._pages: dict[str, list[str]] = {}
        self._doubtful: str | None = None

    def note(self, url: str, found: list[Any]) -> None:
        """Remember the records of a page."""
        digests = [hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest() for one in found]
        for digest in digests:
            first = self._first.setdefault(digest, url)
            if first != url and self._doubtful is None:
                self._doubtful = first
                self._pages[first] = [one for one, page in self._first.items() if page == first]

    def check(self, client: Client) -> None:
        """Ask the page again on which a record stood that came a second time. As it was, the partner has it twice."""
        if self._doubtful is None:
            return
        page, _, _ = client.json(self._doubtful)
        found = _records(page, self._records, self._doubtful)
        now = {hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest() for one in found}
        if now != set(self._pages[self._doubtful]):
            raise _moved(self._declared, "a record came on two pages, and the first of them is another now")


def _moved(declared: Pages, seen: str) -> HarvestError:
    return HarvestError(
        f"{declared.url} moved its records while we read them: {seen}. Some came twice, and others not at all.",
        "Try again later. If it lasts, ask for a fixed order in the address (a parameter such as sort=id).",
    )


def _first(declared: Pages) -> int:
    """What `parameter` counts from, by page or by offset."""
    return int(declared.by == "page") if declared.first is None else declared.first


def _next(declared: Pages, page: Any, answered: Answered, number: int, taken: int) -> str | None:
    if declared.by in ("page", "offset"):
        return _address(declared, str(_first(declared) + (number if declared.by == "page" else taken)))
    if declared.by == "cursor":
        cursor = _at(page, str(declared.next))
        return None if cursor in (None, "", False) else _address(declared, str(cursor))
    link = _at(page, declared.next) if declared.next else _linked(answered)
    if not link:
        return None
    url = urljoin(answered.url, str(link))
    if urlsplit(url).netloc != urlsplit(declared.url).netloc:
        raise HarvestError(
            f"{declared.url} says that the next page is on another server: {url}.", "Ask the partner if it is right."
        )
    return url


def _address(declared: Pages, value: str | None) -> str:
    parts = urlsplit(declared.url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if declared.size is not None and declared.size_parameter is not None:
        query[declared.size_parameter] = str(declared.size)
    if value is not None and declared.parameter is not None:
        query[declared.parameter] = value
    return urlunsplit(parts._replace(query=urlencode(query)))


def _linked(answered: Answered) -> str | None:
    links = parse_header_links(answered.headers.get("link", ""))
    return next((link["url"] for link in links if link.get("rel") == "next"), None)


def _at(page: Any, path: str) -> Any:
    for step in path.split("."):
        page = page.get(step) if isinstance(page, dict) else None
    return page


def _records(page: Any, path: str, url: str) -> list[Any]:
    found = _at(page, path) if path else page
    if isinstance(found, list):
        return found
    where = f"at {path!r}" if path else "at the top"
    raise ContentError(f"{url} has no list of records {where}.", "Correct the path (format: records).")


def _check_new(data: bytes, seen: set[str], url: str) -> None:
    digest = hashlib.sha256(data).hexdigest()
    if digest in seen:
        raise HarvestError(
            f"{url} gives a page that came already: its paging goes round.",
            "Check 'by' and 'parameter' (where: pages): the server takes no notice of them.",
        )
    seen.add(digest)
