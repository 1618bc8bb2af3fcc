"""The list of cleaners by name, as `clean:` in a source.yaml writes them.

Belongs here: the names. Does not belong here: any cleaner; each stands in the module of its subject.
"""

from collections.abc import Mapping
from types import MappingProxyType

from sources.clean.addresses import email, emails, url, urls
from sources.clean.context import Cleaner
from sources.clean.coordinates import coordinate
from sources.clean.dates import date_fr, date_iso, year
from sources.clean.hours import hours
from sources.clean.identifiers import siren, siret
from sources.clean.phones import phone, phones
from sources.clean.places import commune, commune_current, country2, country3
from sources.clean.postcodes import insee, postcode
from sources.clean.text import html, text
from sources.clean.values import boolean_fr, brand, number

CLEANERS: Mapping[str, Cleaner] = MappingProxyType(
    {
        cleaner.__name__: cleaner
        for cleaner in (
            boolean_fr,
            brand,
            commune,
            commune_current,
            coordinate,
            country2,
            country3,
            date_fr,
            date_iso,
            email,
            emails,
            hours,
            html,
            insee,
            number,
            phone,
            phones,
            postcode,
            siren,
            siret,
            text,
            url,
            urls,
            year,
        )
    }
)
