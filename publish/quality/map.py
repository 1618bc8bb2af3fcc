"""The map of a table's rows: a square for each cell, larger where there are more, over a grid with names.

Belongs here: drawing the cells of report.Grid. Does not belong here: counting them (places.py), the
frame of a map (schemas/map_frame.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from publish.quality.report import Grid
from publish.quality.words import Teller
from schemas.map_frame import MOST_MAPS, MOST_NAMES, Frame, clouds, degrees, frame_of, grid, labels, ruler
from schemas.svg import drawing, legend

_LEAST = 2.5
"""Units across the square of a single row: less is not seen."""


@dataclass(frozen=True)
class Named:
    """The middle of the rows of a place with a name, which a map may bear."""

    name: str
    rows: int
    latitude: float
    longitude: float


@dataclass(frozen=True)
class _Cell:
    latitude: float
    longitude: float
    rows: int


def maps(table: str, title: str, counted: Grid, names: Sequence[Named], tell: Teller) -> str:
    """The figure: a map for each cloud of cells, and what the squares stand for."""
    half = counted.step / 2
    cells = [
        _Cell(y + half, x + half, n) for y, x, n in zip(counted.latitude, counted.longitude, counted.rows, strict=True)
    ]
    most = max(counted.rows)
    parts = sorted(clouds(cells), key=lambda cloud: -sum(cell.rows for cell in cloud))[:MOST_MAPS]
    drawn = [
        _map(f"{table}-{number}", title, cloud, counted.step, most, names, tell)
        for number, cloud in enumerate(parts, start=1)
    ]
    signs = [(_sign(1, most), tell("where-cell-few"))]
    signs += [(_sign(n, most), tell("where-cell-many", n=tell.say.number(n))) for n in _marks(most)]
    return f"<figure>{''.join(drawn)}{legend(signs)}</figure>"


def _map(
    name: str, title: str, cells: Sequence[_Cell], step: float, most: int, names: Sequence[Named], tell: Teller
) -> str:
    frame, say = frame_of(cells), tell.say
    there = [
        one for one in names if frame.south <= one.latitude <= frame.north and frame.west <= one.longitude <= frame.east
    ]
    squares = f'<path class="passed" d="{_squares(frame, cells, step, most)}"/>'
    content = [*grid(frame, say), squares, *labels(frame, [(one.name, [one]) for one in there]), *ruler(frame, say)]
    rows = sum(cell.rows for cell in cells)
    told = tell(
        "where-map-text",
        n=say.number(rows),
        south=degrees("latitude", frame.south, say, 1),
        north=degrees("latitude", frame.north, say, 1),
        west=degrees("longitude", frame.west, say, 1),
        east=degrees("longitude", frame.east, say, 1),
        areas=say.general("between").join(f"{one.name} ({say.number(one.rows)})" for one in there[:MOST_NAMES]),
    )
    return drawing(f"map-{name}", round(frame.height), title, told.strip(), content)


def _squares(frame: Frame, cells: Sequence[_Cell], step: float, most: int) -> str:
    """All squares as one path: a map of a country stays as small as a picture of it."""
    room = max(_LEAST, step * frame.scale)
    drawn = []
    for cell in cells:
        x, y = frame.at(cell.latitude, cell.longitude)
        side = _side(cell.rows, most, room)
        drawn.append(f"M{x - side / 2:.1f} {y - side / 2:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z")
    return "".join(drawn)


def _side(rows: int, most: int, room: float) -> float:
    """Units across the square of so many rows: its surface grows as they do, up to `room`, and one row is seen."""
    return min(room, max(_LEAST, room * math.sqrt(rows / most)))


def _sign(rows: int, most: int) -> str:
    side = _side(rows, most, 12)
    return (
        f'<rect class="passed" x="{6 - side / 2:.1f}" y="{6 - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}"/>'
    )


def _marks(most: int) -> list[int]:
    """Round numbers that a legend shows, up to the most rows of a cell."""
    found = [n for n in (10, 100, 1000, 10_000, 100_000) if n <= most]
    return found[-2:]
