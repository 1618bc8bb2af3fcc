"""What the tests of sources/ are made of: scripted answers, tables, and where partners' real files are."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glane.text import Text
from schemas.dataset import Table, TableLine
from sources.declaration import Source
from sources.fetch.http import Patience

CSV = b"Nom;Ville\nFablab;Angers\n"
HASTY = Patience(attempts=3, wait_first=0.01, wait_max=0.02, connect=2, read=2, whole=20, bytes_max=1024**2)
"""For tests: what fails is tried again at once, and given up soon."""

Declare = Callable[..., Source]
"""The fixture `declare`."""

REAL = Path(os.environ.get("GLANE_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


@dataclass(frozen=True)
class Answer:
    """What the server says to one request: `cut` closes the connection after that many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Server:
    """A server that gives its answers in order, the last one for ever; `asked` holds the requests' headers."""

    url: str
    answers: list[Answer]
    asked: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Site:
    """A server that gives one answer an address; `asked` holds the addresses and headers of the requests."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def json(self, path: str, value: object, headers: Mapping[str, str] | None = None) -> None:
        """Answer `path` with a JSON value."""
        self.answers[path] = Answer(body=json.dumps(value).encode(), headers=headers or {})

    @property
    def paths(self) -> list[str]:
        """The addresses that were asked, in order."""
        return [path for path, _ in self.asked]


def table(
    *fields: str, key: str | None = "id", lists: Mapping[str, tuple[str, ...]] | None = None, **line: Any
) -> Table:
    """A table of text fields; `lists` are its term lists by name."""
    schema: dict[str, Any] = {"fields": [{"name": name, "type": "string"} for name in fields]}
    if key:
        schema["primaryKey"] = key
    text = Text(fr="Lieux", en="Sites")
    accepted = dict(lists or {})
    declared = TableLine(name="sites", title=text, description=text, **line)
    return Table(declared, schema, Path("sites.schema.json"), accepted, {name: {} for name in accepted})
