"""The portal as its users meet it: who may do what, which pages answer, what a search finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.fixtures_portal import Portal

pytestmark = pytest.mark.portal

DATASETS: list[dict[str, Any]] = [
    {
        "name": "recherche-lieux",
        "title": "Lieux de médiation numérique",
        "notes": "Où trouver de l'aide près de l'École, et un accès à Internet.",
        "tags": ["inclusion", "médiation numérique"],
        "formats": ["CSV", "CSV", "XLSX"],
    },
    {
        "name": "recherche-oeuvres",
        "title": "Œuvres de l’économie sociale",
        "notes": "Les associations réemploient des ordinateurs reconditionnés.",
        "tags": ["réemploi", "inclusion"],
        "formats": ["CSV"],
    },
    {
        "name": "recherche-parks",
        "title": "Parks and rivers",
        "notes": "Places where walking is pleasant; Wi-Fi in OpenSpaces.",
        "tags": ["nature"],
        "formats": ["GeoJSON"],
    },
]


def call(portal: Portal, action: str, /, token: str = "", **values: Any) -> dict[str, Any]:
    headers = {"Authorization": token} if token else {}
    answer: dict[str, Any] = requests.post(f"{portal.url}/api/3/action/{action}", json=values, headers=headers).json()
    return answer


@pytest.fixture(scope="module")
def filled(portal: Portal) -> Iterator[Portal]:
    for dataset in DATASETS:
        made = call(
            portal,
            "package_create",
            portal.token,
            owner_org=portal.organisation,
            name=dataset["name"],
            title=dataset["title"],
            notes=dataset["notes"],
            tags=[{"name": tag} for tag in dataset["tags"]],
            resources=[{"url": f"https://example.org/{form}", "format": form} for form in dataset["formats"]],
        )
        assert made["success"], made
    yield portal
    for dataset in DATASETS:
        call(portal, "dataset_purge", portal.sysadmin_token, id=dataset["name"])


def found(portal: Portal, token: str = "", **query: Any) -> list[str]:
    """The names that a search finds, among those of this file (the session's portal holds others' too)."""
    query["fq"] = f"name:recherche-* {query.get('fq', '')}".strip()
    answer = call(portal, "package_search", token, **query)
    assert answer["success"], answer
    names = [dataset["name"].removeprefix("recherche-") for dataset in answer["result"]["results"]]
    assert len(names) == answer["result"]["count"] or "rows" in query
    return names


# Who may do what.


def test_the_editor_is_an_editor_of_one_organisation_and_no_more(portal: Portal) -> None:
    organisation = call(portal, "organization_show", id=portal.organisation, include_users=True)["result"]
    assert (organisation["title"], organisation["is_organization"]) == ("Glane", True)
    mine = call(portal, "organization_list_for_user", portal.token)["result"]
    assert [(one["name"], one["capacity"]) for one in mine] == [(portal.organisation, "editor")]

    for action, values in {
        "organization_create": {"name": "mine"},
        "group_create": {"name": "mine"},
        "organization_patch": {"id": portal.organisation, "title": "Mine"},
        "user_create": {"name": "other", "email": "other@example.org", "password": "long enough"},
        "package_create": {"name": "ownerless"},
    }.items():
        refused = call(portal, action, portal.token, **values)
        assert not refused["success"], action
        assert refused["error"]["__type"] in ("Authorization Error", "Validation Error"), action
    assert call(portal, "sysadmin_check", portal.token) is not None
    assert call(portal, "config_option_list", portal.token)["success"] is False
    assert call(portal, "config_option_list", portal.sysadmin_token)["success"] is True


def test_nobody_makes_an_account_by_themselves_and_everybody_reads(portal: Portal) -> None:
    refused = call(portal, "user_create", name="me", email="me@example.org", password="long enough")
    assert refused["error"]["__type"] == "Authorization Error"
    assert requests.get(f"{portal.url}/user/register").status_code == 403
    assert call(portal, "package_search")["success"]


def test_the_operator_signs_in_with_the_password_of_the_file(portal: Portal) -> None:
    session = requests.Session()
    page = session.get(f"{portal.url}/en/user/login").text
    field = page.split('name="_csrf_token" content="')[1].split('"')[0]
    password = portal.status.sysadmin_password_file.read_text("utf-8")
    answer = session.post(
        f"{portal.url}/en/user/login",
        data={"login": portal.status.sysadmin, "password": password, "_csrf_token": field},
        headers={"Referer": f"{portal.url}/en/user/login"},
    )
    assert answer.status_code == 200
    assert session.get(f"{portal.url}/ckan-admin/").status_code == 200


# What answers.


def test_pages_answer_in_french_and_in_english(filled: Portal) -> None:
    for path, french, english in (
        ("/dataset/", "Jeux de données", "Datasets"),
        ("/organization/glane-commons", "Organisations", "Organizations"),
        ("/dataset/recherche-lieux", "Licence", "License"),
    ):
        default, other = requests.get(filled.url + path), requests.get(f"{filled.url}/en{path}")
        assert (default.status_code, other.status_code) == (200, 200)
        assert '<html lang="fr"' in default.text
        assert french in default.text
        assert '<html lang="en"' in other.text
        assert english in other.text


def test_plugins_and_settings_are_those_that_glane_needs(portal: Portal) -> None:
    status = call(portal, "status_show")["result"]
    assert (status["ckan_version"], status["locale_default"], status["site_title"]) == ("2.12.0", "fr", "Glane")
    assert set(status["extensions"]) == {
        *("glane_search", "activity", "datastore", "text_view", "image_view", "datatables_view", "dcat"),
    }


def test_an_upload_is_served_and_its_table_is_searched_and_previewed(filled: Portal) -> None:
    text = b"nom,ville\nCaf\xc3\xa9 num\xc3\xa9rique,Lyon\n"
    resource = requests.post(
        f"{filled.url}/api/3/action/resource_create",
        data={"package_id": "recherche-lieux", "name": "table", "format": "CSV"},
        files={"upload": ("table.csv", text)},
        headers={"Authorization": filled.token},
    ).json()["result"]
    try:
        assert requests.get(resource["url"]).content == text
        fields = [{"id": "nom", "type": "text"}, {"id": "ville", "type": "text"}]
        records = [{"nom": "Café numérique", "ville": "Lyon"}]
        made = call(
            filled,
            "datastore_create",
            filled.token,
            resource_id=resource["id"],
            fields=fields,
            records=records,
            primary_key="nom",
            force=True,
        )
        assert made["success"], made
        sql = f'SELECT ville FROM "{resource["id"]}"'
        assert call(filled, "datastore_search_sql", sql=sql)["result"]["records"] == [{"ville": "Lyon"}]
        views = call(
            filled,
            "package_create_default_resource_views",
            filled.token,
            package=call(filled, "package_show", id="recherche-lieux")["result"],
            create_datastore_views=True,
        )
        assert "datatables_view" in [view["view_type"] for view in views["result"]]
        (view,) = [one for one in views["result"] if one["view_type"] == "datatables_view"]
        page = requests.get(f"{filled.url}/dataset/recherche-lieux/resource/{resource['id']}/view/{view['id']}")
        assert page.status_code == 200
    finally:
        call(filled, "resource_delete", filled.token, id=resource["id"])


def test_the_catalogue_is_offered_as_dcat(filled: Portal) -> None:
    catalogue = requests.get(f"{filled.url}/catalog.ttl")
    assert catalogue.status_code == 200
    assert "dcat:Dataset" in catalogue.text
    assert "Lieux de médiation numérique" in catalogue.content.decode()


def test_what_is_done_is_kept_as_activities(filled: Portal) -> None:
    activities = call(filled, "package_activity_list", filled.token, id="recherche-parks")["result"]
    assert [one["activity_type"] for one in activities] == ["new package"]


# What a search finds.


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("mediation", ["lieux"]),
        ("Médiations", ["lieux"]),
        ("ecole", ["lieux"]),
        ("l'école", ["lieux"]),
        ("l’ecole", ["lieux"]),
        ("oeuvre", ["oeuvres"]),
        ("œuvres", ["oeuvres"]),
        ("economie sociale", ["oeuvres"]),
        ("associations réemployer", ["oeuvres"]),
        ("ordinateur reconditionné", ["oeuvres"]),
        ("ordinateurs reconditionnes", ["oeuvres"]),
        ("les parks", ["parks"]),
        ("walk", ["parks"]),
        ("the walks in places", ["parks"]),
        ("wifi", ["parks"]),
        ("open space", ["parks"]),
        ('"parks and rivers"', ["parks"]),
        ('"rivers and parks"', []),
        ("parks -rivers", []),
        ("parks -walks", []),
        ("parks -montagne", ["parks"]),
        ("introuvable", []),
    ],
)
def test_words_are_found_in_both_languages_with_accents_or_without(
    filled: Portal, words: str, names: list[str]
) -> None:
    assert found(filled, q=words) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('tags:"médiation numérique"', {"lieux"}),
        ("tags:(nature OR réemploi)", {"oeuvres", "parks"}),
        ("tags:inclusion AND NOT res_format:XLSX", {"oeuvres"}),
        ("-tags:inclusion", {"parks"}),
        ("+res_format:CSV -res_format:XLSX", {"oeuvres"}),
        ("title:médi*", {"lieux"}),
        ("title:*nomi*", {"oeuvres"}),
        ("res_format:Geo*", {"parks"}),
        ("organization:glane-commons", {"lieux", "oeuvres", "parks"}),
        ("metadata_modified:[NOW-1HOUR TO NOW+1HOUR]", {"lieux", "oeuvres", "parks"}),
        ("metadata_modified:[* TO NOW-1HOUR]", set()),
        ('notes:"aide près"', {"lieux"}),
        ('notes:"près aide"~5', {"lieux"}),
        ("vocab_nothing:*", set()),
    ],
)
def test_filters_speak_lucenes_language(filled: Portal, query: str, names: set[str]) -> None:
    assert set(found(filled, fq=query)) == names


def test_facets_count_each_dataset_once(filled: Portal) -> None:
    answer = call(
        filled,
        "package_search",
        fq="name:recherche-*",
        rows=0,
        **{"facet.field": ["tags", "res_format", "organization"], "facet.limit": 2},
    )["result"]
    assert answer["facets"] == {
        "tags": {"inclusion": 2, "médiation numérique": 1},
        "res_format": {"CSV": 2, "GeoJSON": 1},
        "organization": {"glane-commons": 3},
    }
    assert (answer["count"], answer["results"]) == (3, [])


def test_results_are_sorted_as_people_expect_and_paged(filled: Portal) -> None:
    assert found(filled, sort="title_string asc") == ["lieux", "oeuvres", "parks"]
    assert found(filled, sort="title_string desc") == ["parks", "oeuvres", "lieux"]
    assert found(filled, sort="metadata_created desc") == ["parks", "oeuvres", "lieux"]
    pages = [found(filled, sort="title_string asc", rows=1, start=start) for start in range(4)]
    assert pages == [["lieux"], ["oeuvres"], ["parks"], []]


def test_a_word_in_the_title_weighs_more_than_one_in_the_text(filled: Portal) -> None:
    call(filled, "package_patch", filled.token, id="recherche-parks", notes="Une économie de lieux: walking.")
    assert found(filled, q="économie") == ["oeuvres", "parks"]
    assert found(filled, q="lieux") == ["lieux", "parks"]


@pytest.mark.parametrize(("typed", "names"), [("médi", ["lieux"]), ("mediat", ["lieux"]), ("nomie", ["oeuvres"])])
def test_a_name_is_completed_from_any_piece_of_it(filled: Portal, typed: str, names: list[str]) -> None:
    answer = call(filled, "package_autocomplete", q=typed)["result"]
    assert [one["name"] for one in answer] == [f"recherche-{name}" for name in names]


def test_drafts_and_private_datasets_are_found_by_those_who_may_see_them(filled: Portal) -> None:
    call(filled, "package_patch", filled.token, id="recherche-parks", private=True)
    try:
        assert found(filled, q="rivers") == []
        assert found(filled, filled.token, q="rivers", include_private=True) == ["parks"]
    finally:
        call(filled, "package_patch", filled.token, id="recherche-parks", private=False)
    assert found(filled, q="rivers") == ["parks"]


@pytest.mark.parametrize("query", [{"fq": "title:["}, {"sort": "title sideways"}, {"q": "title:/a.*/"}])
def test_a_query_that_means_nothing_is_an_error_and_not_a_crash(filled: Portal, query: dict[str, str]) -> None:
    answer = call(filled, "package_search", **query)
    assert answer["success"] is False
    assert answer["error"]["__type"] in ("Search Error", "Search Query Error")
