"""A change of structure told ahead (`notice:` in dataset.yaml): until when it stands, and what is said of it.

Belongs here: whether a notice still announces something, and the words of it that changelogs, feeds, pages and
stewards read. Does not belong here: what makes a change MAJOR (number.py).

A notice is in a version's datapackage.json, so that it comes, changes and goes by a version of its own (a PATCH): a
reuser who pins a version reads what was announced then. It has come true with the first MAJOR version made on its day
or later, and is not in that one any more, though it may still stand in dataset.yaml.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from glane.text import LANGUAGES, Language, Text
from publish.diff import schemas_of
from publish.number import Change, Level, parse, table_changes
from publish.telling import day
from publish.version import Listed, Version
from schemas.dataset import Dataset
from schemas.governance import Notice

Announced = Mapping[str, Any]
"""A notice as it stands in a datapackage.json: since when it is `announced`, from which `date` on, its `text`."""

_WORDS: dict[str, tuple[str, str]] = {
    "coming": ("à partir du {day} : {text}", "from {day} on: {text}"),
    "announced": ("préavis pour le {day} : {text}", "notice for {day}: {text}"),
    "changed": (
        "préavis modifié, désormais pour le {day} : {text}",
        "notice changed, now for {day}: {text}",
    ),
    "dropped": (
        "préavis annulé ; il annonçait pour le {day} : {text}",
        "notice called off; it announced for {day}: {text}",
    ),
    "kept": ("comme annoncé pour le {day} : {text}", "as announced for {day}: {text}"),
}


def standing_notice(
    dataset: Dataset, lines: Sequence[Listed], former: Mapping[str, Any] | None, created: str
) -> dict[str, Any] | None:
    """The declared notice as the version made at `created` announces it, None where there is nothing to announce.

    `lines` are the versions so far, `former` the datapackage.json of the last of them.
    """
    notice = dataset.line.notice
    if notice is None or _come_true(notice, lines) or (_major(dataset, former) and _due(notice, created)):
        return None
    said = {"date": notice.date.isoformat(), "text": {one: notice.text[one] for one in LANGUAGES}}
    before = (former or {}).get("notice")
    if before is not None and {**before, "announced": None} == {**said, "announced": None}:
        return {"announced": before["announced"], **said}
    return {"announced": created, **said}


def notice_changes(former: Mapping[str, Any], descriptor: Mapping[str, Any], level: Level) -> list[Change]:
    """What became of the notice from one datapackage.json to the next, where `level` is that of everything else."""
    before, now = former.get("notice"), descriptor.get("notice")
    if before == now:
        return []
    if now is not None:
        return [Change(Level.PATCH, _both("announced" if before is None else "changed", now))]
    return [Change(Level.PATCH, _both("kept" if level is Level.MAJOR else "dropped", before or {}))]


def unannounced(version: Version, former: Mapping[str, Any] | None) -> str | None:
    """What a steward should know of a MAJOR version that comes without a notice or before its day; None otherwise.

    `former` is the datapackage.json of the version before. Reusers' programs break on such a version: a person
    decides whether that can be helped; it is published all the same.
    """
    if former is None or not _is_major(version.version, version.previous):
        return None
    notice = former.get("notice")
    if notice is None:
        return (
            f"{version.version} is a MAJOR version that no notice announced. Announce the next one ahead: notice: in "
            "dataset.yaml."
        )
    if version.created[:10] < notice["date"]:
        return (
            f"{version.version} is a MAJOR version, and the notice announces one from {day(notice['date'], 'en')} on. "
            "If this was the change it announces, take notice: out of dataset.yaml."
        )
    return None


def over(dataset: Dataset, lines: Sequence[Listed]) -> str | None:
    """What a steward should know of a notice that still stands in dataset.yaml and has come true; None otherwise."""
    notice = dataset.line.notice
    if notice is None or (version := _come_true(notice, lines)) is None:
        return None
    return (
        f"The notice for {day(notice.date.isoformat(), 'en')} is not shown any more: version {version} came since. "
        "Take notice: out of dataset.yaml, or give it a new date."
    )


def unshown(last: Version, descriptor: Mapping[str, Any], notice: Announced | None) -> str | None:
    """What a steward should know of a notice that `last`, whose rows were brought back, does not show as declared."""
    if last.restores is None or descriptor.get("notice") == notice:
        return None
    return (
        "The notice is not shown as dataset.yaml has it, since what the partners bring is put aside. Show it by going "
        f"back once more: glane restore {last.dataset} {last.restores.version}."
    )


def in_words(notice: Announced, language: Language, word: str = "coming") -> str:
    """A notice in one language, its date written out."""
    text = " ".join(str(notice["text"][language]).split())
    return _WORDS[word][LANGUAGES.index(language)].format(day=day(notice["date"], language), text=text)


def _both(word: str, notice: Announced) -> Text:
    return Text(fr=in_words(notice, "fr", word), en=in_words(notice, "en", word))


def _come_true(notice: Notice, lines: Sequence[Listed]) -> str | None:
    """The MAJOR version that came on the notice's day or later, if one did."""
    return next((line.version for line in _majors(lines) if _due(notice, line.created)), None)


def _majors(lines: Sequence[Listed]) -> Iterator[Listed]:
    return (line for line in lines if _is_major(line.version, line.previous))


def _is_major(number: str, previous: str | None) -> bool:
    return previous is not None and parse(number)[0] > parse(previous)[0]


def _due(notice: Notice, created: str) -> bool:
    return created[:10] >= notice.date.isoformat()


def _major(dataset: Dataset, former: Mapping[str, Any] | None) -> bool:
    """Whether the next version will be MAJOR: its structure alone decides, which is known before its rows."""
    if former is None:
        return False
    now = {table.name: table.published_schema() for table in dataset.tables}
    return any(change.level is Level.MAJOR for change in table_changes(schemas_of(former), now))
