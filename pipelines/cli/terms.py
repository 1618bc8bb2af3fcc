"""`glane terms`: what partners write that no term list knows.

Belongs here: arguments and what is printed. Does not belong here: the counts (schemas/tally.py).
"""

from typing import Annotated

import typer

from pipelines.cli.say import day, out, print_json


def terms(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with the rules' counts too, for programs.")
    ] = False,
) -> None:
    """Show what the vocabulary of a dataset lacks: terms that partners write and no list knows, most frequent first.

    Each with its field, how often it stands in the partners' last files (and stood in those before), who writes it,
    since when, and the term that is offered instead. Add it to the list, or to a term's synonyms, under
    schemas/DATASET/terms.
    """
    from dataclasses import asdict

    from rich.markup import escape

    from glane.store import open_store
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.settings import load_settings
    from schemas.tally import rejected_terms, rule_counts

    settings = load_settings()
    catalogue = load_catalogue(settings)
    find_dataset(catalogue, dataset)
    store, partners = open_store(settings.store), catalogue[dataset].partners
    rejected = rejected_terms(store, dataset, partners)
    rules = rule_counts(store, dataset, partners)
    if as_json:
        counts = {partner: [line.model_dump() for line in lines] for partner, lines in rules.items()}
        print_json({"dataset": dataset, "terms": [asdict(term) for term in rejected], "rules": counts})
        return
    if not rejected:
        said = "every term is on its list" if rules else f"nothing was judged yet: glane run {dataset}"
        out().print(f"{dataset}: {said}.")
    for term in rejected:
        before = "" if term.before is None or term.before == term.count else f" (before: {term.before})"
        offered = f"  offered: {term.nearest}" if term.nearest else ""
        line = f"{term.count:6} {term.field}: {term.term}{before}  {', '.join(term.partners)}, since {day(term.since)}"
        out().print(escape(line + offered))
