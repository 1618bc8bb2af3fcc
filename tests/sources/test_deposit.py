"""Which of a deposit's files is the partner's last upload; with a real portal: tests/pipelines/test_deposit.py."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from glane.store import Store
from schemas.deposit import ANSWER_FIELD
from sources.fetch.deposit import NoPortalError, OwnPortal, newest_upload
from sources.fetch.failures import ContentError
from sources.harvest import harvest
from sources.where import Where
from tests.sources.material import HASTY, Answer, Declare, Site

RESOURCES = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.uuids().map(str),
            "name": st.sampled_from(["Lieux", "lieux", "Autres", None]),
            "url_type": st.sampled_from(["upload", None, "datastore"]),
            "last_modified": st.sampled_from([None, "2026-11-01T10:00:00.000001", "2026-11-02T10:00:00"]),
        },
        optional={ANSWER_FIELD: st.sampled_from(["page", ""])},
    ),
    max_size=6,
)


@given(RESOURCES, st.sampled_from([None, "Lieux", "absent"]), st.sampled_from(["2026-11-02T10:00:00", "other", ""]))
def test_an_answer_of_ours_or_a_link_is_never_the_partner_s_upload_and_none_is_newer(
    resources: list[dict[str, Any]], wanted: str | None, date: str
) -> None:
    # The first file was an answer of ours, of that date, before somebody edited it.
    answers = {one["id"]: date for one in resources[:1]}

    def meant(one: dict[str, Any]) -> bool:
        named = wanted is None or str(one["name"]).casefold() == wanted.casefold()
        ours = ANSWER_FIELD in one or (one is resources[0] and (one["last_modified"] or "") == date)
        return named and one["url_type"] == "upload" and not ours

    found, uploads = newest_upload(resources, wanted, answers), [one for one in resources if meant(one)]
    assert (found is None) == (not uploads)
    if found is not None:
        assert found in uploads
        assert all((one["last_modified"] or "") <= (found["last_modified"] or "") for one in uploads)


def test_where_no_portal_is_known_or_what_answers_is_none_the_read_fails(
    declare: Declare, store: Store, site: Callable[..., Site]
) -> None:
    source = declare(where={"deposit": {"dataset": "depot"}})
    with pytest.raises(NoPortalError, match="no portal is known") as caught:
        harvest(source, store, patience=HASTY)
    assert "GLANE_PORTAL_TOKEN_FILE" in caught.value.remedy
    there = site()
    there.answers["/api/3/action/package_show?id=depot"] = Answer(body=b'{"message": "hello"}')
    with pytest.raises(ContentError, match="does not answer as CKAN's API"):
        harvest(source, store, patience=HASTY, own_portal=lambda: OwnPortal(there.url, "our-token"))
    assert there.asked[0][1]["Authorization"] == "our-token"
    assert "our-token" not in repr(OwnPortal(there.url, "our-token"))


@pytest.mark.parametrize("key", [{"headers": {"X-Key": "k"}}, {"private": True}, {"url": "https://data.example/x"}])
def test_a_deposit_needs_nothing_else(key: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Where(deposit={"dataset": "depot"}, **key)
