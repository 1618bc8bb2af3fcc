"""A line of dataset.yaml and the rule it names: whether they fit each other.

Belongs here: looking a rule up, counting its fields, reading its settings. Does not belong here: running it on rows
(apply.py).
"""

import datetime
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from glane.errors import CallError
from schemas.rules import RULES
from schemas.rules.rule import ByDay, Rule, Settings


class RuleError(CallError):
    """A rule line of dataset.yaml names no rule, or does not fit the rule it names."""


def prepared(
    name: str, fields: Sequence[str], settings: Mapping[str, Any], today: datetime.date
) -> tuple[Rule, Settings]:
    """The rule called `name`, and its settings for `today`. Raises RuleError."""
    rule = RULES.get(name)
    if rule is None:
        near = difflib.get_close_matches(name, RULES, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known rules: {', '.join(sorted(RULES))}."
        raise RuleError(f"There is no rule {name!r}.", hint)
    if len(fields) < rule.fewest or (rule.most is not None and len(fields) > rule.most):
        raise RuleError(f"The rule {name!r} names {len(fields)} fields.", f"It takes {_fields(rule)}.")
    if "today" in settings:
        raise RuleError(f"The rule {name!r} has the setting 'today'.", "Remove it: the judge gives the day.")
    day: dict[str, Any] = {"today": today} if issubclass(rule.settings, ByDay) else {}
    try:
        return rule, rule.settings.model_validate({**settings, **day})
    except ValidationError as error:
        details = error.errors(include_url=False)
        what = "; ".join(f"{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in details)
        known = sorted(set(rule.settings.model_fields) - {"today"})
        remedy = f"It takes under 'with': {', '.join(known)}." if known else "It takes no settings."
        raise RuleError(f"The settings of the rule {name!r} are wrong: {what}.", remedy) from error


def _fields(rule: Rule) -> str:
    if rule.most is None:
        return f"{rule.fewest} or more"
    return str(rule.fewest) if rule.fewest == rule.most else f"{rule.fewest} to {rule.most}"
