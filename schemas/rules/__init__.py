"""The registry of rules: what a dataset may ask of its rows beyond their Table Schema, by name.

Belongs here: the one list of rules. Does not belong here: running them on rows (schemas/rules/apply.py). Each rule is
a small pure function beside its kind; what is said of it stands in schemas/phrases/rules.yaml under its name.
"""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.rules import contact, content, dates, identifiers, places, presence
from schemas.rules.rule import Rule

_ALL = (*presence.RULES, *places.RULES, *identifiers.RULES, *contact.RULES, *dates.RULES, *content.RULES)

RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _ALL})

__all__ = ["RULES", "Rule"]
