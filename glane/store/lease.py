"""The writer's lock of a store on S3: an object that only one process can create.

It is made with `If-None-Match: *`, written again every few seconds while its holder lives, and removed at the end. One
that has not been written for a while belongs to a process that is dead: it is taken over, on condition that it is
still the one that was looked at. How old it is, S3 says, by its own clock: ours may be wrong.

Belongs here: taking, keeping and letting go. Does not belong here: what is done meanwhile. The lock spares writers
work that would be lost; that two cannot both win is up to the list (publish/version.py), even where the lock fails.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from glane.store.bucket import Bucket
from glane.store.contract import OvertakenError, StoreError

KEY = ".writer.lock"
DEAD_AFTER = 30.0
"""Seconds without a sign of life after which a holder is taken for dead."""
_BEAT = 8.0
_LOOK = 0.5


@contextmanager
def hold(bucket: Bucket) -> Iterator[None]:
    """Hold the lock of the store in `bucket`; waits for its holder. Raises StoreError."""
    lease = _Lease(bucket)
    lease.take()
    stop = threading.Event()
    beating = threading.Thread(target=lease.keep, args=(stop,), name="writer's lock", daemon=True)
    beating.start()
    try:
        yield
    finally:
        stop.set()
        beating.join()
        # Whatever went wrong inside is what is told; a lock that cannot be removed ends by itself.
        with suppress(StoreError):
            lease.let_go()


class _Lease:
    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._token = uuid.uuid4().hex
        self._etag = ""

    def take(self) -> None:
        while not self._taken():
            time.sleep(_LOOK)
        self._check_conditions()

    def keep(self, stop: threading.Event) -> None:
        """Show that we live until `stop`, or until somebody else holds the lock."""
        while not stop.wait(_BEAT):
            try:
                self._etag = self._write(IfMatch=self._etag)
            except OvertakenError:
                if not self._mine():
                    return
            except StoreError:
                continue

    def let_go(self) -> None:
        if self._mine():
            self._bucket.delete(KEY, IfMatch=self._etag)

    def _mine(self) -> bool:
        """Whether the lock that stands is ours: the answer to our own PUT may have been lost, and the PUT refused when
        it was sent again."""
        found = self._bucket.read(KEY)
        if found is None or self._token.encode() not in found[0]:
            return False
        self._etag = found[1]
        return True

    def _taken(self) -> bool:
        head = self._bucket.head(KEY)
        if head is not None and head.age < DEAD_AFTER:
            return False
        try:
            self._etag = self._write(**({"IfNoneMatch": "*"} if head is None else {"IfMatch": head.etag}))
        except OvertakenError:
            return self._mine()
        return True

    def _check_conditions(self) -> None:
        """A service that takes no notice of conditions would let two writers win: it is refused."""
        for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"0"'}):
            try:
                self._write(**condition)
            except OvertakenError:
                continue
            raise StoreError(
                f"The service that keeps {self._bucket.address} takes no notice of {next(iter(condition))} on a PUT.",
                "Two writers could overwrite each other there. Use one that knows conditional writes (docs/backup.md).",
            )

    def _write(self, **condition: str) -> str:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        holder = f"{socket.gethostname()} process {os.getpid()}"
        said = {"holder": holder, "token": self._token, "at": now, "dead_after_seconds": DEAD_AFTER}
        return self._bucket.put(KEY, (json.dumps(said) + "\n").encode(), **condition)
