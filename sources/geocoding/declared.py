"""Geocoding as a source declares it: which of our fields make the address, who is asked, what is believed.

Belongs here: the models of `geocode:` of source.yaml. Does not belong here: asking (services.py), deciding (points.py).
"""

from typing import Literal

from pydantic import Field, model_validator

from glane.declaration import Declared

_ADDRESS = r"^https?://\S+$"


class Service(Declared):
    """A service that finds points for addresses.

    by csv: a file of addresses is sent to `url` as a form and comes back with columns, as Addok's /search/csv/ and the
    Géoplateforme do; `insee` codes are sent as `citycode`. by address: one request for each address, to `url` with
    {address} (and {insee}) filled in, answered with JSON; `latitude`, `longitude`, `score`, `precision` and `label` are
    the paths of the best answer in it (as GeoJSON, unless they are declared).
    `batch` is how many addresses go in one file, `gap` the seconds between two requests, `headers` and `private` are as
    under where:.
    """

    url: str = Field(pattern=_ADDRESS)
    by: Literal["csv", "address"] = "address"
    latitude: str = "features.0.geometry.coordinates.1"
    longitude: str = "features.0.geometry.coordinates.0"
    score: str | None = None
    precision: str | None = None
    label: str | None = None
    batch: int = Field(default=1000, ge=1, le=10_000)
    gap: float = Field(default=1.0, ge=0, le=60)
    headers: dict[str, str] = Field(default_factory=dict)
    private: bool = False

    @model_validator(mode="after")
    def _to_be_filled(self) -> "Service":
        if self.by == "address" and "{address}" not in self.url:
            raise ValueError("'url' has to hold {address}, where the address is written")
        return self


GEOPLATEFORME = Service(url="https://data.geopf.fr/geocodage/search/csv", by="csv", gap=0.1)
"""France's national service (IGN, on the Base Adresse Nationale), open and without a key: 50 requests a second."""


class Geocode(Declared):
    """Points for rows that have none, found by their address; a partner's own coordinates are never touched.

    `address` are the fields (ours) whose texts are sent, in their order, and `insee` the one whose code holds the
    search to its commune; nothing else of a row leaves. `only` says which rows are asked for ({pays: [FR]}).
    An answer below `threshold`, or whose precision is none of `accept` (any, where that is empty), is a question to
    the partner, and the point stays empty. `score` and `precision` name the fields that keep them, where the table has
    such. An answer is asked for again after `refresh_days`, or never. `at_most` addresses are sent in one run.
    """

    address: list[str] = Field(min_length=1)
    insee: str | None = None
    only: dict[str, list[str]] = Field(default_factory=dict)
    service: Literal["geoplateforme"] | Service = "geoplateforme"
    threshold: float = Field(default=0.7, ge=0, le=1)
    accept: list[str] = Field(default_factory=lambda: ["housenumber", "street", "locality"])
    score: str | None = None
    precision: str | None = None
    refresh_days: int | None = Field(default=None, ge=1)
    at_most: int = Field(default=5000, ge=1)

    @model_validator(mode="after")
    def _can_be_doubted(self) -> "Geocode":
        asked = self.asked
        if asked.by == "address" and asked.score is None and not (asked.precision and self.accept):
            raise ValueError("a service without 'score' needs its 'precision', and 'accept' to say which are believed")
        return self

    @property
    def asked(self) -> Service:
        """The service itself."""
        return GEOPLATEFORME if isinstance(self.service, str) else self.service

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field of ours that this reads or fills, beside the point."""
        more = [name for name in (self.insee, self.score, self.precision) if name is not None]
        return tuple(dict.fromkeys([*self.address, *more, *self.only]))
