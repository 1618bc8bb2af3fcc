"""What of each row is compared: names, addresses, numbers and points brought into one form.

Belongs here: one column of `told` for each thing that is compared, over all rows at once. Does not belong here:
comparing two rows (score.py), choosing which rows to compare (candidates.py).
"""

from functools import cache
from pathlib import Path

import polars as pl

from glane.declaration import Declared, load_declaration
from schemas.dataset import Geometry
from schemas.merging import Likeness

KEY, PARTNER, ROW = "_key", "_partner", "_row"

SHARED = 3
"""What more rows of one partner have in common (a switchboard, the point of a town hall) tells little."""

_MARKS = r"\p{M}+"
_LETTER = r" ?(?:bis|ter|quater|[a-d])?"
_NUMBER = rf"^ ?(\d{{1,4}}){_LETTER} "
_STREET = "rue|avenue|boulevard|place|chemin|route|allee|impasse|quai|cours|square|esplanade"
_NUMBER_WITHIN = rf" (\d{{1,4}}){_LETTER} (?:{_STREET}) "
_APART = r"[^\p{L}\p{N}]+"
_LIGATURES = {"œ": "oe", "æ": "ae", "ß": "ss"}


class _Words(Declared):
    empty: list[str]
    labels: dict[str, list[str]]
    moving: list[str]
    written_out: dict[str, str]
    common: list[str]
    hosts: list[str]


@cache
def words() -> _Words:
    """The words of words.yaml. Raises DeclarationError."""
    return load_declaration(Path(__file__).with_name("words.yaml"), _Words)


def told(rows: pl.DataFrame, likeness: Likeness, point: Geometry | None) -> pl.DataFrame:
    """Bring `rows` (the fields of `likeness` and of `point`, `_key`, `_partner`) into comparable form, sorted by key.

    Gives `_row`, `_key`, `_partner`, name, words (its words, sorted), labels (what it says the place is), moves, core
    (its other words, without those of the town), rare (without common words too), figures, address, street, number,
    country, postcode, town, town_code, y, x, point, phone, email, host, national, kind; and for what a partner repeats,
    whether it tells little: shared_phone and so on. What is not said is null.
    """

    def of(key: str) -> pl.Expr:
        name = getattr(likeness, key)
        return pl.lit(None, pl.String) if name is None else pl.col(name)

    base = rows.sort(KEY).with_row_index(ROW)
    frame = base.select(
        ROW,
        KEY,
        PARTNER,
        _plain(of("name")).alias("name"),
        _plain(_before_postcode(of("address"))).alias("address"),
        of("country").fill_null("").alias("country"),
        of("postcode").str.strip_chars().alias("postcode"),
        _town(of("town")).alias("town"),
        of("town_code").str.strip_chars().alias("town_code"),
        _some(of("phone").str.replace_all(r"\D", "").str.tail(9)).alias("phone"),
        _some(_first(of("email")).str.to_lowercase()).alias("email"),
        _host(_first(of("page"))).alias("host"),
        _some(of("national_id").str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")).alias("national"),
        of("kind").str.to_lowercase().str.split("|").alias("kind"),
        *_point(point),
    )
    frame = _towns_inferred(frame)
    frame = frame.with_columns(
        _labelled(_telling(pl.col("name"))).alias("_words"),
        _joined(_list(_telling(pl.col("name"))).list.sort()).alias("words"),
        pl.col("name").str.extract_all(r"\d+").list.sort().list.join(" ").alias("figures"),
        pl.coalesce(pl.col("address").str.extract(_NUMBER), pl.col("address").str.extract(_NUMBER_WITHIN)).alias(
            "number"
        ),
        _joined(_list(_telling(pl.col("address").str.replace(_NUMBER, " "))).list.sort()).alias("street"),
    )
    town = _list(_telling(pl.col("town").fill_null("")))
    frame = frame.with_columns(
        _list(pl.col("_words").str.replace_all(r"<\w+>", " ")).list.set_difference(town).list.sort().alias("_core"),
        pl.col("_words").str.contains_any([f" {word} " for word in words().moving]).alias("moves"),
        pl.col("_words").str.extract_all(r"<\w+>").list.unique().list.sort().alias("labels"),
    )
    frame = frame.with_columns(
        # A place may have the name of its town and no other.
        pl.when(pl.col("labels").list.len() > 0)
        .then(_joined(pl.col("_core")))
        .otherwise(pl.coalesce(_joined(pl.col("_core")), _joined(_list(pl.col("name")).list.sort())))
        .alias("core"),
        _joined(pl.col("_core").list.set_difference(words().common).list.sort()).alias("rare"),
    ).drop("_core", "_words")
    return frame.with_columns(_shared(name) for name in ("phone", "email", "national", "point"))


def _plain(column: pl.Expr) -> pl.Expr:
    """Words without case, accents and punctuation, abbreviations written out, a space before, between and after."""
    # U+FFFD stands where a letter was lost on the way: the rest of the word still tells which it is.
    folded = column.str.replace_all("\ufffd", "").str.normalize("NFKD").str.replace_all(_MARKS, "").str.to_lowercase()
    folded = folded.str.replace_many(list(_LIGATURES), list(_LIGATURES.values()))
    known = words().written_out
    # Two spaces between words, so that each has its own on both sides.
    wide = pl.concat_str(pl.lit(" "), folded.str.replace_all(_APART, "  ").str.strip_chars(), pl.lit(" "))
    out = wide.str.replace_many([f" {word} " for word in known], [f" {text} " for text in known.values()])
    return _some(out.str.replace_all(r" +", " "))


def _telling(column: pl.Expr) -> pl.Expr:
    empty = [f" {word} " for word in words().empty]
    return column.str.replace_all(" ", "  ").str.replace_many(empty, [" "] * len(empty))


def _labelled(column: pl.Expr) -> pl.Expr:
    """What says what a place is, however it is written, becomes a word of its own between angle brackets."""
    ways = {f" {'  '.join(way.split())} ": f" <{label}> " for label, ways in words().labels.items() for way in ways}
    longest = sorted(ways, key=lambda way: (-len(way), way))
    wide = pl.concat_str(pl.lit(" "), column.str.replace_all(" +", "  ").str.strip_chars(), pl.lit(" "))
    return wide.str.replace_many(longest, [ways[way] for way in longest], leftmost=True)


def _list(column: pl.Expr) -> pl.Expr:
    return column.str.split(" ").list.filter(pl.element() != "")


def _joined(column: pl.Expr) -> pl.Expr:
    return _some(column.list.join(" "))


def _some(column: pl.Expr) -> pl.Expr:
    return pl.when(column.str.strip_chars() != "").then(column)


def _first(column: pl.Expr) -> pl.Expr:
    return column.str.split("|").list.first().str.strip_chars()


def _host(column: pl.Expr) -> pl.Expr:
    host = column.str.to_lowercase().str.extract(r"^(?:[a-z]+://)?(?:www\.)?([^/:?#\s]+\.[a-z]{2,})")
    return pl.when(~host.is_in(words().hosts)).then(host)


def _before_postcode(column: pl.Expr) -> pl.Expr:
    """An address without the postcode and town that some write behind it."""
    return column.str.replace(r"^(.{4,}?)[\s,]+\d{5}\s+\p{L}.*$", "$1")


def _town(column: pl.Expr) -> pl.Expr:
    return _some(_plain(column).str.replace(r" cedex( \d+)? $", " "))


def _point(point: Geometry | None) -> list[pl.Expr]:
    if point is None:
        none = pl.lit(None, pl.Float64)
        return [none.alias("y"), none.alias("x"), pl.lit(None, pl.String).alias("point")]
    y, x = (pl.col(name).cast(pl.Float64, strict=False) for name in (point.latitude, point.longitude))
    real = y.is_between(-90, 90) & x.is_between(-180, 180) & ((y != 0) | (x != 0))
    spot = pl.concat_str([y.round(5).cast(pl.String), x.round(5).cast(pl.String)], separator=" ")
    return [pl.when(real).then(y).alias("y"), pl.when(real).then(x).alias("x"), pl.when(real).then(spot).alias("point")]


def _towns_inferred(frame: pl.DataFrame) -> pl.DataFrame:
    """Where a row gives no town: the one of its postcode that its name or address names, else the only one known."""
    open_ = frame.filter(pl.col("town").is_null() & pl.col("postcode").is_not_null())
    if not open_.height:
        return frame
    known = frame.filter(pl.col("town").is_not_null()).select("country", "postcode", _known="town").unique()
    met = open_.select(ROW, "country", "postcode", "name", "address").join(known, on=["country", "postcode"])
    said = pl.concat_str([pl.col("name").fill_null(""), pl.col("address").fill_null("")])
    named = met.filter(said.str.contains(pl.col("_known"), literal=True) | (pl.len().over(ROW) == 1))
    chosen = named.sort(ROW, pl.col("_known").str.len_chars(), "_known", descending=[False, True, False]).unique(
        ROW, keep="first", maintain_order=True
    )
    return (
        frame.join(chosen.select(ROW, "_known"), on=ROW, how="left", maintain_order="left")
        .with_columns(pl.coalesce("town", "_known").alias("town"))
        .drop("_known")
    )


def _shared(name: str) -> pl.Expr:
    often = pl.len().over(PARTNER, name) > SHARED
    return (pl.col(name).is_not_null() & often).alias(f"shared_{name}")
