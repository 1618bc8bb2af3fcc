"""The words of the quality page, and days, figures and ages as each language writes them.

Belongs here: reading words.yaml and saying its words. Does not belong here: the words themselves, which are data, nor
the page (page.py).
"""

from functools import cache
from pathlib import Path

from pydantic import RootModel

from glane.declaration import load_declaration
from glane.text import Language, Text
from schemas.speaker import Speaker


class _Words(RootModel[dict[str, Text]]):
    pass


@cache
def words() -> dict[str, Text]:
    """All the words of words.yaml, by key. Raises DeclarationError."""
    return load_declaration(Path(__file__).with_name("words.yaml"), _Words).root


def rule_text(rule: str) -> Text:
    """What the rule called `rule` asks; something general where it is of no rule that the words know."""
    return words().get(f"rule-{rule}", words()["rule-other"])


class Teller:
    """Says the words of the page in one language; `say` says those that answers to partners have too."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self.say = Speaker(language)

    def __call__(self, word: str, **values: str) -> str:
        """The word of words.yaml, filled in. Raises KeyError."""
        return words()[word][self.language].format_map(values)

    def percent(self, part: int, whole: int) -> str:
        """The share of `part` in `whole`; what is not all is never said to be, nor what is not none."""
        if not whole:
            return self("not-known")
        share = round(100 * part / whole)
        share = min(share, 99) if part < whole else share
        return self.say.percent(max(share, 1 if part else 0) / 100)

    def change(self, value: float | None) -> str:
        """A change of a share, in points."""
        if value is None:
            return self("not-known")
        figure = f"{abs(value) * 100:.1f}".replace(".", self.say.general("decimal"))
        if float(f"{abs(value) * 100:.1f}") == 0:
            return self("no-change")
        return self("points", n=f"{'+' if value > 0 else chr(0x2212)}{figure}")

    def age(self, days: int | None) -> str:
        """So many days as people say them; from two months on in months, from two years on in years."""
        if days is None:
            return self("not-known")
        if days >= 730:
            return self("years", n=f"{days / 365.25:.1f}".replace(".", self.say.general("decimal")))
        if days >= 60:
            return self("months", n=str(round(days / 30.44)))
        as_one = days == 1 or (days == 0 and self.say.general("none-is") == "one")
        return self(f"days-{'one' if as_one else 'many'}", n=str(days))
