"""What the store keeps beside versions, without a person: partners' files, rows, answers, mails, whatever there is.

Belongs here: which keys these are, and going through them. Does not belong here: one file (sources/forgetting.py,
schemas/forgetting.py), versions (publish/forgetting).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from glane.store import Store
from pipelines.catalogue import Entry
from pipelines.forgetting.finding import source_of
from pipelines.release import usable
from publish.forgetting.person import Person
from schemas.dataset import Dataset
from schemas.forgetting import erased, forget_rows, tells
from schemas.phrases import listing, word, words
from schemas.report import keep_report, last_report
from schemas.report_page import to_page
from schemas.report_text import to_markdown
from sources.declaration import FileFormat
from sources.forgetting import blank, forget_in_register, forget_points, kept_snapshots, mark_of

ROOMS = ("geocoded", "reports", "mail", "messages", "waiting", "log")
"""Where files of a dataset stand that are forgotten by what they are: docs/architecture.md has the whole store."""

_TOLD = words("reading")["forgotten"].fr.partition("{")[0]
_LATEST = ("latest.json", "latest.md", "latest.html")


@dataclass(frozen=True)
class Kept:
    """What was found of a person beside versions: how many of each kind of thing, and the snapshots of which nothing is
    left but a mark."""

    counts: Mapping[str, int]
    replaced: tuple[str, ...] = ()


def places(entry: Entry, store: Store, person: Person) -> Kept:
    """Where the store holds the person beside versions; nothing is touched."""
    counts: Counter[str] = Counter()
    for (partner, sha256), lines in person.lines.items():
        if sha256 and lines and not _blanked(store, f"raw/{entry.name}/{partner}/{sha256}", lines):
            counts["snapshots"] += 1
    for key in _others(store, entry.name):
        if tells(key, store.read(key), person.telling):
            counts[_kind(key)] += 1
    for partner in person.partners:
        for name in store.list(f"rows/{entry.name}/{partner}"):
            key = f"rows/{entry.name}/{partner}/{name}"
            if name.endswith(".parquet") and tells(key, store.read(key), person.telling):
                counts["rows"] += 1
    return Kept(dict(sorted(counts.items())))


def forget_kept(entry: Entry, store: Store, person: Person, before: Callable[[str], None]) -> Kept:
    """Take the person out of all of it. Killed anywhere and run again, it ends the same. Raises StoreError."""
    dataset, counts, replaced = usable(entry), Counter[str](), list[str]()
    for partner in sorted(person.partners):
        before(f"files of {partner}")
        marked, gone = _files(store, entry, dataset, partner, person)
        counts["snapshots"] += marked
        replaced += gone
        before(f"rows of {partner}")
        # The rows of a judgement tell their table; its key is the same in those that are kept apart.
        key = dataset.table(person.table).primary_key
        counts["rows"] += forget_rows(store, dataset.name, partner, key, person.ids)
        counts["ids"] += forget_in_register(store, dataset.name, partner, person.ids)
        counts["points"] += forget_points(store, dataset.name, partner, person.ids)
    before("answers, mails and the rest")
    counts += _sweep(store, entry, person)
    return Kept({kind: count for kind, count in sorted(counts.items()) if count}, tuple(replaced))


def _files(store: Store, entry: Entry, dataset: Dataset, partner: str, person: Person) -> tuple[int, list[str]]:
    source = source_of(entry, partner)
    # A source that cannot be read any more: nobody knows how its files are written.
    declared = source.line.format if source is not None else FileFormat(kind="ods")
    count, replaced = 0, []
    for sha256 in kept_snapshots(store, dataset.name, partner):
        lines = person.lines.get((partner, sha256), frozenset())
        key = f"raw/{dataset.name}/{partner}/{sha256}"
        former = mark_of(store, key)
        mark = blank(store, key, declared, lines, person.telling, at=person.at)
        count += mark is not None and mark != former
        if mark is not None and mark.replaced:
            replaced.append(key)
    return count, replaced


def _sweep(store: Store, entry: Entry, person: Person) -> Counter[str]:
    """Every other file of the dataset that tells of the person, whatever room wrote it."""
    counts: Counter[str] = Counter()
    answers: set[str] = set()
    for key in list(_others(store, entry.name)):
        data = store.read(key)
        lines = _lines_of(store, entry, key, person)
        if not tells(key, data, person.telling) and not lines:
            continue
        left = erased(key, data, person.telling, lines)
        if left == data:
            continue
        counts[_kind(key)] += 1
        if key.endswith("/latest.json") and key.startswith("reports/"):
            answers.add(key.split("/")[2])
        if left is None:
            store.remove(key)
        else:
            store.write(key, left)
    for partner in sorted(answers | person.partners):
        _say_again(store, entry, partner, person)
    return counts


def _lines_of(store: Store, entry: Entry, key: str, person: Person) -> frozenset[int]:
    """The lines that an answer must not speak of: those of the file that it is about."""
    room, _, partner, *_ = [*key.split("/"), "", ""]
    if room != "reports" or not key.endswith(".json"):
        return frozenset()
    report = last_report(store, entry.name, partner, key.rpartition("/")[2].removesuffix(".json"))
    if report is None or report.arrival is None:
        return frozenset()
    return person.lines.get((partner, report.arrival.sha256), frozenset())


def _say_again(store: Store, entry: Entry, partner: str, person: Person) -> None:
    """The last answer as text and as a page, from what is left of it, with the lines that its partner should delete;
    without any, the next run answers anew."""
    report = last_report(store, entry.name, partner)
    if report is None:
        for name in _LATEST:
            store.remove(f"reports/{entry.name}/{partner}/{name}")
        return
    source = source_of(entry, partner)
    language = source.line.answered_in if source is not None else "fr"
    arrived = report.arrival.sha256 if report.arrival is not None else ""
    mark = mark_of(store, f"raw/{entry.name}/{partner}/{arrived}") if arrived else None
    if mark is not None and person.lines.get((partner, arrived)):
        former = [note for note in report.notes if not note.fr.startswith(_TOLD)]
        said = word("reading.forgotten", lines=listing([str(line) for line in mark.lines]))
        report = report.model_copy(update={"notes": (said, *former)})
    keep_report(store, report, to_markdown(report, language), to_page(report, language))


def _others(store: Store, dataset: str) -> Iterator[str]:
    """The keys of all that is about the dataset, but what is forgotten in a way of its own."""
    for room in ROOMS:
        for path in store.files(room):
            # A room has a folder or a file for each dataset; the log has rooms of its own.
            if _is_of(path, dataset) or (room == "log" and _is_of(path.partition("/")[2], dataset)):
                yield f"{room}/{path}"


def _is_of(path: str, dataset: str) -> bool:
    name = path.partition("/")[0]
    return dataset in (name, name.rpartition(".")[0])


def _kind(key: str) -> str:
    room = key.partition("/")[0]
    return {"reports": "answers", "mail": "mails", "geocoded": "points"}.get(room, room)


def _blanked(store: Store, key: str, lines: frozenset[int]) -> bool:
    mark = mark_of(store, key)
    return mark is not None and lines <= set(mark.lines)
