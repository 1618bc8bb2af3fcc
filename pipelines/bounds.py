"""What a partner is told of a file that holds more than its source lets expect.

Belongs here: saying so in the partner's words. Does not belong here: the guards (sources/enough.py), which tell the
steward.
"""

from collections.abc import Iterable

from glane.text import Text
from schemas.expectations.outcome import Outcome
from schemas.speaker import spoken


def notes_of(shown: Iterable[Outcome]) -> list[Text]:
    """One note for each bound that was passed."""
    return [_note(outcome) for outcome in shown]


def _note(outcome: Outcome) -> Text:
    rows, most = int(outcome.figures["rows"]), outcome.figures["most"]
    if outcome.expect == "row_count":
        return spoken(lambda say: say("beyond-rows", rows=say.count("row", rows), most=say.number(int(most))))
    wrong = int(outcome.figures["to_correct"])
    return spoken(
        lambda say: say("beyond-share", wrong=say.number(wrong), rows=say.count("row", rows), share=say.percent(most))
    )
