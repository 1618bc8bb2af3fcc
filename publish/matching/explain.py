"""Why two rows are taken for the same thing, or are not: the points of a pair in sentences.

Belongs here: which part is told, and in which order. Does not belong here: the points (score.py), the words
(schemas/phrases/matching.yaml).
"""

from collections.abc import Mapping
from typing import Any

from glane.text import Text
from publish.matching.score import PARTS
from schemas.merging import Likeness
from schemas.phrases import in_each, word


def explain(pair: Mapping[str, Any], likeness: Likeness) -> tuple[Text, ...]:
    """Say what speaks for a `pair` (a line of Matched.pairs) and what against, the weightiest first, then the sum.

    The points that are told add up to the score.
    """
    told = sorted((part for part in PARTS if pair[part]), key=lambda part: (-abs(pair[part]), PARTS.index(part)))
    sentences = [_part(pair, part) for part in told]
    if pair["against"]:
        sentences.append(word("matching.against"))
    limits = {"same": _number(likeness.same_from), "ask": _number(likeness.ask_from)}
    return (*sentences, word("matching.score", score=_number(pair["score"]), **limits))


def _part(pair: Mapping[str, Any], part: str) -> Text:
    way = "for" if pair[part] > 0 else "against"
    values: dict[str, str | Text] = {"points": _number(pair[part], "+")}
    if part == "name":
        values["alike"] = f"{pair['alike']:.0%}".rstrip("%")
    if part == "distance":
        values["metres"] = f"{pair['metres']:.0f}"
    return word(f"matching.{part}-{way}", **values)


def _number(points: float, sign: str = "") -> Text:
    written = f"{points:{sign}.2f}".rstrip("0").rstrip(".")
    return in_each(lambda language: written if language == "en" else written.replace(".", ","))
