"""The datapackage.json of a version (Data Package v2): what the files are, under which licence, whom to credit.

Belongs here: the descriptor, its identity (what must differ for a version to be another), and its projection onto
other addresses. Does not belong here: writing files (build.py) or uploading them (ckan/).

A table is one resource, its canonical CSV; its other formats stand in the resource's `alternatives`. They are no
resources of their own: `type` knows only "table" in the v2 profile, and a reader without a Parquet reader could not
validate the package.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from glane.text import LANGUAGES, Text
from publish.contribution import Contribution
from publish.formats import FORMATS
from publish.version import VersionFile
from schemas.dataset import Dataset
from schemas.error_address import template
from schemas.licences import LICENCES

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"


def describe(
    dataset: Dataset,
    contributions: Sequence[Contribution],
    files: Sequence[VersionFile],
    *,
    number: str,
    created: str,
    notice: Mapping[str, Any] | None = None,
    beside: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
) -> dict[str, Any]:
    """The descriptor of a version made of `contributions`, whose data files are `files` (paths beside it).

    `notice` is the change that it announces (notice.standing_notice), a property of our own. `beside` names the tables
    of other datasets, with their version, that a table of links was made of.
    """
    line = dataset.line
    names = [table.name for table in dataset.tables]
    described = {
        "$schema": PROFILE,
        "name": dataset.name,
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{line.steward.email}#{dataset.name}")),
        "title": line.title[line.language],
        "description": line.description[line.language],
        "titles": _both(line.title),
        "descriptions": _both(line.description),
        "version": number,
        "created": created,
        "keywords": [word for keyword in line.keywords for word in dict.fromkeys(_both(keyword).values())],
        "licenses": [_licence(spdx) for spdx in dict.fromkeys(map(dataset.licence_of, names))],
        "contributors": _contributors(dataset, contributions),
        # Rows in their grace period are of an older snapshot of the same source: provenance tells which.
        "sources": [_source(contribution) for contribution in contributions if contribution.absent_since is None],
        "governance": _governance(dataset),
        "resources": [_resource(dataset, name, files, (beside or {}).get(name, ())) for name in names],
    }
    return announcing(described, notice)


def _licence(spdx: str) -> dict[str, str]:
    return {"name": spdx, "title": LICENCES[spdx].title, "path": LICENCES[spdx].url}


def announcing(descriptor: Mapping[str, Any], notice: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same descriptor with `notice` as the change that it announces; with none where that is None."""
    rest = {key: value for key, value in descriptor.items() if key != "notice"}
    return {**rest, "notice": dict(notice)} if notice else rest


def identity(descriptor: Mapping[str, Any]) -> str:
    """SHA-256 of what makes a version another one: data, schemas, words, licences, credits.

    The number, the dates, the coverage, the versions of other datasets that links were made of and the bytes of derived
    formats do not count: fetching the same again, another list of communes, or a new release of the library that writes
    XLSX, makes no version.
    """
    beside = ("version", "created", "forgotten", "coverage")
    kept = {key: value for key, value in descriptor.items() if key not in beside}
    kept["sources"] = [
        {key: value for key, value in source.items() if key not in ("version", "retrieved")}
        for source in descriptor["sources"]
    ]
    kept["resources"] = [
        {
            **{key: value for key, value in resource.items() if key != "sources"},
            "alternatives": [other["format"] for other in resource.get("alternatives", [])],
        }
        for resource in descriptor["resources"]
    ]
    if kept.get("notice"):
        kept["notice"] = {key: value for key, value in kept["notice"].items() if key != "announced"}
    canonical = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def content_of(descriptor: Mapping[str, Any]) -> str:
    """The identity of a whole descriptor as it was taken before its other formats were written: Version.content."""
    return identity(_without_others(descriptor))


def words_changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether what a package says of itself (titles, licences, credits, rules) changed, data and notice apart."""
    bare: dict[str, Any] = {"resources": [], "notice": None}
    return identity({**old, **bare}) != identity({**new, **bare})


def project(descriptor: Mapping[str, Any], addresses: Mapping[str, str]) -> dict[str, Any]:
    """The same descriptor for a reader elsewhere: every path replaced by its address; one without is left out."""
    resources = []
    for resource in descriptor["resources"]:
        others = [
            {**other, "path": addresses[other["path"]]}
            for other in resource.get("alternatives", [])
            if other["path"] in addresses
        ]
        resources.append({**resource, "path": addresses[resource["path"]], "alternatives": others})

    def moved(file: Mapping[str, Any]) -> dict[str, Any] | None:
        return {**file, "path": addresses[file["path"]]} if file["path"] in addresses else None

    return {**descriptor, "resources": resources, **_covered(descriptor, moved)}


def _without_others(descriptor: Mapping[str, Any]) -> dict[str, Any]:
    """A descriptor that names no other formats, nor the files that tell of coverage."""
    bare = {key: value for key, value in descriptor.items() if key != "coverage"}
    return {**bare, "resources": [{**one, "alternatives": []} for one in descriptor["resources"]]}


def leads_alike(former: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a projection that stands says what it should; it may name other formats that went since."""
    return (
        _without_others(former) == _without_others(now)
        and all(
            other in before["alternatives"]
            for before, after in zip(former["resources"], now["resources"], strict=True)
            for other in after["alternatives"]
        )
        and all(told in _covering(former) for told in _covering(now))
    )


def with_files(descriptor: Mapping[str, Any], files: Sequence[VersionFile]) -> dict[str, Any]:
    """The same descriptor, with the sizes and hashes of `files`, which are in the same places."""
    now = {file.path: _file(file) for file in files if file.kind == "data"}
    sizes = {file.path: {"bytes": file.bytes, "hash": f"sha256:{file.sha256}"} for file in files}
    resources = [
        {
            **resource,
            **now[resource["path"]],
            "alternatives": [now[other["path"]] for other in resource.get("alternatives", [])],
        }
        for resource in descriptor["resources"]
    ]
    covered = _covered(descriptor, lambda file: {**file, **sizes.get(file["path"], {})})
    return {**descriptor, "resources": resources, **covered}


def _covering(descriptor: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The files that tell of coverage, each with its table."""
    return [(one["table"], file) for one in descriptor.get("coverage", ()) for file in one["files"]]


def _covered(
    descriptor: Mapping[str, Any], change: Callable[[Mapping[str, Any]], dict[str, Any] | None]
) -> dict[str, Any]:
    """What a descriptor says of coverage, each of its files after the `change`; one of which none is left goes."""
    told = [
        {**one, "files": [new for file in one["files"] if (new := change(file)) is not None]}
        for one in descriptor.get("coverage", ())
    ]
    return {"coverage": told} if told else {}


def _resource(
    dataset: Dataset, name: str, files: Sequence[VersionFile], beside: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    table = dataset.table(name)
    mine = [file for file in files if file.table == name and file.kind == "data"]
    (csv,) = [file for file in mine if file.format == "csv"]
    return {
        "name": name,
        "type": "table",
        "title": table.line.title[dataset.line.language],
        "titles": _both(table.line.title),
        "description": table.line.description[dataset.line.language],
        "descriptions": _both(table.line.description),
        **({"licenses": [_licence(table.line.licence)]} if table.line.licence else {}),
        **({"sources": [dict(source) for source in beside]} if beside else {}),
        **_file(csv),
        "encoding": "utf-8",
        "schema": table.published_schema(),
        # A property of our own: which columns hold the point, without which no GeoJSON is made again.
        **(
            {"geometry": table.line.geometry.model_dump(include={"latitude", "longitude"})}
            if table.line.geometry is not None
            else {}
        ),
        # As for the point: by which columns a row is in a département, or a commune.
        **({"territory": table.line.territory.columns} if table.line.territory is not None else {}),
        "alternatives": [_file(file) for file in mine if file is not csv],
    }


def _file(file: VersionFile) -> dict[str, Any]:
    assert file.format is not None, "data files have a format"
    return {
        "path": file.path,
        "format": file.format,
        "mediatype": FORMATS[file.format].mediatype,
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
    }


def _contributors(dataset: Dataset, contributions: Sequence[Contribution]) -> list[dict[str, Any]]:
    steward = dataset.line.steward
    partners = {contribution.organisation: None for contribution in contributions}
    return [
        {"title": steward.name, "email": steward.email, "roles": ["publisher", "steward"]},
        *({"title": organisation, "roles": ["contributor"]} for organisation in sorted(partners)),
    ]


def _source(contribution: Contribution) -> dict[str, Any]:
    return {
        "title": contribution.title.fr,
        "titles": _both(contribution.title),
        "partner": contribution.partner,
        "table": contribution.table,
        "organization": contribution.organisation,
        "attribution": contribution.attribution,
        "licence": contribution.licence,
        "version": contribution.verdict.snapshot,
        "retrieved": contribution.snapshot_date,
    }


def _governance(dataset: Dataset) -> dict[str, Any]:
    """Who answers for the dataset and by which rules, and where to write that a row is wrong: a URI template."""
    steward, rules = dataset.line.steward, dataset.line.governance
    named = {"contribution": rules.contribution, "reuse": rules.reuse, "objection": rules.objection}
    return {
        "stewards": [{"title": steward.name, "email": steward.email}],
        **{name: _both(text) for name, text in named.items()},
        "contact": f"mailto:{steward.email}",
        "errors": {table.name: template(dataset, table) for table in dataset.tables},
    }


def _both(text: Text) -> dict[str, str]:
    return {language: text[language] for language in LANGUAGES}
