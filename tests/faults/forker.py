"""Publishers as processes of their own that can really be killed: forked from one that has imported everything.

Run as a program it takes jobs, one JSON line each, and forks a child for each. Belongs here: the child's work and its
end. Does not belong here: what is asked of it (scenario.py).
"""

import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glane.errors import GlaneError
from glane.store import DiskError

CHECKOUT = Path(__file__).parents[2]

Work = Callable[[Mapping[str, Any], Callable[[str], None]], Mapping[str, Any]]
"""What a child does: from its job, and what it is to tell lines to, to what it gives."""


@dataclass(frozen=True)
class Ended:
    """How a child ended: `killed` by SIGKILL; what it `said` until then; its `outcome`: "done" with what it gave, or
    an error's class, words and remedy."""

    killed: bool
    said: tuple[str, ...]
    outcome: Mapping[str, Any]

    @property
    def error(self) -> str | None:
        """The class of the error that ended it."""
        return self.outcome.get("error")


class Forker:
    """A process that forks children; one at a time. Use two for two publishers at once."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forker"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._log: Path | None = None

    def start(self, job: Mapping[str, Any], log: Path) -> int:
        """Fork a child for `job`, which writes what it says to `log`; gives its process id. It waits for go()."""
        log.unlink(missing_ok=True)
        self._log = log
        return int(self._tell(json.dumps({**job, "log": str(log)})))

    def go(self) -> None:
        """Let the child begin."""
        assert self._server.stdin is not None
        self._server.stdin.write("go\n")

    def wait(self) -> Ended:
        """Wait until the child has ended."""
        assert self._server.stdout is not None
        assert self._log is not None
        status = int(self._server.stdout.readline())
        lines = self._log.read_text("utf-8").splitlines() if self._log.exists() else []
        outcome: dict[str, Any] = {}
        if lines and lines[-1].startswith("{"):
            outcome = json.loads(lines.pop())
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert killed or outcome, f"the child ended with {status}: {lines}"
        return Ended(killed, tuple(lines), outcome)

    def run(self, job: Mapping[str, Any], log: Path, started: Callable[[int], None] = lambda pid: None) -> Ended:
        """Fork a child for `job`, tell `started` its process id, let it begin, wait for its end."""
        started(self.start(job, log))
        self.go()
        return self.wait()

    def stop(self) -> None:
        """End the process."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(30)
        self._server.stdout.close()

    def _tell(self, line: str) -> str:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(line + "\n")
        return self._server.stdout.readline()


@contextmanager
def forking() -> Iterator[Forker]:
    """A Forker, stopped at the end."""
    forker = Forker()
    try:
        yield forker
    finally:
        forker.stop()


def _serve(work: Mapping[str, Work]) -> None:
    for line in sys.stdin:
        job = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(writing)
                os.read(reading, 1)
                _child(work[job["do"]], job)
                code = 0
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                os._exit(code)
        os.close(reading)
        print(pid, flush=True)
        sys.stdin.readline()
        os.write(writing, b"!")
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        print(status, flush=True)


def _child(work: Work, job: Mapping[str, Any]) -> None:
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def say(line: str) -> None:
        os.write(log, (line + "\n").encode())

    try:
        outcome = work(job, say)
    except (GlaneError, OSError) as raised:
        # As the command line tells it.
        error = DiskError(raised) if isinstance(raised, OSError) else raised
        outcome = {"error": type(error).__name__, "what": error.what, "remedy": error.remedy}
    finally:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    say(json.dumps(outcome))


if __name__ == "__main__":
    from tests.faults.work import WORK

    _serve(WORK)
