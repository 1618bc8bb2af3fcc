"""What a version should look like on a CKAN: pure, from values to the fields of pages and resources.

Belongs here: which pages and resources there are, and every field of theirs that is ours. Does not belong here:
looking at a portal or changing it (publication.py), the texts (words.py).

`<dataset>` is the page people bookmark; its resources are links. `<dataset>-versions` keeps every version's files as
uploads, and rolls over to `-versions-2`, ... (design, 4). A resource of the page is known by `glane_key`
("sites.csv"), a file of a version by its name ("1.2.0/sites.csv"), which every portal keeps.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from glane.text import LANGUAGES, Language
from publish import changelog
from publish.about import PROVENANCE
from publish.ckan import words
from publish.ckan.background import Background, Box, History
from publish.ckan.notes import page_notes
from publish.coverage_files import schema_pointer
from publish.feed import FEED, WITHDRAWN
from publish.formats import FORMATS
from publish.quality import QUALITY
from publish.quality.page import PAGES as QUALITY_PAGES
from publish.telling import day
from publish.version import Kind, Version, VersionFile
from schemas.dataset import Dataset
from schemas.licences import LICENCES

ROLL_OVER = 200
LEASE = "glane_publishing"
DATASTORE = "glane_datastore"
CONTENT = "glane_datastore_content"
UPDATING = "updating"
MANIFEST = "glane_manifest_sha256"
"""The extra of a page that says which version it shows, whatever its number."""
ARCHIVE_TAG = "glane-versions"
"""The tag of the pages that keep versions: by it, other portals leave them out (docs/portals.md)."""

PROJECTED: frozenset[Kind] = frozenset({"feed", "package"})
"""Files that name addresses: the portal's copies name its own, and are other bytes than the store's."""

_PLAIN: frozenset[Kind] = frozenset(
    {"data", "changelog", "delta", "quality", "citation", "withdrawn", "coverage", "provenance"}
)
_MOST_BYTES = 30_000
"""Solr takes no longer value of a field."""

_SHA256 = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"
_PUBLIC = "http://publications.europa.eu/resource/authority/access-right/PUBLIC"
_FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/{}"
_LANGUAGE = "http://publications.europa.eu/resource/authority/language/{}"
_LANGUAGES = {"fr": "FRA", "en": "ENG"}
_FREQUENCIES = {"daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY", "irregular": "IRREG"}
_PAGES = (
    "datapackage.json",
    "changelog.fr.md",
    "changelog.en.md",
    *QUALITY_PAGES,
    QUALITY,
    FEED,
    WITHDRAWN,
    PROVENANCE,
)
_TITLES = {
    "datapackage.json": "package",
    QUALITY: "quality",
    **dict.fromkeys(QUALITY_PAGES, "quality_page"),
    FEED: "feed",
    WITHDRAWN: "withdrawn",
    PROVENANCE: "provenance",
}
_MEDIATYPES = {
    ".json": "application/json",
    ".html": "text/html",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".parquet": FORMATS["parquet"].mediatype,
    ".xml": "application/atom+xml",
    ".cff": "application/yaml",
}


@dataclass(frozen=True)
class Served:
    """A file of a version as the portal keeps it: its address there, and what it must be."""

    url: str
    sha256: str
    bytes: int


def archive_name(dataset: str, number: int) -> str:
    """The name of the page that keeps versions; the second is `-versions-2`."""
    return f"{dataset}-versions" if number == 1 else f"{dataset}-versions-{number}"


def archive_number(dataset: str, url: str) -> int:
    """The number of the page that `url` leads to, 1 where it leads to none that keeps versions."""
    found = re.fullmatch(rf"{re.escape(dataset)}-versions(?:-(\d+))?", url.rpartition("/")[2])
    return int(found[1] or 1) if found else 1


def public_files(version: Version) -> list[VersionFile]:
    """The files of a version that leave the house; those that name addresses last, the descriptor at the end."""
    files = [file for file in version.files if file.kind in _PLAIN | PROJECTED]
    return sorted(files, key=lambda file: (file.kind in PROJECTED, file.kind == "package"))


def archived_name(version: str, path: str) -> str:
    """The name of the resource that keeps the file `path` of `version`: what it is found by."""
    return f"{version}/{path}"


def archived(
    version: Version, file: VersionFile, licence: str, *, sha256: str, size: int, identifier: str
) -> dict[str, Any]:
    """The resource that keeps one file of a version for ever; `licence` is the address of its text."""
    return {
        "id": identifier,
        "name": archived_name(version.version, file.path),
        "format": _format(file),
        "mimetype": _mediatype(file),
        "description": f"{day(version.created, 'fr')} · {day(version.created, 'en')}",
        "size": size,
        "hash": sha256,
        "hash_algorithm": _SHA256,
        "sha256": sha256,
        "license": licence,
        "glane_version": version.version,
    }


def archive(dataset: Dataset, number: int, page_url: str) -> dict[str, Any]:
    """The page that keeps versions, marked so that other portals need not harvest it as a dataset of its own.

    `extras` as {key: value}. Its title has the dataset's name, not its title: after a thousand versions there are a
    hundred such pages, and who searches for the title's words looks for the dataset.
    """
    line = dataset.line
    name = archive_name(dataset.name, number)
    return {
        "name": name,
        "title": f"{dataset.name} : versions" + (f" ({number})" if number > 1 else ""),
        "notes": words.archive_notes(dataset, page_url),
        "license_id": LICENCES[line.licence.publish].ckan,
        "maintainer": line.steward.name,
        "maintainer_email": line.steward.email,
        "tags": [{"name": ARCHIVE_TAG}],
        "extras": {
            "uri": f"{page_url.removesuffix(dataset.name)}{name}",
            "is_version_of": page_url,
            "publisher_name": line.steward.name,
            "publisher_email": line.steward.email,
            "glane_versions_of": dataset.name,
        },
    }


def page_keys(dataset: Dataset, version: Version) -> list[tuple[str, VersionFile]]:
    """The resources of the page in their order, as (glane_key, file): each table's CSV before its other formats."""
    data = [(f"{file.table}.{FORMATS[file.format or 'csv'].extension}", file) for file in version.files if file.table]
    keyed = [(key, file) for key, file in data if file.kind == "data"]
    order = {table.name: position for position, table in enumerate(dataset.tables)}
    keyed.sort(key=lambda item: order[str(item[1].table)])
    files = {file.path: file for file in version.files}
    covering = [(file.path, file) for file in version.files if file.kind == "coverage"]
    return keyed + covering + [(path, files[path]) for path in _PAGES if path in files]


def awaited(key: str, file: VersionFile) -> dict[str, Any]:
    """A resource of a page that nobody sees yet: enough to hang a DataStore table, a preview and a lease on it."""
    return {"name": key, "glane_key": key, "url": "", "url_type": "datapusher", "format": _format(file)}


def page_resource(
    dataset: Dataset,
    version: Version,
    key: str,
    file: VersionFile,
    served: Mapping[str, Served],
    background: Background,
    page_url: str,
) -> dict[str, Any]:
    """The fields of one resource of the page: a link to the version's own file among those `served`, by path.

    `url_type` is `datapusher` so that ckanext-xloader leaves the DataStore table alone (design, 4). ckanext-dcat
    reads access_url, download_url, license, rights, documentation, conforms_to, hash, hash_algorithm, mimetype, size.
    """
    here = served[file.path]
    if file.kind == "coverage":
        name, description = words.coverage(dataset, file), words.version_of(version)
    elif file.table is not None:
        table = dataset.table(file.table)
        name = words.table(dataset, file)
        description = words.table_notes(dataset, table, version, background, page_url)
    else:
        word = _TITLES.get(key)
        texts = [words.say(word, one) for one in ("fr", "en")] if word else []
        language = f" ({key.split('.')[1]})" if key.count(".") > 1 else ""
        name = (" · ".join(texts) or "Ce qui change · What changed") + language
        description = words.version_of(version)
    return {
        "name": name,
        "description": description,
        "url": here.url,
        "access_url": here.url,
        "download_url": here.url,
        "url_type": "datapusher",
        "format": _format(file),
        "mimetype": _mediatype(file),
        "size": here.bytes,
        "hash": here.sha256,
        "hash_algorithm": _SHA256,
        "sha256": here.sha256,
        "license": LICENCES[dataset.licence_of(file.table) if file.table else dataset.line.licence.publish].url,
        "rights": words.title(dataset.line.governance.reuse),
        "documentation": f"{served['datapackage.json'].url}#/governance",
        **({"conforms_to": _schema_address(dataset, file, served)} if file.table else {}),
        "glane_key": key,
        "glane_version": version.version,
    }


def page(dataset: Dataset, version: Version, history: History, background: Background, page_url: str) -> dict[str, Any]:
    """The fields of the dataset's page; `extras` as {key: value}, named as ckanext-dcat reads them."""
    line = dataset.line
    licence = LICENCES[line.licence.publish]
    extras = {
        # Its name among linked data: an address that outlives the page's id, which a portal made anew gives afresh.
        "uri": page_url,
        "issued": background.issued,
        "modified": version.created,
        "identifier": f"{dataset.name}",
        "frequency": _FREQUENCY.format(_FREQUENCIES[line.frequency]),
        "language": _LANGUAGE.format(_LANGUAGES[line.language]),
        "contact_name": line.steward.name,
        "contact_email": line.steward.email,
        "publisher_name": line.steward.name,
        "publisher_email": line.steward.email,
        "license_url": licence.url,
        "access_rights": _PUBLIC,
        "attribution": _attribution(version),
        "provenance": _attribution(version),
        "temporal_start": background.period[0],
        "temporal_end": background.period[1],
        "glane_versions": history.url,
        MANIFEST: background.manifest_sha256,
        "version_notes": " · ".join(_changes(background, one) for one in LANGUAGES),
        **({"spatial": spatial(background.box)} if background.box else {}),
    }
    return {
        "title": words.title(line.title),
        "notes": page_notes(dataset, version, history, background),
        "version": version.version,
        "license_id": licence.ckan,
        "author": line.steward.name,
        "author_email": line.steward.email,
        "maintainer": line.steward.name,
        "maintainer_email": line.steward.email,
        "tags": [{"name": name} for name in tags(dataset)],
        "private": False,
        "extras": extras,
    }


def spatial(box: Box) -> str:
    """The box as GeoJSON (what ckanext-spatial and ckanext-dcat read)."""
    ring = [
        [box.west, box.south],
        [box.east, box.south],
        [box.east, box.north],
        [box.west, box.north],
        [box.west, box.south],
    ]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def _changes(background: Background, language: Language) -> str:
    """What the version changed, as sentences on one line."""
    lines = changelog.summary(background.changes, language) if background.changes else []
    return " ".join(line if line[-1] in ".:" else f"{line}." for line in lines)


def _attribution(version: Version) -> str:
    """Whom to credit; beyond what a search index takes for one value, how many more there are."""
    partners, told = sorted({source.attribution for source in version.inputs}), ""
    for number, credit in enumerate(partners):
        longer = f"{told} | {credit}" if told else credit
        if len(longer.encode()) > _MOST_BYTES:
            return f"{told} | + {len(partners) - number}"
        told = longer
    return told


def tags(dataset: Dataset) -> list[str]:
    """The dataset's keywords as CKAN takes tags: letters, digits, spaces, `-`, `_` and `.`, 2 to 100 of them."""
    found = [word for keyword in dataset.line.keywords for word in (keyword.fr, keyword.en)]
    clean = [" ".join(re.sub(r"[^\w\-. ]", " ", word).split())[:100] for word in found]
    return list(dict.fromkeys(word for word in clean if len(word) >= 2))


def batches(files: Sequence[tuple[str, int]], limit: int) -> list[list[str]]:
    """Put (name, size) files, in order, into as few uploads as keep under `limit` bytes each."""
    done: list[list[str]] = []
    room = 0
    for name, size in files:
        if done and size <= room:
            done[-1].append(name)
            room -= size
        else:
            done.append([name])
            room = limit - size
    return done


def extras_of(page: Mapping[str, Any]) -> dict[str, Any]:
    """The extras of a page as the portal gives it: {key: value}."""
    return {extra["key"]: extra["value"] for extra in page.get("extras") or []}


def with_theirs(ours: Mapping[str, Any], page: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Our extras beside those that others put on `page`, as CKAN takes them."""
    return [{"key": key, "value": value} for key, value in {**extras_of(page or {}), **ours}.items()]


def differs(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether a page or resource lacks something that we want of it (what others added does not count)."""
    for key, value in wanted.items():
        there = found.get(key)
        if key == "extras":
            here = extras_of(found)
            if any(here.get(name) != text for name, text in value.items()):
                return True
        elif key == "tags":
            if sorted(tag["name"] for tag in value) != sorted(tag["name"] for tag in there or []):
                return True
        elif there != value:
            return True
    return False


def file_name(path: str) -> str:
    """The name under which a file of a version is downloaded."""
    return PurePosixPath(path).name


def _schema_address(dataset: Dataset, file: VersionFile, served: Mapping[str, Served]) -> str:
    """Where the Table Schema of a file stands: in the version's descriptor, by a JSON pointer (RFC 6901)."""
    if file.kind == "coverage":
        pointer = schema_pointer(dataset, file)
    else:
        pointer = f"resources/{[one.name for one in dataset.tables].index(str(file.table))}/schema"
    return f"{served['datapackage.json'].url}#/{pointer}"


def _format(file: VersionFile) -> str:
    if file.kind == "feed":
        return "Atom"
    if file.kind == "provenance":
        return FORMATS["parquet"].label
    return FORMATS[file.format].label if file.format else PurePosixPath(file.path).suffix[1:].upper()


def _mediatype(file: VersionFile) -> str:
    if file.format:
        return FORMATS[file.format].mediatype
    suffix = PurePosixPath(file.path).suffix
    return _MEDIATYPES[suffix]
