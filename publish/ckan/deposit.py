"""Puts the answer to a partner into its deposit: a private dataset of its organisation on our own portal.

Belongs here: replacing our last answer there by the next, all at once, and the line in the dataset's notes. Does not
belong here: what the answer says (schemas/report.py), when there is one (pipelines/depositing.py), reading what the
partner uploaded (sources/fetch/deposit.py).

An answer's files are resources with ids of their own, brought and exchanged for the last ones by one call that goes
through only while the dataset is private and as we saw it: whoever looks sees the old answer or the new one, whole. The
address that stays is that of the deposit.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from glane.errors import CallError
from publish.ckan.api import Api
from publish.ckan.faults import NotThereError, PortalError, ReadBackError, RefusedError, TooLargeError
from schemas.deposit import ANSWER_FIELD, is_answer

SIGN = "Glane · "
"""How our line in a deposit's notes begins: by it the next one takes its place."""

_ATTEMPTS = 5
_PREFIX = 18


class PublicDepositError(CallError):
    """A deposit that anybody can read: neither the partner's file nor our answer is to be public by our doing."""


@dataclass(frozen=True)
class AnswerFile:
    """One file of an answer: its `kind` (page, data, annotated, cleaned), its title and file name for people, and where
    it is. One that is not `needed` is left out where the portal takes no file so large."""

    kind: str
    title: str
    file_name: str
    path: Path
    needed: bool = True


@dataclass(frozen=True)
class Answer:
    """What a deposit is to hold of ours: the `files` for `source` (dataset/partner), instead of those of last time
    (`former`: their ids and dates), and a `line` in its notes under the source's `title`."""

    deposit: str
    source: str
    title: str
    line: str
    files: Sequence[AnswerFile]
    former: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Deposited:
    """What was done: the address of the deposit, the ids of our files there and the portal's date of each, and the
    titles of those that it did not take."""

    url: str
    files: Mapping[str, str]
    left_out: tuple[str, ...] = ()


def put_answer(api: Api, answer: Answer) -> Deposited:
    """Make `answer` ours in its deposit, instead of the last one; those for other sources stay.

    Raises PublicDepositError, and PortalError where the portal does not do it: then the last answer stands.
    """
    bring, left_out = list(answer.files), list[str]()
    for attempt in range(1, _ATTEMPTS + len(bring) + 1):
        before = _private(api, answer.deposit)
        try:
            kept = _exchange(api, before, replace(answer, files=bring))
            return Deposited(f"{api.address.url}/dataset/{answer.deposit}", kept, tuple(left_out))
        except TooLargeError:
            optional = [file for file in bring if not file.needed]
            if not optional:
                raise
            largest = max(optional, key=lambda file: file.path.stat().st_size)
            bring.remove(largest)
            left_out.append(largest.title)
        except RefusedError as error:
            # The partner is at work there too: its last upload must not be lost.
            if not error.unmatched or attempt >= _ATTEMPTS:
                raise
    raise AssertionError("there are fewer files to leave out than attempts")


def with_line(notes: str, title: str, line: str) -> str:
    """The partner's `notes` with our line under `title` at their end, instead of the last one; the rest stays."""
    head = f"{SIGN}{_flat(title)} · "
    kept = [one for one in notes.split("\n") if not one.lstrip().startswith(head)]
    text = "\n".join(kept).rstrip()
    said = head + _flat(line)
    return f"{text}\n\n{said}" if text else said


def _flat(text: str) -> str:
    return " ".join(text.split())


def _private(api: Api, deposit: str) -> Mapping[str, Any]:
    try:
        dataset: Mapping[str, Any] = api.read("package_show", id=deposit)
    except NotThereError as error:
        what = f"There is no deposit {deposit} on {api.address.url} to answer in."
        raise PortalError(what, "Make it (docs/sources.md, Deposit), or correct its name in source.yaml.") from error
    if dataset.get("private") is not True or dataset.get("state") != "active":
        raise PublicDepositError(
            f"The deposit {deposit} on {api.address.url} is not private: the answer was not put there.",
            "Make it private there (Manage, Visibility: Private), then run again.",
        )
    return dataset


def _exchange(api: Api, before: Mapping[str, Any], answer: Answer) -> dict[str, str]:
    ours = {str(uuid.uuid4()): file for file in answer.files}
    fresh = [
        {
            "id": one,
            "name": file.title,
            "format": file.file_name.rpartition(".")[2].upper(),
            ANSWER_FIELD: f"{answer.source} {file.kind}",
        }
        for one, file in ours.items()
    ]
    data = {
        # Only while it is private, and as we saw it.
        "match": json.dumps({"id": before["id"], "metadata_modified": before["metadata_modified"], "private": True}),
        "filter": json.dumps(_without(str(one["id"]) for one in before["resources"] if _replaced(one, answer))),
        "update": json.dumps({"notes": with_line(str(before.get("notes") or ""), answer.title, answer.line)}),
        "update__resources__extend": json.dumps(fresh),
    }
    uploads = [(f"update__resources__{one[:_PREFIX]}__upload", file.file_name, file.path) for one, file in ours.items()]

    def done() -> dict[str, Any] | None:
        now = api.read("package_show", id=before["id"])
        return {"package": now} if ours.keys() <= {str(one["id"]) for one in now["resources"]} else None

    return _kept(api, api.write("package_revise", data, files=uploads, done=done)["package"], ours)


def _replaced(resource: Mapping[str, Any], answer: Answer) -> bool:
    """Whether a resource is of our last answer for this source."""
    if ANSWER_FIELD in resource:
        return str(resource[ANSWER_FIELD]).startswith(f"{answer.source} ")
    return is_answer(resource, answer.former)


def _kept(api: Api, after: Mapping[str, Any], ours: Mapping[str, AnswerFile]) -> dict[str, str]:
    """The ids and dates of our files as the portal keeps them; those that it would not know for ours are taken away."""
    kept = {str(one["id"]): one for one in after["resources"] if str(one["id"]) in ours}
    if any(ANSWER_FIELD not in one for one in kept.values()):
        match = json.dumps({"id": after["id"]})
        api.write("package_revise", {"match": match, "filter": json.dumps(_without(kept))})
        raise PortalError(
            f"{api.address.url} drops the field {ANSWER_FIELD} of resources: answers would be taken for uploads.",
            "Allow the fields glane_* in the portal's schema (ckanext-scheming), then run again.",
        )
    for one, file in ours.items():
        if kept[one].get("size") not in (None, file.path.stat().st_size):
            what = f"{api.address.url} keeps {kept[one]['size']} bytes of {file.file_name}."
            raise ReadBackError(what, "Run again: the answer is put there anew.")
    return {one: str(kept[one].get("last_modified") or "") for one in ours}


def _without(resources: Iterable[str]) -> list[str]:
    return [f"-resources__{one[:_PREFIX]}" for one in resources]
