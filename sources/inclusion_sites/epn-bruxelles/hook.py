"""The enterprise number (BCE) as it is published: ten digits, without the country's code and the dots.

Belongs here: that number alone. A number that is not one stays as it was written, for the report to show.
"""

import re


def row(cells: dict[str, str]) -> dict[str, str]:
    """Give the cells back with `pivot` in its published form: "BE 1998.387.679" -> "1998387679"."""
    digits = re.sub(r"^BE|[\s.]", "", cells.get("pivot", ""))
    return cells | {"pivot": digits} if re.fullmatch(r"[01]\d{9}", digits) else cells
