"""What licences allow: every question has one answer, with its clause in both languages and the text it stands on."""

import re

import pytest

from schemas.licences import LICENCES, OPEN
from schemas.licences.policy import LicencePolicy
from schemas.licences.rights import right_into, right_to, uses

INTO = {
    # Rows under ...:  may go into a dataset under
    "CC0-1.0": {*OPEN},
    "PDDL-1.0": {*OPEN},
    "etalab-2.0": {"etalab-2.0", "OGL-UK-3.0", "CC-BY-4.0", "ODC-By-1.0", "CC-BY-SA-4.0", "ODbL-1.0"},
    "OGL-UK-3.0": {"etalab-2.0", "OGL-UK-3.0", "CC-BY-4.0", "ODC-By-1.0", "CC-BY-SA-4.0", "ODbL-1.0"},
    "CC-BY-4.0": {"etalab-2.0", "OGL-UK-3.0", "CC-BY-4.0", "ODC-By-1.0", "CC-BY-SA-4.0"},
    "ODC-By-1.0": {"etalab-2.0", "OGL-UK-3.0", "CC-BY-4.0", "ODC-By-1.0", "CC-BY-SA-4.0", "ODbL-1.0"},
    "CC-BY-SA-4.0": {"CC-BY-SA-4.0"},
    "ODbL-1.0": {"ODbL-1.0"},
    "CC-BY-NC-4.0": set(),
    "CC-BY-NC-SA-4.0": set(),
    "CC-BY-ND-4.0": set(),
    "NOASSERTION": set(),
}


def test_rows_go_only_where_their_licence_lets_them() -> None:
    found = {one: {into for into in OPEN if right_into(one, into).answer != "no"} for one in LICENCES}
    assert found == INTO


def test_who_only_asks_for_credit_never_loses_it_and_who_asks_to_share_alike_is_shared_alike() -> None:
    for one, licence in LICENCES.items():
        for into in (INTO[one] - {one}) if licence.asks else ():
            assert "attribution" in LICENCES[into].asks, (one, into)
            assert not {"share-alike", "non-commercial", "no-derivatives", "permission"} & {*licence.asks}, (one, into)


@pytest.mark.parametrize("licence", LICENCES)
def test_every_question_has_an_answer_with_its_clause_and_its_text(licence: str) -> None:
    rights = [right_into(licence, into) for into in OPEN] + [right_to(use, licence) for use in uses()]
    for right in rights:
        assert right.clause.fr != right.clause.en
        assert right.clause.fr.endswith(".")
        assert right.clause.en.endswith(".")
        assert re.match(r"https://[\w.-]+/", right.source)


def test_wikidata_takes_only_what_nobody_asks_credit_for_and_no_one_sells_what_is_kept_from_commerce() -> None:
    answers = {use: {one for one in LICENCES if right_to(use, one).answer == "no"} for use in uses()}
    closed = {one for one in LICENCES if one not in OPEN}
    assert answers == {
        "wikidata": {one for one, licence in LICENCES.items() if licence.asks},
        "openstreetmap": closed | {"CC-BY-4.0", "CC-BY-SA-4.0"},
        "commercial": {"CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "NOASSERTION"},
        "training": {"NOASSERTION"},
    }


def test_a_dataset_cannot_declare_that_it_takes_what_it_has_no_right_to_publish() -> None:
    with pytest.raises(
        ValueError, match=r"rows under ODbL-1\.0 cannot be published under etalab-2\.0: .*4\.4.*https://"
    ):
        LicencePolicy(publish="etalab-2.0", accept=["etalab-2.0", "ODbL-1.0"])
    with pytest.raises(
        ValueError, match=r"'CC-BY-NC-4\.0' is no open licence; a dataset is published under one of CC0"
    ):
        LicencePolicy(publish="CC-BY-NC-4.0", accept=["CC-BY-NC-4.0"])
    assert LicencePolicy(publish="ODbL-1.0", accept=["ODbL-1.0", "etalab-2.0", "CC0-1.0"]).publish == "ODbL-1.0"
