"""A CSV for each département, in one ZIP: for those who only care for theirs.

Belongs here: which rows go into which file, and writing the ZIP so that the same rows are the same bytes. Does not
belong here: the département of a row (publish/coverage.py), the files' own addresses on a portal (ckan/departments.py).

Every département has its file, with the header alone where it has no row; every row is in exactly one file, those
outside France and those that do not say where they are in one of their own.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from publish.coverage import departments_of
from publish.formats.delimited import to_csv
from schemas.dataset import Table
from schemas.territory.departments import departments

ELSEWHERE = "autres"
"""What stands for a département's code where a row is in none."""

# The first day that a ZIP can tell: it must not say when it was written, nor where.
_NEVER = (1980, 1, 1, 0, 0, 0)
_UNIX, _READABLE = 3, 0o644 << 16


def write_departments(table: Table, rows: pl.DataFrame, path: Path) -> None:
    """Write the published fields of `rows`, a CSV for each département, into one ZIP."""
    with zipfile.ZipFile(path, "w") as archive:
        for code, data in csv_by_department(table, rows):
            member = zipfile.ZipInfo(file_name(table.name, code), _NEVER)
            member.compress_type, member.create_system, member.external_attr = zipfile.ZIP_DEFLATED, _UNIX, _READABLE
            archive.writestr(member, data, compresslevel=9)


def csv_by_department(table: Table, rows: pl.DataFrame) -> Iterator[tuple[str, bytes]]:
    """The canonical CSV of each département by its code, in the order of the list, ELSEWHERE last."""
    assert table.line.territory is not None, "formats_of() offers this only for tables with a territory"
    published = rows.select(table.published_fields)
    codes = departments_of(table.line.territory.columns, rows).fill_null(ELSEWHERE)
    for code in (*departments(), ELSEWHERE):
        yield code, to_csv(published.filter(codes == code))


def file_name(table: str, code: str) -> str:
    """The name of a département's file; it never changes."""
    return f"{table}-departement-{code}.csv" if code != ELSEWHERE else f"{table}-{ELSEWHERE}.csv"
