"""What dataset.yaml expects of a version, as asset checks in Dagit.

Belongs here: which checks a dataset has, and their results with what was expected and observed. Does not belong here:
judging (schemas/expectations), holding a version back (publish/holding.py).
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from pipelines.catalogue import BrokenDataset, Entry
from publish.holding import approve_command
from publish.waiting import Waits
from schemas.expectations.declaration import Effect
from schemas.expectations.judging import expected_of
from schemas.expectations.outcome import Outcome


def expectation_specs(entry: Entry, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """One check of the asset `key` for each answer that judging the dataset's tables gives."""
    return [dg.AssetCheckSpec(name, asset=key, description=about) for name, about in _expected(entry).items()]


def expectation_results(
    entry: Entry, key: dg.AssetKey, outcomes: Sequence[Outcome], waits: Waits | None = None
) -> Iterator[dg.AssetCheckResult]:
    """The result of each of these checks; `waits` is what they hold back, if they do. One that was declared after the
    version was made waits for the next one."""
    by_name = {outcome.name: outcome for outcome in outcomes}
    for name in _expected(entry):
        outcome = by_name.get(name)
        if outcome is None:
            said = "Declared after the current version was made: the next version is judged by it."
            yield dg.AssetCheckResult(asset_key=key, check_name=name, passed=True, description=said)
            continue
        held = waits is not None and (outcome.stops or outcome.asks)
        approve = approve_command(entry.name, waits.hash) if waits is not None and held and waits.hash else None
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.WARN if outcome.severity == "show" else dg.AssetCheckSeverity.ERROR,
            description=f"Expected {outcome.expected.en}; observed {outcome.observed.en}."
            + (f" It waits for a steward: {approve}" if approve else "")
            + ("" if outcome.passed or held or outcome.severity == "show" else " A steward approved it."),
            metadata={
                "expected": outcome.expected.en,
                "observed": outcome.observed.en,
                "if it is not met": _EFFECTS[outcome.severity],
                "compared with a version before": outcome.compared,
                **{name.replace("_", " "): float(figure) for name, figure in outcome.figures.items()},
                **({"hash": waits.hash or "", "approve": approve} if waits is not None and approve else {}),
            },
        )


_EFFECTS: Mapping[Effect, str] = {
    "stop": "the version is held back until the data or the declaration changes",
    "ask": "the version waits until a steward approves it",
    "show": "it is shown, and the version goes out",
}


def _expected(entry: Entry) -> dict[str, str]:
    """The checks of a dataset by name, and what each is about; none where its declaration cannot be used."""
    if isinstance(entry.dataset, BrokenDataset):
        return {}
    return {name: about for table in entry.dataset.tables for name, about in expected_of(table).items()}
