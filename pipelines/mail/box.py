"""What was mailed about one source: so that nothing is said twice, and nothing is lost when a run is cut off.

Belongs here: what is remembered, and keeping it. Does not belong here: deciding what to mail (planning.py).

    mail/<dataset>/<partner>/box.json        the problems that were told, the letters that were sent, the one on its way
    mail/<dataset>/<partner>/<key>.eml       the letter on its way, gone once the server has taken it

There is no queue that could go stale: a letter that was not sent is planned anew in the next run, out of what the
store knows then. Only the one whose end is being said to the server is kept whole: if nobody hears the answer, that
very mail is sent once more, under the same number. Every change goes through the store's compare-and-swap, so of two
runs at once one sends it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import Field, ValidationError

from glane.declaration import Declared
from glane.store import Stamp, Store, to_json
from glane.text import Text
from sources.declaration import Source

_DONE_MAX = 500


class Known(Declared):
    """What the partner has been told: the problems that still stand, those that were solved since the last letter, and
    the single occasions (a question, a thank-you) that were answered, with the time."""

    told: dict[str, Text] = Field(default_factory=dict)
    solved: dict[str, Text] = Field(default_factory=dict)
    done: dict[str, str] = Field(default_factory=dict)
    letters: int = 0

    def after(self, at: str, *, occasion: str | None = None, told: Mapping[str, Text] | None = None) -> "Known":
        """What is known once a letter was sent at the time `at` that told the problems `told` (None: spoke of none)."""
        done = dict(self.done)
        if occasion is not None:
            done[occasion] = at
        return Known(
            told=dict(self.told if told is None else told),
            solved=self.solved if told is None else {},
            done=dict(list(done.items())[-_DONE_MAX:]),
            letters=self.letters + 1,
        )


class Handed(Declared):
    """A letter whose end was about to be said to the server: the server may have it. `then` is what is known after."""

    key: str
    kind: str
    to: str
    at: str
    times: int
    then: Known


class Refusal(Declared):
    """An address that the server refused for good."""

    to: str
    at: str
    what: str
    remedy: str


class Box(Declared):
    """All that is remembered of one source's mail."""

    known: Known = Known()
    handed: Handed | None = None
    refused: Refusal | None = None
    mailed_at: str | None = None


@dataclass
class Kept:
    """A box, and what the store had of it when it was read: whoever changes it in between is not overwritten."""

    store: Store
    folder: str
    stamp: Stamp
    box: Box

    @classmethod
    def of(cls, source: Source, store: Store) -> Self:
        """Read the box of `source`; one that cannot be read is an empty one."""
        folder = f"mail/{source.dataset}/{source.partner}"
        stamp = store.look(f"{folder}/box.json")
        try:
            box = Box.model_validate_json(stamp.data) if stamp.data else Box()
        except ValidationError:
            # Damaged, or of another version of Glane: at worst the partner is told once more.
            box = Box()
        return cls(store, folder, stamp, box)

    def keep(self, box: Box) -> None:
        """Keep `box`. Raises OvertakenError where another run changed it meanwhile."""
        if box != self.box:
            self.stamp = self.store.replace(self.stamp, to_json(box.model_dump(mode="json")))
            self.box = box

    def letter_key(self, key: str) -> str:
        """Where a letter on its way is kept."""
        return f"{self.folder}/{key}.eml"
