"""What a version changed, for people (Markdown, French and English) and for programs (JSON).

Belongs here: putting changes into counts and words. Does not belong here: finding them (delta.py, number.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from glane.text import LANGUAGES, Language, Text
from publish.delta import Difference
from publish.ended import told_absent
from publish.number import Change
from publish.telling import changed_rows, day, rows
from publish.version import Input, Version

Counts = dict[str, int]

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("version du {day} ({version})", "version of {day} ({version})"),
    "first": ("Première version.", "First version."),
    "since": ("Ce qui change depuis la version {previous} :", "What changed since version {previous}:"),
    "rows": ("{table} : {changes} ; {total} en tout", "{table}: {changes}; {total} in all"),
    "partner": ("{partner} ({table}) : {changes}", "{partner} ({table}): {changes}"),
    "total": ("{table} : {total}", "{table}: {total}"),
    "joined": ("nouveau partenaire : {partner}", "new partner: {partner}"),
    "left": ("partenaire parti : {partner}", "partner left: {partner}"),
    "stale": (
        "{partner} : données reprises de la dernière lecture réussie, sans nouvelles depuis le {since}",
        "{partner}: data kept from the last good read, nothing new since {since}",
    ),
    "ended": (
        "{partner} ({table}) : délai de grâce écoulé pour {rows} (absence de son fichier depuis le {since})",
        "{partner} ({table}): grace period over for {rows} (missing from its file since {since})",
    ),
    "absent": (
        "{partner} ({table}) : délai de grâce en cours pour {rows} (absence de son fichier depuis le {since})",
        "{partner} ({table}): {rows} in the grace period (missing from its file since {since})",
    ),
    "by_partner": ("Par partenaire", "By partner"),
    "partners": ("Partenaires", "Partners"),
    "decisions": ("Décisions", "Decisions"),
    "approvals": ("Approbations", "Approvals"),
    "structure": ("Champs, contraintes et textes", "Fields, constraints and texts"),
    "restored": (
        "Retour à la version {version}. Motif : {reason}",
        "Back to version {version}. Reason: {reason}",
    ),
    "cite": ("Citer cette version", "Cite this version"),
}


def tell(
    version: Version,
    previous: Version | None,
    changes: Sequence[Change],
    differences: Mapping[str, Difference],
    origins: Mapping[str, pl.DataFrame],
    citation: Text,
    decisions: Sequence[Mapping[str, str]] = (),
    before: Sequence[Mapping[str, Any]] = (),
    approvals: Sequence[Mapping[str, Any]] = (),
    ended: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The changelog as a value: counts per table and per partner, partners that joined or left, changes in words, and
    how to cite the version.

    `origins` gives for each table the partner of each key, before and now (columns: key, partner). `decisions` are
    those of stewards that hold, each with a key, `before` the changelogs of former versions; `approvals` let it out
    although it is not as expected (approving.told_of); `ended` are the rows that left because their grace period is
    over (ended.told_ended).
    """
    earlier = {line.partner for line in previous.inputs} if previous else set()
    known = {decision["key"] for former in before for decision in former.get("decisions", ())}
    now = {line.partner for line in version.inputs}
    return {
        "dataset": version.dataset,
        "version": version.version,
        "created": version.created,
        "previous": version.previous,
        "level": version.level,
        "restores": version.restores.model_dump(mode="json") if version.restores else None,
        "rows": dict(version.rows),
        "tables": {name: counts_of(difference) for name, difference in differences.items()},
        "partners": {name: by_partner(difference, origins[name]) for name, difference in differences.items()},
        "joined": sorted(now - earlier) if previous else [],
        "left": sorted(earlier - now),
        "stale": {line.partner: line.stale_since for line in version.inputs if line.stale_since},
        **({"ended": list(ended)} if ended else {}),
        **({"absent": told_absent(version.absent)} if version.absent else {}),
        "changes": [
            {"level": change.level.name.lower(), "fr": change.what.fr, "en": change.what.en} for change in changes
        ],
        "decisions": [{**decision, "new": decision["key"] not in known} for decision in decisions],
        **({"approvals": [dict(approval) for approval in approvals]} if approvals else {}),
        "citation": {language: citation[language] for language in LANGUAGES},
    }


def heading(told: Mapping[str, Any], language: Language) -> str:
    """The version by its date first and its number second."""
    return _say("title", language, day=day(told["created"], language), version=told["version"])


def summary(told: Mapping[str, Any], language: Language) -> list[str]:
    """What a version changed in a few lines: why it went back if it did, and the counts of each table."""
    if told["previous"] is None:
        first = [_say("first", language)]
        return first + [_say("total", language, table=t, total=rows(n, language)) for t, n in told["rows"].items()]
    lines = [_say("since", language, previous=told["previous"])]
    if told.get("restores"):
        lines.insert(0, _restored(told, language))
    for table, counts in told["tables"].items():
        total = rows(told["rows"][table], language)
        lines.append(_say("rows", language, table=table, changes=_changes(counts, language), total=total))
    return lines


def to_markdown(told: Mapping[str, Any], title: str, inputs: Sequence[Input], language: Language) -> str:
    """The changelog as a page of Markdown in one language; `inputs` name the partners of this version and of the one
    before, the later name counts."""
    titles = {line.partner: line.title[language] for line in inputs}
    lines = [f"# {title}{' :' if language == 'fr' else ':'} {heading(told, language)}", ""]
    said = summary(told, language)
    if told.get("restores"):
        lines += [said.pop(0), ""]
    lines += [said[0], "", *(f"- {line}" for line in said[1:])]
    if told["previous"] is not None:
        lines += _since(told, titles, language)
    lines += _section("approvals", language, [one[language] for one in told.get("approvals", ())])
    lines += _section("decisions", language, [one[language] for one in told["decisions"] if one["new"]])
    lines += ["", f"## {_say('cite', language)}", "", told["citation"][language]]
    return "\n".join(lines) + "\n"


def _since(told: Mapping[str, Any], titles: Mapping[str, str], language: Language) -> list[str]:
    """What changed since the version before, in sections: structure, rows by partner, partners."""
    lines = _section("structure", language, [change[language] for change in told["changes"]])
    lines += _section(
        "by_partner",
        language,
        [
            _say(
                "partner",
                language,
                partner=titles.get(partner, partner),
                table=table,
                changes=_changes(counts, language),
            )
            for table, partners in told["partners"].items()
            for partner, counts in partners.items()
        ],
    )
    lines += _section(
        "partners",
        language,
        [_say(word, language, partner=titles.get(p, p)) for word in ("joined", "left") for p in told[word]]
        + [
            _say("stale", language, partner=titles.get(p, p), since=day(since, language))
            for p, since in told["stale"].items()
        ]
        + [_of_grace(word, one, titles, language) for word in ("ended", "absent") for one in told.get(word, ())],
    )
    return lines


def _of_grace(word: str, one: Mapping[str, Any], titles: Mapping[str, str], language: Language) -> str:
    return _say(
        word,
        language,
        partner=titles.get(one["partner"], one["partner"]),
        table=one["table"],
        rows=rows(one["rows"], language),
        since=day(one["since"], language),
    )


def _restored(told: Mapping[str, Any], language: Language) -> str:
    return _say("restored", language, version=told["restores"]["version"], reason=told["restores"]["reason"])


def origins_of(*provenances: pl.DataFrame) -> pl.DataFrame:
    """The partner that gave each published id, over several provenances (a former version's and this one's)."""
    standing = [frame.filter(pl.col("stands")).select("id", "partner") for frame in provenances]
    return pl.concat(standing).unique(subset=["id"], keep="first", maintain_order=True)


def counts_of(difference: Difference) -> Counts:
    """How many rows were added, changed and removed."""
    return {
        "added": difference.added.height,
        "changed": difference.rows_changed,
        "removed": difference.removed.height,
    }


def by_partner(difference: Difference, origins: pl.DataFrame) -> dict[str, Counts]:
    """The rows added, changed and removed of each partner; `origins` gives the partner of each id (origins_of)."""
    told: dict[str, Counts] = {}
    for part in ("added", "changed", "removed"):
        frame: pl.DataFrame = getattr(difference, part)
        ids = frame.select(pl.concat_str(difference.key, separator="|").alias("id")).unique()
        for partner, count in ids.join(origins, on="id").group_by("partner").len().sort("partner").iter_rows():
            told.setdefault(partner, {"added": 0, "changed": 0, "removed": 0})[part] = count
    return dict(sorted(told.items()))


def _changes(counts: Mapping[str, int], language: Language) -> str:
    return changed_rows(counts["added"], counts["changed"], counts["removed"], language)


def _section(word: str, language: Language, items: Sequence[str]) -> list[str]:
    return ["", f"## {_say(word, language)}", "", *(f"- {item}" for item in items)] if items else []


def _say(word: str, language: Language, **values: object) -> str:
    return _WORDS[word][LANGUAGES.index(language)].format(**values)
