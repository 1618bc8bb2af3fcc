"""A source's own Python, for the rare thing that a mapping cannot say: `hook.py` beside source.yaml.

Belongs here: loading `def row(cells: dict[str, str]) -> dict[str, str]` and holding it to that promise. It runs on
every row after the mapping, before the id is made. Does not belong here: any source's hook.
"""

import importlib.util
from collections.abc import Callable

from glane.errors import CallError, DataError
from schemas.dataset import Table
from schemas.personal.finding import Context, covered
from schemas.personal.search import search_text
from sources.declaration import Source

Hook = Callable[[dict[str, str], int], dict[str, str]]


class HookError(DataError):
    """A hook failed on a row, or gave something that is no row of the table."""


def load_hook(source: Source, table: Table) -> Hook | None:
    """The hook of `source`, taking the cells of a row and its line; None where there is no hook.py.

    Raises CallError where hook.py cannot be run or has no `row`; the hook itself raises HookError.
    """
    path = source.folder / "hook.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"_hook_{source.dataset}_{source.partner}", path)
    if spec is None or spec.loader is None:
        raise CallError(f"{path} is no Python file.", "Correct or remove it.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        row = module.row
    except Exception as error:
        what = f"{path} cannot be used: {type(error).__name__}: {error}."
        raise CallError(what, "It must define: def row(cells: dict[str, str]) -> dict[str, str].") from error
    known = set(table.fields)

    def checked(cells: dict[str, str], line: int) -> dict[str, str]:
        try:
            given = row(dict(cells))
        except Exception as error:
            # What Python says may quote the cell.
            said = covered(str(error), search_text(str(error), Context(source.line.country)))
            what = f"{path.name}, on line {line} of the partner's file: {type(error).__name__}: {said}."
            raise HookError(what, "Correct the hook: a cell it cannot make sense of stays as it is.") from error
        if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
            raise HookError(f"{path.name} gave no dict of texts on line {line}.", "Return {field: text}.")
        unknown = sorted(set(given) - known)
        if unknown:
            what = f"{path.name} gave fields that the table has not got: {', '.join(unknown)}."
            raise HookError(what, f"Fields: {', '.join(table.fields)}.")
        return given

    return checked
