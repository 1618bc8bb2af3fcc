"""Queries as people type them (`q` without a colon): words, "phrases", +wanted, -unwanted.

As in Solr's DisMax: how many of the words must be there is said by `mm`, and nothing that is typed is a syntax error.
Beyond it: function words (the, les, d') are not counted, unless there is nothing else.

Belongs here: this language. Does not belong here: what a field is asked (conditions).
"""

import re

import pysolr

from ckanext_glane.search.analysis import FUNCTION_WORDS, fold, words
from ckanext_glane.search.conditions import ALL, NONE, combine
from ckanext_glane.search.fields import CATCH_ALL

_CLAUSE = re.compile(r'([+-]?)(?:"([^"]*)"|(\S+))')
# Solr stumbles over these too, and CKAN's tests want it to.
_STUMBLE = re.compile(r"(^|\s)[+-]{2,}\S")


def condition(query, conditions, minimum):
    """Return the SQL condition of what somebody typed; `minimum` is Solr's `mm`."""
    if query.strip() == "*:*":
        return ALL
    if _STUMBLE.search(query):
        raise pysolr.SolrError(f"org.apache.solr.search.SyntaxError: Cannot parse '{query}'")
    clauses = [(sign, phrase or word, bool(phrase)) for sign, phrase, word in _CLAUSE.findall(query)]
    clauses = [clause for clause in clauses if words(clause[1])]
    telling = [clause for clause in clauses if clause[0] or clause[2] or not _is_function(clause[1])]
    must, counted, must_not = [], [], []
    for sign, text, phrase in telling or clauses:
        term = conditions.term(CATCH_ALL, text, phrase=phrase)
        {"+": must, "-": must_not}.get(sign, counted).append(term)
    if not (must or counted or must_not):
        return NONE
    if counted:
        must.append(_at_least(least(minimum, len(counted)), counted))
    return combine(must, [], must_not)


def _is_function(text):
    return fold(text) in FUNCTION_WORDS


def _at_least(number, conditions):
    if number >= len(conditions):
        return combine(conditions, [], [])
    # The plain OR lets the index answer; the sum then counts among what it found.
    total = " + ".join(f"CAST({condition} AS int)" for condition in conditions)
    return f"({combine([], conditions, [])} AND {total} >= {number})"


def least(minimum, number):
    """Return how many of `number` clauses must match: Solr's `mm`, `2<-1 5<80%` for instance."""
    if "<" not in minimum:
        needed = _share(minimum, number)
    else:
        needed = number
        for part in minimum.split():
            above, share = part.split("<")
            if number > int(above):
                needed = _share(share, number)
    return max(1, min(number, needed))


def _share(text, number):
    amount = int(text.strip("-%"))
    part = number * amount // 100 if "%" in text else amount
    return number - part if text.startswith("-") else part
