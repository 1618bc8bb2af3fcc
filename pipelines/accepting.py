"""A person says what a partner's term means: it goes into the list that all share, or into the partner's own table.

Belongs here: which field and which term of ours are meant, and which table is written. Does not belong here: the tables
themselves (schemas/term_lists.py, sources/term_table.py), finding near terms (schemas/terms.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from glane.errors import CallError
from schemas.dataset import Dataset, Table
from schemas.tally import RejectedTerm
from schemas.term_lists import add_synonym, terms_path
from schemas.terms import TermList
from sources.check import table_of
from sources.declaration import BrokenSource, Source
from sources.term_table import add_term


@dataclass(frozen=True)
class Accepted:
    """What was written: the partner's term, ours, and the file that says so now."""

    field: str
    written: str
    ours: str
    table: str


def accept_term(
    dataset: Dataset,
    rejected: Sequence[RejectedTerm],
    written: str,
    *,
    field: str | None = None,
    ours: str | None = None,
    source: Source | BrokenSource | None = None,
) -> Accepted:
    """Write what `written` means, for all partners or for `source` alone.

    Without `field` it is the one in which a partner wrote the term last; without `ours` the term that is offered for
    it. Raises CallError where that does not say which, or where ours is on no list; DeclarationError.
    """
    if isinstance(source, BrokenSource):
        raise source.error
    tables = [table_of(source, dataset)] if source is not None else list(dataset.contributed)
    known = {name: table for table in reversed(tables) for name in table.line.terms}
    name = field or _only_field(rejected, written, known)
    if name not in known:
        raise CallError(f"No field {name!r} of {dataset.name} has a term list.", f"Fields: {', '.join(sorted(known))}.")
    listed = known[name].line.terms[name]
    terms = TermList(known[name].terms[listed.list], known[name].synonyms[listed.list])
    meant = ours if ours is not None else terms.nearest(written)
    if meant is None:
        what = f"No term of the list {listed.list} is near {written!r}."
        raise CallError(what, f"Say which it is with --as: {', '.join(terms.terms)}.")
    if source is None:
        path = terms_path(dataset.folder, listed.list)
        add_synonym(path, meant, written)
    else:
        _check_on_list(meant, terms, listed.separator, listed.list)
        if name not in source.line.map:
            raise CallError(f"{source.name} does not map {name!r}.", f"Mapped: {', '.join(source.line.map)}.")
        path = add_term(source.folder, name, written, meant)
    return Accepted(name, written, meant, str(path))


def _only_field(rejected: Sequence[RejectedTerm], written: str, known: dict[str, Table]) -> str:
    fields = sorted({one.field for one in rejected if one.term == written and one.field in known})
    if len(fields) == 1:
        return fields[0]
    what = f"{written!r} is written in {', '.join(fields)}." if fields else f"No partner writes {written!r} just now."
    raise CallError(what, "Say which field is meant with --field.")


def _check_on_list(meant: str, terms: TermList, separator: str | None, name: str) -> None:
    # A partner's one word may be two of ours, or say nothing.
    parts = meant.split(separator) if separator and meant else [meant]
    unknown = [part for part in parts if part and part not in terms.accepted]
    if unknown:
        raise CallError(f"{unknown[0]!r} is not on the list {name}.", f"Its terms: {', '.join(terms.terms)}.")
