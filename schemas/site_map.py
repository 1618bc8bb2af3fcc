"""A map of a partner's sites that asks nobody for anything: points over a grid of degrees, with the names of towns.

Belongs here: drawing the points of an answer. Does not belong here: which rows have one (report_sites.py), nor
coastlines and borders: no outline that may be republished comes with what Glane installs, and towns say more.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from schemas.report_sites import Site, Sites
from schemas.speaker import Speaker
from schemas.svg import WIDTH, drawing, legend, line, text

_MARGIN = 26
_TALLEST, _LOWEST = 420, 150
_APART = 8.0
"""Degrees between two clouds of points that are drawn as maps of their own: Brest and Saint-Denis de La Réunion."""

_MOST_MAPS = 6
_MOST_NAMES = 10
_LETTER, _LINE = 6.6, 15
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_SCALES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_KM_A_DEGREE = 111.2
_SIGNS = {
    "passed": ('<circle class="passed" cx="6" cy="6" r="5"/>', "passed"),
    "to_correct": ('<path class="to-correct" d="M6 0l6 6l-6 6l-6 -6z"/>', "to-correct"),
}
_LEAST_EXTENT = 0.01
"""Degrees that a map shows at least: a single site stands in its neighbourhood."""


@dataclass(frozen=True)
class _Frame:
    """From degrees to the drawing, true to shape at its middle (equirectangular)."""

    south: float
    west: float
    north: float
    east: float
    scale: float
    squeeze: float

    @property
    def height(self) -> float:
        return (self.north - self.south) * self.scale + 2 * _MARGIN

    def at(self, latitude: float, longitude: float) -> tuple[float, float]:
        x = _MARGIN + (longitude - self.west) * self.squeeze * self.scale
        return x, _MARGIN + (self.north - latitude) * self.scale


def site_maps(sites: Sites, say: Speaker) -> str:
    """The figure: a map for each cloud of points, what its marks stand for, and the towns in words."""
    clouds = _clouds(sites.shown)
    pictures = [_map(number, cloud, say) for number, cloud in enumerate(clouds[:_MOST_MAPS], start=1)]
    kinds = {site.standing for site in sites.shown}
    marks = [(sign, say(word)) for kind, (sign, word) in _SIGNS.items() if kind in kinds]
    notes = []
    if sites.without:
        notes.append(say.count("map-without", sites.without))
    if len(sites.shown) < sites.points or len(clouds) > _MOST_MAPS:
        notes.append(
            say("map-not-all", shown=say.number(sum(map(len, clouds[:_MOST_MAPS]))), n=say.number(sites.points))
        )
    told = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<figure>{''.join(pictures)}{legend(marks)}</figure>{told}{_towns(sites.shown, say)}"


def _clouds(sites: Sequence[Site]) -> list[list[Site]]:
    """Sites near one another, the most first; two clouds are further apart than _APART, in latitude or longitude."""
    clouds: list[tuple[list[float], list[Site]]] = []
    for site in sorted(sites, key=lambda one: (one.latitude, one.longitude)):
        near = [cloud for cloud in clouds if _reaches(cloud[0], site)]
        box, members = [site.latitude, site.longitude, site.latitude, site.longitude], [site]
        for other in near:
            clouds.remove(other)
            box = [*map(min, box[:2], other[0][:2]), *map(max, box[2:], other[0][2:])]
            members = [*other[1], *members]
        clouds.append((box, members))
    return sorted((members for _, members in clouds), key=len, reverse=True)


def _reaches(box: Sequence[float], site: Site) -> bool:
    south, west, north, east = box
    return south - _APART <= site.latitude <= north + _APART and west - _APART <= site.longitude <= east + _APART


def _map(number: int, sites: Sequence[Site], say: Speaker) -> str:
    frame = _frame(sites)
    names = _names(sites)
    content = [*_grid(frame, say), *_marks(frame, sites), *_labels(frame, names), *_ruler(frame, say)]
    places = say.general("between").join(f"{town} ({say.number(len(there))})" for town, there in names[:_MOST_NAMES])
    passed = sum(site.standing == "passed" for site in sites)
    description = say(
        "map-text",
        sites=say.count("point", len(sites)),
        passed=say.number(passed),
        wrong=say.number(len(sites) - passed),
        south=_degrees("latitude", frame.south, say, 2),
        north=_degrees("latitude", frame.north, say, 2),
        west=_degrees("longitude", frame.west, say, 2),
        east=_degrees("longitude", frame.east, say, 2),
    )
    told = f"{description} {places}".strip()
    return drawing(f"map-{number}", round(frame.height), say("map-title"), told, content)


def _frame(sites: Sequence[Site]) -> _Frame:
    south, north = min(site.latitude for site in sites), max(site.latitude for site in sites)
    west, east = min(site.longitude for site in sites), max(site.longitude for site in sites)
    squeeze = max(0.1, math.cos(math.radians((south + north) / 2)))
    room = WIDTH - 2 * _MARGIN
    wide, high = max((east - west) * squeeze, _LEAST_EXTENT), max(north - south, _LEAST_EXTENT)
    scale = min(room / wide, (_TALLEST - 2 * _MARGIN) / high)
    wide, high = room / scale, max(high, (_LOWEST - 2 * _MARGIN) / scale)
    middle, centre = (south + north) / 2, (west + east) / 2
    half = wide / squeeze / 2
    return _Frame(middle - high / 2, centre - half, middle + high / 2, centre + half, scale, squeeze)


def _grid(frame: _Frame, say: Speaker) -> Iterator[str]:
    top, bottom = 4.0, frame.height - 4
    span = max(frame.north - frame.south, (frame.east - frame.west) * frame.squeeze)
    step = next((one for one in _STEPS if span / one <= 5), _STEPS[-1])
    digits = max(0, -math.floor(math.log10(step)))
    free = 0.0
    for degree in _multiples(frame.west, frame.east, step):
        x, _ = frame.at(frame.south, degree)
        yield line(x, top, x, bottom, "grid")
        said = _degrees("longitude", degree, say, digits)
        wide = len(said) * _LETTER
        if free < x < WIDTH - wide:
            yield text(x + 2, bottom - 2, said)
            free = x + wide + 8
    for degree in _multiples(frame.south, frame.north, step):
        _, y = frame.at(degree, frame.west)
        yield line(4, y, WIDTH - 4, y, "grid")
        yield text(4, y - 3, _degrees("latitude", degree, say, digits))


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _degrees(axis: str, value: float, say: Speaker, digits: int) -> str:
    sides = ("north", "south") if axis == "latitude" else ("east", "west")
    figure = f"{abs(value):.{digits}f}".replace(".", say.general("decimal"))
    return say(f"degrees-{sides[value < 0]}", n=figure)


def _marks(frame: _Frame, sites: Sequence[Site]) -> Iterator[str]:
    """One mark a spot: a disc for what is fit to publish; above, a square on its corner for what is to be corrected."""
    spots: dict[tuple[str, int, int], list[Site]] = defaultdict(list)
    for site in sites:
        x, y = frame.at(site.latitude, site.longitude)
        spots[site.standing, round(x), round(y)].append(site)
    for (standing, x, y), there in sorted(spots.items(), key=lambda spot: spot[0][0] != "passed"):
        named = list(dict.fromkeys(" · ".join(filter(None, (site.name, site.town))) for site in there))
        told = "\n".join(filter(None, named[:5])) + (f"\n+ {len(named) - 5}" if len(named) > 5 else "")
        title = f"<title>{escape(told)}</title>" if told else ""
        if standing == "passed":
            yield f'<circle class="passed mark" cx="{x}" cy="{y}" r="4">{title}</circle>'
        else:
            yield f'<path class="to-correct mark" d="M{x} {y - 6}l6 6l-6 6l-6 -6z">{title}</path>'


def _names(sites: Sequence[Site]) -> list[tuple[str, list[Site]]]:
    towns: dict[str, list[Site]] = defaultdict(list)
    for site in sites:
        if site.town:
            towns[site.town].append(site)
    return sorted(towns.items(), key=lambda town: (-len(town[1]), town[0]))


def _labels(frame: _Frame, names: Sequence[tuple[str, list[Site]]]) -> Iterator[str]:
    """The towns with the most sites, as far as their names do not cover one another."""
    taken: list[tuple[float, float, float]] = []
    for town, there in names:
        if len(taken) == _MOST_NAMES:
            return
        x, y = frame.at(
            sum(site.latitude for site in there) / len(there), sum(site.longitude for site in there) / len(there)
        )
        wide = len(town) * _LETTER
        left = x + 7 if x + 7 + wide < WIDTH else x - 7 - wide
        if wide < WIDTH / 2 and all(
            abs(y - other_y) > _LINE or left + wide < other or left > other + other_wide
            for other, other_y, other_wide in taken
        ):
            taken.append((left, y, wide))
            yield text(left, y + 4, town, halo=True)


def _ruler(frame: _Frame, say: Speaker) -> Iterator[str]:
    unit = frame.scale / _KM_A_DEGREE
    length = max((one for one in _SCALES if one * unit <= WIDTH / 4), default=_SCALES[0])
    x, y = WIDTH - 10 - length * unit, 14.0
    yield line(x, y, WIDTH - 10, y, "axis")
    figure = f"{length:g}".replace(".", say.general("decimal"))
    yield text(WIDTH - 10, y + 13, f"{figure} km", "end", halo=True)


def _towns(sites: Sequence[Site], say: Speaker) -> str:
    names = _names([site for site in sites if site.standing == "passed"])
    if not names:
        return ""
    head = "".join(f'<th scope="col">{escape(say(word))}</th>' for word in ("map-town", "map-sites"))
    rows = "".join(
        f'<tr><th scope="row">{escape(town)}</th><td>{say.number(len(there))}</td></tr>' for town, there in names
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<details><summary>{escape(say('map-towns'))}</summary>{table}</details>"
