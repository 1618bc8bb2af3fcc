"""What reusers follow: an Atom feed of versions and of the change announced ahead, and the keys that are withdrawn.

Belongs here: both files of a version. Each speaks of the versions up to its own, and is never changed; the page's
resource leads to the current one's. Does not belong here: the words of a change (changelog.py).
"""

import uuid
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any
from xml.etree import ElementTree

import polars as pl

from glane.store import Store
from glane.text import LANGUAGES, Language
from publish import changelog
from publish.delta import Difference
from publish.formats.delimited import read_csv, to_csv
from publish.merge import SEPARATOR
from publish.notice import Announced, in_words
from publish.telling import day
from publish.version import Version, listed, path_of, version_key

FEED, WITHDRAWN = "feed.xml", "withdrawn.csv"
MOST_ENTRIES = 50
"""Versions in a feed: a reader who was away longer finds them all in versions.json and on the page of versions."""

MOST_LINES = 20
"""Lines of an entry about fields, constraints and texts."""

_ATOM = "http://www.w3.org/2005/Atom"
_COLUMNS = ("table", "key", "version", "withdrawn")

Told = Mapping[str, Any]
"""A version's changelog as a value (changelog.tell)."""


def atom(descriptor: Mapping[str, Any], tellings: Sequence[Told]) -> bytes:
    """The Atom feed (RFC 4287) of a dataset's versions, the newest first, as `tellings` gives them; before them, while
    a notice stands, its own entry, which stays the same until its words change.

    It names no address: a version does not know the portals that will show it (see at()).
    """
    feed = _element(None, "feed")
    _element(feed, "id", f"urn:uuid:{descriptor['id']}")
    _element(feed, "title", " · ".join(dict.fromkeys(descriptor["titles"].values())))
    _element(feed, "updated", tellings[0]["created"])
    _element(_element(feed, "author"), "name", descriptor["contributors"][0]["title"])
    _element(feed, "rights", descriptor["licenses"][0]["title"])
    _element(feed, "generator", "Glane")
    if notice := descriptor.get("notice"):
        _announce(feed, descriptor["id"], notice)
    for told in tellings[:MOST_ENTRIES]:
        entry = _element(feed, "entry")
        _element(entry, "id", f"urn:uuid:{uuid.uuid5(uuid.UUID(descriptor['id']), told['version'])}")
        _element(entry, "title", " · ".join(changelog.heading(told, one) for one in LANGUAGES))
        _element(entry, "updated", told["created"])
        _element(entry, "category").set("term", told["level"])
        lines = ["\n".join([*changelog.summary(told, one), *_structure(told, one)]) for one in LANGUAGES]
        _element(entry, "content", "\n\n".join(lines)).set("type", "text")
    return _written(feed)


def _announce(feed: ElementTree.Element, identifier: str, notice: Announced) -> None:
    entry = _element(feed, "entry")
    _element(entry, "id", f"urn:uuid:{uuid.uuid5(uuid.UUID(identifier), 'notice ' + notice['date'])}")
    days = [day(notice["date"], one) for one in LANGUAGES]
    _element(entry, "title", "Préavis pour le {} · Notice for {}".format(*days))
    _element(entry, "updated", notice["announced"])
    _element(entry, "category").set("term", "notice")
    said = [in_words(notice, one) for one in LANGUAGES]
    _element(entry, "content", "\n\n".join(line[0].upper() + line[1:] for line in said)).set("type", "text")


def _structure(told: Told, language: Language) -> list[str]:
    """What changed beside rows, in as many lines as somebody reads in a feed; the changelog has them all."""
    return [str(change[language]) for change in told["changes"][:MOST_LINES]]


def at(feed: bytes, page: str) -> bytes:
    """The same feed on a portal, where it and each of its entries lead to the dataset's `page`."""
    root = ElementTree.fromstring(feed)
    for element in (root, *root.findall(f"{{{_ATOM}}}entry")):
        link = _element(element, "link")
        link.set("rel", "alternate")
        link.set("href", page)
    return _written(root)


def told_before(store: Store, last: Version | None) -> list[Told]:
    """The changelogs of the versions up to `last`, the newest first, as many as a feed holds."""
    if last is None:
        return []
    numbers = [line.version for line in listed(store, last.dataset)]
    numbers = numbers[numbers.index(last.version) :: -1]
    keys = (f"{version_key(last.dataset, number)}/changelog.json" for number in islice(numbers, MOST_ENTRIES - 1))
    found = (store.read_json(key) for key in keys)
    return [told for told in found if isinstance(told, dict)]


def withdrawn(store: Store, version: Version, last: Version | None, differences: Mapping[str, Difference]) -> bytes:
    """The keys that were published once and are not in `version`: what a reuser should erase, and nothing else of
    those rows. Columns: table, key (the parts of a composite one joined by `|`), version and day of withdrawal.

    A key that came back is not among them.
    """
    files = {file.path: file for file in last.files} if last else {}
    empty = pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))
    gone = read_csv(path_of(store, last, files[WITHDRAWN])) if last and WITHDRAWN in files else empty
    for table, difference in differences.items():
        back = _keys(table, difference, difference.added)
        left = _keys(table, difference, difference.removed).with_columns(
            pl.lit(version.version).alias("version"), pl.lit(version.created[:10]).alias("withdrawn")
        )
        # A table that was left out for a time came back uncompared: a key of it may still be listed.
        gone = pl.concat(
            [gone.join(back, on=["table", "key"], how="anti").join(left, on=["table", "key"], how="anti"), left]
        )
    return to_csv(gone.sort("table", "key"))


def _keys(table: str, difference: Difference, rows: pl.DataFrame) -> pl.DataFrame:
    key = pl.concat_str(list(difference.key), separator=SEPARATOR)
    return rows.select(pl.lit(table).alias("table"), key.alias("key"))


def _element(parent: ElementTree.Element | None, name: str, text: str | None = None) -> ElementTree.Element:
    tag = f"{{{_ATOM}}}{name}"
    made = ElementTree.Element(tag) if parent is None else ElementTree.SubElement(parent, tag)
    made.text = text
    return made


def _written(feed: ElementTree.Element) -> bytes:
    ElementTree.register_namespace("", _ATOM)
    ElementTree.indent(feed)
    return bytes(ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)) + b"\n"
