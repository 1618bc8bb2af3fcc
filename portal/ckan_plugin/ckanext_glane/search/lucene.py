"""Queries in Lucene's language (`fq`, and `q` with a colon in it): from text to an SQL condition.

luqum parses them. Local parameters name another parser: `{!lucene ...}` and `{!bool ...}` are understood, for portals
that allow them. Fuzzy terms are looked for as they are, boosts weigh nothing. Not understood, and said so: regular
expressions, open comparisons (`>5`), other parsers.

Belongs here: the language. Does not belong here: what a field is asked (conditions), the default language (dismax).
"""

import re
from contextlib import contextmanager

import luqum.parser  # noqa: F401  (it builds its tables once, here and not in the first thread that asks)
import pysolr
from luqum import tree
from luqum.exceptions import ParseError
from luqum.thread import parse

from ckanext_glane.search.conditions import ALL, combine

_LOCAL = re.compile(r"\{!([^}]*)\}(.*)", re.DOTALL)
_PARAMETER = re.compile(r"(?:([\w.]+)=)?('[^']*'|\"[^\"]*\"|[^\s]+)")
_GROUPS = (tree.Group, tree.FieldGroup, tree.Boost, tree.Plus)
_EXCLUDED = (tree.Not, tree.Prohibit)
_OPERATORS = {tree.OrOperation: "OR", tree.AndOperation: "AND"}


def condition(query, conditions):
    """Return the SQL condition of a query, its values bound in `conditions`. Raises pysolr.SolrError as Solr would."""
    text = query.strip()
    local = _LOCAL.fullmatch(text)
    if local is not None:
        return _local(local[1], local[2], conditions)
    if text in ("", "*:*"):
        return ALL
    try:
        parsed = parse(text)
    except ParseError as error:
        raise pysolr.SolrError(f"org.apache.solr.search.SyntaxError: Cannot parse '{text}': {error}") from error
    return _node(parsed, conditions.default_field, conditions)


def _local(parameters, rest, conditions):
    given = {}
    for name, value in _PARAMETER.findall(parameters):
        given.setdefault(name or "type", []).append(value.strip("'\""))
    parser = given.get("type", ["lucene"])[0]
    if parser == "lucene":
        field = given.get("df", [conditions.default_field])[0]
        operator = given.get("q.op", [conditions.operator])[0]
        with _defaults(conditions, field, operator):
            return condition(given.get("v", [rest])[0], conditions)
    if parser == "bool":
        parts = {
            key: [condition(query, conditions) for query in given.get(key, [])]
            for key in ("must", "filter", "should", "must_not")
        }
        return combine(parts["must"] + parts["filter"], parts["should"], parts["must_not"])
    raise pysolr.SolrError(f"The query parser {parser} is not supported")


@contextmanager
def _defaults(conditions, field, operator):
    before = conditions.default_field, conditions.operator
    conditions.default_field, conditions.operator = field, operator
    try:
        yield
    finally:
        conditions.default_field, conditions.operator = before


def _node(node, name, conditions):
    if isinstance(node, tree.SearchField):
        return _node(node.expr, _plain(node.name), conditions)
    if isinstance(node, _EXCLUDED):
        return combine([], [], [_node(node.children[0], name, conditions)])
    if isinstance(node, _GROUPS):
        return _node(node.children[0], name, conditions)
    if isinstance(node, tree.BaseOperation):
        return _operation(node, name, conditions)
    return _leaf(node, name, conditions)


def _operation(node, name, conditions):
    operator = _OPERATORS.get(type(node), conditions.operator)
    must, should, must_not = [], [], []
    for child in node.children:
        if isinstance(child, _EXCLUDED):
            must_not.append(_node(child.children[0], name, conditions))
        else:
            wanted = must if operator == "AND" or isinstance(child, tree.Plus) else should
            wanted.append(_node(child, name, conditions))
    return combine(must, should, must_not)


def _leaf(node, name, conditions):
    if isinstance(node, tree.Range):
        low, high = (_plain(str(end.value).strip('"')) for end in (node.low, node.high))
        return conditions.between(name, low, high, with_low=node.include_low, with_high=node.include_high)
    if isinstance(node, tree.Proximity):
        return conditions.term(name, _plain(node.term.value[1:-1]), phrase=True, near=True)
    if isinstance(node, tree.Fuzzy):
        return conditions.term(name, _plain(node.term.value))
    if isinstance(node, tree.Phrase):
        return conditions.term(name, _plain(node.value[1:-1]), phrase=True)
    if isinstance(node, tree.Word):
        if node.value == "*":
            return conditions.exists(name)
        if node.has_wildcard():
            return conditions.wildcard(name, _plain(node.value))
        return conditions.term(name, _plain(node.value))
    raise pysolr.SolrError(f"{type(node).__name__} is not supported in '{node}'")


def _plain(text):
    """Undo the escapes of Lucene's language."""
    return re.sub(r"\\(.)", r"\1", text)
