"""Whether a source was taken in as it is now.

Belongs here: holding what the last run saw against what is declared and stands beside it. Does not belong here: taking
in (intake.py), what runs when (automation.py).
"""

from glane.store import Store, sha256_of
from pipelines.catalogue import BrokenDataset
from pipelines.judging import mapped_by
from schemas.dataset import Dataset
from schemas.report import last_report
from schemas.rows import last_good
from sources.declaration import BrokenSource, Source


def is_taken_in(source: Source | BrokenSource, dataset: Dataset | BrokenDataset, store: Store) -> bool:
    """Whether the last run saw this source as it is now: the same declarations, and the same file beside them."""
    report = last_report(store, source.dataset, source.partner)
    if report is None or isinstance(source, BrokenSource) or isinstance(dataset, BrokenDataset):
        return report is not None and report.state == "failed"
    found = last_good(store, source.dataset, source.partner)
    if found is None or (found[1].mapped_by, found[1].judged_by) != (mapped_by(source), dataset.fingerprint):
        return False
    if source.line.where.file is None:
        return True
    path = source.folder / source.line.where.file
    return path.is_file() and sha256_of(path) == found[1].snapshot
