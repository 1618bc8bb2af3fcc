"""From a dataset, as CKAN hands it to its index, to the row that is stored.

A row holds `fields` (every value as text in a list: exact matches, ranges, facets, sorting), `stored` (what a search
gives back), `words` (all that can be searched, the title and the name heaviest) and `field_words` (the same words by
field, `title:forêt`).

Belongs here: pure functions from values to values. Does not belong here: SQL (storage).
"""

import json

import pysolr

from ckanext_glane.search.analysis import fold, quoted, words
from ckanext_glane.search.dates import now, stored_date
from ckanext_glane.search.fields import Kind, field, is_caught

# Lucene refuses longer terms, and CKAN's tests hold it to that.
_LONGEST_STRING = 32766
_WEIGHTS = {"name": "A", "title": "A", "tags": "B", "groups": "B"}
_UNSEARCHED = ("data_dict", "validated_data_dict")
# Titles sort as people expect: accents and capitals make no difference.
SORT_KEYS = {"title_string": "title_order"}


class Vector:
    """A tsvector in the making: lexemes, their positions and weights."""

    # PostgreSQL's own limits.
    LAST_POSITION = 16383
    MOST_POSITIONS = 250
    # Between two values, so that no phrase runs from one into the next (Solr's positionIncrementGap).
    GAP = 100

    def __init__(self):
        self._lexemes = {}
        self._base = 0

    def add(self, found, prefix="", weight=""):
        """Add the words of one value."""
        for word in found:
            position = min(self._base + word.position, self.LAST_POSITION)
            for form in word.forms:
                self._lexemes.setdefault(prefix + form, {})[position] = weight
        if found:
            self._base += found[-1].position + self.GAP

    def __str__(self):
        return " ".join(f"{quoted(lexeme)}:{self._places(at)}" for lexeme, at in self._lexemes.items())

    def _places(self, at):
        return ",".join(f"{position}{at[position]}" for position in sorted(at)[: self.MOST_POSITIONS])


def row(document):
    """Return the row of one document, ready to be bound to storage.UPSERT. Raises pysolr.SolrError as Solr would."""
    if not document.get("index_id"):
        raise pysolr.SolrError("Document is missing mandatory uniqueKey field: index_id")
    fields, stored, all_words, field_words = {}, {}, Vector(), Vector()
    for name, given in {"indexed_ts": now().isoformat(), **document}.items():
        values = _values(name, given)
        if not values:
            continue
        kind = field(name).kind
        if field(name).stored:
            stored[name] = values if field(name).multiple else values[0]
        if name in _UNSEARCHED:
            continue
        # A facet counts datasets, not values: each value once.
        fields[name] = list(dict.fromkeys(values))
        for value in values:
            if kind.is_words:
                field_words.add(words(value, stemmed=kind is Kind.WORDS, joined=True), prefix=f"{name}:")
            if is_caught(name):
                all_words.add(words(value, joined=True), weight=_WEIGHTS.get(name, ""))
    for name in ("title", "name"):
        if name in fields:
            fields[f"{name}_ngram"] = [fold(fields[name][0])]
    for name, key in SORT_KEYS.items():
        if name in fields:
            fields[key] = [fold(fields[name][0])]
    return {
        "index_id": document["index_id"],
        "fields": json.dumps(fields),
        "stored": json.dumps(stored),
        "words": str(all_words),
        "field_words": str(field_words),
    }


def _values(name, given):
    """Return one field's values as texts. Raises pysolr.SolrError for a date that is none, or a string too long."""
    several = given if isinstance(given, list | tuple | set) else [given]
    values = [_as_text(name, value) for value in several if value is not None]
    if field(name).kind is Kind.STRING and name not in _UNSEARCHED:
        for value in values:
            if len(value.encode()) > _LONGEST_STRING:
                raise pysolr.SolrError(f'Exception writing document: immense term in field="{name}"')
    return values


def _as_text(name, value):
    if field(name).kind is Kind.DATE:
        return stored_date(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        value = json.dumps(value)
    return str(value).replace("\x00", "")
