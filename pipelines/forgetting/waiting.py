"""What a forgetting that was cut off asks of whoever looks this morning.

Belongs here: that one line of the list. Does not belong here: going on with it (whole.py).
"""

from collections.abc import Iterator

from glane.store import Store
from pipelines.forgetting.plan import PlanError, pending
from pipelines.today_sources import Waiting
from schemas.dataset import Dataset


def of_forgetting(dataset: Dataset, store: Store) -> Iterator[Waiting]:
    """The forgetting that did not come to its end; its line names nobody."""
    command = f"glane forget {dataset.name} --yes"
    try:
        plan = pending(store, dataset.name)
    except PlanError as error:
        yield Waiting("forgetting", dataset.name, f"{error.what} {error.remedy}", "who runs Glane", None, command)
        return
    if plan is not None:
        why = "A person is to be forgotten, and that was cut off: their data may still stand in places."
        yield Waiting("forgetting", dataset.name, why, plan.by, plan.person.at, command)
