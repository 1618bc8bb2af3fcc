"""What a file holds beyond what its source lets expect.

Belongs here: saying so. Does not belong here: the bounds (sources/declaration.py), nor refusing a file that holds too
few rows (intake.py).
"""

from glane.text import Text
from schemas.judgement import Judgement
from schemas.speaker import spoken
from sources.declaration import Bounds


def beyond_bounds(judgement: Judgement, bounds: Bounds) -> list[Text]:
    """What the steward should look at: more rows, or a larger share to be corrected, than the source declares."""
    notes = []
    rows, wrong, most, share = judgement.rows_in, judgement.to_correct, bounds.rows_max, bounds.to_correct_max
    if most is not None and rows > most:
        notes.append(spoken(lambda say: say("beyond-rows", rows=say.count("row", rows), most=say.number(most))))
    if rows and wrong / rows > share:
        told = spoken(
            lambda say: say(
                "beyond-share", wrong=say.number(wrong), rows=say.count("row", rows), share=say.percent(share)
            )
        )
        notes.append(told)
    return notes
