"""Term lists: cells whose every value must be on a list, what is understood by itself, and the nearest right term.

Belongs here: applying synonyms, finding wrong terms, suggesting. Does not belong here: the lists (terms/*.csv of a
dataset) and their synonyms, which are data.

A suggestion is only offered; what is applied by itself stands word for word in the list's synonyms (only spaces around
and within, and the Unicode form, do not count), and is told to the partner.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

import polars as pl
from rapidfuzz import fuzz, process

from schemas.dataset import Severity, Table, TermLine
from schemas.judgement import LINE, Found, Problem
from schemas.phrases import Phrase, listing, say

_NEAR_ENOUGH = 78


@dataclass(frozen=True)
class TermList:
    """The accepted terms of one list, and {written: accepted} for what is understood by itself."""

    terms: tuple[str, ...]
    synonyms: dict[str, str]

    @cached_property
    def accepted(self) -> frozenset[str]:
        """The accepted terms, for looking up."""
        return frozenset(self.terms)

    @cached_property
    def _understood(self) -> dict[str, str]:
        return {_spelled(written): accepted for written, accepted in self.synonyms.items()}

    @cached_property
    def _folded(self) -> dict[str, str]:
        """What suggestions are looked for in, folded; where two fold alike the first stands, terms before synonyms."""
        folded: dict[str, str] = {}
        for written, accepted in [*((term, term) for term in self.terms), *self.synonyms.items()]:
            folded.setdefault(fold(written), accepted)
        return folded

    def understood(self, written: str) -> str | None:
        """The accepted term that the synonyms give for `written`; None where it is accepted itself or unknown."""
        return None if written in self.accepted else self._understood.get(_spelled(written))

    def nearest(self, written: str) -> str | None:
        """The accepted term that `written` most likely means, to be offered; None where nothing is near."""
        folded = fold(written)
        if not folded:
            return None
        if folded in self._folded:
            return self._folded[folded]
        found = process.extractOne(folded, self._folded.keys(), scorer=fuzz.token_sort_ratio, score_cutoff=_NEAR_ENOUGH)
        return self._folded[found[0]] if found else None


def fold(text: str) -> str:
    """The text without accents, case, punctuation and plural, for comparing."""
    # U+FFFD stands where a letter was lost on the way: the rest of the word still tells which it is.
    known = text.casefold().replace("œ", "oe").replace("æ", "ae").replace("\ufffd", "")
    plain = unicodedata.normalize("NFKD", known)
    words = re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c)))
    return " ".join(word[:-1] if len(word) > 3 and word[-1] in "sx" else word for word in words)


def _spelled(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def apply_terms(table: Table, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Found]]:
    """Give the rows with synonyms replaced, and the problems: wrong terms, and (as info) what was replaced."""
    found: list[Found] = []
    lines = rows[LINE].to_list()
    for name, line in table.line.terms.items():
        terms = TermList(table.terms[line.list], table.synonyms[line.list])
        cells = rows.select(name).with_row_index("_row").drop_nulls(name)
        grouped = cells.group_by(name, maintain_order=True).agg(pl.col("_row"))
        changed: dict[str, str] = {}
        for cell, indices in grouped.iter_rows():
            right, remarks = judge_cell(cell, line, terms)
            if right != cell:
                changed[cell] = right
            for remark in remarks:
                found += ((index, remark.problem(lines[index], name, line, cell)) for index in indices)
        if changed:
            rows = rows.with_columns(pl.col(name).replace(changed))
    return rows, found


@dataclass(frozen=True)
class Remark:
    """What is said of one value of a cell."""

    phrase: Phrase
    severity: Severity | None
    suggestion: str | None
    position: int | None

    def problem(self, line: int, field: str, terms: TermLine, cell: str) -> Problem:
        """The remark as a problem of one line; a severity of its own goes before that of the term line."""
        phrase, severity = self.phrase, self.severity or terms.severity
        return Problem(line, field, "terms", severity, cell, phrase.wrong, self.suggestion, phrase.write, self.position)


def judge_cell(cell: str, line: TermLine, terms: TermList) -> tuple[str, list[Remark]]:
    """Give the cell with its synonyms replaced, and what is to be said of its values, in their order."""
    written = cell.split(line.separator) if line.separator else [cell]
    values: list[str] = []
    remarks: list[Remark] = []
    for number, value in enumerate(written, start=1):
        position = number if len(written) > 1 else None
        accepted = terms.understood(value)
        if accepted is not None:
            phrase = say("terms.synonym", term=value.strip(), accepted=accepted)
            remarks.append(Remark(phrase, "info", accepted, position))
        elif not value.strip() and position is not None:
            remarks.append(_empty_value(written, line.separator or ""))
        elif value in written[: number - 1]:
            once = (line.separator or "").join(dict.fromkeys(written))
            remarks.append(Remark(say("terms.twice", term=value), "warning", once, None))
        elif value not in terms.accepted:
            remarks.append(_wrong_term(value, terms, position))
        values.append(accepted or value)
    if values == written:
        return cell, remarks
    return (line.separator or "").join(dict.fromkeys(values)), remarks


def _empty_value(written: list[str], separator: str) -> Remark:
    right = separator.join(value for value in written if value.strip()) or None
    return Remark(say("terms.empty", separator=separator), None, right, None)


def _wrong_term(value: str, terms: TermList, position: int | None) -> Remark:
    near, term = terms.nearest(value), value.strip()
    if near is None:
        return Remark(say("terms.unknown", term=term, terms=listing(terms.terms)), None, None, position)
    return Remark(say("terms.near", term=term, near=near), None, near, position)
