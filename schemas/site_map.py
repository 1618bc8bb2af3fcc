"""A map of a partner's sites that asks nobody for anything: points over a grid of degrees, with the names of towns.

Belongs here: drawing the points of an answer. Does not belong here: which rows have one (report_sites.py), the frame
around them (map_frame.py).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape

from schemas.map_frame import MOST_MAPS, MOST_NAMES, Frame, clouds, degrees, frame_of, grid, labels, ruler
from schemas.report_sites import Site, Sites
from schemas.speaker import Speaker
from schemas.svg import drawing, legend

_SIGNS = {
    "passed": ('<circle class="passed" cx="6" cy="6" r="5"/>', "passed"),
    "to_correct": ('<path class="to-correct" d="M6 0l6 6l-6 6l-6 -6z"/>', "to-correct"),
}


def site_maps(sites: Sites, say: Speaker) -> str:
    """The figure: a map for each cloud of points, what its marks stand for, and the towns in words."""
    parts = clouds(sites.shown)
    pictures = [_map(number, cloud, say) for number, cloud in enumerate(parts[:MOST_MAPS], start=1)]
    kinds = {site.standing for site in sites.shown}
    marks = [(sign, say(word)) for kind, (sign, word) in _SIGNS.items() if kind in kinds]
    notes = []
    if sites.without:
        notes.append(say.count("map-without", sites.without))
    if len(sites.shown) < sites.points or len(parts) > MOST_MAPS:
        notes.append(say("map-not-all", shown=say.number(sum(map(len, parts[:MOST_MAPS]))), n=say.number(sites.points)))
    told = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<figure>{''.join(pictures)}{legend(marks)}</figure>{told}{_towns(sites.shown, say)}"


def _map(number: int, sites: Sequence[Site], say: Speaker) -> str:
    frame = frame_of(sites)
    names = _names(sites)
    content = [*grid(frame, say), *_marks(frame, sites), *labels(frame, names), *ruler(frame, say)]
    places = say.general("between").join(f"{town} ({say.number(len(there))})" for town, there in names[:MOST_NAMES])
    passed = sum(site.standing == "passed" for site in sites)
    description = say(
        "map-text",
        sites=say.count("point", len(sites)),
        passed=say.number(passed),
        wrong=say.number(len(sites) - passed),
        south=degrees("latitude", frame.south, say, 2),
        north=degrees("latitude", frame.north, say, 2),
        west=degrees("longitude", frame.west, say, 2),
        east=degrees("longitude", frame.east, say, 2),
    )
    told = f"{description} {places}".strip()
    return drawing(f"map-{number}", round(frame.height), say("map-title"), told, content)


def _marks(frame: Frame, sites: Sequence[Site]) -> Iterator[str]:
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
