"""`glane`: the command line. This face only starts it and turns errors into words and exit codes.

Belongs here: main. Does not belong here: the commands, one module each. They import what they need when they run, so
that `glane --help` answers at once and `glane check` never waits for Dagster.
"""

import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from glane.errors import GlaneError

TRACE = "GLANE_TRACE"


def main() -> None:
    """Run the command line: 0 done, 1 the data is wrong, 2 the call is wrong, 3 the world, or Glane itself, failed."""
    from glane.errors import GlaneError
    from glane.store import DiskError
    from pipelines.cli.app import app

    try:
        app(prog_name="glane")
    except GlaneError as error:
        _end(error)
    except BrokenPipeError:
        # The reader of our output has enough (`glane ... | head`); Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _end(DiskError(error))
    except Exception as error:
        # Python's own exit code for this is 1, which would say that the data is wrong.
        if os.environ.get(TRACE):
            traceback.print_exc()
        at = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        print(f"glane: Glane itself failed: {said} ({Path(at.filename).name}, line {at.lineno}).", file=sys.stderr)
        print(f"Run it again with {TRACE}=1, and send what is printed to Glane's developers.", file=sys.stderr)
        raise SystemExit(3) from error


def _end(error: "GlaneError") -> NoReturn:
    print(f"glane: {error.what}", file=sys.stderr)
    if error.remedy:
        print(error.remedy, file=sys.stderr)
    sys.exit(error.exit_code)
