"""What a cleaner is, and what it may know of the row around its cell.

Belongs here: the contract of every cleaner. Does not belong here: any cleaner.

A cleaner takes a filled cell and gives it in the form that our fields use. It never raises, and never invents: a cell
that it cannot make sense of comes back unchanged, so that validation shows it to the partner. Cleaning twice gives
what cleaning once gave. None means that the cell says nothing ("Onbekend" as a brand).
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class CleanContext:
    """The row around a cell: its `country` (ISO 3166-1 alpha-2; empty where the row's is not known), its postcode."""

    country: str = "FR"
    postcode: str = ""
    language: str = "fr"


Cleaner = Callable[[str, CleanContext], str | None]
