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
from sources.fetch.failures import HarvestError
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


def mailed_file(source: Source | BrokenSource, store: Store) -> dict[str, str | None] | None:
    """What became of the file that a partner mailed last; None for other sources, and where none came.

    `standing`: taken (the partner said yes), waits, or expired; `asked_at` and `reminded_at` are for one that waits.
    """
    if isinstance(source, BrokenSource) or source.line.where.mailbox is None:
        return None
    try:
        inbox = kept_inbox(source, store).inbox
    except HarvestError:
        # The source's run fails for it, and says what to do.
        return None
    waiting = inbox.waiting
    came = waiting.came if waiting is not None else inbox.expired or inbox.taken
    if came is None:
        return None
    return {
        "standing": inbox.standing,
        "file": came.name,
        "came_at": came.at,
        "asked_at": waiting.asked_at if waiting is not None else None,
        "reminded_at": waiting.reminded_at if waiting is not None else None,
    }


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
