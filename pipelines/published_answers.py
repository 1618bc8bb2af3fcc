"""Tells every partner, once a version stands, what it holds of them and which of these values other partners gave.

Belongs here: putting that into the answers that are kept. Does not belong here: finding it (publish/others.py), its
words (schemas/report_published_text.py), nor delivering answers (answering.py).

An answer is written again only where what is published of that partner became another; the version that it names is
the first that holds it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from glane.store import Store
from pipelines.catalogue import Entry
from pipelines.messaging import said_of
from publish.build import Built
from publish.others import values_of_others
from schemas.dataset import Dataset
from schemas.report import keep_report, last_report
from schemas.report_page import to_page
from schemas.report_text import to_markdown
from schemas.report_values import MOST_TOLD, Others, Published, Said
from sources.declaration import Source


def published_of(
    dataset: Dataset, built: Built, said: Mapping[str, Sequence[Said]] = MappingProxyType({})
) -> dict[str, Published]:
    """What the version that stands holds of each partner that brought rows to it; `said` by readers of its rows."""
    values: dict[str, list[Others]] = defaultdict(list)
    shared: Counter[str] = Counter()
    for table in dataset.merged:
        contributions = [one for one in built.contributions if one.table == table.name]
        told, counts = values_of_others(table, contributions, built.merged[table.name], built.decisions)
        shared.update(counts)
        for partner, found in told.items():
            values[partner] += found
    rows: Counter[str] = Counter()
    for line in built.accounts.partners:
        rows[line.partner] += line.published + line.merged
    return {
        partner: Published(
            version=built.version.version,
            created=built.version.created,
            rows=count,
            shared=shared[partner],
            values=tuple(values[partner][:MOST_TOLD]),
            more=max(0, len(values[partner]) - MOST_TOLD),
            said=tuple(said.get(partner, ())),
        )
        for partner, count in rows.items()
    }


def tell_published(entry: Entry, dataset: Dataset, built: Built, store: Store) -> tuple[str, ...]:
    """Put it into the answers of the partners for whom it became another; gives these partners. Raises StoreError.

    Where a person went back to an older version, what the sources bring is not what is published: nothing is told.
    """
    if built.put_aside or built.version.restores is not None:
        return ()
    changed = []
    for partner, published in published_of(dataset, built, said_of(dataset, built, store)).items():
        report, source = last_report(store, entry.name, partner), entry.source(partner)
        if report is None or same_as(report.published, published):
            continue
        told = report.model_copy(update={"published": published})
        language = source.line.answered_in if isinstance(source, Source) else "fr"
        keep_report(store, told, to_markdown(told, language), to_page(told, language))
        changed.append(partner)
    return tuple(changed)


def same_as(before: Published | None, published: Published) -> bool:
    """Whether both say the same of a partner, whatever version says it."""
    version = {"version": published.version, "created": published.created}
    return before is not None and before.model_copy(update=version) == published
