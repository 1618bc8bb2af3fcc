"""`glane terms`: what partners write that no term list knows, and accepting what it means.

Belongs here: arguments and what is printed. Does not belong here: the counts (schemas/tally.py), writing into tables
(pipelines/accepting.py), proposals (pipelines/term_proposals.py).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.say import day, out, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipelines.accepting import Accepted
    from schemas.dataset import Dataset
    from schemas.tally import RejectedTerm
    from sources.declaration import BrokenSource, Source


def terms(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    accept: Annotated[
        str | None, typer.Option(metavar="TERM", help="A term that partners write: say from now on what it means.")
    ] = None,
    field: Annotated[
        str | None, typer.Option(help="The field it is written in, where several have a term of this name.")
    ] = None,
    meaning: Annotated[
        str | None, typer.Option("--as", metavar="OURS", help="Our term for it; without this, the one that is offered.")
    ] = None,
    partner: Annotated[
        str | None, typer.Option(help="For this partner alone: written into its own table, not the shared list.")
    ] = None,
    proposal: Annotated[
        bool, typer.Option("--proposal", help="Print what is to be proposed to whoever keeps each list, ready to send.")
    ] = False,
    into: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="With --proposal: write it there, as Markdown and CSV.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with the rules' counts too, for programs.")
    ] = False,
) -> None:
    """Show what the vocabulary of a dataset lacks: terms that partners write and no list knows, most frequent first.

    Each with its field, how often it stands in the partners' last files (and stood in those before), who writes it,
    since when, and the term that is offered instead. --accept writes into the list that all partners share that one is
    a synonym of ours (schemas/DATASET/terms), or with --partner into that partner's own table (terms.csv beside its
    source.yaml). Nothing is taken over by itself. --proposal puts what is left into words for whoever keeps the list
    (schemas/DATASET/terms/keepers.yaml), in French and in English, with the address that it goes to.
    """
    from dataclasses import asdict

    from glane.store import open_store
    from pipelines.accepting import accept_term
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.settings import load_settings
    from schemas.tally import rejected_terms, rule_counts

    settings = load_settings()
    catalogue = load_catalogue(settings)
    found = find_dataset(catalogue, dataset)
    store, partners = open_store(settings.store), catalogue[dataset].partners
    rejected = rejected_terms(store, dataset, partners)
    if accept is not None:
        source = catalogue[dataset].source(partner) if partner is not None else None
        _tell(dataset, accept, accept_term(found, rejected, accept, field=field, ours=meaning, source=source), as_json)
        return
    if proposal:
        _propose(found, rejected, catalogue[dataset].sources, into)
        return
    rules = rule_counts(store, dataset, partners)
    if as_json:
        counts = {one: [line.model_dump() for line in lines] for one, lines in rules.items()}
        print_json({"dataset": dataset, "terms": [asdict(term) for term in rejected], "rules": counts})
    else:
        _show(dataset, rejected, judged=bool(rules))


def _show(dataset: str, rejected: "Sequence[RejectedTerm]", *, judged: bool) -> None:
    if not rejected:
        said = "every term is on its list" if judged else f"nothing was judged yet: glane run {dataset}"
        out().print(f"{dataset}: {said}.")
    for term in rejected:
        out().print(_line(term), markup=False)


def _tell(dataset: str, written: str, accepted: "Accepted", as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json({"dataset": dataset, **asdict(accepted)})
        return
    said = f"{accepted.field}: {written!r} is understood as {accepted.ours!r} from now on ({accepted.table})."
    out().print(said, markup=False, soft_wrap=True)


def _propose(
    dataset: "Dataset",
    rejected: "Sequence[RejectedTerm]",
    sources: "Iterable[Source | BrokenSource]",
    into: Path | None,
) -> None:
    from glane.store import DiskError
    from glane.text import LANGUAGES
    from pipelines.term_proposals import how_to_send, proposals, to_markdown, written
    from schemas.term_keepers import keepers_of

    made = proposals(dataset, rejected, keepers_of(dataset), sources)
    if not made:
        out().print(f"{dataset.name}: there is nothing to propose.")
    for one in made:
        language = one.keeper.language if one.keeper else dataset.line.language
        if into is None:
            for spoken in sorted(LANGUAGES, key=lambda other: other != language):
                out().print(to_markdown(one, spoken), markup=False, soft_wrap=True)
        else:
            try:
                into.mkdir(parents=True, exist_ok=True)
                for name, data in written(one):
                    (into / name).write_bytes(data)
                    out().print(str(into / name), markup=False, soft_wrap=True)
            except OSError as error:
                raise DiskError(error) from error
        out().print(how_to_send(one, language), markup=False, soft_wrap=True)


def _line(term: "RejectedTerm") -> str:
    before = "" if term.before is None or term.before == term.count else f" (before: {term.before})"
    offered = f"  offered: {term.nearest}" if term.nearest else ""
    told = f"{term.count:6} {term.field}: {term.term}{before}  {', '.join(term.partners)}, since {day(term.since)}"
    return told + offered
