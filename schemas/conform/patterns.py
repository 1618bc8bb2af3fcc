"""A Python regular expression, rewritten for RE2, where a match by RE2 proves a match by Python.

Belongs here: the translation, and nothing else. Does not belong here: running the expression.

The proof is one-way: what RE2 matches, Python matches; what RE2 does not match is asked of Python itself. The
expression is rebuilt from Python's own syntax tree, never passed on as text: the two read the same text differently
(`{,5}` is a repeat in Python and five characters in RE2; `\\d` is Unicode in Python and ASCII in RE2). Without
negation, look-around or back-reference a narrower character class can only match less, so narrowing keeps the proof.
"""

from __future__ import annotations

import re
import re._parser as sre  # type: ignore[import-not-found]
from collections.abc import Callable
from typing import Any

_CLASSES = {"CATEGORY_DIGIT": "0-9", "CATEGORY_WORD": "0-9A-Za-z_", "CATEGORY_SPACE": r"\t\n\f\r "}
_ANCHORS = {"AT_BEGINNING": "^", "AT_END": "$", "AT_BEGINNING_STRING": "^", "AT_END_STRING": "$"}
_REPEAT_LIMIT = 1000
"""RE2 refuses more."""


class _UntranslatableError(Exception):
    """The expression uses what RE2 lacks, or what the proof does not cover."""


def to_re2(pattern: str) -> str | None:
    """Give the RE2 expression to search with, or None where the proof does not hold.

    `pattern` is what Python's `re.match` is given: the result is anchored at the start as `match` is.
    """
    try:
        tree = sre.parse(pattern)
        if tree.state.flags & ~re.UNICODE:
            return None
        return f"^(?:{_sequence(tree)})"
    except (_UntranslatableError, re.error, RecursionError, OverflowError):
        return None


def _sequence(tree: Any) -> str:
    return "".join(_node(str(operator), argument) for operator, argument in tree)


def _node(operator: str, argument: Any) -> str:
    if operator not in _NODES:
        raise _UntranslatableError
    return _NODES[operator](argument)


def _literal(code: int) -> str:
    return rf"\x{{{code:x}}}"


def _not_literal(code: int) -> str:
    return rf"[^\x{{{code:x}}}]"


def _any(_: None) -> str:
    return r"[^\n]"


def _at(place: Any) -> str:
    if str(place) not in _ANCHORS:
        raise _UntranslatableError
    return _ANCHORS[str(place)]


def _set(items: Any) -> str:
    negated = str(items[0][0]) == "NEGATE"
    parts = []
    for kind, argument in items[1:] if negated else items:
        if str(kind) == "LITERAL":
            parts.append(_literal(argument))
        elif str(kind) == "RANGE":
            parts.append(f"{_literal(argument[0])}-{_literal(argument[1])}")
        elif str(kind) == "CATEGORY" and not negated and str(argument) in _CLASSES:
            parts.append(_CLASSES[str(argument)])
        else:
            raise _UntranslatableError
    return f"[{'^' if negated else ''}{''.join(parts)}]"


def _branch(argument: Any) -> str:
    return f"(?:{'|'.join(_sequence(branch) for branch in argument[1])})"


def _group(argument: Any) -> str:
    _, added, removed, tree = argument
    if added or removed:
        raise _UntranslatableError
    return f"(?:{_sequence(tree)})"


def _repeat(argument: Any) -> str:
    least, most, tree = argument
    unbounded = most is sre.MAXREPEAT
    if least > _REPEAT_LIMIT or (not unbounded and most > _REPEAT_LIMIT):
        raise _UntranslatableError
    return f"(?:{_sequence(tree)}){{{least},{'' if unbounded else most}}}"


_NODES: dict[str, Callable[[Any], str]] = {
    "LITERAL": _literal,
    "NOT_LITERAL": _not_literal,
    "ANY": _any,
    "AT": _at,
    "IN": _set,
    "BRANCH": _branch,
    "SUBPATTERN": _group,
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
}
