"""What is known of a partner's deposit on our portal by those who read it and by those who answer in it.

Belongs here: which of a deposit's files are our answers, and what the store remembers of the last one. Does not belong
here: reading a deposit (sources/fetch/deposit.py), answering in it (publish/ckan/deposit.py), when (pipelines/).

    reports/<dataset>/<partner>/deposited.json
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from glane.store import Store

ANSWER_FIELD = "glane_answer"
"""The field of a resource that says that it is an answer of ours: "<dataset>/<partner> <kind>"."""


@dataclass(frozen=True)
class Answered:
    """The last answer put into `deposit`: what it was `told` of, and its files, each with the portal's date of it."""

    deposit: str
    told: str
    files: Mapping[str, str] = field(default_factory=dict)


def is_answer(resource: Mapping[str, Any], files: Mapping[str, str]) -> bool:
    """Whether a resource is an answer of ours; `files` are those of the last one.

    CKAN's own form drops the field when somebody edits a resource. With its date as it was it is ours still; with
    another it is a file of the partner's, put in the place of ours: the marked workbook, corrected.
    """
    return ANSWER_FIELD in resource or files.get(str(resource.get("id"))) == str(resource.get("last_modified") or "")


def last_answered(store: Store, dataset: str, partner: str) -> Answered | None:
    """What was put last into the deposit of a source; None where that is not known."""
    value: Any = store.read_json(_key(dataset, partner))
    try:
        return Answered(**value)
    except TypeError:
        return None


def keep_answered(store: Store, dataset: str, partner: str, answered: Answered) -> None:
    """Remember what was put last into the deposit of a source."""
    store.write_json(_key(dataset, partner), asdict(answered))


def _key(dataset: str, partner: str) -> str:
    return f"reports/{dataset}/{partner}/deposited.json"
