"""What leads from a dataset's rows to those of other datasets: the key `links:` of a table in dataset.yaml.

Belongs here: the models, and what can be wrong with them once the other datasets are known. Does not belong here:
finding the links (publish/links.py).

A table of links is derived from another one of its dataset. It compares the fields that `merge.likeness` of that table
names with the fields of the other dataset's table that stand for the same.
"""

import difflib
from collections.abc import Collection, Iterator, Mapping

from pydantic import Field

from glane.declaration import Declared
from schemas.licences.rights import right_into
from schemas.merging import Likeness

LINK_FIELDS = ("id", "organisation", "dataset", "table", "row", "relation", "how")
"""The fields that a table of links has, beside those that say whom to credit."""


class Link(Declared):
    """A table of another dataset that rows lead to, and what they are to its rows: `relation`.

    `likeness` names its fields, under the same keys as `merge.likeness` does, `point` its latitude and longitude; what
    both name is compared. Two lines may name one table, and compare other fields of it.
    """

    dataset: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    table: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    relation: str
    likeness: Likeness
    point: list[str] = Field(default_factory=list, max_length=2)

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the other table that are compared, by what they tell."""
        return dict(self.likeness.named()) | dict(zip(("latitude", "longitude"), self.point, strict=False))


Where = tuple[str | int, ...]


def wrong_table(
    links: Collection[Link], fields: Collection[str], relations: Collection[str] | None
) -> Iterator[tuple[Where, str, str]]:
    """What is wrong with the table that declares `links`: where (path of keys), what, and the remedy."""
    missing = [name for name in LINK_FIELDS if name not in fields]
    if links and missing:
        yield (), f"Its Table Schema has no field {', '.join(missing)}.", f"It needs {', '.join(LINK_FIELDS)}."
    for number, link in enumerate(links):
        if relations is not None and link.relation not in relations:
            what = f"{link.relation!r} is not on the list of relations."
            yield (number, "relation"), what, _near(link.relation, relations)


def unlinked(
    links: Collection[Link], licence: str, others: Mapping[str, Mapping[str, tuple[Collection[str], str]] | None]
) -> Iterator[tuple[Where, str, str]]:
    """What is wrong with `links` from a table under `licence`: where (path of keys), what, and the remedy.

    `others` gives the fields and the licence of each table of each dataset that is declared; None for one that cannot
    be read, of which nothing is said.
    """
    for number, link in enumerate(links):
        if link.dataset not in others:
            yield (number, "dataset"), f"There is no dataset {link.dataset!r}.", _near(link.dataset, others)
            continue
        tables = others[link.dataset]
        if tables is None:
            continue
        if link.table not in tables:
            what = f"The dataset {link.dataset} has no table {link.table!r}."
            yield (number, "table"), what, _near(link.table, tables)
            continue
        fields, theirs = tables[link.table]
        for key, name in link.fields.items():
            if name not in fields:
                at = ("likeness", key) if key not in ("latitude", "longitude") else ("point",)
                what = f"The table {link.dataset}/{link.table} has no field {name!r}."
                yield (number, *at), what, _near(name, fields)
        right = right_into(theirs, licence)
        if right.answer == "no":
            what = f"{link.dataset}/{link.table} is under {theirs}, this dataset under {licence}. {right.clause.en}"
            yield (number, "table"), what, f"Take the line out. {right.source}"


def _near(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known) or 'none'}."
