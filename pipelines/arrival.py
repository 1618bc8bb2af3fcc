"""What is known of a file once it has come: where from, how it is written, and how many rows there were before it.

Belongs here: putting a snapshot and a reading into the report's words. Does not belong here: the order of a source's
steps (intake.py).
"""

from glane.store import Store
from schemas.report import Arrival
from schemas.rows import VerdictError, last_good
from sources.read import Reading
from sources.snapshot import Snapshot


def arrival_of(snapshot: Snapshot, told: Arrival | None = None, *, reading: Reading | None = None) -> Arrival:
    """The file of `snapshot` as the report tells of it; how it is written is known from its `reading`, or from what was
    `told` of the same bytes before."""
    known = told or Arrival(address="", sha256="", bytes=0, fetched_at="")
    if reading is not None:
        known = known.model_copy(
            update={
                "encoding": reading.encoding,
                "delimiter": reading.delimiter,
                "detected": reading.detected,
                "sure": reading.sure,
                "header": reading.header,
                "decimal": reading.decimal,
            }
        )
    return known.model_copy(
        update={
            "address": snapshot.address,
            "sha256": snapshot.sha256,
            "bytes": snapshot.bytes,
            "fetched_at": snapshot.fetched_at,
        }
    )


def rows_before(store: Store, dataset: str, partner: str, *, ours: bool = False) -> int | None:
    """How many rows the partner's last good file held (`ours`: how many of them we publish, which is what stands in a
    workbook of ours); None where there was none."""
    try:
        found = last_good(store, dataset, partner)
    except VerdictError:
        return None
    if found is None:
        return None
    return found[1].passed if ours else found[1].rows_in
