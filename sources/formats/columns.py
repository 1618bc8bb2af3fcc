"""Parquet: a table kept by columns.

Belongs here: opening such a file within bounds, and giving its rows. Does not belong here: what the columns mean.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sources.declaration import FileFormat
from sources.formats.documents import flat
from sources.formats.reading import ReadError, Reading, Record, as_text

_BYTES_MAX = 1024**3


def read_parquet(path: Path, declared: FileFormat) -> Reading:
    """Read a Parquet file, its cells typed and nested ones flattened as in JSON; a record's line is its position
    from 1. Raises ReadError."""
    try:
        with pq.ParquetFile(path) as file:
            groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
            if sum(group.total_byte_size for group in groups) > _BYTES_MAX:
                raise ReadError(path, "the table unfolds to more than a gigabyte.", "Send it in several files.")
            rows = file.read().to_pylist()
    except (pa.ArrowException, OSError) as error:
        what = f"this is no Parquet file that can be read ({str(error).splitlines()[0]})."
        raise ReadError(path, what, "It is cut short, or another kind of file: send it whole.") from error
    records = [Record(line, flat(path, line, row)) for line, row in enumerate(rows, start=1)]
    filled = [record for record in records if any(as_text(cell) for cell in record.cells.values())]
    columns = tuple(dict.fromkeys(name for record in records for name in record.cells))
    return Reading(columns, filled, len(records) - len(filled))
