"""Days and counts as people write them in each language.

Belongs here: what changelogs and pages have in common. Does not belong here: their sentences.
"""

from glane.text import Language

_MONTHS: dict[Language, tuple[str, ...]] = {
    "fr": (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


def day(moment: str, language: Language) -> str:
    """The day of an ISO 8601 moment; the 1st is "1er" in French."""
    year, month, number = moment[:10].split("-")
    shown = "1er" if language == "fr" and int(number) == 1 else str(int(number))
    return f"{shown} {_MONTHS[language][int(month) - 1]} {year}"


def number(count: int, language: Language) -> str:
    """A count with its thousands apart."""
    return f"{count:,}".replace(",", "\u202f") if language == "fr" else f"{count:,}"


def rows(count: int, language: Language) -> str:
    """So many rows."""
    if language == "fr":
        return f"{number(count, language)} ligne" + ("s" if count > 1 else "")
    return f"{number(count, language)} row" + ("" if count == 1 else "s")


def changed_rows(added: int, changed: int, removed: int, language: Language) -> str:
    """How many rows came, changed and went; only what happened is named."""
    words = {
        "fr": (("ajoutée", "ajoutées"), ("modifiée", "modifiées"), ("retirée", "retirées")),
        "en": (("added", "added"), ("changed", "changed"), ("removed", "removed")),
    }[language]
    told = [
        f"{rows(count, language)} {forms[count > 1]}"
        for count, forms in zip((added, changed, removed), words, strict=True)
        if count
    ]
    return ", ".join(told) or ("aucune ligne changée" if language == "fr" else "no row changed")
