"""Who keeps the term lists of a dataset: whom to propose a term to that a list lacks.

Belongs here: `terms/keepers.yaml` of a dataset. Does not belong here: the lists themselves (term_lists.py), what is
proposed (pipelines/term_proposals.py).
"""

from pathlib import Path

from pydantic import Field, model_validator

from glane.declaration import DeclarationError, Declared, Fault, lines_of, load_declaration
from glane.text import Language
from schemas.dataset import Dataset
from schemas.governance import EMAIL

NAME = "keepers.yaml"


class Keeper(Declared):
    """Whoever keeps some `lists` beyond this commons: of which `standard`, and where it takes proposals: at the public
    `tracker`, or by mail. `language` is the one that it is written to in first."""

    name: str
    standard: str
    lists: list[str] = Field(min_length=1)
    tracker: str | None = Field(default=None, pattern=r"^https://\S+$")
    email: str | None = Field(default=None, pattern=EMAIL)
    language: Language = "fr"

    @model_validator(mode="after")
    def _can_be_reached(self) -> "Keeper":
        if self.tracker is None and self.email is None:
            raise ValueError("a keeper needs a 'tracker' or an 'email': nothing can be proposed to it otherwise")
        return self


class _Keepers(Declared):
    keepers: list[Keeper]


def keepers_of(dataset: Dataset) -> tuple[Keeper, ...]:
    """Who keeps lists of `dataset`; none where no file says so. Raises DeclarationError, also for a list that there is
    not, or that two keep."""
    path = dataset.folder / "terms" / NAME
    if not path.exists():
        return ()
    found = load_declaration(path, _Keepers).keepers
    known = {line.list for table in dataset.tables for line in table.line.terms.values()}
    faults, kept = [], set[str]()
    for number, keeper in enumerate(found):
        for place, name in enumerate(keeper.lists):
            at: tuple[str | int, ...] = ("keepers", number, "lists", place)
            key = ".".join(map(str, at))
            if name not in known:
                faults.append(Fault(_line(path, at), key, f"There is no list {name!r}.", f"Lists: {_in_row(known)}."))
            elif name in kept:
                faults.append(Fault(_line(path, at), key, f"Two keep the list {name!r}.", "Name it once."))
            kept.add(name)
    if faults:
        raise DeclarationError(path, faults)
    return tuple(found)


def _line(path: Path, at: tuple[str | int, ...]) -> int:
    lines = lines_of(path)
    return next(lines[at[:size]] for size in range(len(at), -1, -1) if at[:size] in lines)


def _in_row(names: set[str]) -> str:
    return ", ".join(sorted(names))
