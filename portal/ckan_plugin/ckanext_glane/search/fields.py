"""What kind each field of the index is, read from the Solr schema that CKAN ships.

Belongs here: the schema's meaning. Does not belong here: what is done with a field of a kind (analysis, storage,
conditions).
"""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

import ckan.config


class Kind(Enum):
    """How a field's values are compared with what is searched."""

    STRING = "string"
    WORDS = "text"
    PLAIN_WORDS = "text_general"
    PIECES = "text_ngram"
    DATE = "date"
    NUMBER = "int"

    @property
    def is_words(self):
        """Whether values are cut into words."""
        return self in (Kind.WORDS, Kind.PLAIN_WORDS)


@dataclass(frozen=True)
class Field:
    """One field of the schema, or the pattern of many (`extras_*`)."""

    pattern: str
    kind: Kind
    stored: bool
    multiple: bool


# All that can be searched is copied here, and a query that names no field searches here.
CATCH_ALL = "text"


def schema_file():
    """Return the path of the Solr schema that CKAN ships."""
    return Path(ckan.config.__file__).parent / "solr" / "schema.xml"


@cache
def _schema():
    root = ElementTree.parse(schema_file()).getroot()
    named, patterns = {}, []
    for element in root.iter():
        if element.tag not in ("field", "dynamicField"):
            continue
        field = Field(
            pattern=element.get("name"),
            kind=Kind(element.get("type")),
            stored=element.get("stored") == "true",
            multiple=element.get("multiValued") == "true",
        )
        if element.tag == "field":
            named[field.pattern] = field
        else:
            patterns.append(field)
    copied = [copy.get("source") for copy in root.iter("copyField") if copy.get("dest") == CATCH_ALL]
    return named, patterns, [CATCH_ALL, *copied]


@cache
def field(name):
    """Return what the schema says of the field `name`; patterns are tried in the schema's order, as Solr does."""
    named, patterns, _ = _schema()
    return named.get(name) or next(one for one in patterns if _matches(one.pattern, name))


@cache
def is_caught(name):
    """Tell whether the words of the field `name` are found by a query that names no field."""
    return any(_matches(pattern, name) for pattern in _schema()[2])


def _matches(pattern, name):
    if pattern.startswith("*"):
        return name.endswith(pattern[1:])
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return pattern == name
