"""What became of an answer on its way to a partner: a value that the run's summary and Dagster's log tell.

Belongs here: that value. Does not belong here: the channels (mail/, the portal's deposit), nor who calls them
(answering.py).
"""

from dataclasses import dataclass

from glane.errors import GlaneError


@dataclass(frozen=True)
class Delivery:
    """What one channel did for one source in one run, in sentences for the steward, and what it could not do.

    Where `partner` is empty it is about the channel as a whole. What could not be done is tried again in the next run.
    `sent` are the bytes that it took.
    """

    dataset: str
    partner: str
    done: tuple[str, ...] = ()
    problems: tuple[GlaneError, ...] = ()
    sent: int = 0
