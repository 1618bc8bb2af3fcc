"""The answer of one judgement, and the words that answers are made of.

Belongs here: numbers, shares and lists as people write them in French and in English. Does not belong here: which
sentence answers which expectation (alone.py, changes.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from glane.text import Text
from schemas.expectations.declaration import Effect
from schemas.expectations.outcome import Outcome
from schemas.phrases import listing


@dataclass(frozen=True)
class Answer:
    """Whether an expectation is met, what it expects, what was observed, and the figures behind that.

    `compared` is False where there was nothing before to compare with. `excess` says, where it is not met, how far each
    thing is beyond its bound (a partner, a value, a column; `fall` or `rise` of a figure), for an approval to let as
    much pass and no more.
    """

    passed: bool
    expected: Text
    observed: Text
    figures: Mapping[str, float] = field(default_factory=dict)
    compared: bool = True
    excess: Mapping[str, float] = field(default_factory=dict)

    def outcome(self, table: str, expect: str, fields: tuple[str, ...], severity: Effect) -> Outcome:
        """The same as the outcome of what is expected, `expect`, of `fields` of `table`."""
        return Outcome(
            table=table,
            expect=expect,
            fields=fields,
            severity=severity,
            passed=self.passed,
            expected=self.expected,
            observed=self.observed,
            figures=self.figures,
            compared=self.compared,
            excess={} if self.passed else self.excess,
        )


def bilingual(fr: str, en: str, /, **values: float | int | str) -> Text:
    """The two sentences with `values` filled in: a float is a share (12,5 % / 12.5%), an int or a text stands as it
    is."""
    return Text(
        fr=fr.format_map({name: _share(value, "fr") for name, value in values.items()}),
        en=en.format_map({name: _share(value, "en") for name, value in values.items()}),
    )


def between(least: int | None, most: int | None, fr: str, en: str) -> Text:
    """At least so many, at most so many, or from so many to so many, of the figure that `fr` and `en` name."""
    if least is None:
        return bilingual(fr + " : au plus {most}", en + ": at most {most}", most=most or 0)
    if most is None:
        return bilingual(fr + " : au moins {least}", en + ": at least {least}", least=least)
    return bilingual(fr + " : de {least} à {most}", en + ": {least} to {most}", least=least, most=most)


def listed(fr: str, en: str, values: Sequence[str]) -> Text:
    """The two sentences with the first of `values` in place of `{list}`."""
    shown = listing(values)
    return Text(fr=fr.format(list=shown.fr), en=en.format(list=shown.en))


def _share(value: float | int | str, language: str) -> str:
    if not isinstance(value, float):
        return str(value)
    written = f"{value * 100:.1f}".removesuffix(".0")
    return f"{written.replace('.', ',')} %" if language == "fr" else f"{written}%"


MOST_NAMED = 50
"""Things beyond their bound that are named one by one; of more, their number."""


def named(things: Sequence[str]) -> dict[str, float]:
    """The excess of things that are lost: each by its name, or how many."""
    return dict.fromkeys(things, 1.0) if len(things) <= MOST_NAMED else {"lost": float(len(things))}
