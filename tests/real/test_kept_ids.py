"""On partners' real files: rows whose name or address somebody changed keep their ids, and new ones get their own."""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from schemas.dataset import load_datasets
from sources.check import table_of
from sources.declaration import load_source
from sources.identity.identify import Identified, Row, identified
from sources.identity.likeness import Compared, compared_fields
from sources.identity.register import Register
from sources.mapping import map_rows
from sources.read import read
from sources.terms import fold
from tests.sources.material import REAL

HERE = Path(__file__).parent
DATASETS = load_datasets(HERE.parents[1] / "schemas")
Cells = Mapping[str, str]

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL.is_dir(), reason="partners' real files are not here: ../shared/data"),
]


def real_rows(name: str) -> tuple[Compared, str, list[Cells]]:
    """What tells the rows of a real file, the field of their names, and their telling cells, each content once."""
    source = load_source(HERE / name)
    table = table_of(source, DATASETS[source.dataset])
    assert source.line.where.file is not None
    reading = read(source.folder / source.line.where.file, source.line.format)
    rows = map_rows(source, table, reading, snapshot_date="2026-11-01").rows
    fields = compared_fields(table)
    assert fields.name is not None
    cells = [{n: text for n, text in row.items() if text} for row in rows.select(fields.fields).to_dicts()]
    return fields, fields.name, list({key(fields, one): one for one in cells if one.get(fields.name)}.values())


def key(fields: Compared, cells: Cells) -> str:
    return "p--" + "-".join(fold(cells.get(name, "")) for name in (fields.name or "", *fields.texts))


def given_to(fields: Compared, rows: list[Cells], before: Register) -> Identified:
    made = [Row(line, None, key(fields, cells), cells) for line, cells in enumerate(rows, 2)]
    return identified(fields, made, before, key_field="id")


def changed(cells: Cells, name: str, chance: random.Random) -> Cells:
    """The row after somebody typed in it: a letter, or the last word of a long name."""
    words = cells[name].split()
    if chance.random() < 0.3 and len(words) > 3:
        return {**cells, name: " ".join(words[:-1])}
    at = chance.randrange(len(cells[name]))
    return {**cells, name: cells[name][:at] + chance.choice("aeinrst") + cells[name][at + 1 :]}


@pytest.mark.parametrize(
    "name", ["inclusion_sites/region-sud", "inclusion_sites/france-services", "atlas_organisations/susy"]
)
def test_changed_rows_keep_their_ids_and_new_ones_get_their_own(name: str) -> None:
    fields, called, rows = real_rows(name)
    chance = random.Random(5)
    chance.shuffle(rows)
    old, new = rows[: -len(rows) // 10], rows[-len(rows) // 10 :]
    register = given_to(fields, old, Register()).register
    # A tenth goes, a fifth of the others is changed, and a tenth of the whole is new.
    stay = [cells for number, cells in enumerate(old) if number % 10]
    now = [changed(cells, called, chance) if chance.random() < 0.2 else cells for cells in stay]
    result = given_to(fields, now + new, register)
    names = {key(fields, cells) for cells in now}
    fresh = [cells for cells in new if key(fields, cells) not in names]
    ids = dict(zip((key(fields, cells) for cells in now + new), result.ids, strict=True))
    true = [(ids[key(fields, after)], key(fields, before)) for before, after in zip(stay, now, strict=True)]
    assert sum(a == b for a, b in true) > 0.995 * len(true)
    assert sum(a != b and a in register.ids for a, b in true) <= 0.001 * len(true)
    assert sum(ids[key(fields, cells)] in register.ids for cells in fresh) <= 0.02 * len(fresh)
