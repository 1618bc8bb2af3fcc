"""The frame of a map that asks nobody for anything: from degrees to a drawing, over a grid with a scale and names.

Belongs here: which points are drawn together, the frame around them, its grid, its scale, its names. Does not belong
here: what is drawn in it (site_map.py, and the maps of other rooms), nor coastlines and borders: no outline that may be
republished comes with what Glane installs, and names say more.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from schemas.speaker import Speaker
from schemas.svg import WIDTH, line, text

_MARGIN = 26
_TALLEST, _LOWEST = 420, 150
_APART = 8.0
"""Degrees between two clouds of points that are drawn as maps of their own: Brest and Saint-Denis de La Réunion."""

MOST_MAPS = 6
MOST_NAMES = 10
_LETTER, _LINE = 7.2, 15
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_SCALES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_KM_A_DEGREE = 111.2
_LEAST_EXTENT = 0.01
"""Degrees that a map shows at least: a single site stands in its neighbourhood."""


class Point(Protocol):
    """What stands somewhere, in degrees (WGS 84)."""

    @property
    def latitude(self) -> float:
        """North of the equator."""

    @property
    def longitude(self) -> float:
        """East of Greenwich."""


P = TypeVar("P", bound=Point)


@dataclass(frozen=True)
class Frame:
    """From degrees to the drawing, true to shape at its middle (equirectangular)."""

    south: float
    west: float
    north: float
    east: float
    scale: float
    squeeze: float

    @property
    def height(self) -> float:
        """Units from top to bottom of the drawing."""
        return (self.north - self.south) * self.scale + 2 * _MARGIN

    def at(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Where a point stands in the drawing."""
        x = _MARGIN + (longitude - self.west) * self.squeeze * self.scale
        return x, _MARGIN + (self.north - latitude) * self.scale


def clouds(points: Sequence[P]) -> list[list[P]]:
    """Points near one another, the most first; two clouds are further apart than _APART, in latitude or longitude."""
    found: list[tuple[list[float], list[P]]] = []
    for point in sorted(points, key=lambda one: (one.latitude, one.longitude)):
        near = [cloud for cloud in found if _reaches(cloud[0], point)]
        box, members = [point.latitude, point.longitude, point.latitude, point.longitude], [point]
        for other in near:
            found.remove(other)
            box = [*map(min, box[:2], other[0][:2]), *map(max, box[2:], other[0][2:])]
            members = [*other[1], *members]
        found.append((box, members))
    return sorted((members for _, members in found), key=len, reverse=True)


def _reaches(box: Sequence[float], point: Point) -> bool:
    south, west, north, east = box
    return south - _APART <= point.latitude <= north + _APART and west - _APART <= point.longitude <= east + _APART


def frame_of(points: Sequence[Point]) -> Frame:
    """The frame that shows all `points`."""
    south, north = min(one.latitude for one in points), max(one.latitude for one in points)
    west, east = min(one.longitude for one in points), max(one.longitude for one in points)
    squeeze = max(0.1, math.cos(math.radians((south + north) / 2)))
    room = WIDTH - 2 * _MARGIN
    wide, high = max((east - west) * squeeze, _LEAST_EXTENT), max(north - south, _LEAST_EXTENT)
    scale = min(room / wide, (_TALLEST - 2 * _MARGIN) / high)
    wide, high = room / scale, max(high, (_LOWEST - 2 * _MARGIN) / scale)
    middle, centre = (south + north) / 2, (west + east) / 2
    half = wide / squeeze / 2
    return Frame(middle - high / 2, centre - half, middle + high / 2, centre + half, scale, squeeze)


def grid(frame: Frame, say: Speaker) -> Iterator[str]:
    """Meridians and parallels with their degrees."""
    top, bottom = 4.0, frame.height - 4
    span = max(frame.north - frame.south, (frame.east - frame.west) * frame.squeeze)
    step = next((one for one in _STEPS if span / one <= 5), _STEPS[-1])
    digits = max(0, -math.floor(math.log10(step)))
    free = 0.0
    for degree in _multiples(frame.west, frame.east, step):
        x, _ = frame.at(frame.south, degree)
        yield line(x, top, x, bottom, "grid")
        said = degrees("longitude", degree, say, digits)
        wide = len(said) * _LETTER
        if free < x < WIDTH - wide:
            yield text(x + 2, bottom - 2, said)
            free = x + wide + 8
    for degree in _multiples(frame.south, frame.north, step):
        _, y = frame.at(degree, frame.west)
        yield line(4, y, WIDTH - 4, y, "grid")
        yield text(4, y - 3, degrees("latitude", degree, say, digits))


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def degrees(axis: str, value: float, say: Speaker, digits: int) -> str:
    """A latitude or a longitude in words."""
    sides = ("north", "south") if axis == "latitude" else ("east", "west")
    figure = f"{abs(value):.{digits}f}".replace(".", say.general("decimal"))
    return say(f"degrees-{sides[value < 0]}", n=figure)


def labels(frame: Frame, names: Sequence[tuple[str, Sequence[Point]]]) -> Iterator[str]:
    """Names in the middle of what bears them, the first before the others, as far as they do not cover one another."""
    taken: list[tuple[float, float, float]] = []
    for name, there in names:
        if len(taken) == MOST_NAMES:
            return
        x, y = frame.at(
            sum(one.latitude for one in there) / len(there), sum(one.longitude for one in there) / len(there)
        )
        wide = len(name) * _LETTER
        left = x + 7 if x + 7 + wide < WIDTH else x - 7 - wide
        if wide < WIDTH / 2 and all(
            abs(y - other_y) > _LINE or left + wide < other or left > other + other_wide
            for other, other_y, other_wide in taken
        ):
            taken.append((left, y, wide))
            yield text(left, y + 4, name, halo=True)


def ruler(frame: Frame, say: Speaker) -> Iterator[str]:
    """A line of so many kilometres."""
    unit = frame.scale / _KM_A_DEGREE
    length = max((one for one in _SCALES if one * unit <= WIDTH / 4), default=_SCALES[0])
    x, y = WIDTH - 10 - length * unit, 14.0
    yield line(x, y, WIDTH - 10, y, "axis")
    figure = f"{length:g}".replace(".", say.general("decimal"))
    yield text(WIDTH - 10, y + 13, f"{figure} km", "end", halo=True)
