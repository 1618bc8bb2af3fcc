"""Brings each partner its answer by the channels that are declared, once its source has been taken in.

Belongs here: which channels there are, and that what goes wrong on one harms neither rows nor the other channels.
Does not belong here: the answer (schemas/report.py), nor any of the channels. The report in the store needs none:
intake.py keeps it.

A channel is told of every intake of a run and gives a Delivery for each source that it has something to say of. What
it could not deliver is a problem with its remedy, and the channel's to try again in the next run: it keeps in the
store what it must remember.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from glane.errors import GlaneError
from glane.store import DiskError, Store
from pipelines.catalogue import Entry
from pipelines.delivery import Delivery
from pipelines.depositing import deposit_answers
from pipelines.intake import Intake
from pipelines.mail.channel import mail_answers
from pipelines.settings import PortalSettings, Settings

Channel = Callable[[Entry, Sequence[Intake], Store], Iterator[Delivery]]


def channels_of(settings: Settings, find_portal: Callable[[], PortalSettings | None]) -> tuple[Channel, ...]:
    """The channels that the settings know. `find_portal` is for those that need one, asked when they deliver."""
    return (partial(deposit_answers, find_portal=find_portal), partial(mail_answers, smtp=settings.smtp))


def answer(entry: Entry, intakes: Sequence[Intake], store: Store, channels: Sequence[Channel]) -> Iterator[Delivery]:
    """Deliver the answers to all sources of a dataset that a run took in. Nothing that the world does raises."""
    for channel in channels:
        try:
            yield from channel(entry, intakes, store)
        except GlaneError as error:
            yield Delivery(entry.name, "", problems=(error,))
        except OSError as error:
            yield Delivery(entry.name, "", problems=(DiskError(error),))
