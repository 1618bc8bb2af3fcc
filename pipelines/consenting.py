"""What mailed files may become: nothing of them is published before the partner has said yes.

Belongs here: what an intake does otherwise for a file that waits, and what its report says. Does not belong here: who
said yes to what (sources/inbox/consent.py), asking (mail/).

    reports/<dataset>/<partner>/proposed.csv   the rows of the file that waits, as they would be published
"""

import polars as pl

from glane.store import Store
from glane.text import Text
from publish.formats.delimited import to_csv
from schemas.dataset import Table
from schemas.judgement import Judgement
from schemas.phrases import words
from schemas.report import SourceReport
from sources.declaration import BrokenSource, Source
from sources.inbox.reading import kept_inbox

_NOTES = ("waits", "waits-nothing", "waits-expired")
_FORMULA = r"^[=+\-@\t\r]"


def proposed_key(dataset: str, partner: str) -> str:
    """Where the store keeps what would be published of a file that waits for the partner's yes."""
    return f"reports/{dataset}/{partner}/proposed.csv"


def keep_proposed(store: Store, source: Source, table: Table, judgement: Judgement) -> None:
    """Keep the rows that would be published, as a spreadsheet program opens them: with a mark of UTF-8, and with
    nothing that runs as a formula."""
    cells = pl.col(pl.String)
    inert = pl.when(cells.str.contains(_FORMULA)).then(pl.lit("'") + cells).otherwise(cells).name.keep()
    data = to_csv(judgement.rows.select(table.published_fields).with_columns(inert))
    store.write(proposed_key(source.dataset, source.partner), b"\xef\xbb\xbf" + data)


def with_consent(report: SourceReport, source: Source | BrokenSource, store: Store) -> SourceReport:
    """The report with a note on whether the file waits for the partner's yes, and without such a note of before."""
    if isinstance(source, BrokenSource) or source.line.where.mailbox is None or report.failure is not None:
        return report
    said = [words("mail")[name] for name in _NOTES]
    notes = [note for note in report.notes if note not in said]
    note = _note(report, source, store)
    return report.model_copy(update={"notes": (*([note] if note else []), *notes)})


def _note(report: SourceReport, source: Source, store: Store) -> Text | None:
    standing = kept_inbox(source, store).inbox.standing
    if standing == "waits":
        fit = report.counts is not None and report.counts.passed > 0
        return words("mail")["waits" if fit else "waits-nothing"]
    return words("mail")["waits-expired"] if standing == "expired" else None
