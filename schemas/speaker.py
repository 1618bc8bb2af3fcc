"""Says words in one language: those of the answer, and figures and days as that language writes them.

Belongs here: figures, days and words of phrases/report.yaml in one language. Does not belong here: the words
themselves (phrases/), nor what is said in which order (report_text.py, report_page.py).
"""

import datetime
from collections.abc import Callable

from glane.text import Text
from schemas.phrases import in_each, words


class Speaker:
    """Says words of the report in one language (one of phrases.languages())."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, word: str, **values: str) -> str:
        """The word of report.yaml, filled in. Raises KeyError."""
        return words("report")[word][self.language].format_map(values)

    def general(self, word: str, **values: str) -> str:
        """The word of general.yaml, filled in. Raises KeyError."""
        return words("general")[word][self.language].format_map(values)

    def number(self, value: int) -> str:
        """12345 -> 12,345."""
        return f"{value:,}".replace(",", self.general("thousands"))

    def percent(self, share: float) -> str:
        """0.15 -> 15%."""
        return self.general("percent", n=f"{share * 100:.0f}")

    def count(self, word: str, value: int) -> str:
        """So many of what `<word>-one` and `<word>-many` name; none is as one in French ("0 ligne")."""
        as_one = value == 1 or (value == 0 and self.general("none-is") == "one")
        return self(f"{word}-{'one' if as_one else 'many'}", n=self.number(value))

    def date(self, moment: str) -> str:
        """The day of an ISO date or time, in words."""
        day = datetime.date.fromisoformat(moment[:10])
        number = self.general("first-day") if day.day == 1 else str(day.day)
        return self.general("date", day=number, month=self.general("months").split()[day.month - 1], year=str(day.year))


def spoken(make: Callable[[Speaker], str]) -> Text:
    """The text that `make` gives in each language."""
    return in_each(lambda language: make(Speaker(language)))
