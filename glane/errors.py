"""What every error of Glane is: a sentence that says what is wrong, and a remedy.

Belongs here: the base classes, and the exit code each kind of error gives the command line (design: 0 done,
1 the data is wrong, 2 the call is wrong, 3 the world failed). Does not belong here: errors of one room, which
stand in that room and derive from one of these.
"""


class GlaneError(Exception):
    """Something a person can act on: `what` is wrong (one sentence), and the `remedy` (what to do)."""

    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


class DataError(GlaneError):
    """The data is wrong: a file, a row, a cell."""

    exit_code = 1


class CallError(GlaneError):
    """The call or a declaration is wrong: an argument, a key of a YAML file, a setting."""

    exit_code = 2


class WorldError(GlaneError):
    """The world failed: network, portal, disk. The same call may succeed later."""

    exit_code = 3
