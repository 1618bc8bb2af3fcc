"""Whether a partner's file holds what its source lets expect: the same guards as a version's (schemas/expectations).

Belongs here: the four bounds of source.yaml as guards, and the errors of the two that hold a file back. Does not belong
here: the bounds themselves (declaration.py: Bounds), approving a file (pipelines/approving.py).

    rows_min        stop   the read has failed, it is not that the rows are gone
    shrink_max      ask    an export that broke off is whole to every other look; a steward may know better
    rows_max        show
    to_correct_max  show

While a file is held back, the partner's last good rows stay.
"""

from glane.errors import DataError
from schemas.expectations.answer import Answer, between, bilingual
from schemas.expectations.declaration import SMALL
from schemas.expectations.outcome import Outcome
from schemas.judgement import Judgement
from sources.declaration import Bounds


class TooFewRowsError(DataError):
    """Fewer rows than can be believed. `outcome` says what was expected; where it asks, a steward may approve the file
    by its `hash`."""

    def __init__(self, what: str, remedy: str, outcome: Outcome, hash_: str | None = None) -> None:
        super().__init__(what, remedy)
        self.outcome = outcome
        self.hash = hash_


def check_enough(rows_in: int, rows_min: int, name: str, partner: str) -> None:
    """Raises TooFewRowsError where the file `name` holds less than its source's bound."""
    answer = Answer(
        rows_in >= rows_min,
        between(rows_min, None, "nombre de lignes", "number of rows"),
        bilingual("nombre de lignes : {rows}", "number of rows: {rows}", rows=rows_in),
        {"rows": rows_in},
    )
    if not answer.passed:
        raise TooFewRowsError(
            f"{name} holds {rows_in} rows; {rows_min} at least were expected.",
            "It is not taken for a source that shrank: ask the partner, or lower bounds.rows_min in source.yaml.",
            answer.outcome(partner, "row_count", (), "stop"),
        )


def rows_kept(rows_in: int, before: int | None, bounds: Bounds, partner: str) -> Outcome:
    """Whether a file has lost a larger share of the rows that it held `before` (in the last good one; None: there was
    none) than its source's bound."""
    fall = 1 - rows_in / before if before else 0.0
    passed = before is None or before <= SMALL or rows_in >= before * (1 - bounds.shrink_max)
    answer = Answer(
        passed,
        bilingual("baisse d'au plus {fall}", "falls by at most {fall}", fall=float(bounds.shrink_max)),
        bilingual(
            "nombre de lignes : {before} la dernière fois, {rows} maintenant",
            "number of rows: {before} the last time, {rows} now",
            before=before or 0,
            rows=rows_in,
        ),
        {"rows": rows_in, "rows_before": before or 0},
        compared=before is not None,
        excess={"fall": round(fall, 9)},
    )
    return answer.outcome(partner, "row_count_change", (), "ask")


def shrunk_error(outcome: Outcome, bounds: Bounds, name: str, source: str, hash_: str) -> TooFewRowsError:
    """The error of the file `name` of `source`, which lost more rows than it may and waits for a steward."""
    rows, before = (int(outcome.figures[figure]) for figure in ("rows", "rows_before"))
    return TooFewRowsError(
        f"{name} holds {rows} rows, and held {before} the last time: it lost more than {bounds.shrink_max:.0%}.",
        "Ask the partner whether the export is whole. If it is, let it pass, and run again: "
        f"glane approve {source} {hash_} --as ROLE --why REASON",
        outcome,
        hash_,
    )


def more_than_expected(judgement: Judgement, bounds: Bounds, partner: str) -> list[Outcome]:
    """The bounds that are passed and shown: more rows, or a larger share to be corrected, than the source declares."""
    found = []
    rows, wrong, most, share = judgement.rows_in, judgement.to_correct, bounds.rows_max, bounds.to_correct_max
    if most is not None and rows > most:
        answer = Answer(
            False,
            between(None, most, "nombre de lignes", "number of rows"),
            bilingual("nombre de lignes : {rows}", "number of rows: {rows}", rows=rows),
            {"rows": rows, "most": most},
        )
        found.append(answer.outcome(partner, "row_count", (), "show"))
    if rows and wrong / rows > share:
        answer = Answer(
            False,
            bilingual("à corriger : au plus {most} des lignes", "to be corrected: at most {most} of rows", most=share),
            bilingual(
                "à corriger : {share} des lignes ({wrong} sur {rows})",
                "to be corrected: {share} of the rows ({wrong} of {rows})",
                share=wrong / rows,
                wrong=wrong,
                rows=rows,
            ),
            {"to_correct": wrong, "rows": rows, "most": share},
        )
        found.append(answer.outcome(partner, "to_correct_share", (), "show"))
    return found
