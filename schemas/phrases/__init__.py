"""The sentences that partners read, in every language: data (*.yaml) and their rendering.

Belongs here: what is said of a problem, `wrong` (what is wrong) and `write` (what to write instead), and the words of
the report and the workbooks. Does not belong here: when it is said (sentences.py, rules/, terms.py), or the layout of a
report (report_text.py).

A name is `<file>.<key>`: "rules.phone" is the key `phone` of rules.yaml. A value between braces is filled in. These
files say everything in French and in English; each further language is one file, `<language>.yaml` (ISO 639-1), which
holds the same keys under the names of the files. What it leaves out is said in English.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from pydantic import RootModel

from glane.declaration import Declared, load_declaration
from glane.text import LANGUAGES, Text

Value = str | Text
_FOLDER = Path(__file__).parent
_LONGEST_QUOTE = 90


class Phrase(Declared):
    """What is wrong, and what to write instead."""

    wrong: Text
    write: Text


class _Said(Declared):
    wrong: str
    write: str


class _Phrases(RootModel[dict[str, Phrase]]):
    pass


class _Words(RootModel[dict[str, Text]]):
    pass


class _Translation(RootModel[dict[str, dict[str, str | _Said]]]):
    pass


@cache
def languages() -> tuple[str, ...]:
    """The languages that partners are answered in: French, English, and each that has a file of its own."""
    return (*LANGUAGES, *sorted(path.stem for path in _FOLDER.glob("[a-z][a-z].yaml")))


@cache
def translation(language: str) -> Mapping[str, Mapping[str, str | _Said]]:
    """All that the file of `language` says, by the file that it translates and the key. Raises DeclarationError."""
    return load_declaration(_FOLDER / f"{language}.yaml", _Translation).root


@cache
def phrases(file: str) -> dict[str, Phrase]:
    """All the phrases of one file, by key. Raises DeclarationError."""
    found = load_declaration(_FOLDER / f"{file}.yaml", _Phrases).root
    return {
        key: Phrase(wrong=_told(one.wrong, file, key, "wrong"), write=_told(one.write, file, key, "write"))
        for key, one in found.items()
    }


@cache
def words(file: str) -> dict[str, Text]:
    """All the words of a file that holds words alone (report, template, ...), by key. Raises DeclarationError."""
    found = load_declaration(_FOLDER / f"{file}.yaml", _Words).root
    return {key: _told(one, file, key) for key, one in found.items()}


def words_in(file: str, language: str) -> dict[str, str]:
    """The same words in one language."""
    return {key: text[language] for key, text in words(file).items()}


def told_beside(text: Text, section: str) -> Text:
    """A text of a list that stands elsewhere, in the further languages too: these know it by its English."""
    return _told(text, section, text.en)


def in_each(make: Callable[[str], str]) -> Text:
    """The text that `make` gives for each language."""
    return Text.model_validate({language: make(language) for language in languages()})


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


def word(name: str, /, **values: Value) -> Text:
    """The words `name` ("general.quoted") with their values filled in, in every language. Raises KeyError."""
    file, _, key = name.partition(".")
    return _fill(words(file)[key], values)


def listing(values: Sequence[str], most: int = 12) -> Text:
    """Values in a row for a sentence, about `most` of them: a single one is not left out."""
    shown = list(values if len(values) <= most + 1 else values[:most])
    more = len(values) - len(shown)
    row = joined(shown)
    if not more:
        return row
    # Filled in as it is: _fill would cut it to the length of a quoted cell.
    return in_each(lambda one: words("general")["list-more"][one].format(list=row[one], more=more))


def joined(values: Sequence[str | Text], between: str = "between") -> Text:
    """Values one after the other, with the word `between` of general.yaml between them."""
    return in_each(lambda one: words("general")[between][one].join(v if isinstance(v, str) else v[one] for v in values))


def _told(text: Text, file: str, key: str, part: str | None = None) -> Text:
    """A text of `file`, in the further languages too."""
    more = {}
    for language in languages()[len(LANGUAGES) :]:
        said = translation(language).get(file, {}).get(key)
        found = getattr(said, part, None) if part else said
        if isinstance(found, str):
            more[language] = found
    return Text.model_validate({**text.model_dump(), **more}) if more else text


def _fill(text: Text, values: Mapping[str, Value]) -> Text:
    return in_each(
        lambda one: text[one].format_map({k: _short(v) if isinstance(v, str) else v[one] for k, v in values.items()})
    )


def _short(value: str) -> str:
    """A cell's text as a sentence can quote it: on one line, and not much longer than one."""
    flat = " ".join(value.split())
    return flat if len(flat) <= _LONGEST_QUOTE else flat[: _LONGEST_QUOTE - 1] + "…"
