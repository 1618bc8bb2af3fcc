"""Kernels: one vector operation that proves cells of a column valid, without asking frictionless.

Belongs here: which kernels a field allows, and each kernel. Does not belong here: what becomes of a cell that no
kernel proves (schemas/conform/columns.py asks frictionless' own reader).

A kernel answers True only where frictionless' reader would find no error for a cell that is not missing; False means
"not proven", never "wrong". So each is free to be narrower than the rule (29 February is left out of the dates) and
none may be wider. The laws are kept by tests/conform/test_kernels.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from schemas.conform.buffers import scalar, strings
from schemas.conform.patterns import to_re2

Kernel: TypeAlias = Callable[[Any], Any]
"""From the cells (a string array without nulls) to booleans: proven valid, or not."""

_DATE = (
    r"[12][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_DATETIME = rf"{_DATE}T{_TIME}(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])?"
_INTEGER = r"[+-]?[0-9]{1,15}"
_EMAIL = r"[a-z0-9]+(?:[._-][a-z0-9]+)*@(?:[a-z0-9]{1,30}(?:-[a-z0-9]{1,20}){0,2}\.)+[a-z]{2,10}"
_URI = (
    r"https?://[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+"
    r"(?:/[A-Za-z0-9._~-]*)*(?:\?[A-Za-z0-9._~=&-]*)?(?:#[A-Za-z0-9._~-]*)?"
)
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_EMAIL_LENGTH = 64
_MARGIN = 1e-9
"""Bounds are decimals and the kernel's numbers floats: a value this near a bound is left to frictionless."""

_LARGEST = 1e300

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def kernels_of(field: Any) -> list[Kernel] | None:
    """Give the kernels that together prove a cell of this frictionless Field, or None where there are none."""
    checks = {name: field.constraints[name] for name in active_checks(field) if name != "required"}
    make = _BY_TYPE.get(field.type)
    return make(field, checks) if make else None


def active_checks(field: Any) -> list[str]:
    """Give the names of the constraints frictionless checks on every cell of the field."""
    return [
        name
        for name in field.supported_constraints
        if field.constraints.get(name) is not None and not (name == "required" and not field.constraints[name])
    ]


def matches(expression: str) -> Kernel | None:
    """Give the kernel of an anchored RE2 expression, or None if RE2 refuses it."""
    try:
        pc.match_substring_regex(strings([""]), pattern=expression)
    except pa.ArrowInvalid:
        return None
    return lambda cells: pc.match_substring_regex(cells, pattern=expression)


def _whole(expression: str) -> Kernel:
    return lambda cells: pc.match_substring_regex(cells, pattern=f"^(?:{expression})$")


def _string(field: Any, checks: dict[str, Any]) -> list[Kernel] | None:
    by_format: dict[str, list[Kernel]] = {
        "default": [],
        "email": [_whole(_EMAIL), _shorter(_EMAIL_LENGTH)],
        "uri": [_whole(_URI)],
        "uuid": [_whole(_UUID)],
    }
    if field.format not in by_format or "enum" in checks:
        return None
    kernels = by_format[field.format]
    if "pattern" in checks:
        expression = to_re2(f"^{checks['pattern']}$")
        kernel = matches(expression) if expression else None
        if kernel is None:
            return None
        kernels.append(kernel)
    if "minLength" in checks or "maxLength" in checks:
        kernels.append(_length(checks.get("minLength"), checks.get("maxLength")))
    return kernels


def _any(field: Any, checks: dict[str, Any]) -> list[Kernel] | None:
    return None if checks else []


def _shorter(length: int) -> Kernel:
    limit = scalar(length)
    return lambda cells: pc.less(pc.binary_length(cells), limit)


def _length(least: int | None, most: int | None) -> Kernel:
    shortest, longest = scalar(least or 0), None if most is None else scalar(most)

    def kernel(cells: Any) -> Any:
        length = pc.utf8_length(cells)
        proven = pc.greater_equal(length, shortest)
        return proven if longest is None else pc.and_(proven, pc.less_equal(length, longest))

    return kernel


def _date(field: Any, checks: dict[str, Any]) -> list[Kernel] | None:
    if field.format != "default" or not set(checks) <= set(_BOUNDS):
        return None
    bounds = _read_bounds(field, checks)
    if bounds is None or not all(type(bound) is date and bound.year >= 1000 for _, bound in bounds):
        return None
    kernels = [_whole(_DATE)]
    # Dates written the one canonical way are in the order of their characters.
    kernels.extend(_compared(_COMPARE[name], bound.isoformat()) for name, bound in bounds)
    return kernels


def _datetime(field: Any, checks: dict[str, Any]) -> list[Kernel] | None:
    return None if field.format != "default" or checks else [_whole(_DATETIME)]


def _compared(compare: Callable[[Any, Any], Any], bound: Any) -> Kernel:
    limit = scalar(bound)
    return lambda cells: compare(cells, limit)


def _integer(field: Any, checks: dict[str, Any]) -> list[Kernel] | None:
    if not field.bare_number or not set(checks) <= set(_BOUNDS):
        return None
    bounds = _read_bounds(field, checks)
    if bounds is None or not all(type(bound) is int and abs(bound) < 1 << 62 for _, bound in bounds):
        return None
    shape, zero = _whole(_INTEGER), scalar("0")
    if not bounds:
        return [shape]
    limits = [(name, scalar(bound)) for name, bound in bounds]

    def kernel(cells: Any) -> Any:
        proven = shape(cells)
        digits = pc.utf8_ltrim(pc.if_else(proven, cells, zero), characters="+")
        values = pc.cast(digits, pa.int64())
        for name, limit in limits:
            proven = pc.and_(proven, _COMPARE[name](values, limit))
        return proven

    return [kernel]


def _number(field: Any, checks: dict[str, Any]) -> list[Kernel] | None:
    if not field.bare_number or not set(checks) <= set(_BOUNDS):
        return None
    bounds = _read_bounds(field, checks)
    if bounds is None or not all(isinstance(bound, (int, float, Decimal)) for _, bound in bounds):
        return None
    floats = [(name, float(bound)) for name, bound in bounds]
    if any(bound != bound or abs(bound) > _LARGEST for _, bound in floats):
        return None
    limits = [(name, scalar(_inside(name, bound))) for name, bound in floats]
    defined = set(field.list_defined())
    if {"group_char", "decimal_char"} & defined:
        return _localised(field, limits)
    shape, zero = _whole(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?"), scalar("0")

    def kernel(cells: Any) -> Any:
        try:
            # Arrow's reading of a float is narrower than Decimal's, infinities and NaN aside (left out below).
            values = pc.cast(cells, pa.float64())
            proven = pc.is_finite(values)
        except pa.ArrowInvalid:
            proven = shape(cells)
            values = pc.cast(pc.utf8_ltrim(pc.if_else(proven, cells, zero), characters="+"), pa.float64())
        return _within(values, proven, limits)

    return [kernel]


def _localised(field: Any, limits: Sequence[tuple[str, Any]]) -> list[Kernel] | None:
    """Numbers written with a decimal or group character of their own, as `1 234,5`."""
    decimal, group = field.decimal_char, field.group_char
    unsafe = set("+-0123456789eE_")
    if len(decimal) != 1 or len(group) > 1 or decimal == group or {decimal, group} & unsafe:
        return None
    digit = rf"(?:[0-9]|\x{{{ord(group):x}}}[0-9])" if group else "[0-9]"
    shape = _whole(rf"[+-]?[0-9]{digit}{{0,14}}(?:\x{{{ord(decimal):x}}}[0-9]{{1,15}})?")
    zero = scalar("0")

    def kernel(cells: Any) -> Any:
        proven = shape(cells)
        plain = pc.if_else(proven, cells, zero)
        if group:
            plain = pc.replace_substring(plain, pattern=group, replacement="")
        plain = pc.replace_substring(plain, pattern=decimal, replacement=".")
        return _within(pc.cast(pc.utf8_ltrim(plain, characters="+"), pa.float64()), proven, limits)

    return [kernel]


def _within(values: Any, proven: Any, limits: Sequence[tuple[str, Any]]) -> Any:
    for name, limit in limits:
        proven = pc.and_(proven, _COMPARE[name](values, limit))
    return proven


def _inside(name: str, bound: float) -> float:
    margin = _MARGIN * max(1.0, abs(bound))
    return bound + margin if name in ("minimum", "exclusiveMinimum") else bound - margin


def _read_bounds(field: Any, checks: dict[str, Any]) -> list[tuple[str, Any]] | None:
    """Give the bounds as frictionless reads them, or None if it cannot read one (and would fail on every cell)."""
    read = field.create_value_reader()
    bounds = [(name, read(checks[name])) for name in _BOUNDS if name in checks]
    return None if any(bound is None for _, bound in bounds) else bounds


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "minimum": pc.greater_equal,
    "maximum": pc.less_equal,
    "exclusiveMinimum": pc.greater,
    "exclusiveMaximum": pc.less,
}
_BY_TYPE: dict[str, Callable[[Any, dict[str, Any]], list[Kernel] | None]] = {
    "string": _string,
    "any": _any,
    "date": _date,
    "datetime": _datetime,
    "integer": _integer,
    "number": _number,
}
