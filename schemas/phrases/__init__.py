"""The sentences that partners read, in French and English: data (*.yaml) and their rendering.

Belongs here: what is said of a problem, `wrong` (what is wrong) and `write` (what to write instead). Does not belong
here: when it is said (sentences.py, rules/, terms.py), or the layout of a report (report_text.py).

A name is `<file>.<key>`: "rules.phone" is the key `phone` of rules.yaml. A value between braces is filled in.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from pydantic import RootModel

from glane.declaration import Declared, load_declaration
from glane.text import Text

Value = str | Text
_LONGEST_QUOTE = 90


class Phrase(Declared):
    """What is wrong, and what to write instead."""

    wrong: Text
    write: Text


class _Phrases(RootModel[dict[str, Phrase]]):
    pass


@cache
def phrases(file: str) -> dict[str, Phrase]:
    """All the phrases of one file, by key. Raises DeclarationError."""
    return load_declaration(Path(__file__).with_name(f"{file}.yaml"), _Phrases).root


@lru_cache(maxsize=50_000)
def _say(name: str, values: tuple[tuple[str, Value], ...]) -> Phrase:
    file, _, key = name.partition(".")
    phrase = phrases(file)[key]
    return Phrase(wrong=_fill(phrase.wrong, dict(values)), write=_fill(phrase.write, dict(values)))


def say(name: str, /, **values: Value) -> Phrase:
    """The phrase `name` with its values filled in. Raises KeyError for a phrase or a value that is not there."""
    return _say(name, tuple(values.items()))


def exists(name: str) -> bool:
    """Whether there is a phrase called `name`."""
    file, _, key = name.partition(".")
    return key in phrases(file)


def listing(values: Sequence[str], most: int = 12) -> Text:
    """Values in a row for a sentence, about `most` of them: a single one is not left out."""
    shown = list(values if len(values) <= most + 1 else values[:most])
    more = len(values) - len(shown)
    fr, en = " ; ".join(shown), "; ".join(shown)
    return Text(fr=f"{fr} (et {more} autres)", en=f"{en} (and {more} more)") if more else Text(fr=fr, en=en)


def _fill(text: Text, values: dict[str, Value]) -> Text:
    fr = {name: _short(value) if isinstance(value, str) else value.fr for name, value in values.items()}
    en = {name: _short(value) if isinstance(value, str) else value.en for name, value in values.items()}
    return Text(fr=text.fr.format_map(fr), en=text.en.format_map(en))


def _short(value: str) -> str:
    """A cell's text as a sentence can quote it: on one line, and not much longer than one."""
    flat = " ".join(value.split())
    return flat if len(flat) <= _LONGEST_QUOTE else flat[: _LONGEST_QUOTE - 1] + "…"
