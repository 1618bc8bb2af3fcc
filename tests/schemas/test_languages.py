"""The languages of the answer: each says every sentence, with the same values in it, and a further one is one file."""

import re
import shutil
import string
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from glane.declaration import DeclarationError
from glane.text import LANGUAGES, Text
from schemas import phrases as spoken
from schemas.judge import judge
from schemas.phrases import Phrase, languages, listing, phrases, say, translation, words
from schemas.report import judged_report
from schemas.report_page import to_page
from schemas.report_text import problems_csv, summary_line, to_markdown
from schemas.rules.countries import countries
from schemas.speaker import Speaker
from schemas.template import template
from tests.schemas.material import good, places, rows_of
from tests.schemas.test_report import ABOUT, ARRIVAL, NOW

FOLDER = Path(spoken.__file__).parent
FURTHER = [language for language in languages() if language not in LANGUAGES]
FILES = sorted(path.stem for path in FOLDER.glob("*.yaml") if len(path.stem) != 2)


def sentences(file: str) -> dict[str, Text]:
    """Every text of one file under the path of its keys."""
    try:
        return words(file)
    except DeclarationError:
        found: dict[str, Phrase] = phrases(file)
        return {
            f"{key}.{part}": text
            for key, one in found.items()
            for part, text in (("wrong", one.wrong), ("write", one.write))
        }


def listed() -> set[str]:
    """Every text of the list of countries, in English."""
    held = {country.name.en for country in countries().values()}
    return held | {country.postcode.words.en for country in countries().values() if country.postcode}


def values(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", FURTHER)
@pytest.mark.parametrize("file", FILES)
def test_every_language_says_every_sentence_with_the_same_values(file: str, language: str) -> None:
    texts, said = sentences(file), translation(language).get(file, {})
    flat = {
        f"{key}.{part}" if part else key: text
        for key, one in said.items()
        for part, text in ([("", one)] if isinstance(one, str) else [("wrong", one.wrong), ("write", one.write)])
    }
    assert set(flat) == set(texts), f"{language}.yaml, {file}: to be said, or said of nothing"
    assert {key: values(text) for key, text in flat.items()} == {key: values(one.en) for key, one in texts.items()}


@pytest.mark.parametrize("file", FILES)
def test_french_and_english_fill_in_the_same_values(file: str) -> None:
    texts = sentences(file)
    assert {key: values(one.fr) for key, one in texts.items()} == {key: values(one.en) for key, one in texts.items()}


@pytest.mark.parametrize("language", FURTHER)
def test_every_language_knows_the_countries_and_nothing_else_that_nobody_says(language: str) -> None:
    assert set(translation(language)["countries"]) == listed()
    assert set(translation(language)) == {*FILES, "countries"}


@pytest.mark.parametrize("language", languages())
def test_twelve_months_two_kinds_of_none_and_no_empty_column(language: str) -> None:
    assert len(words("general")["months"][language].split()) == 12
    assert words("general")["none-is"][language] in ("one", "many")
    assert [len(words(f)[k][language].split("|")) for f, k in (("workbook", "head"), ("template", "columns"))] == [5, 6]
    for file in ("workbook", "template"):
        sheets = [words(file)[key][language] for key in ("sheet", "list", "help", "lists") if key in words(file)]
        assert [name for name in sheets if len(name) > 31 or re.search(r"[\[\]:*?/\\']", name[0] + name[-1])] == []


def test_figures_days_and_lists_are_written_as_each_language_does() -> None:
    told = {
        language: (
            say_in.number(12345),
            say_in.percent(0.15),
            say_in.count("row", 0),
            say_in.date("2026-08-01"),
            listing(["a", "b", "c", "d"], 2)[language],
        )
        for language in ("fr", "en", "nl")
        for say_in in [Speaker(language)]
    }
    assert told == {
        "fr": ("12\u202f345", "15 %", "0 ligne", "1er août 2026", "a ; b (et 2 autres)"),
        "en": ("12,345", "15%", "0 rows", "1 August 2026", "a; b (and 2 more)"),
        "nl": ("12.345", "15%", "0 rijen", "1 augustus 2026", "a; b (en nog 2)"),
    }


def test_the_answer_is_given_in_dutch(tmp_path: Path) -> None:
    dataset = places(tmp_path)
    judgement = judge(dataset, dataset.main, rows_of(dataset.main.fields, [good(postcode="1000"), good(id="b")]))
    report = judged_report(ABOUT, NOW, judgement, arrival=ARRIVAL, columns={"postcode": "Code Postal"})
    text = to_markdown(report, "nl")
    assert "# Places of the Mill: antwoord van 21 november 2026" in text
    assert "**Dit is geen postcode van dit land (Frankrijk).** (kolom ‘Code Postal’, wordt bij ons ‘postcode’" in text
    assert "Schrijf 5 cijfers, met de nul vooraan, bijvoorbeeld 01000." in text
    assert summary_line(report, "nl").startswith("places/mill: 2 rijen, 1 te publiceren, 1 te verbeteren")
    assert "wat te doen" in problems_csv(judgement.problems, "nl").decode()
    assert '<html lang="nl">' in to_page(report, "nl")


def test_a_title_is_told_in_the_language_it_is_declared_in_and_else_in_english() -> None:
    title = Text.model_validate({"fr": "Lieux", "en": "Places", "nl": "Plaatsen"})
    assert [title[language] for language in ("fr", "en", "nl", "de")] == ["Lieux", "Places", "Plaatsen", "Places"]
    for wrong in ({"fr": "a"}, {"fr": "a", "en": "b", "eng": "c"}, {"fr": "a", "en": "b", "nl": ""}):
        with pytest.raises(ValueError, match=r"en|nl"):
            Text.model_validate(wrong)


CACHES = ("languages", "translation", "phrases", "words", "_say")


@pytest.fixture
def esperanto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The phrases with one file more: a made-up translation of half of them, each sentence led by a mark."""
    folder = tmp_path / "phrases"
    shutil.copytree(FOLDER, folder)
    dutch = yaml.safe_load((FOLDER / "nl.yaml").read_text("utf-8"))
    made = {
        file: {
            key: f"Eo {one}" if isinstance(one, str) else {part: f"Eo {text}" for part, text in one.items()}
            for key, one in said.items()
        }
        for file, said in dutch.items()
        if file not in ("general", "workbook")
    }
    (folder / "eo.yaml").write_text(yaml.safe_dump(made, allow_unicode=True), "utf-8")
    monkeypatch.setattr(spoken, "_FOLDER", folder)
    _forget()
    yield spoken
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    for name in CACHES:
        getattr(spoken, name).cache_clear()
    countries.cache_clear()


def test_a_fourth_language_is_one_file_and_what_it_lacks_is_said_in_english(
    esperanto: ModuleType, tmp_path: Path
) -> None:
    assert languages() == ("fr", "en", "eo", "nl")
    assert say("rules.phone").wrong["eo"].startswith("Eo Dit is geen")
    dataset = places(tmp_path)
    judgement = judge(dataset, dataset.main, rows_of(dataset.main.fields, [good(postcode="1000")]))
    report = judged_report(ABOUT, NOW, judgement, arrival=ARRIVAL)
    text = to_markdown(report, "eo")
    assert "**Eo Dit is geen postcode van dit land (Eo Frankrijk).**" in text
    assert "21 November 2026" in text, "general is left out of the file: as in English"
    assert to_page(report, "eo").count("Eo ") > 5
    assert template(dataset, dataset.main, "eo") != template(dataset, dataset.main, "en")
