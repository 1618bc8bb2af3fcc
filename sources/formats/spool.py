"""Records that are kept on the disk while they are worked on: those of a file too large for the memory.

Belongs here: a sequence that reads like a list. Does not belong here: where records come from.
"""

import pickle
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from sources.formats.reading import Record


class Spool(Sequence[Record]):
    """Records in a file without a name, gone with this object; in memory there are two numbers for each, where it
    stands and its line in `lines`, and the one that was asked for last."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        # Not a pickle of somebody else's: written and read by this object alone.
        self._file = tempfile.TemporaryFile(prefix="glane-")  # noqa: SIM115 (closed with the object)
        self._starts = array("Q")
        self.lines = array("Q")
        self._last: tuple[int, Record] | None = None
        self._end = 0
        for record in records:
            self.append(record)

    def append(self, record: Record) -> None:
        """Add a record at the end."""
        data = pickle.dumps((record.line, record.cells), protocol=pickle.HIGHEST_PROTOCOL)
        self._file.seek(self._end)
        self._file.write(data)
        self._starts.append(self._end)
        self.lines.append(record.line)
        self._end += len(data)

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[Record]:
        self._file.flush()
        for start in self._starts:
            yield self._at(start)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        if isinstance(index, slice):
            return [self._at(start) for start in self._starts[index]]
        return self._at(self._starts[index])

    def _at(self, start: int) -> Record:
        # Who asks for one cell of a record asks for the next.
        if self._last is None or self._last[0] != start:
            self._file.seek(start)
            line, cells = pickle.load(self._file)
            self._last = start, Record(line, cells)
        return self._last[1]
