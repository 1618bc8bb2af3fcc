"""Our line in a deposit's notes, among the partner's own words; with a real portal: tests/pipelines/test_deposit.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.ckan.deposit import SIGN, with_line
from schemas.phrases import languages, words_in
from schemas.speaker import Speaker

NOTES = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: SIGN.strip() not in text)
LINE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: bool(text.split()))


@given(NOTES, LINE, LINE)
def test_the_partner_s_notes_stay_and_our_next_line_takes_the_place_of_the_last(
    notes: str, first: str, second: str
) -> None:
    once = with_line(notes, "Lieux", first)
    assert once.startswith(notes.rstrip())
    assert once.rpartition("\n")[2] == f"{SIGN}Lieux · {' '.join(first.split())}"
    assert with_line(once, "Lieux", second) == with_line(notes, "Lieux", second)
    assert with_line(once, "Lieux", first) == once
    both = with_line(once, "Labels", second)
    assert both.startswith(once)


def test_what_the_partner_writes_below_our_line_stays_too() -> None:
    notes = "Notre dépôt\n\nGlane · Lieux · hier\nMerci"
    assert with_line(notes, "Lieux", "aujourd'hui") == "Notre dépôt\n\nMerci\n\nGlane · Lieux · aujourd'hui"


@pytest.mark.parametrize("language", languages())
def test_no_title_is_so_long_that_ckan_cuts_it(language: str) -> None:
    words, say = words_in("deposit", language), Speaker(language)
    days = [say.date(f"2026-{month:02}-22") for month in range(1, 13)]
    titles = [words["title"].format(what=words[kind], date=max(days, key=len)) for kind in _KINDS]
    assert [title for title in titles if len(title) > 50] == []
    assert len({words[f"file-{kind}"] for kind in _KINDS if kind in ("annotated", "cleaned")}) == 2


_KINDS = ("page", "annotated", "cleaned", "data")
