"""What is declared: every dataset with its sources, those that cannot be used among them, each with its reason.

Belongs here: bringing the declarations of schemas/ and sources/ together, and finding one by the name a person
typed. Does not belong here: reading one declaration (schemas/dataset.py, sources/declaration.py).
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from glane.declaration import DeclarationError, Fault
from glane.errors import CallError
from pipelines.linking import followed_by, linking_faults
from pipelines.settings import Settings
from schemas.dataset import Dataset, Table, load_dataset
from sources.check import check_against, kept_apart
from sources.declaration import BrokenSource, Source, load_sources
from sources.inbox.senders import check_senders


@dataclass(frozen=True)
class BrokenDataset:
    """A dataset whose declaration cannot be used: the other datasets go on, and this one shows why."""

    name: str
    folder: Path
    error: DeclarationError


@dataclass(frozen=True)
class Entry:
    """One dataset and the sources that feed it, in alphabetical order; each may be broken by itself. `decisions` is the
    file of what stewards decided of its rows, there or not."""

    dataset: Dataset | BrokenDataset
    sources: tuple[Source | BrokenSource, ...]
    decisions: Path

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.dataset.name

    @property
    def approvals(self) -> Path:
        """The file of what stewards approved that is not as expected, there or not."""
        return approvals_path(self.decisions.parent.parent, self.name)

    @property
    def follows(self) -> tuple[str, ...]:
        """The datasets that its links lead to, which are made before it."""
        return () if isinstance(self.dataset, BrokenDataset) else followed_by(self.dataset)

    @property
    def partners(self) -> list[str]:
        """The partners whose rows count: all but those whose source is retired."""
        return [s.partner for s in self.sources if isinstance(s, BrokenSource) or s.line.state != "retired"]

    def source(self, partner: str) -> Source | BrokenSource:
        """The source of `partner`; KeyError if there is none."""
        return {source.partner: source for source in self.sources}[partner]


def approvals_path(sources: Path, dataset: str) -> Path:
    """The file of approvals of a dataset in the tree of sources."""
    return sources / "decisions" / f"{dataset}.approvals.csv"


def load_catalogue(settings: Settings) -> dict[str, Entry]:
    """Read all declarations, by dataset in alphabetical order. Nothing that is wrong in one hides another."""
    sources = kept_apart(load_sources(settings.sources))
    declared = {path.parent.name for path in settings.schemas.glob("*/dataset.yaml")}
    names = sorted(declared | {source.dataset for source in sources})
    datasets = _with_sound_links({name: _dataset(settings.schemas / name, declared) for name in names})
    catalogue, writers = {}, dict[tuple[str, str], str]()
    for name, dataset in datasets.items():
        mine = tuple(_checked(source, dataset, writers) for source in sources if source.dataset == name)
        catalogue[name] = Entry(dataset, mine, settings.sources / "decisions" / f"{name}.csv")
    return catalogue


def _with_sound_links(datasets: Mapping[str, Dataset | BrokenDataset]) -> dict[str, Dataset | BrokenDataset]:
    """The same datasets; one whose links lead nowhere, or in a ring, is broken."""
    faults = linking_faults({n: None if isinstance(one, BrokenDataset) else one for n, one in datasets.items()})
    return {
        name: BrokenDataset(name, one.folder, DeclarationError(one.folder / "dataset.yaml", faults[name]))
        if name in faults
        else one
        for name, one in datasets.items()
    }


def _checked(
    source: Source | BrokenSource, dataset: Dataset | BrokenDataset, writers: dict[tuple[str, str], str]
) -> Source | BrokenSource:
    if isinstance(source, BrokenSource) or isinstance(dataset, BrokenDataset):
        return source
    try:
        check_against(source, dataset)
        check_senders(source, writers)
    except DeclarationError as error:
        return BrokenSource(source.dataset, source.partner, source.folder, error)
    return source


def _dataset(folder: Path, declared: Iterable[str]) -> Dataset | BrokenDataset:
    try:
        if folder.name not in declared:
            near = difflib.get_close_matches(folder.name, list(declared), n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "Declare it, or move its sources."
            fault = Fault(1, "", f"Sources are declared for the dataset {folder.name!r}, but it is not.", hint)
            raise DeclarationError(folder / "dataset.yaml", [fault])
        return load_dataset(folder)
    except DeclarationError as error:
        return BrokenDataset(folder.name, folder, error)


def choose(catalogue: dict[str, Entry], datasets: Sequence[str], sources: Sequence[str] = ()) -> dict[str, Entry]:
    """The part of the catalogue that was asked for: all, the named datasets, or the named sources of them.

    A source is named `partner` or `dataset/partner`. Raises CallError for a name that is not there, with the nearest.
    """
    for name in datasets:
        _known(name, catalogue, "dataset")
    chosen = {name: entry for name, entry in catalogue.items() if not datasets or name in datasets}
    if not sources:
        return chosen
    names = {source.name for entry in chosen.values() for source in entry.sources}
    partners = {name.partition("/")[2] for name in names}
    for name in sources:
        _known(name, names if "/" in name else partners, "source")
    narrowed = {
        name: replace(entry, sources=tuple(s for s in entry.sources if s.name in sources or s.partner in sources))
        for name, entry in chosen.items()
    }
    return {name: entry for name, entry in narrowed.items() if entry.sources}


def find_source(catalogue: dict[str, Entry], name: str) -> tuple[Dataset, Source]:
    """The source called `dataset/partner`, ready for use. Raises CallError, or why its declaration cannot be used."""
    source = known_source(catalogue, name)
    if isinstance(source, BrokenSource):
        raise source.error
    return find_dataset(catalogue, source.dataset), source


def known_source(catalogue: dict[str, Entry], name: str) -> Source | BrokenSource:
    """The source called `dataset/partner`, broken or not. Raises CallError with the nearest name."""
    known = {source.name: source for entry in catalogue.values() for source in entry.sources}
    _known(name, known, "source")
    return known[name]


def find_dataset(catalogue: dict[str, Entry], name: str) -> Dataset:
    """The dataset called `name`, ready for use. Raises CallError, or why its declaration cannot be used."""
    _known(name, catalogue, "dataset")
    dataset = catalogue[name].dataset
    if isinstance(dataset, BrokenDataset):
        raise dataset.error
    return dataset


def find_table(dataset: Dataset, name: str) -> Table:
    """The table called `name`, the main one where it is empty. Raises CallError with the nearest name."""
    if not name:
        return dataset.main
    _known(name, {table.name for table in dataset.tables}, "table")
    return dataset.table(name)


def _known(name: str, names: Iterable[str], kind: str) -> None:
    known = sorted(names)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known) or 'none'}."
    raise CallError(f"There is no {kind} called {name!r}.", hint)
