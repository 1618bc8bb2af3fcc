"""The partner's answer as a web page: it stands alone, says its language, and takes nothing for markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from schemas.judge import judge
from schemas.phrases import languages
from schemas.report import judged_report
from schemas.report_page import to_page
from tests.schemas.material import good, places, rows_of
from tests.schemas.test_report import ABOUT, ARRIVAL, NOW

_VOID = {"meta", "br", "hr"}


class _Reader(HTMLParser):
    """Collects tags and the text between them, and fails on what is not closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def page_of(name: str, language: str, folder: Path) -> str:
    dataset = places(folder)
    judgement = judge(dataset, dataset.main, rows_of(dataset.main.fields, [good(name=name, postcode=name)]))
    return to_page(judged_report(ABOUT, NOW, judgement, arrival=ARRIVAL), language)


@pytest.mark.parametrize("language", languages())
def test_the_page_is_whole_says_its_language_and_has_one_title(language: str, tmp_path: Path) -> None:
    found = read(page_of("Fablab", language, tmp_path))
    tags = [tag for tag, _ in found.tags]
    assert found.tags[0] == ("html", {"lang": language})
    assert (tags.count("h1"), tags.count("header"), tags.count("main"), tags.index("title") < tags.index("svg")) == (
        1,
        1,
        1,
        True,
    )
    assert "table" in tags
    assert ABOUT.title[language] in found.text


@pytest.mark.parametrize("language", languages())
def test_the_page_asks_nobody_for_anything(language: str, tmp_path: Path) -> None:
    page = page_of("Fablab", language, tmp_path)
    assert [tag for tag, _ in read(page).tags if tag in ("script", "link", "img", "iframe", "object", "form")] == []
    assert re.findall(r"url\((?!#)|@import|src=", page) == []


@pytest.mark.parametrize("written", ["<script>alert(1)</script>", "<b>x</b>", "[a](javascript:x)", "| a | b |"])
def test_what_a_partner_wrote_is_text_and_never_markup(written: str, tmp_path: Path) -> None:
    found = read(page_of(written, "fr", tmp_path))
    assert [tag for tag, _ in found.tags if tag in ("script", "b")] == []
    assert [values for tag, values in found.tags if tag == "a" and "javascript" in str(values)] == []
