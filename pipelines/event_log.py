"""Dagster's event log on SQLite, its databases kept open between events.

Belongs here: that one storage class, which dagster.yaml names. Does not belong here: what the events say.

Dagster's own makes an engine and a connection for every statement, and whoever closes a database last writes its
journal back: a run of sixty sources has 900 events, and half of its time went into opening and closing (measured:
bench/harvest.py). What is written, and where, is the same: the stock class reads it, and the other way round.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

# Named so in Dagster's own documentation of dagster.yaml: there is no other door to it.
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine, event

_INDEX = "index"
_KEPT = 8
_WAIT_SECONDS = 60


class OpenSqliteEventLog(SqliteEventLogStorage):
    """The stock storage with the engines of the shards (one a run, and the index) that were used last kept."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._engines_lock = Lock()
        super().__init__(*arguments, **named)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "OpenSqliteEventLog":
        """As Dagster makes it from its settings."""
        return cls(inst_data=inst_data, **config_value)

    def run_connection(self, run_id: str | None = None) -> Any:
        """A connection to the events of one run."""
        return self._kept(str(run_id), super().run_connection)

    def index_connection(self) -> Any:
        """A connection to what is looked up across runs."""
        return self._kept(_INDEX, lambda _: super(OpenSqliteEventLog, self).index_connection())

    def dispose(self) -> None:
        """Close them all."""
        super().dispose()
        with self._engines_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    @contextmanager
    def _kept(self, shard: str, begin: Any) -> Iterator[Connection]:
        with self._engines_lock:
            engine = self._engines.get(shard)
            if engine is None:
                # The stock connection makes the database on its first use.
                with begin(shard):
                    pass
                engine = self._engines[shard] = _engine(self.conn_string_for_shard(shard))
                if len(self._engines) > _KEPT:
                    self._engines.popitem(last=False)[1].dispose()
            self._engines.move_to_end(shard)
        with engine.begin() as connection:
            yield connection


def _engine(address: str) -> Engine:
    engine = create_engine(address, connect_args={"timeout": _WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def _opened(connection: Any, _record: object) -> None:
        # What SQLite advises beside its WAL journal: a power cut may cost the last events, never the database.
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine
