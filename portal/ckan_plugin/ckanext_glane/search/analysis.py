"""Cutting texts into words, and words into the forms under which they are found, in French and in English.

A word is kept under its English stem (as CKAN's Solr does) and under its French ones, marked `~` so that the two
languages never meet: `~` forms find `~` forms. French is stemmed twice, with its accents and without, because the
rules need accents and people leave them out. All forms are folded: no accents, no capitals.

Belongs here: pure functions on text. Does not belong here: fields, SQL.
"""

import re
import threading
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

# Longer words are cut; longer texts are indexed up to here (PostgreSQL's tsvector holds one megabyte).
_WORD_LENGTH = 200
_TEXT_LENGTH = 100_000

_ELISION = re.compile(r"(?<!\w)(?:[ldjmtscn]|qu|jusqu|lorsqu|puisqu|quoiqu)['’](?=\w)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s\b", re.IGNORECASE)
_RUNS = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])")
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l"})

_FUNCTION_WORDS = """
a an and are by for from in is of on or the to with
au aux avec ce ces cette d dans de des du en est et il l la le les leur leurs mais ne ou par pas pour que qui
sa se ses son sont sur un une
"""
# Words so common that asking for them must not hide what has the others.
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

_local = threading.local()


@dataclass(frozen=True)
class Word:
    """One word of a text: where it stands, and the forms that it is found under."""

    position: int
    forms: tuple[str, ...]


def fold(text):
    """Return `text` without accents, ligatures and capitals."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()


@lru_cache(maxsize=50_000)
def stems(word):
    """Return the forms of one word: its English stem, its French stems with and without its accents."""
    lower = word.lower()
    plain = fold(lower)
    french = {"~" + fold(_stemmer("french").stemWord(form)) for form in (lower, plain)}
    return (fold(_stemmer("english").stemWord(lower)), *sorted(french))


def _stemmer(language):
    # A stemmer holds the word it works on: one a thread.
    if not hasattr(_local, language):
        setattr(_local, language, snowballstemmer.stemmer(language))
    return getattr(_local, language)


def words(text, *, stemmed=True, joined=False):
    """Return the words of `text` in order.

    `stemmed`: under their stems, cut at inner capitals too; else in lower case and no more. `joined`: the parts of a
    compound are kept as one word as well (Wi-Fi: wi, fi, wifi); for indexing, as Solr's catenateWords.
    """
    found, position = [], 0
    cleaned = _POSSESSIVE.sub("", _ELISION.sub(" ", str(text)[:_TEXT_LENGTH]))
    for token in cleaned.split():
        for run in _runs_of_a_kind(token, stemmed):
            for part in run:
                position += 1
                found.append(Word(position, _forms(part, stemmed)))
            if joined and len(run) > 1:
                found.append(Word(position, _forms("".join(run), stemmed)))
    return found


def _forms(word, stemmed):
    cut = word[:_WORD_LENGTH]
    return stems(cut) if stemmed else (cut.lower(),)


def _runs_of_a_kind(token, humps):
    """Cut a token into runs of parts that are all letters, or all digits."""
    runs = []
    for chunk in _RUNS.findall(token):
        parts = _HUMP.split(chunk) if humps else [chunk]
        if runs and runs[-1][-1].isdigit() == chunk.isdigit():
            runs[-1].extend(parts)
        else:
            runs.append(list(parts))
    return runs


def quoted(lexeme):
    """Return a lexeme as PostgreSQL's tsvector and tsquery write it."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
