"""What partners write and no term list knows, as a proposal to whoever keeps the list: a text and a table to be sent.

Belongs here: which terms are proposed to whom, and the layout. Does not belong here: the counts (schemas/tally.py), who
keeps which list (schemas/term_keepers.py), arguments and files (cli/terms.py).

Partners are counted and never named: what one of them writes is between it and the commons. A term that looks like
something of a person is left out and counted.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from glane.text import LANGUAGES, Language
from publish.telling import day
from schemas.dataset import Dataset
from schemas.markdown import code, in_table, letter, plain
from schemas.personal.finding import Context
from schemas.personal.search import search_text
from schemas.report_values import inert
from schemas.tally import RejectedTerm
from schemas.term_keepers import Keeper
from sources.declaration import BrokenSource, Source
from sources.terms import fold

_ADDRESS_MAX = 6_000
"""Browsers and trackers take no much longer address: beyond, the text is pasted by hand."""

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Termes proposés pour « {standard} »", "Terms proposed for “{standard}”"),
    "intro": (
        (
            "Bonjour,\n\nles partenaires de « {dataset} » emploient des termes que les listes de ce standard ne "
            "connaissent pas encore. Les voici, comptés dans leurs derniers fichiers (termes : {terms} ; valeurs : "
            "{rows} ; partenaires : {partners}). Nous vous proposons de les ajouter, ou de nous dire quel terme de la "
            "liste employer à leur place."
        ),
        (
            "Hello,\n\nthe partners of “{dataset}” use terms that the lists of this standard do not know yet. Here "
            "they are, counted in their last files (terms: {terms}; values: {rows}; partners: {partners}). We propose "
            "to add them, or ask you which term of the list to use instead."
        ),
    ),
    "list": ("Liste {list}, champ {field}", "List {list}, field {field}"),
    "head": (
        "| terme écrit | valeurs | partenaires | depuis le | terme le plus proche | rangé ailleurs sous |",
        "| term as written | values | partners | since | nearest term | taken elsewhere for |",
    ),
    "personal": (
        "Nombre de valeurs qui ne sont pas données ici, car elles ressemblent à des données de personnes : {count}.",
        "Values that are not given here, as they look like data of persons: {count}.",
    ),
    "thanks": ("Merci ! {steward}, {email}", "Thank you! {steward}, {email}"),
    "send": ("À envoyer : {how}", "To be sent: {how}"),
    "tracker": (
        "[ouvrir une question]({url}) et y coller ce texte",
        "[open an issue]({url}) and paste this text there",
    ),
    "mail": ("un courriel à {name}", "a mail to {name}"),
    "own": ("les listes propres de ce commun", "this commons' own lists"),
}
_COLUMNS = ("standard", "list", "field", "term", "values", "partners", "since", "nearest", "taken_elsewhere_for")


@dataclass(frozen=True)
class Proposed:
    """A rejected term with its `list`, and the terms of ours that other partners' tables take it for (`elsewhere`)."""

    list: str
    term: RejectedTerm
    elsewhere: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """What is proposed to one keeper (None: the lists are the commons' own, and its steward's to decide); `personal`
    counts the values that are left out."""

    dataset: Dataset
    keeper: Keeper | None
    terms: tuple[Proposed, ...]
    personal: int

    @property
    def name(self) -> str:
        """A name for its files."""
        words = re.findall(r"[a-z0-9]+", fold(self.keeper.standard)) if self.keeper else ["own-lists"]
        return "-".join((self.dataset.name, *words))[:80]

    @property
    def partners(self) -> int:
        """How many partners write one of its terms."""
        return len({partner for one in self.terms for partner in one.term.partners})


def proposals(
    dataset: Dataset,
    rejected: Sequence[RejectedTerm],
    keepers: Sequence[Keeper],
    sources: Iterable[Source | BrokenSource],
) -> list[Proposal]:
    """What is to be proposed to each keeper, and what is for the commons' own lists; none where no term is rejected."""
    lists = {field: line.list for table in reversed(dataset.contributed) for field, line in table.line.terms.items()}
    by_list = {name: keeper for keeper in keepers for name in keeper.lists}
    taken = _taken(sources)
    found: list[Proposal] = []
    for keeper in (*keepers, None):
        mine = [one for one in rejected if one.field in lists and by_list.get(lists[one.field]) is keeper]
        shown = [one for one in mine if not search_text(one.term, Context())]
        personal = sum(one.count for one in mine) - sum(one.count for one in shown)
        if shown or personal:
            terms = [Proposed(lists[one.field], one, taken.get((one.field, fold(one.term)), ())) for one in shown]
            ordered = sorted(terms, key=lambda one: (one.list, one.term.field))
            found.append(Proposal(dataset, keeper, tuple(ordered), personal))
    return found


def to_markdown(proposal: Proposal, language: Language) -> str:
    """The proposal as a text to be sent."""
    line, terms = proposal.dataset.line, proposal.terms
    title = _title(proposal, language)
    values = {
        "dataset": line.title[language],
        "terms": len(terms),
        "rows": sum(one.term.count for one in terms),
        "partners": proposal.partners,
    }
    parts = [f"# {title}", _say("intro", language, **values)]
    for (name, field), mine in _by_list(terms).items():
        parts.append(f"## {_say('list', language, list=code(name), field=code(field))}")
        rows = [_row(one, language) for one in mine]
        parts.append("\n".join([_say("head", language), "|---|---:|---:|---|---|---|", *rows]))
    if proposal.personal:
        parts.append(_say("personal", language, count=proposal.personal))
    parts.append(_say("thanks", language, steward=plain(line.steward.name), email=plain(line.steward.email)))
    return "\n\n".join(parts) + "\n"


def how_to_send(proposal: Proposal, language: Language) -> str:
    """The one line that tells a steward where the proposal goes, with an address that begins it."""
    keeper, title = proposal.keeper, _title(proposal, language)
    if keeper is None:
        return _say("send", language, how=_say("own", language))
    if keeper.tracker is not None:
        body = quote(to_markdown(proposal, language))
        address = f"{keeper.tracker}/new?title={quote(title)}"
        filled = f"{address}&body={body}"
        how = _say("tracker", language, url=filled if len(filled) <= _ADDRESS_MAX else address)
    else:
        how = letter(_say("mail", language, name=plain(keeper.name)), str(keeper.email), title, "")
    return _say("send", language, how=how)


def to_csv(proposal: Proposal) -> bytes:
    """The same as a table. Nothing in it runs as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    standard = proposal.keeper.standard if proposal.keeper else ""
    for one in proposal.terms:
        term = one.term
        cells = (
            term.term,
            term.count,
            len(term.partners),
            term.since[:10],
            term.nearest or "",
            "|".join(one.elsewhere),
        )
        writer.writerow([standard, one.list, term.field, *(inert(str(cell)) for cell in cells)])
    return buffer.getvalue().encode()


def _taken(sources: Iterable[Source | BrokenSource]) -> dict[tuple[str, str], tuple[str, ...]]:
    """What partners' own tables say that a term means: {(field, folded term): terms of ours, most often first}."""
    counted: dict[tuple[str, str], Counter[str]] = {}
    for source in sources:
        if isinstance(source, Source):
            for field, mapping in source.line.map.items():
                for written, ours in mapping.terms.items():
                    if ours:
                        counted.setdefault((field, fold(written)), Counter())[ours] += 1
    return {key: tuple(ours for ours, _ in count.most_common(3)) for key, count in counted.items()}


def _by_list(terms: Iterable[Proposed]) -> dict[tuple[str, str], list[Proposed]]:
    found: dict[tuple[str, str], list[Proposed]] = {}
    for one in terms:
        found.setdefault((one.list, one.term.field), []).append(one)
    return found


def _row(one: Proposed, language: Language) -> str:
    term = one.term
    elsewhere = ", ".join(map(in_table, one.elsewhere))
    nearest = in_table(term.nearest) if term.nearest else ""
    since = day(term.since, language)
    return f"| {in_table(term.term)} | {term.count} | {len(term.partners)} | {since} | {nearest} | {elsewhere} |"


def _title(proposal: Proposal, language: Language) -> str:
    standard = proposal.keeper.standard if proposal.keeper else proposal.dataset.line.title[language]
    return _say("title", language, standard=standard)


def _say(word: str, language: Language, **values: object) -> str:
    return _WORDS[word][LANGUAGES.index(language)].format(**values)


def written(proposal: Proposal) -> Iterator[tuple[str, bytes]]:
    """Its files, by name: the text in both languages, and the table."""
    yield f"{proposal.name}.fr.md", to_markdown(proposal, "fr").encode()
    yield f"{proposal.name}.en.md", to_markdown(proposal, "en").encode()
    yield f"{proposal.name}.csv", to_csv(proposal)
