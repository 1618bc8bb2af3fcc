"""Datasets whose links lead to others: which are made first, and what is wrong with the links once all are known.

Belongs here: the order, and holding the declarations of several datasets together. Does not belong here: what one
declaration says (schemas/linking.py), finding links (publish/links.py).
"""

from collections.abc import Mapping

from glane.declaration import Fault, lines_of
from schemas.dataset import Dataset
from schemas.linking import unlinked


def followed_by(dataset: Dataset) -> tuple[str, ...]:
    """The datasets that the links of `dataset` lead to, in alphabetical order."""
    return tuple(sorted({link.dataset for table in dataset.linked for link in table.line.links}))


def linking_faults(datasets: Mapping[str, Dataset | None]) -> dict[str, list[Fault]]:
    """What is wrong with the links of each dataset, where something is; None is a dataset that cannot be read."""
    tables = {
        name: None
        if one is None
        else {table.name: (table.published_fields, one.licence_of(table.name)) for table in one.tables}
        for name, one in datasets.items()
    }
    found: dict[str, list[Fault]] = {}
    for name, dataset in datasets.items():
        if dataset is None:
            continue
        ring = _ring(name, datasets)
        for number, table in enumerate(dataset.tables):
            if not table.line.links:
                continue
            wrong = list(unlinked(table.line.links, dataset.licence_of(table.name), tables))
            if ring:
                what = f"These links lead back: {' -> '.join(ring)}."
                wrong.append(((), what, "Declare the links on one side: none of the two could be made first."))
            lines = lines_of(dataset.folder / "dataset.yaml")
            for at, what, remedy in wrong:
                path = ("tables", number, "links", *at)
                found.setdefault(name, []).append(Fault(lines[path], ".".join(map(str, path)), what, remedy))
    return found


def made_in_order(follows: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The names of datasets, each after those that it follows; else in the order given. None is in a ring."""
    ordered: list[str] = []
    waiting = list(follows)
    while waiting:
        free = next((name for name in waiting if not set(follows[name]) & set(waiting)), waiting[0])
        ordered.append(free)
        waiting.remove(free)
    return ordered


def _ring(start: str, datasets: Mapping[str, Dataset | None]) -> list[str]:
    """The way from a dataset back to it over links; empty where there is none."""
    ways = [[start]]
    seen = set[str]()
    while ways:
        way = ways.pop(0)
        dataset = datasets.get(way[-1])
        for name in followed_by(dataset) if dataset is not None else ():
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []
