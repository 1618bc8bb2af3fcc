"""What `glane source new` does: fetch the file, ask a person what only a person knows, write, try, tell.

Belongs here: those steps and their sentences. Does not belong here: the proposal itself (sources/proposal).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import typer

from glane.errors import CallError
from glane.text import Text
from pipelines.catalogue import Entry, find_dataset, load_catalogue
from pipelines.cli.say import out
from pipelines.judging import answer_to
from pipelines.settings import load_settings
from schemas.licences import LICENCES
from sources.declaration import Source, load_source
from sources.fetch.http import Client, Patience
from sources.proposal.matching import SURE
from sources.proposal.proposal import Proposal, propose, relative, write_source
from sources.proposal.writing import Credit
from sources.where import Where

_TOLD = 5


@dataclass(frozen=True)
class Begun:
    """A file that was looked at, and the folder that its source is to have."""

    proposal: Proposal
    folder: Path
    file: Path
    where: dict[str, Any]

    def write(self, credit: Credit, *, active: bool) -> dict[str, Any]:
        """Write the folder, and judge the whole file as the new source would; gives what is told of it."""
        found = self.proposal.found
        files = write_source(self.proposal, self.folder, credit, self.where, active=active)
        answer, _ = answer_to(load_source(self.folder), self.proposal.dataset, self.file)
        return {
            "source": f"{self.folder.parent.name}/{self.folder.name}",
            "table": found.table.name,
            "files": [str(path) for path in files],
            "format": self.proposal.format.model_dump(exclude_defaults=True),
            "mapped": {name: one.column.name for name, one in found.matches.items()} | self._other(),
            "unsure": [name for name, one in found.matches.items() if one.score < SURE],
            "unmapped": list(found.rest),
            "counts": answer.counts.model_dump() if answer.counts else None,
            "problems": [{"count": group.count, "message": group.message.en} for group in answer.problems[:_TOLD]],
            "failure": answer.failure.what if answer.failure else None,
            "active": active,
        }

    def _other(self) -> dict[str, str]:
        found = self.proposal.found
        names = [name for by_day in found.days.values() for name in by_day]
        days = {"days": ", ".join(names)} if names else {}
        return days | ({"point": ", ".join(found.point)} if found.point else {})


def begin(
    target: str,
    name: str,
    place: str,
    scratch: Path,
    *,
    country: str,
    language: str,
    identity: Sequence[str],
    private: bool,
) -> Begun:
    """Look at the file at `place` (a path, or an address that is fetched into the folder `scratch`) for `target` (a
    dataset, or a table of it)."""
    settings = load_settings()
    catalogue = load_catalogue(settings)
    dataset_name, _, table = target.partition("/")
    dataset = find_dataset(catalogue, dataset_name)
    folder = settings.sources / dataset_name / name
    if folder.exists():
        raise CallError(f"{folder} is there already.", "Choose another name, or remove that folder first.")
    known = _sources(catalogue[dataset_name])
    where: dict[str, Any]
    if "://" in place:
        where = {"url": place, **({"private": True} if private else {})}
        path = scratch / (Path(unquote(urlsplit(place).path)).name or "file")
        with Client(Where.model_validate(where), Patience()) as client:
            client.fetch(place, path)
    else:
        path = Path(place)
        if not path.is_file():
            raise CallError(f"There is no file {path}.", "Check the path, or give an address (https://...).")
        where = {"file": relative(path, folder)}
    found = propose(
        dataset, known, path, name=path.name, country=country, language=language, table=table or None, identity=identity
    )
    return Begun(found, folder, path, where)


def ask_credit(
    licence: str | None,
    attribution: str | None,
    organisation: str | None,
    *,
    language: str,
    country: str,
    ask: bool,
) -> Credit:
    """What only a person knows: taken from the options, asked where there is somebody to ask, never guessed.

    Raises CallError: without a licence nothing may be published.
    """
    if ask and sys.stdin.isatty():
        attribution = attribution or typer.prompt("How does the partner want to be credited?")
        licence = licence or typer.prompt("Under which licence (SPDX id: etalab-2.0, ODbL-1.0, CC-BY-4.0, ...)?")
    if licence is None or attribution is None:
        raise CallError(
            "A source needs a licence and the partner's words of credit: without them nothing may be published.",
            "Ask the partner, then give --licence and --attribution.",
        )
    if licence not in LICENCES:
        raise CallError(f"{licence!r} is no licence that Glane knows.", f"Give one of: {', '.join(LICENCES)}.")
    title = Text(fr=organisation or attribution, en=organisation or attribution)
    return Credit(title, organisation or attribution, licence, attribution, language, country)


def told(answer: dict[str, Any]) -> None:
    """Print what was proposed, what it is unsure of, and what becomes of the rows."""
    say = out().print
    for path in answer["files"]:
        say(f"wrote {path}", markup=False)
    say(f"table {answer['table']}: {len(answer['mapped'])} of its fields filled", markup=False)
    for name, column in answer["mapped"].items():
        mark = "   ? not sure" if name in answer["unsure"] else ""
        say(f"    {name} <- {column}{mark}", markup=False)
    if answer["unmapped"]:
        say(f"not mapped, never published: {', '.join(answer['unmapped'])}", markup=False)
    counts = answer["counts"]
    if counts is not None:
        wrong = f"{counts['to_correct']} to be corrected, {counts['on_hold']} on hold"
        say(f"{counts['rows_in']} rows in: {counts['passed']} may be published, {wrong}", markup=False)
    else:
        say(f"the file could not be judged: {answer['failure']}", markup=False)
    for problem in answer["problems"]:
        say(f"    {problem['count']} x {problem['message']}", markup=False)
    if not answer["active"]:
        say("Read source.yaml, look at what is marked `# ?`, then write `state: active`.", markup=False)
    say(f"The whole answer: glane check FILE --source {answer['source']}", markup=False)


def _sources(entry: Entry) -> list[Source]:
    return [source for source in entry.sources if isinstance(source, Source)]
