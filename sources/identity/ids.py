"""Gives a mapped file's rows their ids, and the register that remembers them.

Belongs here: what is known of a partner's ids from the store, and which rule a source's rows go by. Does not belong
here: the rules themselves (identify.py, brought.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from glane.store import Store
from schemas.dataset import Table
from schemas.judgement import LINE, Found
from schemas.rows import VerdictError, last_good
from sources.declaration import Source
from sources.identity.brought import brought
from sources.identity.identify import Row, identified, renumbered
from sources.identity.likeness import Compared, compared_fields
from sources.identity.own import id_of_number, id_prefix
from sources.identity.register import Known, Register, load_register
from sources.mapping import Mapped


@dataclass(frozen=True)
class Past:
    """What is known of a partner's rows: every id they were given, and the last good ones (None: there are none)."""

    register: Register = field(default_factory=Register)
    rows: pl.DataFrame | None = None


def past_of(store: Store, dataset: str, partner: str) -> Past:
    """What the store knows of a partner's rows. Raises RegisterError."""
    try:
        found = last_good(store, dataset, partner)
    except VerdictError:
        # Whoever publishes refuses these rows; the register knows their ids all the same.
        found = None
    return Past(load_register(store, dataset, partner), found[0] if found else None)


@dataclass(frozen=True)
class Brings:
    """What a workbook of ours brings: the text of each row's id cell, and whether it was made with the partner's rows
    in it. An id typed into an empty one is the partner's own number."""

    texts: Sequence[str]
    filled: bool


def gives_ids(source: Source) -> bool:
    """Whether the rows of `source` get their ids from us: its partner has no number for them."""
    return source.line.id is not None and source.line.id.fields is not None


def with_ids(
    source: Source, table: Table, mapped: Mapped, past: Past, brings: Brings | None = None
) -> tuple[Mapped, Register]:
    """The mapped rows with their ids, what is asked of these, and the register after them.

    `brings` is what the id cells of our own workbook hold, where the file is one. The rows of a partner that numbers
    them itself keep their numbers; it is told when many of them changed.
    """
    if len(table.primary_key) != 1:
        return mapped, past.register
    key = table.primary_key[0]
    declared = source.line.id
    fields = compared_fields(table, (declared.fields or ()) if declared else ())
    before = _with_last_rows(past, table, fields)
    if brings is None and not gives_ids(source):
        now = [name for name in mapped.rows[key].to_list() if name]
        asked = _renumbered(fields, mapped, before, past, key)
        register = Register({**past.register.ids, **{name: Known() for name in now if name not in past.register.ids}})
        return replace(mapped, questions=(*mapped.questions, *asked)), register
    cells, lines = _cells(mapped.rows, fields), mapped.rows[LINE].to_list()
    keys = mapped.rows[key].to_list()
    given: Sequence[str | None] = [None] * len(keys)
    aside: frozenset[int] = frozenset()
    found: tuple[Found, ...] = ()
    if brings is not None:
        numbers = None if brings.filled and gives_ids(source) else _numbers(source.partner, filled=brings.filled)
        told = brought(
            fields,
            brings.texts,
            list(zip(lines, cells, strict=True)),
            before.ids,
            numbers,
            key_field=key,
        )
        given, aside, found = told.given, told.aside, told.found
    rows = [
        Row(line, name, None if at in aside else hashed, row)
        for at, (line, name, hashed, row) in enumerate(zip(lines, given, keys, cells, strict=True))
    ]
    result = identified(fields, rows, before, key_field=key, apart=(declared.apart if declared else ()))
    # A row whose id does not stand is to be corrected; its cell shows what is wrong, and repeats no other row's id.
    wrong = {at: f"{brings.texts[at]} ({lines[at]})" for at in aside} if brings else {}
    ids = [wrong.get(at, name) for at, name in enumerate(result.ids)]
    frame = mapped.rows.with_columns(pl.Series(key, ids, dtype=pl.String))
    register = result.register
    if not gives_ids(source):
        matched = {name for name, brought_id in zip(result.ids, given, strict=True) if name and brought_id is None}
        register = _of_numbered(result.register, past.register, matched)
    return replace(mapped, rows=frame, questions=(*mapped.questions, *found, *result.questions)), register


def _numbers(partner: str, *, filled: bool) -> Callable[[str], str]:
    """Makes an id of a number that the partner typed; none of what is written like an id of ours and is none."""
    prefix = f"{id_prefix(partner)}--"

    def numbered(text: str) -> str:
        if text.startswith(prefix):
            return "" if filled else id_of_number(partner, [text.removeprefix(prefix)])
        return id_of_number(partner, [text])

    return numbered


def _cells(rows: pl.DataFrame, fields: Compared) -> list[dict[str, str]]:
    if not fields.fields:
        return [{} for _ in range(rows.height)]
    return [{name: text for name, text in row.items() if text} for row in rows.select(fields.fields).to_dicts()]


def _with_last_rows(past: Past, table: Table, fields: Compared) -> Register:
    """The register with the last good rows in it, where it says nothing of them: they came before it did."""
    rows = past.rows
    if rows is None or not {*fields.fields, *table.primary_key} <= set(rows.columns):
        return past.register
    ids = dict(past.register.ids)
    for name, cells in zip(rows[table.primary_key[0]].to_list(), _cells(rows, fields), strict=True):
        one = ids.get(name, Known())
        if name and one.cells is None:
            keys = one.keys or (name,)
            ids[name] = Known(keys, keys[-1], cells)
    return Register(ids)


def _of_numbered(after: Register, before: Register, matched: set[str]) -> Register:
    """The register of a partner that numbers its rows: their ids, and the keys of those alone that it left to us."""
    return Register(
        {
            name: Known(one.keys if name in matched else before.ids.get(name, Known()).keys)
            for name, one in after.ids.items()
        }
    )


def _renumbered(fields: Compared, mapped: Mapped, before: Register, past: Past, key: str) -> list[Found]:
    """Asked only where enough ids are new: a file that keeps its numbers is not looked at row by row."""
    if past.rows is None or key not in past.rows.columns:
        return []
    names = set(past.rows[key].to_list())
    if names <= set(mapped.rows[key].to_list()):
        return []
    last = {name: cells for name in names if (cells := before.ids[name].cells) is not None}
    lines, now = mapped.rows[LINE].to_list(), mapped.rows[key].to_list()
    told = zip(lines, now, _cells(mapped.rows, fields), strict=True)
    return renumbered(fields, [Row(line, name, None, row) for line, name, row in told], last, key_field=key)
