"""What dataset.yaml expects of a version, as asset checks in Dagit.

Belongs here: which checks a dataset has, and their results with what was expected and observed. Does not belong here:
judging (schemas/expectations), holding a version back (publish/holding.py).
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from pipelines.catalogue import BrokenDataset, Entry
from schemas.expectations.judging import expected_of
from schemas.expectations.outcome import Outcome


def expectation_specs(entry: Entry, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """One check of the asset `key` for each answer that judging the dataset's tables gives."""
    return [dg.AssetCheckSpec(name, asset=key, description=about) for name, about in _expected(entry).items()]


def expectation_results(entry: Entry, key: dg.AssetKey, outcomes: Sequence[Outcome]) -> Iterator[dg.AssetCheckResult]:
    """The result of each of these checks. One that was declared after the version was made waits for the next one."""
    by_name = {outcome.name: outcome for outcome in outcomes}
    for name in _expected(entry):
        outcome = by_name.get(name)
        if outcome is None:
            said = "Declared after the current version was made: the next version is judged by it."
            yield dg.AssetCheckResult(asset_key=key, check_name=name, passed=True, description=said)
            continue
        stops = outcome.severity == "stop"
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN,
            description=f"Expected {outcome.expected.en}; observed {outcome.observed.en}.",
            metadata={
                "expected": outcome.expected.en,
                "observed": outcome.observed.en,
                "if it is not met": "the version is held back" if stops else "it is shown, and the version goes out",
                "compared with a version before": outcome.compared,
                **{name.replace("_", " "): float(figure) for name, figure in outcome.figures.items()},
            },
        )


def _expected(entry: Entry) -> dict[str, str]:
    """The checks of a dataset by name, and what each is about; none where its declaration cannot be used."""
    if isinstance(entry.dataset, BrokenDataset):
        return {}
    return {name: about for table in entry.dataset.tables for name, about in expected_of(table).items()}
