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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glane.errors import CallError
from publish.ckan.api import Api
from publish.ckan.faults import NotThereError, PortalError, ReadBackError, RefusedError, TooLargeError
from schemas.report import ANSWER_FIELD

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
class Deposited:
    """What was done: the address of the deposit, and the titles of the files that the portal did not take."""

    url: str
    left_out: tuple[str, ...] = ()


def put_answer(api: Api, deposit: str, files: Sequence[AnswerFile], line: str) -> Deposited:
    """Make `files` our answer in the dataset `deposit`, instead of the last one, and `line` our line in its notes.

    Raises PublicDepositError, and PortalError where the portal does not do it: then the last answer stands.
    """
    bring, left_out = list(files), list[str]()
    for attempt in range(1, _ATTEMPTS + 1):
        before = _private(api, deposit)
        try:
            _exchange(api, before, bring, line)
            return Deposited(f"{api.address.url}/dataset/{deposit}", tuple(left_out))
        except TooLargeError:
            optional = [file for file in bring if not file.needed]
            if not optional:
                raise
            largest = max(optional, key=lambda file: file.path.stat().st_size)
            bring.remove(largest)
            left_out.append(largest.title)
        except RefusedError as error:
            # The partner is at work there too: its last upload must not be lost.
            if not error.unmatched or attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def with_line(notes: str, line: str) -> str:
    """The partner's `notes` with our line at their end, instead of the last one; nothing else in them changes."""
    kept = [one for one in notes.split("\n") if not one.lstrip().startswith(SIGN)]
    text = "\n".join(kept).rstrip()
    said = SIGN + " ".join(line.split())
    return f"{text}\n\n{said}" if text else said


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


def _exchange(api: Api, before: Mapping[str, Any], files: Sequence[AnswerFile], line: str) -> None:
    ours = {str(uuid.uuid4()): file for file in files}
    fresh = [
        {"id": one, "name": file.title, "format": file.file_name.rpartition(".")[2].upper(), ANSWER_FIELD: file.kind}
        for one, file in ours.items()
    ]
    seen = {"id": before["id"], "metadata_modified": before["metadata_modified"], "private": True}
    data = {
        "match": json.dumps(seen),
        "filter": json.dumps(_without(str(one["id"]) for one in before["resources"] if ANSWER_FIELD in one)),
        "update": json.dumps({"notes": with_line(str(before.get("notes") or ""), line)}),
        "update__resources__extend": json.dumps(fresh),
    }
    uploads = [(f"update__resources__{one[:_PREFIX]}__upload", file.file_name, file.path) for one, file in ours.items()]

    def done() -> dict[str, Any] | None:
        now = api.read("package_show", id=before["id"])
        return {"package": now} if ours.keys() <= {str(one["id"]) for one in now["resources"]} else None

    _check(api, api.write("package_revise", data, files=uploads, done=done)["package"], ours)


def _check(api: Api, after: Mapping[str, Any], ours: Mapping[str, AnswerFile]) -> None:
    """Check that the portal keeps what it was given; an answer that it does not know for ours is taken away again."""
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


def _without(resources: Iterable[str]) -> list[str]:
    return [f"-resources__{one[:_PREFIX]}" for one in resources]
