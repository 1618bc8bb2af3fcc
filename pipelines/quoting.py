"""What an answer quotes of a partner's own file: nothing that the gate held back.

Belongs here: the texts of the file and of what cleaners changed, covered. Does not belong here: what is personal
(schemas/personal), nor what the answer says (schemas/report.py).
"""

from schemas.personal.gate import Cover
from schemas.report import Cleaned
from sources.mapping import Mapped


def quoted_changes(mapped: Mapped, cover: Cover) -> list[Cleaned]:
    """What each cleaner changed, with examples. A cleaner works on several fields: its examples belong to none."""
    changes = []
    for name, change in mapped.changes.items():
        examples = tuple((cover(before, None), cover(after, None)) for before, after in change.examples)
        changes.append(Cleaned(cleaner=name, count=change.count, examples=examples))
    return changes
