"""The record of processing and the notice say all that is declared, and what nobody declared."""

import pytest

from glane.text import LANGUAGES, Language
from pipelines.catalogue import Entry, load_catalogue
from pipelines.register import notice_of, record_of
from pipelines.settings import CHECKOUT, load_settings
from sources.declaration import Source
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons

ENTRIES = load_catalogue(
    load_settings({"GLANE_SOURCES": str(CHECKOUT / "sources"), "GLANE_SCHEMAS": str(CHECKOUT / "schemas")})
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_every_declared_dataset_has_a_whole_record_and_notice(entry: Entry, language: Language) -> None:
    for text in (record_of(entry, language), notice_of(entry, language)):
        assert "**À compléter**" not in text
        assert "**Missing**" not in text
        for source in entry.sources:
            assert isinstance(source, Source)
            assert source.line.organisation in text
        for table in entry.dataset.contributed:  # type: ignore[union-attr]
            for decision in table.line.personal:
                assert f"| {decision.decision} | {decision.reason[language]} |" in text


def test_what_nobody_declared_is_told_as_missing_and_who_is_sent_something_is_named(
    commons: Commons, glane: Glane
) -> None:
    commons.edit(
        "brest",
        "licence:",
        "personal:\n  - {fields: [nom], decision: mask, reason: {fr: Motif., en: Reason.}}\nlicence:",
    )
    said = glane("register", "lieux", "--lang", "en")
    assert said.code == 0
    assert "## Legal basis\n\n**Missing**: write governance: legal_basis in dataset.yaml.\n" in said.out
    assert "| places (brest) | nom | anything | mask | Reason. |" in said.out
    assert "- Association brest (brest), lieux.csv, contact: données" in said.out
    assert "- files received that a version was made of: for ever\n- other files received: 90 days\n" in said.out
    notice = glane("register", "lieux", "--notice")
    assert notice.out.startswith("# Vos données dans Lieux\n")
    assert "Écrivez-nous.\n\nLes communs <communs@example.org>\n" in notice.out
    assert glane("register", "lieux", "--lang", "eo").code == 2
