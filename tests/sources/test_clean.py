"""What each cleaner makes of a cell, and the laws that all of them keep."""

import math
import re
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glane.text import Text
from schemas.report import About, Cleaned, Counts, SourceReport
from schemas.report_text import to_markdown
from sources.clean import CLEANERS, CleanContext
from sources.clean.coordinates import Point, lambert93_point, point_in
from sources.clean.hours import in_words, is_osm, week
from sources.clean.places import _current_names, alpha2
from sources.clean.postcodes import _current
from sources.clean.values import _spellings
from sources.terms import fold

FRANCE = CleanContext()
BELGIUM = CleanContext(country="BE")
NOWHERE = CleanContext(country="")

CASES: dict[str, list[tuple[str, str]]] = {
    "boolean_fr": [("Oui", "true"), ("NON", "false"), ("peut-être", "peut-être")],
    "brand": [
        ("Phillips", "Philips"),
        ("philips ", "Philips"),
        ("Asus", "ASUS"),
        ("Onbekend", ""),
        ("xx", ""),
        ("????", ""),
        ("Garmin", "Garmin"),
    ],
    "commune": [
        ("PARIS CEDEX 12", "PARIS"),
        ("Angers Cedex", "Angers"),
        ("75012 Paris", "Paris"),
        ("St-Denis", "Saint-Denis"),
        ("St Étienne", "Saint-Étienne"),
        ("STE LUCE", "SAINTE-LUCE"),
        ("St. Malo", "Saint-Malo"),
        ("L'Isle-St-Georges", "L'Isle-Saint-Georges"),
        ("Caluire\u2011et\u2011Cuire", "Caluire-et-Cuire"),
        ("pont-st-esprit", "pont-saint-esprit"),
        ("Brest", "Brest"),
        ("Aost", "Aost"),
    ],
    "coordinate": [("5,392946", "5.392946"), ("47.47280935", "47.472809"), ("-0", "0"), ("6692424,5", "6692424,5")],
    "country2": [
        ("Österreich", "AT"),
        ("ÖSterreich", "AT"),
        ("England", "GB"),
        ("SCOTLAND", "GB"),
        ("UK", "GB"),
        ("uk", "GB"),
        ("DE", "DE"),
        ("Deutschland", "DE"),
        ("Ελλάδα", "GR"),
        ("Belgique", "BE"),
        ("FRA", "FR"),
        ("Frace", "Frace"),
        ("ABERDEEN", "ABERDEEN"),
    ],
    "country3": [("Danmark", "DNK"), ("be", "BEL"), ("USA", "USA"), ("Narnia", "Narnia")],
    "date_fr": [
        ("12/03/2024", "2024-03-12"),
        ("12/03/2024 10:30", "2024-03-12"),
        ("12 mars 2024", "2024-03-12"),
        ("1er août 2023", "2023-08-01"),
        ("lundi 3 février 2020", "2020-02-03"),
        ("2022-09-26 19:00:45", "2022-09-26"),
        ("31/02/2024", "31/02/2024"),
        ("12/03/24", "12/03/24"),
        ("courant 2024", "courant 2024"),
    ],
    "date_iso": [("2021-11-04T10:22:33.123Z", "2021-11-04"), ("12/03/2024", "12/03/2024")],
    "email": [
        ("mailto:Accueil@Angers.FR", "Accueil@angers.fr"),
        (" <contact@quartney.fr>, ", "contact@quartney.fr"),
        ("a@b.fr ; c@d.fr", "a@b.fr ; c@d.fr"),
        ("sur place", "sur place"),
    ],
    "emails": [
        ("a@b.corsica - c@b.corsica", "a@b.corsica|c@b.corsica"),
        (": ccas@biarritz.fr", "ccas@biarritz.fr"),
        ("jeunesse@anjou.fr%a0", "jeunesse@anjou.fr"),
        ("https://anjou.fr/contact", "https://anjou.fr/contact"),
        ("a@B.fr ; c@d.fr", "a@b.fr|c@d.fr"),
        ("a@b.fr, rien", "a@b.fr, rien"),
    ],
    "hours": [
        ("Du lundi au vendredi de 9h à 12h et de 14h à 17h30", "Mo-Fr 09:00-12:00,14:00-17:30"),
        ("lundi 9h-12h", "Mo 09:00-12:00"),
        ("Mo-Fr 9:00-12:00", "Mo-Fr 9:00-12:00"),
        ("fermé le mercredi", "fermé le mercredi"),
        ("sur rendez-vous", "sur rendez-vous"),
        ("Mo-Th 10h00-12h30,13h30-17h; We off", "Mo-Th 10:00-12:30,13:30-17:00; We off"),
        ("Mo-Fr 8h-12", "Mo-Fr 8h-12"),
    ],
    "html": [
        ("<p>L&#8217;&eacute;t&eacute; <b>ici</b></p>", "L’été ici"),
        ("a &lt; b", "a < b"),
        ("un<br/>deux", "un\ndeux"),
    ],
    "commune_current": [
        ("Noyant-la-Gravoyère", "Segré-en-Anjou Bleu"),
        ("NOYANT LA GRAVOYERE CEDEX", "Segré-en-Anjou Bleu"),
        ("Cransac", "Cransac-les-Thermes"),
        ("Percy", "Percy"),
        ("Saint-Ouen", "Saint-Ouen"),
        ("St-Denis", "Saint-Denis"),
        ("Angers", "Angers"),
    ],
    "insee": [
        ("49004", "49307"),
        ("13201", "13201"),
        ("9 7411", "97411"),
        ("0null", "0null"),
        ("2a004", "2A004"),
        ("1004", "01004"),
        ("1004.0", "01004"),
        ("Angers", "Angers"),
    ],
    "number": [("1 234,50", "1234.50"), (",5", "0.5"), ("12,", "12"), ("1,234.5", "1,234.5"), ("douze", "douze")],
    "phone": [
        ("02 41 43 28 13", "+33241432813"),
        ("+33 (0)4 50 56 87 49", "+33450568749"),
        ("0033450568749", "+33450568749"),
        ("450568749", "+33450568749"),
        ("02 48 27 15 00 / 06 12 34 56 78", "+33248271500"),
        ("02 48 / 06 12 34 56 78", "+33612345678"),
        ("0262 41 43 28", "+262262414328"),
        ("3639", "3639"),
        ("112", "112"),
        ("+32 2 512 34 56", "+3225123456"),
        ("02 48", "02 48"),
        ("voir le site", "voir le site"),
        ("Tél : 02 41 43 28 13", "+33241432813"),
        ("36 39", "3639"),
        ("33241432813", "+33241432813"),
        ("33 2 41 43 28 13", "+33241432813"),
        ("+33262711515", "+262262711515"),
        ("+33 5 94 34 17 47", "+594594341747"),
        ("+269269662010", "+269269662010"),
        ("+262 9 72 72 39 49", "+262 9 72 72 39 49"),
        ("+687", "+687"),
        ("02 41 41 5 67", "02 41 41 5 67"),
        ("contact@solidarnum.org", "contact@solidarnum.org"),
        ("658-odspep", "658-odspep"),
        ("0,194", "0,194"),
        ("388.0", "388.0"),
        ("47.4620956", "47.4620956"),
    ],
    "phones": [
        ("02 48 27 15 00 / 06 12 34 56 78", "+33248271500|+33612345678"),
        ("02 48 27 15 00 / ?", "02 48 27 15 00 / ?"),
    ],
    "postcode": [
        ("1000", "01000"),
        ("1000.0", "01000"),
        ("75 001", "75001"),
        ("F-49000", "49000"),
        ("abc", "abc"),
        ("778,0", "778,0"),
    ],
    "siren": [("828 213 371", "828213371"), ("82821337100012", "82821337100012"), ("53.0682354", "53.0682354")],
    "siret": [
        ("828 213 371 00012", "82821337100012"),
        ("828 213 371", "828213371"),
        ("12", "12"),
        ("828.213.371.00012", "82821337100012"),
        ("21\u202f770\u202f285\u202f100\u202f239", "21770285100239"),
    ],
    "text": [
        ("FranÃ§ois", "François"),
        ("L’annÃ©e", "L’année"),
        ("Ã‰cole Ã\xa0 cÃ´tÃ©", "École à côté"),
        ("K√§rcher", "Kärcher"),
        ("l\u0092été", "l’été"),
        ("deux\u00a0\u00a0mots\u200b", "deux mots"),
        ("Caluire\u2011et\u2011Cuire", "Caluire-et-Cuire"),
        ("e\u0301te\u0301", "été"),
        ("Âge, à l'Âtre", "Âge, à l'Âtre"),
    ],
    "url": [
        ("www.angers.fr", "https://www.angers.fr"),
        ("HTTP://Angers.FR/Rue", "http://angers.fr/Rue"),
        ("http:/angers.fr", "http://angers.fr"),
        ("en", "en"),
        ("pas de site", "pas de site"),
        ("contact@angers.fr", "contact@angers.fr"),
        ("www.aucun", "www.aucun"),
        ("https ://www.emplois.fr", "https://www.emplois.fr"),
        ("www.http://cafe.blogspot.co.at/", "http://cafe.blogspot.co.at/"),
    ],
    "urls": [
        ("https://falep.corsica/ - https://b.fr/falep2b/", "https://falep.corsica/|https://b.fr/falep2b/"),
        ("https ://www.emplois.fr", "https://www.emplois.fr"),
        ("http:/0 0", "http:/0 0"),
        ("Facebook : corsemobilitesolidaire", "Facebook : corsemobilitesolidaire"),
        ("www.a.fr ; http://b.fr/x", "https://www.a.fr|http://b.fr/x"),
        ("www.a.fr et rien", "www.a.fr et rien"),
    ],
    "year": [("2016.0", "2016"), ("2016", "2016"), ("????", "????")],
}


def test_every_cleaner_has_its_cases() -> None:
    assert set(CASES) == set(CLEANERS)


@pytest.mark.parametrize(
    ("name", "before", "after"), [(name, *case) for name, cases in CASES.items() for case in cases]
)
def test_a_cleaner_gives_the_form_our_fields_use(name: str, before: str, after: str) -> None:
    assert (CLEANERS[name](before, FRANCE) or "") == after


anything = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from("0123456789 .,+-/:;|hHàéÃ©â€&<>@abce\u00a0\u2011"), max_size=40),
    st.sampled_from([before for cases in CASES.values() for before, _ in cases]),
    st.lists(st.sampled_from([b for cases in CASES.values() for b, _ in cases]), max_size=3).map(" ; ".join),
)


@pytest.mark.parametrize("name", CLEANERS)
@given(cell=anything, context=st.sampled_from([FRANCE, BELGIUM, NOWHERE, CleanContext(postcode="97400")]))
def test_no_cleaner_raises_and_cleaning_twice_gives_what_once_gave(name: str, cell: str, context: CleanContext) -> None:
    once = CLEANERS[name](cell, context) or ""
    assert (CLEANERS[name](once, context) or "") == once


def _words(text: str) -> set[str]:
    return {word for word in fold(text).split() if word.isalnum()}


def _numbers(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"[0-9]+", text)}


def _digits(text: str) -> str:
    return "".join(re.findall(r"[0-9]", text))


def _same_number(before: str, after: str) -> bool:
    plain = re.sub(r"[\s']", "", before).replace(",", ".").replace("\u2212", "-")
    return math.isclose(float(plain), float(after), abs_tol=5e-7)


def _in(before: str, after: str) -> bool:
    plain = re.sub(r"\s", "", before).lower()
    return all(re.sub(r"^https?://", "", part).lower() in plain for part in after.split("|"))


def _is_said(before: str, after: str) -> bool:
    """Whether an ISO date has the year, the month (its number or its name) and the day of what was written."""
    written = date.fromisoformat(after)
    named = any(letter.isalpha() for letter in before)
    return {written.year, written.day} | (set() if named else {written.month}) <= _numbers(before)


Derived = Callable[[str, str], bool]
DERIVED: dict[str, Derived] = {
    "boolean_fr": lambda before, after: after in ("true", "false"),
    "brand": lambda before, after: after == before.strip() or fold(before) in _spellings(),
    "commune": lambda before, after: _words(after) <= _words(before) | {"saint", "sainte"},
    "commune_current": lambda before, after: (
        _words(after) <= _words(before) | {"saint", "sainte"} or after in _current_names().values()
    ),
    "coordinate": _same_number,
    "country2": lambda before, after: alpha2(before) == after,
    "country3": lambda before, after: alpha2(before) == alpha2(after),
    "date_fr": _is_said,
    "date_iso": _is_said,
    "email": _in,
    "emails": _in,
    "hours": lambda before, after: is_osm(after) and _numbers(after) <= _numbers(before) | {0, 7, 12, 24},
    "html": lambda before, after: len(after) <= len(before),
    "insee": lambda before, after: after.lstrip("0") in before.upper().replace(" ", "") or after in _current().values(),
    "number": _same_number,
    "phone": lambda before, after: _digits(after)[-6:] in _digits(before),
    "phones": lambda before, after: all(_digits(part)[-6:] in _digits(before) for part in after.split("|")),
    "postcode": lambda before, after: after.lstrip("0") in re.sub(r"\s", "", before),
    "siren": lambda before, after: after in _digits(before),
    "siret": lambda before, after: after in _digits(before),
    "text": lambda before, after: len(after) <= len(before),
    "url": _in,
    "urls": _in,
    "year": lambda before, after: after in before,
}


@pytest.mark.parametrize("name", CLEANERS)
@given(cell=anything, context=st.sampled_from([FRANCE, BELGIUM, NOWHERE, CleanContext(postcode="97600")]))
def test_no_cleaner_invents_what_it_gives_is_empty_or_was_there(name: str, cell: str, context: CleanContext) -> None:
    after = CLEANERS[name](cell, context) or ""
    assert after in ("", cell, cell.strip()) or DERIVED[name](cell, after)


@pytest.mark.parametrize("name", CLEANERS)
@given(cell=st.text(st.sampled_from(" \t\n\u00a0\u202f"), max_size=5))
def test_no_cleaner_makes_something_of_nothing(name: str, cell: str) -> None:
    assert not (CLEANERS[name](cell, FRANCE) or "").strip()


@pytest.mark.parametrize("name", ["date_fr", "date_iso", "year"])
@given(cell=anything.filter(lambda cell: "1970" not in cell))
def test_no_date_is_made_up(name: str, cell: str) -> None:
    assert "1970" not in (CLEANERS[name](cell, FRANCE) or "")


def test_a_belgian_postcode_is_never_padded() -> None:
    assert CLEANERS["postcode"]("1000", BELGIUM) == "1000"
    assert CLEANERS["postcode"]("1000.0", BELGIUM) == "1000"


def test_a_foreign_commune_is_left_alone() -> None:
    assert CLEANERS["commune"]("St Vith", BELGIUM) == "St Vith"
    assert CLEANERS["commune_current"]("Cransac", BELGIUM) == "Cransac"


def test_a_name_of_today_is_nobodys_name_of_yesterday() -> None:
    names = _current_names()
    assert not {fold(current) for current in names.values()} & names.keys()


@pytest.mark.parametrize(
    ("cell", "context", "expected"),
    [
        ("02 512 34 56", BELGIUM, "+3225123456"),
        ("02/512.34.56", BELGIUM, "+3225123456"),
        ("44 57 28", CleanContext(postcode="98800"), "+687445728"),
        ("0692 12 34 56", CleanContext(postcode="97400"), "+262692123456"),
        ("02 41 43 28 13", CleanContext(postcode="97400"), "+33241432813"),
        ("3639", BELGIUM, "3639"),
        ("3225123456", BELGIUM, "+3225123456"),
        ("+269269662010", CleanContext(postcode="97600"), "+262269662010"),
        ("02 512 34 56", NOWHERE, "02 512 34 56"),
    ],
)
def test_a_number_is_read_where_its_row_is(cell: str, context: CleanContext, expected: str) -> None:
    assert CLEANERS["phone"](cell, context) == expected


WORDS = [
    ("Les mardi et jeudi de 9h00 à 12h", "Tu,Th 09:00-12:00"),
    ("Lundi et Mardi : 14h à 18h30 Du Mercredi au Samedi : 9h30 à 12h30", "Mo-Tu 14:00-18:30; We-Sa 09:30-12:30"),
    ("LUNDI - VENDREDI 9H–12H / 13H30–16H30", "Mo-Fr 09:00-12:00,13:30-16:30"),
    ("9h-12h et 14h-17h du lundi au vendredi", "Mo-Fr 09:00-12:00,14:00-17:00"),
    ("Lundi de 9 à 12h\nmardi 14 h 30 à 17 h\n", "Mo 09:00-12:00; Tu 14:30-17:00"),
    ("Du lundi au vendredi 9h-18h, fermé le mercredi", "Mo-Tu,Th-Fr 09:00-18:00"),
    ("Tous les jours sauf le dimanche de 9h à 19h", "Mo-Sa 09:00-19:00"),
    ("du lundi au samedi de 10h à midi, sauf jours fériés", "Mo-Sa 10:00-12:00; PH off"),
    ("7j/7 24h/24", "24/7"),
    ("Mercredi matin 9h-12h et après-midi 14h-17h", "We 09:00-12:00,14:00-17:00"),
    ("lun. mar. jeu. 8h-12h15", "Mo-Tu,Th 08:00-12:15"),
    ("Mardi : 15h à18h30", "Tu 15:00-18:30"),
]

# From partners' files (facts, domain 5): each says more than OSM hours of the week can carry, or contradicts itself.
UNCERTAIN = [
    "Lundi au vendredi : 9h à 12h30 et 13h30 à 17h30 (17h pendant les vacances scolaires)",
    "Du lundi au vendredi, de 8h30 à 17h, sur rendez-vous uniquement",
    "Lundi au vendredi : 9h à 18h (lundi et jeudi matin fermé)",
    "lundi au vendredi 8h00-12h00 | mercredi : 8h00-17h00",
    "Lundi et vendredi 9h-12h/14h16h30",
    "Vendredi : 9h à 12h30 à 14h à 16h30",
    "MARDI-JEUDI ET VENDREDI 9H00-12H00 MERCREDI 9H00-12H00",
    "vendredi au lundi 9h-12h",
    "lundi 14h-9h",
    "lundi 9h-12h, 11h-14h",
    "lundi 9h-25h",
    "lundi 9-12",
    "9-12h 14-18h",
    "Du lundi au vendredi",
    "7:30 - 11:30 ; 12:15 - 16:",
    "fermé",
]


@pytest.mark.parametrize(("text", "osm"), WORDS)
def test_hours_in_french_words_become_osm_hours(text: str, osm: str) -> None:
    assert in_words(text) == osm
    assert is_osm(osm)


@pytest.mark.parametrize("text", UNCERTAIN)
def test_hours_that_are_half_understood_stay_as_they_are(text: str) -> None:
    assert CLEANERS["hours"](text, FRANCE) == text


times = st.lists(st.integers(0, 95), min_size=2, max_size=4, unique=True).map(sorted).filter(lambda t: len(t) % 2 == 0)


@given(st.dictionaries(st.sampled_from(["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]), times, min_size=1))
def test_any_week_by_day_is_osm_hours(opened: dict[str, list[int]]) -> None:
    def clock(quarter: int) -> str:
        return f"{quarter // 4}h{quarter % 4 * 15:02}"

    cells = {
        day: " / ".join(f"{clock(a)} - {clock(b)}" for a, b in zip(at[::2], at[1::2], strict=True))
        for day, at in opened.items()
    }
    osm = week(cells)
    assert osm
    assert is_osm(osm)


def test_a_week_with_one_day_that_is_not_understood_is_no_week() -> None:
    assert week({"Mo": "9h-12h", "Tu": "fermé", "We": "", "Th": "-"}) == "Mo 09:00-12:00"
    assert week({"Mo": "9h-12h", "Tu": "sur rendez-vous"}) is None
    assert week({"Mo": "", "Tu": ""}) == ""


@pytest.mark.parametrize(
    ("texts", "country", "point"),
    [
        (["47.472809", "-0.539592"], "FR", Point(47.472809, -0.539592)),
        (["47,472809351", "-0,539592"], "FR", Point(47.472809, -0.539592)),
        (["5.392946", "43.333887"], "FR", Point(43.333887, 5.392946)),
        (["-12.78", "45.22"], "FR", Point(-12.78, 45.22)),
        (["4.35", "50.85"], "BE", Point(50.85, 4.35)),
        (["4.35", "50.85"], "", Point(4.35, 50.85)),
        (["0", "0.0"], "FR", Point(None, None)),
        (["42.35473, 9.04258"], "FR", Point(42.35473, 9.04258)),
        (["42,35473; 9,04258"], "FR", Point(42.35473, 9.04258)),
        (["SRID=4326;POINT (7.1514437 43.6560528)"], "FR", Point(43.656053, 7.151444)),
        (["", "9.04"], "FR", None),
        (["nord", "est"], "FR", None),
        (["475198,12", "6692424,5"], "FR", None),
        (["Mairie"], "FR", None),
    ],
)
def test_a_point_is_read_however_it_is_written(texts: list[str], country: str, point: Point | None) -> None:
    assert point_in(texts, country) == point


def test_lambert_93_becomes_degrees() -> None:
    # The projection's own origin, then a site of Allonnes (47.29 N, 0.02 E) as Maine-et-Loire gives it.
    assert lambert93_point(["700000", "6600000"]) == Point(46.5, 3.0)
    assert lambert93_point(["475198,121680863", "6692424,50691385"]) == Point(47.294016, 0.02466)
    assert lambert93_point(["0", "0"]) == Point(None, None)
    assert lambert93_point(["47.4", "-0.5"]) is None


@pytest.mark.parametrize("name", [*CLEANERS, "days", "point", "terms"])
def test_a_report_has_words_for_every_cleaner(name: str) -> None:
    about = About(
        dataset="sites", table="sites", partner="angers", title=Text(fr="Lieux", en="Sites"), organisation="Angers"
    )
    cleaned = (Cleaned(cleaner=name, count=2, examples=(("a", "b"),)),)
    counts = Counts(rows_in=2, passed=2, to_correct=0, on_hold=0)
    report = SourceReport(about=about, run_at="2026-11-22T00:00:00Z", state="judged", counts=counts, cleaned=cleaned)
    french, english = to_markdown(report, "fr"), to_markdown(report, "en")
    assert " : 2 cellules" in french
    assert ": 2 cells" in english
    assert f"- {name} :" not in french
