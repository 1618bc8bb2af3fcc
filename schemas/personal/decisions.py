"""What is done with personal data that is found: `personal:` of a table in dataset.yaml, and of source.yaml.

Belongs here: the model of a decision, which one applies, and where one does not fit its field. Does not belong here:
finding (search.py), acting (gate.py).
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from glane.declaration import Declared
from glane.text import Text
from schemas.personal.finding import Kind

What = Literal["publish", "role-address-only", "mask", "drop"]

Outcome = What | Literal["hold-field", "hold-rows"]
"""What becomes of what is found: as decided; undecided, the field or the rows are held back."""

_NEVER_PUBLISHED: frozenset[Kind] = frozenset({"national-id", "bank-account"})
_FORMED_BY_RULE = frozenset({"email", "phone", "url", "national_id", "siret"})


class Decision(Declared):
    """What is done with personal data found in `fields`, and why.

    found: the kinds that it is about; all of them where absent.
    publish: it stays. Says what is found, so that nothing else slips through; never a national id or an account.
    role-address-only: of the values of a cell (parted by `|`, `;`, `,`, `/` or a line break) those that are a
    person's go, those of a role or a service stay.
    mask: what was found is covered (•••), the rest of the text stays.
    drop: the cell is emptied.
    """

    fields: list[str] = Field(min_length=1)
    found: list[Kind] | None = Field(default=None, min_length=1)
    decision: What
    reason: Text

    @model_validator(mode="after")
    def _publishes_what_may_be(self) -> "Decision":
        if self.decision == "publish":
            if self.found is None:
                raise ValueError("say under 'found' what is published: email, mobile, name")
            if never := sorted(_NEVER_PUBLISHED & set(self.found)):
                raise ValueError(f"a {never[0]} is never published; mask or drop it")
        return self

    def is_about(self, field: str, kind: Kind) -> bool:
        """Whether it says what becomes of `kind` in `field`."""
        return field in self.fields and (self.found is None or kind in self.found)


class PersonalCount(Declared):
    """In how many cells of a field a kind of personal data was found, and what became of it."""

    field: str
    kind: Kind
    outcome: Outcome
    cells: int


def decided(decisions: Iterable[Decision], field: str, kind: Kind) -> Decision | None:
    """The first of the decisions that is about `kind` in `field`; None where nobody has decided."""
    return next((decision for decision in decisions if decision.is_about(field, kind)), None)


Misfit = tuple[tuple[str | int, ...], str, str]
"""Where a decision is wrong (its path under `personal`), what is wrong, what to do."""


def misfits(
    decisions: Sequence[Decision], schema: Mapping[str, Any], rules: Iterable[tuple[str, str]]
) -> Iterator[Misfit]:
    """The decisions that do not fit a Table Schema and its rules (each rule's name with one of its fields).

    A row must not be to correct for what we did: an address or a number with a cover in its middle is none any more,
    and what is required may not be emptied.
    """
    fields = {field["name"]: field for field in schema["fields"]}
    formed = {name for rule, name in rules if rule in _FORMED_BY_RULE}
    for number, decision in enumerate(decisions):
        for place, name in enumerate(decision.fields):
            field = fields.get(name)
            if field is None:
                near = difflib.get_close_matches(name, fields, n=1, cutoff=0.6)
                remedy = f"Did you mean {near[0]!r}?" if near else "Correct its name."
                yield (number, "fields", place), f"The table has no field {name!r}.", remedy
            elif decision.decision == "mask" and (name in formed or _has_form(field)):
                what = f"What is covered in {name!r} would no longer have the form that is asked of it."
                yield (number, "fields", place), what, "Write role-address-only or drop."
            elif decision.decision in ("role-address-only", "drop") and field.get("constraints", {}).get("required"):
                what = f"{name!r} may not be empty: its rows would be to correct for what we did."
                yield (number, "fields", place), what, "Write publish or mask; or nothing, and such rows are on hold."


def _has_form(field: Mapping[str, Any]) -> bool:
    constraints = field.get("constraints", {})
    plain = field.get("type", "string") in ("string", "any") and field.get("format", "default") == "default"
    return not plain or "pattern" in constraints or "enum" in constraints
