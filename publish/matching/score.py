"""How much speaks for two rows being the same place: points for what agrees, against for what differs.

Belongs here: the weights, and the points of each part of a pair. Does not belong here: which pairs are compared
(candidates.py), which rows become one (cluster.py).

The points are in the manner of Fellegi and Sunter: what agrees speaks for, what differs against, what one of the rows
leaves empty does not speak; what is rare speaks louder than what many have. Their sum is the score.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

Floats = NDArray[np.float32]

PARTS = ("name", "label", "figures", "town", "address", "distance", "phone", "email", "page", "national_id", "kind")
"""What a score is made of, in the order in which it is told."""

_CHUNK = 100_000
_NAME = ((0.0, 0.45, 0.6, 0.75, 0.88, 0.97, 1.0), (-4.0, -4.0, -2.0, 0.5, 3.0, 4.5, 5.0))
_COMMON_NAME = 3.0
_LABEL, _LABEL_ALONE, _OTHER_LABEL, _UNLIKE = 2.5, 4.0, -2.0, -1.5
_NAME_MOST = 5.5
_OTHER_FIGURES = -3.0
_WHOLE = 0.88
_AGAINST = 0.6
_METRES = ((0, 60, 150, 400, 1_000, 3_000, 10_000), (3.0, 3.0, 2.0, 0.5, -0.5, -2.0, -4.0))
_WHERE_MOST = 5.0
_REACHED_MOST = 4.5
_DEGREE = 111_200.0
_COMPARED = (
    *("words", "core", "rare", "labels", "moves", "figures", "street", "number", "country", "postcode", "town"),
    *("town_code", "y", "x", "phone", "email", "host", "national", "kind"),
    *("shared_phone", "shared_email", "shared_national", "shared_point"),
)


def scored(told: pl.DataFrame, pairs: pl.DataFrame, *, least: float = -math.inf) -> pl.DataFrame:
    """The `pairs` (`a`, `b`: rows of `told`) with the points of each part, `score`, `alike` (of the names, 0 to 1),
    `metres` between them, and `against`: the names or their figures say that these are two, whatever else agrees.
    Pairs of less than `least` points are left out."""
    compared = told.select(_COMPARED)
    starts = range(0, max(pairs.height, 1), _CHUNK)
    return pl.concat([_chunk(compared, pairs.slice(at, _CHUNK)).filter(pl.col("score") >= least) for at in starts])


@dataclass(frozen=True)
class _Called:
    """What the names say of pairs: the points of the name and of the label, how alike, and whether they are two."""

    name: Floats
    label: Floats
    alike: Floats
    against: NDArray[np.bool_]


def _chunk(compared: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    one, other = compared[pairs["a"]], compared[pairs["b"]]
    both = pl.concat([one, other.rename(lambda name: f"{name}_2")], how="horizontal")
    plain = both.select(_figures(), _town(), _phone(), _email(), _page(), _national(), _kind(), _metres(), _known())
    called = _called(one, other, both.select(_label())["label"].to_numpy())
    address = _addresses(one, other)
    metres = plain["metres"].to_numpy()
    near = np.where(np.isnan(metres), 0.0, np.interp(metres, *_METRES))
    vague = (one["shared_point"] | other["shared_point"]).to_numpy()
    near = np.where(vague, np.clip(near / 4, -1.0, 0.5), near)
    # An address and its point say the same thing twice, and so do the ways to reach a place.
    near = np.where(address > 0, np.minimum(near, _WHERE_MOST - address), near)
    phone, email = plain["phone"].to_numpy(), plain["email"].to_numpy()
    email = np.where(phone > 0, np.minimum(email, _REACHED_MOST - phone), email)
    page = np.minimum(plain["page"].to_numpy(), _REACHED_MOST - np.maximum(phone, 0) - np.maximum(email, 0))
    points: dict[str, NDArray[Any]] = {"name": called.name, "label": called.label, "address": address}
    points |= {"distance": near, "email": email, "page": page}
    frame = pl.concat([pairs, plain.drop("email", "page")], how="horizontal").with_columns(
        *(pl.Series(key, values, dtype=pl.Float64).round(2) for key, values in points.items()),
        pl.Series("alike", called.alike, dtype=pl.Float64).round(3),
        pl.Series("against", called.against),
    )
    return frame.select(
        *("a", "b", *PARTS),
        pl.sum_horizontal(PARTS).round(2).alias("score"),
        "alike",
        pl.col("metres").round(0).fill_nan(None),
        ((pl.col("against") | (pl.col("figures") <= _OTHER_FIGURES)) & ~pl.col("known")).alias("against"),
    )


def _ratio(one: Sequence[str], other: Sequence[str], *, within: bool = False) -> Floats:
    scorer = fuzz.token_set_ratio if within else fuzz.ratio
    return (process.cpdist(one, other, scorer=scorer) / 100).astype(np.float32)


def _texts(column: pl.Series) -> list[str]:
    return column.fill_null("").to_list()


def _called(one: pl.DataFrame, other: pl.DataFrame, label: Floats) -> _Called:
    silent = (one["core"].is_null() | other["core"].is_null()).to_numpy()
    common = (one["rare"].is_null() & other["rare"].is_null()).to_numpy()
    alike = _names(one, other)
    name = np.interp(alike, *_NAME)
    name = np.where(common, np.minimum(name, _COMMON_NAME), name)
    name = np.where(silent, np.where(label == 0, _UNLIKE, 0.0), name)
    name = np.where(label > 0, np.minimum(name, _NAME_MOST - label), name)
    against = np.where(silent, label <= 0, alike < _AGAINST) | (label < 0)
    # A slip of the pen in "France Servises" hides what the place is: then the whole name tells.
    whole = _ratio(_texts(one["words"]), _texts(other["words"]))
    points = np.minimum(np.interp(whole, *_NAME), np.where(silent | common, _LABEL_ALONE, _NAME_MOST))
    told = (whole >= _WHOLE) & (label >= 0) & (points > name + label)
    return _Called(
        name=np.where(told, points, name).astype(np.float32),
        label=np.where(told, 0.0, label).astype(np.float32),
        alike=np.where(told | silent, whole, alike).astype(np.float32),
        against=against & ~told,
    )


def _names(one: pl.DataFrame, other: pl.DataFrame) -> Floats:
    """How alike the names are: all of their words, and those that are not in many names more so."""
    whole = _ratio(_texts(one["core"]), _texts(other["core"]))
    a, b = _texts(one["rare"]), _texts(other["rare"])
    short = np.minimum([len(text) for text in a], [len(text) for text in b])
    alike = np.where(short > 0, (whole + _ratio(a, b)) / 2, whole)
    # "Le Kaléidoscope" is within "Les Copeaux numériques, Le Kaléidoscope".
    return np.where(short > 3, np.maximum(alike, 0.93 * _ratio(a, b, within=True)), alike).astype(np.float32)


def _addresses(one: pl.DataFrame, other: pl.DataFrame) -> Floats:
    a, b = _texts(one["street"]), _texts(other["street"])
    short = np.minimum([len(text) for text in a], [len(text) for text in b])
    alike = np.where(short > 9, np.maximum(_ratio(a, b), 0.95 * _ratio(a, b, within=True)), _ratio(a, b))
    same = (one["number"] == other["number"]).fill_null(value=False).to_numpy()
    neither = (one["number"].is_null() & other["number"].is_null()).to_numpy()
    one_number = (one["number"].is_null() ^ other["number"].is_null()).to_numpy()
    near = np.select([same, neither, one_number], [4.0, 3.0, 2.5], default=0.5)
    half = np.select([same], [2.0], default=0.0)
    points = np.select([short == 0, alike >= 0.85, alike >= 0.7, alike >= 0.55], [0.0, near, half, -1.0], default=-2.0)
    return points.astype(np.float32)


def _label() -> pl.Expr:
    said = (pl.col("labels").list.len() > 0) & (pl.col("labels_2").list.len() > 0)
    same = pl.col("labels").list.set_intersection("labels_2").list.len() > 0
    alone = pl.col("core").is_null() & pl.col("core_2").is_null()
    agreed = pl.when(alone).then(_LABEL_ALONE).otherwise(_LABEL)
    moves = pl.col("moves") != pl.col("moves_2")
    return (
        pl.when(moves.fill_null(value=False))
        .then(_OTHER_LABEL)
        .when(said & same)
        .then(agreed)
        .when(said)
        .then(_OTHER_LABEL)
        .otherwise(0.0)
        .alias("label")
    )


def _figures() -> pl.Expr:
    a, b = pl.col("figures").fill_null(""), pl.col("figures_2").fill_null("")
    return pl.when(a == b).then(0.0).when((a == "") | (b == "")).then(-0.5).otherwise(_OTHER_FIGURES).alias("figures")


def _town() -> pl.Expr:
    same_code, same_town = pl.col("town_code") == pl.col("town_code_2"), pl.col("town") == pl.col("town_2")
    same_post, same_area = (
        pl.col("postcode") == pl.col("postcode_2"),
        pl.col("postcode").str.head(2) == pl.col("postcode_2").str.head(2),
    )
    points = (
        pl.when(same_code | same_town)
        .then(1.0)
        .when(same_town.is_not_null())
        .then(-1.5)
        .when(~same_code)
        .then(-1.5)
        .otherwise(0.0)
    )
    posted = pl.when(same_post).then(0.5).when(same_area).then(-0.5).when(~same_area).then(-4.0).otherwise(0.0)
    a, b = pl.col("country"), pl.col("country_2")
    abroad = pl.when((a != b) & (a != "") & (b != "")).then(-6.0).otherwise(0.0)
    return (points + posted + abroad).alias("town")


def _agree(name: str, same: float, shared: float, other: float) -> pl.Expr:
    """Points for the same value, for one that a partner repeats, and for another value."""
    a, b = pl.col(name), pl.col(f"{name}_2")
    repeated = pl.col(f"shared_{name}") | pl.col(f"shared_{name}_2")
    return pl.when(a == b).then(pl.when(repeated).then(shared).otherwise(same)).when(a != b).then(other).otherwise(0.0)


def _phone() -> pl.Expr:
    return _agree("phone", 3.0, 0.5, -0.5).alias("phone")


def _email() -> pl.Expr:
    return _agree("email", 2.5, 0.5, -0.3).alias("email")


def _page() -> pl.Expr:
    a, b = pl.col("host"), pl.col("host_2")
    return pl.when(a == b).then(1.0).when(a != b).then(-0.3).otherwise(0.0).alias("page")


def _national() -> pl.Expr:
    a, b = pl.col("national"), pl.col("national_2")
    # A SIRET is its organisation's SIREN (nine digits) and the number of one of its places.
    kin = (a.str.head(9) == b.str.head(9)) & (a.str.len_chars() == 14) & (b.str.len_chars() == 14)
    points = pl.when((a != b) & kin).then(-0.5).otherwise(_agree("national", 4.0, 1.0, -2.5))
    return points.alias("national_id")


def _known() -> pl.Expr:
    """The same id, and not one that a partner gives to many."""
    many = pl.col("shared_national") | pl.col("shared_national_2")
    return ((pl.col("national") == pl.col("national_2")).fill_null(value=False) & ~many).alias("known")


def _kind() -> pl.Expr:
    common = pl.col("kind").list.set_intersection("kind_2").list.len()
    return pl.when(common > 0).then(0.5).when(common == 0).then(-0.5).otherwise(0.0).alias("kind")


def _metres() -> pl.Expr:
    north = (pl.col("y") - pl.col("y_2")) * _DEGREE
    east = (pl.col("x") - pl.col("x_2")) * _DEGREE * ((pl.col("y") + pl.col("y_2")) / 2).radians().cos()
    return (north.pow(2) + east.pow(2)).sqrt().fill_null(float("nan")).alias("metres")
