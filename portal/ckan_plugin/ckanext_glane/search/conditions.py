"""What one field is asked, as an SQL condition on a document's row.

Belongs here: terms, phrases, wildcards and ranges of each kind of field. Does not belong here: how a query is written
(lucene, dismax), or the statements the conditions are part of (storage).
"""

import json

from ckanext_glane.search.analysis import fold, quoted, words
from ckanext_glane.search.dates import asked_date
from ckanext_glane.search.fields import CATCH_ALL, Kind, field

ALL = "true"
NONE = "false"


class Conditions:
    """Builds the conditions of one query, with the values they are bound to and the words that rank its results."""

    def __init__(self, default_field=CATCH_ALL, operator="OR"):
        self.default_field = default_field
        self.operator = operator
        self.values = {}
        self.ranking = []

    def bind(self, value):
        """Return the placeholder of a value: nothing that a user writes is ever part of the SQL."""
        name = f"value{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def term(self, name, value, *, phrase=False, near=False):
        """One value in the field `name`; a `phrase` in that order, or its words `near` each other in any order."""
        kind = field(name).kind
        if kind.is_words:
            return self._words(name, value, kind, phrase=phrase, near=near)
        if kind is Kind.PIECES:
            return self._pieces(name, value)
        if kind is Kind.DATE:
            value = asked_date(value)
        return f"fields @> CAST({self.bind(json.dumps({name: [value]}))} AS jsonb)"

    def exists(self, name):
        """Any value in the field `name`; the field `*`, or the one that catches all, is in every document."""
        if name in ("*", CATCH_ALL):
            return ALL
        return f"jsonb_exists(fields, {self.bind(name)})"

    def _words(self, name, value, kind, *, phrase, near):
        found = words(value, stemmed=kind is Kind.WORDS)
        if not found:
            return NONE if value.strip() or phrase else ALL
        prefix = "" if name == CATCH_ALL else f"{name}:"
        alternatives = [[quoted(prefix + form) for form in word.forms] for word in found]
        if phrase and not near:
            joint = " <-> "
        elif phrase or self.operator == "AND":
            joint = " & "
        else:
            joint = " | "
        query = joint.join(f"({' | '.join(forms)})" for forms in alternatives)
        if name == CATCH_ALL:
            self.ranking += [quoted(form) for word in found for form in word.forms]
        elif name == "title":
            self.ranking += [quoted(form) + ":A" for word in found for form in word.forms]
        return f"{self._column(name)} @@ CAST({self.bind(query)} AS tsquery)"

    def _pieces(self, name, value):
        """Every word of `value` is a piece, of two letters at least, of the field's text (auto-completion)."""
        pieces = fold(value).split()
        if not pieces or any(len(piece) < 2 for piece in pieces):
            return NONE
        text = f"coalesce(fields -> {self.bind(name)} ->> 0, '')"
        return _all([f"strpos({text}, {self.bind(piece)}) > 0" for piece in pieces])

    def wildcard(self, name, pattern):
        """A pattern with `*` and `?`: on whole values of a string field, on single words of a text."""
        kind = field(name).kind
        if kind.is_words:
            prefix = "" if name == CATCH_ALL else f"{name}:"
            asked = fold(pattern) if kind is Kind.WORDS else pattern.lower()
            start = asked.removesuffix("*")
            if not set("*?") & set(start):
                query = quoted(prefix + start) + ":*"
                return f"{self._column(name)} @@ CAST({self.bind(query)} AS tsquery)"
            like = self.bind(_like(prefix) + _pattern(asked))
            return f"EXISTS (SELECT FROM unnest({self._column(name)}) AS word WHERE word.lexeme LIKE {like})"
        asked = fold(pattern) if kind is Kind.PIECES else pattern
        return self._any_value(name, f"value LIKE {self.bind(_pattern(asked))}")

    def between(self, name, low, high, *, with_low, with_high):
        """A range of values; `*` is an open end."""
        limits = []
        for end, sign in ((low, ">=" if with_low else ">"), (high, "<=" if with_high else "<")):
            if end == "*":
                continue
            if field(name).kind is Kind.NUMBER:
                limits.append(f"CAST(value AS numeric) {sign} {self.bind(int(end))}")
            else:
                asked = asked_date(end) if field(name).kind is Kind.DATE else end
                limits.append(f'value COLLATE "C" {sign} {self.bind(asked)}')
        return self._any_value(name, _all(limits))

    def score(self):
        """The SQL of a document's rank: how much, and how prominently, it has the words asked for."""
        if not self.ranking:
            return "0"
        query = " | ".join(dict.fromkeys(self.ranking))
        return f"ts_rank(words, CAST({self.bind(query)} AS tsquery))"

    def _any_value(self, name, condition):
        values = f"jsonb_array_elements_text(fields -> {self.bind(name)})"
        return f"EXISTS (SELECT FROM {values} AS value WHERE {condition})"

    @staticmethod
    def _column(name):
        return "words" if name == CATCH_ALL else "field_words"


def combine(must, should, must_not):
    """Join conditions as Lucene does: where something must be, what merely should be decides nothing."""
    conditions = [*must, *(f"NOT {condition}" for condition in must_not)]
    if should and not must:
        conditions.append(f"({' OR '.join(should)})")
    return _all(conditions)


def _all(conditions):
    return f"({' AND '.join(conditions)})" if conditions else ALL


def _like(text):
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _pattern(wildcards):
    return _like(wildcards).replace("*", "%").replace("?", "_")
